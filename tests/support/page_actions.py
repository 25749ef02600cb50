"""What tests of several pages do on them, as an administrator would."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from addon.store.records import RunRecord
from tests.support.small_school import TENANT
from tests.support.world import World

JSON = dict[str, Any]


def read_directory(world: World, client: FlaskClient) -> None:
    """Has the directory read, and waits for it."""
    assert world.ready(client, "/personer").status_code == 200


def turn_on(
    world: World, client: FlaskClient, vendor: str, mode: str = "live", **values: Any
) -> TestResponse:
    """Says yes to a mode, waits for the first run, and gives the vendor's page after it."""
    world.clock.ahead += 10  # a run that is asked for sooner is the same one
    path = f"/leverantorer/{vendor}/lage/{mode}"
    answer = world.send(client, world.ready(client, path), path, **values)
    assert answer.status_code == 302, world.text(answer)
    world.wait_for_tasks()
    return world.ready(client, answer.location)


def run(world: World, client: FlaskClient) -> None:
    """Has a run made, some seconds after any earlier one, and waits for its end."""
    world.clock.ahead += 10
    page = world.ready(client, "/korningar")
    assert world.send(client, page, "/korningar/nu").status_code == 302
    world.wait_for_tasks()


def connection(world: World, vendor: str) -> JSON:
    """The connection to a vendor, as it is stored."""
    return next(c for c in world.stored_document()["connections"] if c["vendor"] == vendor)


def mode_of(world: World, vendor: str) -> str:
    """The mode of the connection to a vendor."""
    return str(connection(world, vendor).get("mode", "off"))


def add_unit(world: World, code: str, name: str, **more: Any) -> None:
    """Adds a school unit to the document of a school that is not begun yet, or imports it."""
    world.document["schoolUnits"].append({"code": code, "name": name, **more})


def end_run(world: World, status: str, report: bytes | None = None) -> None:
    """Has a run ended like this just now."""
    now = world.clock()
    world.store.save_run(
        RunRecord(f"29990101T000000Z-{status[:6]}", TENANT, now, status, now, report)
    )

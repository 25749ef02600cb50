"""What tests do on the pages, as an administrator would."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from addon.store.records import RunRecord
from tests.support.small_school import TENANT
from tests.support.world import World

JSON = dict[str, Any]


def read_directory(world: World, client: FlaskClient) -> None:
    """Have the directory read, and wait for it."""
    assert world.ready(client, "/personer").status_code == 200


def turn_on(
    world: World, client: FlaskClient, vendor: str, mode: str = "live", **values: Any
) -> TestResponse:
    """Confirm a mode, wait for the first run, and return the vendor's page after it."""
    world.clock.ahead += 10  # a run that is asked for sooner is the same one
    path = f"/leverantorer/{vendor}/lage/{mode}"
    answer = world.send(client, world.ready(client, path), path, **values)
    assert answer.status_code == 302, world.text(answer)
    world.wait_for_tasks()
    return world.ready(client, answer.location)


def run(world: World, client: FlaskClient) -> None:
    """Start a run some seconds after any earlier one, and wait for its end."""
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
    """Add a school unit to the document of a world, before it is imported."""
    world.document["schoolUnits"].append({"code": code, "name": name, **more})


def end_run(world: World, status: str, report: bytes | None = None) -> None:
    """Store a run that has just ended like this."""
    now = world.clock()
    world.store.save_run(
        RunRecord(f"29990101T000000Z-{status[:6]}", TENANT, now, status, now, report)
    )


def read_again(world: World, client: FlaskClient) -> None:
    """Read the directory again, as by the button at the foot of each page."""
    world.send(client, client.get("/installningar"), "/katalog/las")
    world.wait_for_tasks()


def location(response: TestResponse) -> str:
    """The address that a page redirects to."""
    assert response.status_code == 302, response.text
    found = response.location
    assert found is not None
    return found

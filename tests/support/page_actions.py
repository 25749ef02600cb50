"""What tests of several pages do on them, as an administrator would."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from addon.store.records import RunRecord
from tests.support.installation import TENANT
from tests.support.site import Site

JSON = dict[str, Any]


def read_directory(site: Site, client: FlaskClient) -> None:
    """Has the directory read, and waits for it."""
    assert site.ready(client, "/personer").status_code == 200


def turn_on(
    site: Site, client: FlaskClient, vendor: str, mode: str = "live", **values: Any
) -> TestResponse:
    """Says yes to a mode, waits for the first run, and gives the vendor's page after it."""
    site.clock.ahead += 10  # a run that is asked for sooner is the same one
    path = f"/leverantorer/{vendor}/lage/{mode}"
    answer = site.send(client, site.ready(client, path), path, **values)
    assert answer.status_code == 302, site.read(answer)
    site.tasks()
    return site.ready(client, answer.location)


def run(site: Site, client: FlaskClient) -> None:
    """Has a run made, some seconds after any earlier one, and waits for its end."""
    site.clock.ahead += 10
    page = site.ready(client, "/korningar")
    assert site.send(client, page, "/korningar/nu").status_code == 302
    site.tasks()


def connection(site: Site, vendor: str) -> JSON:
    """The connection to a vendor, as it is stored."""
    return next(c for c in site.document()["connections"] if c["vendor"] == vendor)


def mode_of(site: Site, vendor: str) -> str:
    """The mode of the connection to a vendor."""
    return str(connection(site, vendor).get("mode", "off"))


def add_unit(site: Site, code: str, name: str, **more: Any) -> None:
    """Adds a school unit to the document of a site that is not begun yet, or imports it."""
    site.installation.document["schoolUnits"].append({"code": code, "name": name, **more})


def end_run(site: Site, status: str, report: bytes | None = None) -> None:
    """Has a run ended like this just now."""
    now = site.clock()
    site.store.save_run(
        RunRecord(f"29990101T000000Z-{status[:6]}", TENANT, now, status, now, report)
    )

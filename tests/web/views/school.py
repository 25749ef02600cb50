"""The small school of the page tests on the move: turned on, delivered to, changed."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.installation import PUPILS, TENANT, address
from tests.support.site import Site

UNIT = "12345678"
HELD, UNREAD = 3, 4


def turn_on(site: Site, *vendors: str, **values: Any) -> None:
    """Has the vendors be live."""
    for vendor in vendors or ("all", "some"):
        site.installation.connection(vendor, **{"mode": "live", **values})


def deliver(site: Site, status: int = 0) -> None:
    """A run, ended by this."""
    ran = site.installation.run("sync", TENANT)
    assert ran.status == status, ran


def read_again(site: Site, client: FlaskClient) -> None:
    """Has the directory be read anew for the pages, as by the button at the foot of each."""
    site.send(client, client.get("/installningar"), "/katalog/las")
    site.tasks()


def user_id(site: Site, given: str, family: str) -> str:
    """The Workspace id of somebody."""
    user = site.installation.domain.find_user(address(given, family))
    assert user is not None
    found: str = user["id"]
    return found


def hold(site: Site, status: int = HELD) -> None:
    """Has four pupils of class 7A leave after a first delivery, which is one too many."""
    deliver(site)
    site.installation.forget_requests()
    site.installation.leave(*PUPILS["7A"][:4])
    deliver(site, status)


def location(response: TestResponse) -> str:
    """Where a page sends on to."""
    assert response.status_code == 302, response.text
    found = response.location
    assert found is not None
    return found

"""The small school of the page tests on the move: turned on, delivered to, changed."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.small_school import PUPILS, TENANT, address, leave
from tests.support.world import World

UNIT = "12345678"
HELD, UNREAD = 3, 4


def turn_on(world: World, *vendors: str, **values: Any) -> None:
    """Has the vendors be live."""
    for vendor in vendors or ("all", "some"):
        world.change_connection(vendor, **{"mode": "live", **values})


def deliver(world: World, status: int = 0) -> None:
    """A run, ended by this."""
    ran = world.run("sync", TENANT)
    assert ran.status == status, ran


def read_again(world: World, client: FlaskClient) -> None:
    """Has the directory be read anew for the pages, as by the button at the foot of each."""
    world.send(client, client.get("/installningar"), "/katalog/las")
    world.wait_for_tasks()


def user_id(world: World, given: str, family: str) -> str:
    """The Workspace id of somebody."""
    user = world.domain.find_user(address(given, family))
    assert user is not None
    found: str = user["id"]
    return found


def hold(world: World, status: int = HELD) -> None:
    """Has four pupils of class 7A leave after a first delivery, which is one too many."""
    deliver(world)
    world.forget_requests()
    leave(world, *PUPILS["7A"][:4])
    deliver(world, status)


def location(response: TestResponse) -> str:
    """Where a page sends on to."""
    assert response.status_code == 302, response.text
    found = response.location
    assert found is not None
    return found

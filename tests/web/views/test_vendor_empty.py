"""Emptying the test environment, by itself or as the vendor is turned on; and what must be decided
before anything is sent.
"""

import pytest

from addon.planning.ledger import LedgerKey
from tests.support.page_actions import mode_of, turn_on
from tests.support.page_content import form_of
from tests.support.small_school import DOMAIN, TENANT

LIVE = "/leverantorer/all/lage/live"
EMPTY = "/leverantorer/all/tom-testmiljon"
GROUP = f"skyddade@{DOMAIN}"


def tried(world, client):
    """The vendor in test mode, after its first run."""
    turn_on(world, client, "all", "test")
    assert len(world.vendor("all", "test").held("User")) == 16
    world.clock.ahead += 10


def test_going_live_empties_the_test_environment_unless_one_says_no(world, client):
    tried(world, client)
    page = world.ready(client, LIVE)
    assert "Ta samtidigt bort 16 konton i testmiljön" in world.text(page)
    answer = world.send(client, page, LIVE)
    world.wait_for_tasks()
    assert "Allt ni har i testmiljön hos All tas bort nu." in world.text(
        client.get(answer.location)
    )
    assert world.vendor("all", "test").held("User") == {}
    assert len(world.vendor("all").held("User")) == 16
    assert mode_of(world, "all") == "live"
    assert world.store.audit_entries(TENANT, 1)[0].what == "vendor.emptied"


def test_what_was_left_in_the_test_environment_is_seen_and_can_be_removed_later(world, client):
    tried(world, client)
    answer = world.send(client, world.ready(client, LIVE), LIVE, empty=None)
    world.wait_for_tasks()
    assert len(world.vendor("all", "test").held("User")) == 16
    page = world.ready(client, answer.location)
    assert "16 konton i testmiljön uppdateras inte." in world.text(page)
    assert f'href="{EMPTY}"' in page.text
    page = client.get(EMPTY)
    assert "16 konton i testmiljön hos All tas bort. Skarpt läge påverkas inte." in world.text(page)
    assert world.send(client, page, EMPTY).status_code == 302
    world.wait_for_tasks()
    assert world.vendor("all", "test").held("User") == {}
    assert len(world.vendor("all").held("User")) == 16
    assert mode_of(world, "all") == "live"
    assert "Ni har inget i testmiljön hos All." in world.text(client.get(EMPTY))


def test_a_vendor_that_is_being_tried_is_not_emptied(world, client):
    tried(world, client)
    page = client.get(EMPTY)
    assert "så det som finns i testmiljön uppdateras" in world.text(page)
    token = form_of(world.ready(client, LIVE), LIVE)["csrf_token"]
    assert client.post(EMPTY, data={"csrf_token": token}).status_code == 400
    world.wait_for_tasks()
    assert len(world.vendor("all", "test").held("User")) == 16


@pytest.mark.parametrize("mode", ["test", "live"])
def test_nothing_is_turned_on_before_it_is_decided_who_is_protected(world, client, mode):
    world.domain.add_group({"email": GROUP, "name": "Skyddad identitet"}, [f"bo.ek@{DOMAIN}"])
    path = f"/leverantorer/all/lage/{mode}"
    page = world.ready(client, path)
    said = world.text(page)
    assert f"Det verkar finnas personer med skyddade personuppgifter här: {GROUP}" in said
    assert 'href="/skyddade"' in page.text
    assert f'action="{path}"' not in page.text
    form = form_of(world.ready(client, "/skyddade"), "/skyddade")
    answer = client.post(path, data={"csrf_token": form["csrf_token"], "mark": "x"})
    assert answer.status_code == 400
    assert mode_of(world, "all") == "off"

    world.send(client, world.ready(client, "/skyddade"), "/skyddade", **{"protected-group": None})
    world.wait_for_tasks()
    turn_on(world, client, "all", mode)
    assert mode_of(world, "all") == mode
    key = LedgerKey(TENANT, "all", mode)
    assert world.store.ledger(key).people() == 16

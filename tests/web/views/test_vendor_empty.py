"""Emptying the test environment, by itself or as the vendor is turned on; and what must be decided
before anything is sent.
"""

import pytest

from addon.planning.ledger import LedgerKey
from tests.support.installation import DOMAIN, TENANT
from tests.support.page_actions import mode_of, turn_on
from tests.support.site import form_of

LIVE = "/leverantorer/all/lage/live"
EMPTY = "/leverantorer/all/tom-testmiljon"
GROUP = f"skyddade@{DOMAIN}"


def tried(site, client):
    """The vendor in test mode, after its first run."""
    turn_on(site, client, "all", "test")
    assert len(site.installation.test.held("User")) == 16
    site.clock.ahead += 10


def test_going_live_empties_the_test_environment_unless_one_says_no(site, client):
    tried(site, client)
    page = site.ready(client, LIVE)
    assert "Ta samtidigt bort 16 konton i testmiljön" in site.read(page)
    answer = site.send(client, page, LIVE)
    site.tasks()
    assert "Allt ni har i testmiljön hos All tas bort nu." in site.read(client.get(answer.location))
    assert site.installation.test.held("User") == {}
    assert len(site.installation.all.held("User")) == 16
    assert mode_of(site, "all") == "live"
    assert site.store.audit_entries(TENANT, 1)[0].what == "vendor.emptied"


def test_what_was_left_in_the_test_environment_is_seen_and_can_be_removed_later(site, client):
    tried(site, client)
    answer = site.send(client, site.ready(client, LIVE), LIVE, empty=None)
    site.tasks()
    assert len(site.installation.test.held("User")) == 16
    page = site.ready(client, answer.location)
    assert "16 konton i testmiljön hålls inte aktuella." in site.read(page)
    assert f'href="{EMPTY}"' in page.text
    page = client.get(EMPTY)
    assert "16 konton i testmiljön hos All tas bort. Skarpt läge påverkas inte." in site.read(page)
    assert site.send(client, page, EMPTY).status_code == 302
    site.tasks()
    assert site.installation.test.held("User") == {}
    assert len(site.installation.all.held("User")) == 16
    assert mode_of(site, "all") == "live"
    assert "Ni har inget i testmiljön hos All." in site.read(client.get(EMPTY))


def test_a_vendor_that_is_being_tried_is_not_emptied(site, client):
    tried(site, client)
    page = client.get(EMPTY)
    assert "så det som finns i testmiljön hålls aktuellt" in site.read(page)
    token = form_of(site.ready(client, LIVE), LIVE)["csrf_token"]
    assert client.post(EMPTY, data={"csrf_token": token}).status_code == 400
    site.tasks()
    assert len(site.installation.test.held("User")) == 16


@pytest.mark.parametrize("mode", ["test", "live"])
def test_nothing_is_turned_on_before_it_is_decided_who_is_protected(site, client, mode):
    site.installation.domain.add_group(
        {"email": GROUP, "name": "Skyddad identitet"}, [f"bo.ek@{DOMAIN}"]
    )
    path = f"/leverantorer/all/lage/{mode}"
    page = site.ready(client, path)
    said = site.read(page)
    assert f"Det verkar finnas personer med skyddade personuppgifter här: {GROUP}" in said
    assert 'href="/skyddade"' in page.text
    assert f'action="{path}"' not in page.text
    form = form_of(site.ready(client, "/skyddade"), "/skyddade")
    answer = client.post(path, data={"csrf_token": form["csrf_token"], "mark": "x"})
    assert answer.status_code == 400
    assert mode_of(site, "all") == "off"

    site.send(client, site.ready(client, "/skyddade"), "/skyddade", **{"protected-group": None})
    site.tasks()
    turn_on(site, client, "all", mode)
    assert mode_of(site, "all") == mode
    key = LedgerKey(TENANT, "all", mode)
    assert site.store.ledger(key).people() == 16

"""Winding up: what is logged of it, and what cannot be removed."""

from addon.tasks.base import TaskQueueError
from tests.support.page_actions import mode_of, turn_on
from tests.support.page_content import form_of
from tests.support.small_school import ADMIN, TENANT

PATH = "/leverantorer/all/avveckla"


def without_key(world, mode):
    """The installation as it is when a key has been taken out of its settings."""
    del world.environ[f"SKOLSYNK_ALL_{mode.upper()}_KEY"]
    world.restart_application()
    return world.sign_in()


def test_who_asked_for_it_is_the_one_who_turned_it_off(world, client):
    turn_on(world, client, "all")
    world.send(client, client.get(PATH), PATH, name="All")
    world.wait_for_tasks()
    assert world.vendor("all").held("User") == {}
    assert mode_of(world, "all") == "off"
    newest = world.store.audit_entries(TENANT, 2)
    assert {(e.what, e.who) for e in newest} == {
        ("vendor.mode", ADMIN),
        ("vendor.withdrawn", ADMIN),
    }


def test_when_it_cannot_begin_the_page_says_what_is_done_and_what_is_not(
    world, client, monkeypatch
):
    turn_on(world, client, "all")

    def refuse(task):
        raise TaskQueueError("away")

    monkeypatch.setattr(world.services.queue(), "enqueue", refuse)
    said = world.text(client.get(world.send(client, client.get(PATH), PATH, name="All").location))
    assert "Det gick inte att börja, så inget har tagits bort." in said
    assert "All är av så länge." in said
    assert mode_of(world, "all") == "off"
    assert [e.what for e in world.store.audit_entries(TENANT, 1)] == ["vendor.mode"]


def test_what_is_not_set_up_cannot_be_confirmed(world, client):
    turn_on(world, client, "all")
    form = form_of(client.get(PATH), PATH)
    client = without_key(world, "live")
    page = client.get(PATH)
    said = world.text(page)
    assert "Det går inte ännu: anslutningen till All är inte klar i Skolsynk." in said
    assert "tas bort hos All" not in said
    assert f'action="{PATH}"' not in page.text
    token = form_of(page, "/sprak")["csrf_token"]
    answer = client.post(PATH, data={**form, "csrf_token": token, "name": "All"})
    assert answer.status_code == 400
    world.wait_for_tasks()
    assert mode_of(world, "all") == "live"
    assert "vendor.withdrawn" not in [e.what for e in world.store.audit_entries(TENANT, 9)]


def test_what_can_be_removed_is_removed_though_the_rest_cannot(world, client):
    turn_on(world, client, "all", "test")
    turn_on(world, client, "all", empty=None)
    client = without_key(world, "test")
    page = client.get(PATH)
    said = world.text(page)
    assert "16 personers konton tas bort hos All" in said
    assert "16 konton i testmiljön (går inte att ta bort ännu)" in said
    assert "Ta bort det som går hos All" in said
    answer = world.send(client, page, PATH, name="All")
    assert "Allt ni har i skarpt läge hos All tas bort nu." in world.text(
        client.get(answer.location)
    )
    world.wait_for_tasks()
    assert world.vendor("all").held("User") == {}
    assert len(world.vendor("all", "test").held("User")) == 16

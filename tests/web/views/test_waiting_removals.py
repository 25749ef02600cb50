"""Removals that wait for evidence, and protection that has ended: explained and answered."""

import pytest

from tests.support.page_actions import location, read_again
from tests.support.small_school import PUPILS, TENANT, address, deliver, leave, set_live, user_id

PAGE = "/sparrar"
ANSWER = "/sparrar/vantar"
GONE = PUPILS["7A"][0]


@pytest.fixture
def world(world):
    set_live(world, "all", "some")
    return world


def miss(world, *names):
    """Some pupils are missing, and Google does not answer about them."""
    deliver(world)
    for name in names or (GONE,):
        number = user_id(world, *name)
        leave(world, name)
        world.directory.fail(f"users/{number}", times=None)
    deliver(world)


def shown(world, client):
    read_again(world, client)
    for _ in range(100):
        page = client.get(PAGE)
        world.wait_for_tasks()
        if "vantar" in page.text:
            return page
    raise AssertionError("nothing waits")


def there(world, vendor):
    return {each["userName"] for each in world.vendor(vendor).held("User").values()}


def answered(world, client, page, **values):
    answer = world.send(client, page, ANSWER, **values)
    said = world.text(client.get(location(answer)))
    world.wait_for_tasks()
    return said


def test_what_waits_is_told_by_school_with_why_and_when_it_is_decided(world, client):
    miss(world)
    said = world.text(shown(world, client))
    assert "Inget är spärrat, men borttagningar väntar på besked från Google." in said
    assert "Google har inte bekräftat att det är borta" in said
    assert "Norra skolan 1 20" in said
    assert "Vid nästa läsning efter 20" in said
    assert "All: 1 person" in said
    assert "Some: 1 person" in said


def test_a_yes_removes_exactly_those_at_each_vendor(world, client):
    miss(world)
    assert address(*GONE) in there(world, "all")
    page = shown(world, client)
    other = PUPILS["7B"][0]
    world.directory.fail(f"users/{user_id(world, *other)}", times=None)
    leave(world, other)
    said = answered(world, client, page, accepted="1")
    assert "Godkänt. Det skickas till All och Some nu." in said
    for vendor in ("all", "some"):
        assert address(*GONE) not in there(world, vendor)
        assert address(*other) in there(world, vendor)
    entries = world.store.audit_entries(TENANT, 9)
    assert sorted(e.subject for e in entries if e.what == "removal.approved") == ["all", "some"]
    deliver(world)
    assert address(*GONE) not in there(world, "all")


def test_who_is_back_before_the_run_is_not_removed_by_a_yes(world, client):
    number = user_id(world, *GONE)
    miss(world)
    page = shown(world, client)
    world.services.queue().stop()
    answer = world.send(client, page, ANSWER, accepted="1")
    assert answer.status_code == 302
    world.directory.clear_failures()
    world.domain.restore_user(number)
    world.domain.move_user(address(*GONE), "/Elever/7A")
    deliver(world)
    deliver(world)
    assert address(*GONE) in there(world, "all")


def test_nothing_is_approved_unseen_or_when_it_has_changed(world, client):
    miss(world)
    page = shown(world, client)
    assert "Kryssa för att du har sett" in answered(world, client, page)
    said = answered(world, client, page, accepted="1", token="0")
    assert "Det som väntar har ändrats sedan sidan visades." in said
    assert address(*GONE) in there(world, "all")
    assert "removal.approved" not in [e.what for e in world.store.audit_entries(TENANT, 9)]


def test_the_preview_leads_to_the_answer(world, client):
    miss(world)
    page = world.ready(client, "/forhandsgranska")
    assert 'href="/sparrar#vantar"' in page.text


def test_when_nothing_waits_nothing_is_asked(world, client):
    deliver(world)
    world.ready(client, "/personer")
    assert "vantar" not in client.get(PAGE).text


def test_ended_protection_is_answered_on_the_same_page(world, client):
    deliver(world)
    world.domain.move_user(address(*GONE), "/Skyddade")
    deliver(world)
    world.domain.move_user(address(*GONE), "/Elever/7A")
    deliver(world)
    band = client.get("/installningar")
    assert 'href="/sparrar#upphort"' in band.text
    page = client.get(PAGE)
    said = world.text(page)
    assert "Skyddet har upphört för 1 person. Det väntar på ditt beslut." in said
    answer = world.send(client, page, "/skyddade/slapp", who="all", seen="1")
    assert location(answer) == PAGE
    assert "1 person är släppt" in world.text(client.get(PAGE))
    deliver(world)
    assert address(*GONE) in there(world, "all")

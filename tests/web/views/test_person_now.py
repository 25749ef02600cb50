"""Skicka nu: one person is sent at once, under the rules of every run."""

import pytest

from addon.store.records import Namespace, RunRecord
from addon.sync.protected_set import protect
from addon.tasks.base import TaskQueueError
from addon.web.send_now import MOST, SAME_PERSON
from tests.support.page_actions import location, read_directory
from tests.support.small_school import (
    HIDDEN,
    PUPILS,
    TENANT,
    address,
    cause_hold,
    deliver,
    person,
    set_live,
    user_id,
)

TORVALD, SIGBRITT = PUPILS["7A"][:2]
NEW = ("Nya", "Eleven")


@pytest.fixture
def world(world):
    set_live(world, "all")
    deliver(world)
    return world


@pytest.fixture
def client(world, client):
    read_directory(world, client)
    return client


def path_of(world, *name):
    return f"/personer/{user_id(world, *name)}"


def page_of(world, client, *name):
    return world.ready(client, path_of(world, *name))


def sent(world, client, *name):
    """Ask that somebody is sent, and return the page that follows."""
    action = f"{path_of(world, *name)}/skicka"
    answer = world.send(client, page_of(world, client, *name), action)
    assert answer.status_code == 302
    world.wait_for_tasks()
    return world.ready(client, location(answer))


def newcomer(world, client):
    """Somebody whom the pages' directory has and no vendor."""
    world.domain.add_user(person(*NEW, "/Elever/7A"))
    world.clock.ahead += 10
    page = world.ready(client, "/personer")
    world.send(client, page, "/katalog/las")
    world.wait_for_tasks()
    world.ready(client, "/personer")


def test_who_is_sent_is_said_to_be_with_the_time(world, client):
    newcomer(world, client)
    said = world.text(sent(world, client, *NEW))
    assert "Skickad till All 20" in said
    assert "Personen finns hos All." in said
    assert any(
        each["userName"] == address(*NEW) for each in world.vendor("all").held("User").values()
    )
    assert world.store.audit_entries(TENANT, 1)[0].what == "person.sent"
    accesses = [entry.what for entry in world.store.access_entries(TENANT, 5)]
    assert "person.sent" in accesses


def test_who_is_there_already_is_said_to_be_and_nothing_is_sent(world, client):
    world.forget_requests()
    said = world.text(sent(world, client, *TORVALD))
    assert "All har redan de senaste uppgifterna." in said
    assert world.requests == []


def test_a_part_of_the_page_follows_the_request(world, client):
    page = page_of(world, client, *TORVALD)
    answer = world.send(client, page, f"{path_of(world, *TORVALD)}/skicka")
    asked = answer.location.partition("begard=")[2].partition("#")[0]
    state = f"{path_of(world, *TORVALD)}/skickas?begard={asked}"
    accesses = len(world.store.access_entries(TENANT, 50))
    part = world.ready(client, state, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "Personen skickas." in part.text or "har redan" in part.text
    assert "Skickad till" not in part.text
    assert len(world.store.access_entries(TENANT, 50)) == accesses
    assert client.get(state).status_code == 302


@pytest.mark.parametrize("given", ["", "x", "99999999999999", "0", "<b>"])
def test_another_address_follows_nothing(world, client, given):
    page = world.ready(client, path_of(world, *TORVALD), query_string={"begard": given})
    assert 'id="skickas"' not in page.text
    assert "Skicka nu" in page.text


def test_a_hold_stops_what_it_stops_for_one_person_too(world, client):
    cause_hold(world)
    world.forget_requests()
    gone = PUPILS["7B"][0]
    world.domain.suspend(address(*gone))
    before = len(world.vendor("all").held("User"))
    said = world.text(sent(world, client, *PUPILS["7A"][5]))
    assert "Inget skickades till All. Det finns en spärr där, och den kan gälla personen." in said
    assert len(world.vendor("all").held("User")) == before


def test_a_vendor_that_refuses_is_said_to(world, client):
    newcomer(world, client)
    world.vendor("all").fail(422, times=None, method="POST", endpoint="Users")
    assert "All tog inte emot uppgifterna." in world.text(sent(world, client, *NEW))


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("running", "Personen skickas."),
        ("unread", "Väntar hos All: katalogen kunde inte läsas. Nästa körning försöker igen."),
        ("done", "Väntar hos All: andra leveranser går före."),
    ],
)
def test_what_a_run_came_to_is_told(world, client, monkeypatch, status, said):
    page = page_of(world, client, *TORVALD)
    monkeypatch.setattr(world.services.queue(), "enqueue", lambda task: True)
    answer = world.send(client, page, f"{path_of(world, *TORVALD)}/skicka")
    assert "Personen skickas." in world.text(world.ready(client, location(answer)))
    asked = answer.location.partition("begard=")[2].partition("#")[0]
    now = world.clock()
    ended = None if status == "running" else now
    run = RunRecord("r9", TENANT, now, status, ended, parent="r9", request=asked)
    world.store.save_run(run)
    assert said in world.text(world.ready(client, location(answer)))


def test_a_refusal_that_rests_is_not_said_to_be_there(world, client):
    newcomer(world, client)
    world.vendor("all").fail(422, times=None, method="POST", endpoint="Users")
    sent(world, client, *NEW)
    world.clock.ahead += 2 * SAME_PERSON
    said = world.text(sent(world, client, *NEW))
    assert "All tog inte emot uppgifterna." in said
    assert "har redan" not in said


def test_nobody_is_sent_in_a_pause(world, client):
    page = page_of(world, client, *TORVALD)
    world.document["schedule"] = {"pause": {"from": "2020-01-01", "until": "2099-01-01"}}
    world.import_document()
    world.forget_requests()
    action = f"{path_of(world, *TORVALD)}/skicka"
    said = world.text(world.ready(client, location(world.send(client, page, action))))
    assert "Det är paus, så inget skickas nu." in said
    assert action not in said
    world.wait_for_tasks()
    assert world.requests == []


def test_where_nothing_is_on_there_is_no_button_but_the_reason(world, client):
    set_live(world, "all", mode="off")
    page = page_of(world, client, *TORVALD)
    assert "Ingen leverantör är på, så inget skickas." in world.text(page)
    assert "Skicka nu" not in page.text


def test_who_is_left_out_has_no_button_but_the_reason(world, client):
    user = user_id(world, *TORVALD)
    page = page_of(world, client, *TORVALD)
    world.change_connection("all", **{"except": {"users": [user]}})
    answer = world.send(client, page, f"/personer/{user}/skicka")
    after = world.ready(client, location(answer))
    assert "Personen är undantagen, så inget skickas om personen." in world.text(after)
    assert "Skicka nu" not in after.text


def test_nobody_hears_of_a_protected_person(world, client):
    page = page_of(world, client, *TORVALD)
    hidden = user_id(world, *HIDDEN)
    for user in (hidden, "100000000000000000000"):
        data = {"csrf_token": _token(page)}
        answer = client.post(f"/personer/{user}/skicka", data=data)
        assert answer.status_code == 404
    protect(world.store, TENANT, {user_id(world, *TORVALD)})
    world.forget_requests()
    answer = world.send(client, page, f"{path_of(world, *TORVALD)}/skicka")
    assert answer.status_code == 404
    world.wait_for_tasks()
    assert world.requests == []


def _token(page):
    return page.text.partition('name="csrf_token" value="')[2].partition('"')[0]


def test_a_request_without_its_token_is_refused(world, client):
    answer = client.post(f"{path_of(world, *TORVALD)}/skicka")
    assert answer.status_code in (302, 303, 400)
    assert world.store.audit_entries(TENANT, 1)[0].what != "person.sent"


def test_one_person_is_sent_once_a_minute_and_few_in_all(world, client):
    page = page_of(world, client, *TORVALD)
    action = f"{path_of(world, *TORVALD)}/skicka"
    world.send(client, page, action)
    again = world.ready(client, location(world.send(client, page, action)))
    assert "för mindre än en minut sedan" in world.text(again)
    now = world.clock()
    for n in range(MOST):
        world.store.put(Namespace("send-now", TENANT), f"{n}", b"", now, now + SAME_PERSON)
    other = page_of(world, client, *SIGBRITT)
    answer = world.send(client, other, f"{path_of(world, *SIGBRITT)}/skicka")
    assert "Många har skickats en och en" in world.text(world.ready(client, location(answer)))


def test_a_queue_that_is_away_is_told(world, client, monkeypatch):
    page = page_of(world, client, *TORVALD)

    def away(task):
        raise TaskQueueError("the queue is away")

    monkeypatch.setattr(world.services.queue(), "enqueue", away)
    answer = world.send(client, page, f"{path_of(world, *TORVALD)}/skicka")
    said = world.text(world.ready(client, location(answer)))
    assert "Det gick inte att börja skicka just nu." in said
    assert world.store.audit_entries(TENANT, 1)[0].what != "person.sent"

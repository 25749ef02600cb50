"""Inställningar: each form saved, wrong, and overtaken by another administrator."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from addon.notifications.message_limit import MOST
from addon.tasks.schedule import HOUR, enqueue_runs, window_at
from addon.tenants.pause import LOCAL, today
from tests.support.mail_server import MailServer
from tests.support.page_actions import turn_on
from tests.support.page_content import form_of, text_of
from tests.support.small_school import ADMIN, DELEGATED, DOMAIN, TENANT, small_school_pages
from tests.support.world import World

PAGE = "/installningar"
SCHEDULE, PAUSE, NOTICES, TEST, ADMINISTRATORS = (
    f"{PAGE}/{name}"
    for name in ("schema", "paus", "aviseringar", "provmeddelande", "administratorer")
)
DAY = timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school_pages(tmp_path) as world:
        world.document["administrators"] = [ADMIN, DELEGATED]
        world.import_document()
        yield world


def send(world: World, client: FlaskClient, action: str, **values: Any) -> TestResponse:
    return world.send(client, client.get(PAGE), action, **values)


def lead(world: World, client: FlaskClient) -> str:
    said = re.search(r'<p class="lead">(.*?)</p>', client.get(PAGE).text, re.S)
    assert said is not None
    return text_of(said[1])


def summer(world: World, begins: int = 30, ends: int = 60) -> dict[str, str]:
    """A pause from and until so many days from today."""
    day = today(world.clock())
    return {"from": str(day + begins * DAY), "until": str(day + ends * DAY)}


# Schedule


def test_the_page_says_first_how_often_and_whether_a_pause_is_planned(world: World) -> None:
    client = world.sign_in()
    assert "Ändringar skickas varje timme. Ingen paus är planerad." in lead(world, client)
    send(world, client, SCHEDULE, hours="6")
    dates = summer(world)
    send(world, client, PAUSE, **dates)
    assert "Ändringar skickas var 6:e timme." in lead(world, client)
    assert f"Paus från {dates['from']} till och med {dates['until']}." in lead(world, client)


def test_a_schedule_is_saved_logged_and_can_be_left_to_the_installation(world: World) -> None:
    client = world.sign_in()
    answer = send(world, client, SCHEDULE, hours="24")
    assert answer.location == PAGE
    page = client.get(PAGE)
    assert "Schemat är sparat." in world.text(page)
    assert form_of(page, SCHEDULE)["hours"] == "24"
    assert world.stored_document()["schedule"] == {"hours": 24}
    (entry, *_) = world.store.audit_entries(TENANT, 1)
    assert (entry.who, entry.what) == (ADMIN, "schedule.saved")
    assert [(c.place, c.before, c.after) for c in entry.changes] == [("schedule.hours", None, "24")]
    send(world, client, SCHEDULE, hours="")
    assert world.stored_document().get("schedule", {}) == {}


def test_only_what_makes_runs_fewer_can_be_chosen(tmp_path: Path) -> None:
    with small_school_pages(tmp_path, SKOLSYNK_SCHEDULE_HOURS="4") as world:
        page = world.sign_in().get(PAGE)
        said = world.text(page)
        assert "Så ofta som Skolsynk körs (var 4:e timme) Var 6:e timme Var 8:e timme" in said
        assert "Varannan timme" not in said


@pytest.mark.parametrize("hours", ["5", "-1", "ofta", "6 "])
def test_a_schedule_that_is_none_is_not_saved(world: World, hours: str) -> None:
    answer = send(world, world.sign_in(), SCHEDULE, hours=hours)
    assert answer.status_code == 400
    assert "Välj hur ofta i listan." in world.text(answer)
    assert "schedule" not in world.stored_document()


# Pause


def test_a_pause_is_saved_and_ended(world: World) -> None:
    client = world.sign_in()
    dates = summer(world)
    assert send(world, client, PAUSE, **dates).location == PAGE
    assert world.stored_document()["schedule"]["pause"] == dates
    page = client.get(PAGE)
    assert "Pausen är sparad." in world.text(page)
    assert {name: form_of(page, PAUSE)[name] for name in dates} == dates
    world.send(client, page, PAUSE, do="end")
    assert world.stored_document().get("schedule", {}) == {}
    assert "Pausen är avslutad." in world.text(client.get(PAGE))


@pytest.mark.parametrize(
    ("begins", "ends", "told"),
    [
        ("", "", "Skriv datumet som 2027-06-15."),
        ("15/6", "2099-08-09", "Skriv datumet som 2027-06-15."),
        ("2099-08-09", "2099-06-15", "Pausen slutar innan den börjar."),
        ("2020-06-15", "2020-08-09", "Det datumet har redan varit."),
        ("2099-01-01", "2099-12-31", "En paus får vara högst 200 dagar."),
    ],
)
def test_a_pause_with_wrong_dates_is_not_saved_and_what_was_typed_stays(
    world: World, begins: str, ends: str, told: str
) -> None:
    answer = send(world, world.sign_in(), PAUSE, **{"from": begins, "until": ends})
    assert answer.status_code == 400
    assert told in world.text(answer)
    assert "Inget är sparat ännu" in world.text(answer)
    assert {k: form_of(answer, PAUSE)[k] for k in ("from", "until")} == {
        "from": begins,
        "until": ends,
    }
    assert "schedule" not in world.stored_document()


def test_during_a_pause_every_page_says_so_and_nothing_runs(world: World) -> None:
    client = world.sign_in()
    world.change_connection("all", mode="live")
    dates = summer(world, 0, 20)
    send(world, client, PAUSE, **dates)
    for path in ("/", "/skolenheter", "/leverantorer", "/datakvalitet", "/korningar", PAGE):
        said = world.text(world.ready(client, path))
        assert f"Paus till och med {dates['until']}." in said, path
        assert "Inget körs, inget skickas och inget tas bort." in said, path
    assert f"Det är paus till och med {dates['until']}." in lead(world, client)
    token = form_of(client.get("/korningar"), "/sprak")["csrf_token"]
    answer = client.post("/korningar/nu", data={"csrf_token": token})
    assert "Det är paus, så inget körs." in world.text(client.get(answer.location))
    window = window_at(world.clock() - HOUR, 1)  # whose turn has come
    assert enqueue_runs([TENANT], world.services.queue(), window).enqueued == 1
    world.wait_for_tasks()
    assert not world.requests
    assert not world.store.runs(TENANT)


def test_when_a_pause_is_over_it_is_not_shown_and_can_be_saved_again(world: World) -> None:
    client = world.sign_in()
    send(world, client, PAUSE, **summer(world, 0, 2))
    with world.later(4 * 24 * 3600):
        page = client.get(PAGE)
        assert "Paus till och med" not in world.text(page)
        assert "Avsluta pausen" not in world.text(page)
        assert form_of(page, PAUSE)["from"] != summer(world, -4)["from"]
        assert world.send(client, page, PAUSE, **summer(world)).status_code == 302


def at_noon(world: World, day: date) -> AbstractContextManager[None]:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=LOCAL)
    return world.later(noon.timestamp() - world.clock())


def organisation_is(world: World, name: str) -> None:
    world.document["organisation"] = world.document["organisation"] | {"name": name}
    world.import_document()


def test_a_pause_for_the_summer_is_proposed_and_is_none_until_it_is_saved(world: World) -> None:
    with at_noon(world, date(2027, 3, 1)):
        client = world.sign_in()
        page = client.get(PAGE)
        form = form_of(page, PAUSE)
        assert (form["from"], form["until"]) == ("2027-06-11", "2027-08-02")
        said = world.text(page)
        assert "Vi vet inte när ni har skolavslutning, så vi utgår från 2027-06-11." in said
        assert "Vi vet inte när er hösttermin börjar, så vi utgår från 2027-08-16." in said
        assert "Ingen paus är planerad." in lead(world, client)
        assert world.stored_document().get("schedule", {}) == {}
        world.send(client, page, PAUSE, **{"from": "2027-06-14", "until": form["until"]})
        assert "Paus från 2027-06-14 till och med 2027-08-02." in lead(world, client)
        assert "Vi vet inte" not in world.text(client.get(PAGE))


def test_the_proposal_uses_the_dates_that_the_municipality_has_published(world: World) -> None:
    organisation_is(world, "Upplands Väsby kommun")
    with at_noon(world, date(2027, 3, 1)):
        page = world.sign_in().get(PAGE)
        assert form_of(page, PAUSE)["from"] == "2027-06-08"
        said = world.text(page)
        assert "Skolavslutningen är 2027-06-08 enligt kommunens läsårstider." in said
        assert "Vi vet inte när er hösttermin börjar, så vi utgår från 2027-08-16." in said


@pytest.mark.parametrize(
    ("day", "is_proposed"),
    [
        (date(2027, 5, 10), False),
        (date(2027, 5, 11), True),
        (date(2027, 8, 2), True),
        (date(2027, 8, 3), False),
    ],
)
def test_the_overview_proposes_it_when_it_is_time(
    world: World, day: date, is_proposed: bool
) -> None:
    turn_on(world, world.sign_in(), "all")
    with at_noon(world, day):
        said = world.text(world.sign_in().get("/"))
        assert ("Paus i sommar?" in said) == is_proposed
        assert ("till och med 2027-08-02" in said) == is_proposed


def test_the_overview_proposes_none_when_one_is_planned_or_was(world: World) -> None:
    turn_on(world, world.sign_in(), "all")
    world.document["schedule"] = {"pause": {"from": "2027-06-14", "until": "2027-07-20"}}
    world.import_document()
    for day in (date(2027, 6, 1), date(2027, 7, 1), date(2027, 7, 25)):
        with at_noon(world, day):
            assert "Paus i sommar?" not in world.text(world.sign_in().get("/"))
    with at_noon(world, date(2028, 6, 1)):
        assert "Paus i sommar?" in world.text(world.sign_in().get("/"))


# Notices


def test_notices_are_saved_and_a_test_message_arrives(tmp_path: Path) -> None:
    with (
        MailServer() as mail_server,
        small_school_pages(
            tmp_path,
            SKOLSYNK_MAIL=f"smtp://127.0.0.1:{mail_server.port}",
            SKOLSYNK_MAIL_FROM="skolsynk@skolsynk.example",
        ) as world,
    ):
        client = world.sign_in()
        text = f"it@{DOMAIN}, larm@{DOMAIN}\n it@{DOMAIN}"
        answer = send(world, client, NOTICES, email=text, about=["held", "unread"])
        assert answer.location == PAGE
        assert world.stored_document()["notices"] == {
            "email": [f"it@{DOMAIN}", f"larm@{DOMAIN}"],
            "about": ["held", "unread"],
        }
        page = client.get(PAGE)
        assert form_of(page, NOTICES)["about"] == ["held", "unread"]
        world.send(client, page, TEST)
        assert "Ett provmeddelande är skickat. Titta i inkorgen." in world.text(client.get(PAGE))
        (message,) = mail_server.messages
        for _ in range(MOST):
            world.send(client, page, TEST)
        assert len(mail_server.messages) == MOST
        assert "Högst 10 provmeddelanden skickas i timmen." in world.text(client.get(PAGE))
        with world.later(3601):
            world.send(client, client.get(PAGE), TEST)
        assert len(mail_server.messages) == MOST + 1
        assert message["To"] == f"it@{DOMAIN}, larm@{DOMAIN}"
        assert "Provmeddelande" in message["Subject"]


@pytest.mark.parametrize("weekly", ["summary", "vendors"])
def test_the_weekly_letter_is_chosen_and_given_up(world: World, weekly: str) -> None:
    client = world.sign_in()
    assert form_of(client.get(PAGE), NOTICES)["weekly"] == ""
    send(world, client, NOTICES, email=f"it@{DOMAIN}", about=None, weekly=weekly)
    assert world.stored_document()["notices"]["weekly"] == weekly
    assert form_of(client.get(PAGE), NOTICES)["weekly"] == weekly
    send(world, client, NOTICES, weekly="", about="held")
    assert "weekly" not in world.stored_document()["notices"]
    send(world, client, NOTICES, weekly="daily", about="held")
    assert "weekly" not in world.stored_document()["notices"]


def test_a_test_message_that_does_not_go_says_what_to_do(tmp_path: Path) -> None:
    with small_school_pages(
        tmp_path, SKOLSYNK_MAIL="smtp://127.0.0.1:9", SKOLSYNK_MAIL_FROM="s@skolsynk.example"
    ) as world:
        client = world.sign_in()
        send(world, client, NOTICES, email=f"it@{DOMAIN}", about="held")
        send(world, client, TEST)
        assert "E-postservern svarar inte." in world.text(client.get(PAGE))


def test_where_mail_is_not_set_up_the_page_says_so_and_addresses_can_be_saved(world: World) -> None:
    client = world.sign_in()
    assert "inställd i Skolsynk, så inget skickas än" in world.text(client.get(PAGE))
    send(world, client, NOTICES, email=f"it@{DOMAIN}")
    assert world.stored_document()["notices"]["email"] == [f"it@{DOMAIN}"]
    token = form_of(client.get(PAGE), NOTICES)["csrf_token"]
    client.post(TEST, data={"csrf_token": token})
    said = world.text(client.get(PAGE))
    support = "Skolsynks support (support@skolsynk.se)"
    assert f"E-post är inte inställd i Skolsynk. Det ordnar {support}." in said


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"email": "it@edu.storvik.se larm"}, "Det här är ingen e-postadress: larm"),
        ({"email": "it@edu.storvik.se", "about": None}, "Kryssa för minst en sak"),
    ],
)
def test_notices_that_are_wrong_are_not_saved_and_what_was_typed_stays(
    world: World, form: dict[str, str | None], told: str
) -> None:
    answer = send(world, world.sign_in(), NOTICES, **form)
    assert answer.status_code == 400
    assert told in world.text(answer)
    assert form_of(answer, NOTICES)["email"] == form["email"]
    assert "notices" not in world.stored_document()


def test_notices_can_be_taken_away(world: World) -> None:
    client = world.sign_in()
    send(world, client, NOTICES, email=f"it@{DOMAIN}")
    send(world, client, NOTICES, email="")
    assert "email" not in world.stored_document().get("notices", {})


# Administrators


def test_administrators_are_saved_each_once(world: World) -> None:
    client = world.sign_in()
    send(world, client, ADMINISTRATORS, administrators=f"{ADMIN}\n\n{DELEGATED}; {ADMIN}")
    assert world.stored_document()["administrators"] == [ADMIN, DELEGATED]
    send(world, client, ADMINISTRATORS, administrators="")
    assert "administrators" not in world.stored_document()


@pytest.mark.parametrize(
    ("who", "text", "told"),
    [
        (ADMIN, DELEGATED, "Ta med din egen adress"),
        (DELEGATED, ADMIN, "Ta med din egen adress"),
        (DELEGATED, "", "Ta med din egen adress"),
        (ADMIN, f"{ADMIN} anna", "Det här är ingen e-postadress: anna"),
    ],
)
def test_nobody_locks_themselves_out(world: World, who: str, text: str, told: str) -> None:
    answer = send(world, world.sign_in(who), ADMINISTRATORS, administrators=text)
    assert answer.status_code == 400
    assert told in world.text(answer)
    assert form_of(answer, ADMINISTRATORS)["administrators"] == text
    assert world.stored_document()["administrators"] == [ADMIN, DELEGATED]


# Two administrators at once

FORMS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (SCHEDULE, {"hours": "6"}, {"hours": "12"}),
    (
        PAUSE,
        {"from": "2099-06-15", "until": "2099-08-09"},
        {"from": "2099-06-20", "until": "2099-08-01"},
    ),
    (NOTICES, {"email": "a@storvik.se"}, {"email": "b@storvik.se"}),
    (
        ADMINISTRATORS,
        {"administrators": f"{ADMIN}\n{DELEGATED}\na@{DOMAIN}"},
        {"administrators": f"{ADMIN}\n{DELEGATED}\nb@{DOMAIN}"},
    ),
]
ENTRIES = {
    SCHEDULE: "schemat ändrat",
    PAUSE: "pausen ändrad",
    NOTICES: "aviseringar ändrade",
    ADMINISTRATORS: "administratörer ändrade",
}


@pytest.mark.parametrize(("action", "theirs", "mine"), FORMS)
def test_who_was_slower_is_told_who_saved_what_and_keeps_what_was_typed(
    world: World, action: str, theirs: dict[str, Any], mine: dict[str, Any]
) -> None:
    me, other = world.sign_in(), world.sign_in(DELEGATED)
    page = me.get(PAGE)
    assert send(world, other, action, **theirs).status_code == 302
    elsewhere = next(f for f in FORMS if f[0] != action)
    assert send(world, other, elsewhere[0], **elsewhere[1]).status_code == 302  # not about mine
    answer = world.send(me, page, action, **mine)
    assert answer.status_code == 409
    said = world.text(answer)
    assert "Någon annan har sparat under tiden" in said
    assert f"{DELEGATED} sparade" in said
    assert ENTRIES[action] in said
    assert ENTRIES[elsewhere[0]] not in said
    assert {name: form_of(answer, action)[name].split() for name in mine} == {
        name: value.split() for name, value in mine.items()
    }
    assert world.store.audit_entries(TENANT, 1)[0].who == DELEGATED  # mine is not saved
    assert world.send(me, answer, action).status_code == 302  # having looked, one may
    assert world.store.audit_entries(TENANT, 1)[0].who == ADMIN


def test_two_who_save_different_forms_at_once_are_both_kept(world: World) -> None:
    pages = [(client, client.get(PAGE)) for client in (world.sign_in(), world.sign_in(DELEGATED))]
    for (action, values, _), (client, page) in zip(FORMS, pages * 2, strict=True):
        assert world.send(client, page, action, **values).status_code == 302
    found = world.stored_document()
    assert found["schedule"] == {
        "hours": 6,
        "pause": {"from": "2099-06-15", "until": "2099-08-09"},
    }
    assert found["notices"]["email"] == ["a@storvik.se"]
    assert found["administrators"][-1] == f"a@{DOMAIN}"


def test_the_page_leads_to_everything_else_that_is_set(world: World) -> None:
    page = world.sign_in().get(PAGE).text
    for path in ("/organisation", "/skyddade", "/installningar/logg", "/installningar/dokument"):
        assert f'href="{path}"' in page

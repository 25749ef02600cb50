"""Inställningar: each form saved, wrong, and overtaken by another administrator."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from addon.tasks.schedule import HOUR, enqueue_runs, window_at
from addon.tenants.pause import today
from tests.support.installation import DOMAIN, TENANT
from tests.support.post_office import PostOffice
from tests.support.site import ADMIN, DELEGATED, Site, form_of, text_of

PAGE = "/installningar"
SCHEDULE, PAUSE, NOTICES, TEST, ADMINISTRATORS = (
    f"{PAGE}/{name}"
    for name in ("schema", "paus", "aviseringar", "provmeddelande", "administratorer")
)
DAY = timedelta(days=1)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as site:
        site.installation.document["administrators"] = [ADMIN, DELEGATED]
        site.installation.import_document()
        yield site


def send(site: Site, client: FlaskClient, action: str, **values: Any) -> TestResponse:
    return site.send(client, client.get(PAGE), action, **values)


def lead(site: Site, client: FlaskClient) -> str:
    said = re.search(r'<p class="lead">(.*?)</p>', client.get(PAGE).text, re.S)
    assert said is not None
    return text_of(said[1])


def summer(site: Site, begins: int = 30, ends: int = 60) -> dict[str, str]:
    """A pause from and until so many days from today."""
    day = today(site.clock())
    return {"from": str(day + begins * DAY), "until": str(day + ends * DAY)}


# Schedule


def test_the_page_says_first_how_often_and_whether_a_pause_is_planned(site: Site) -> None:
    client = site.sign_in()
    assert "Ändringar skickas varje timme. Ingen paus är planerad." in lead(site, client)
    send(site, client, SCHEDULE, hours="6")
    dates = summer(site)
    send(site, client, PAUSE, **dates)
    assert "Ändringar skickas var 6:e timme." in lead(site, client)
    assert f"Paus från {dates['from']} till och med {dates['until']}." in lead(site, client)


def test_a_schedule_is_saved_logged_and_can_be_left_to_the_installation(site: Site) -> None:
    client = site.sign_in()
    answer = send(site, client, SCHEDULE, hours="24")
    assert answer.location == PAGE
    page = client.get(PAGE)
    assert "Schemat är sparat." in site.read(page)
    assert form_of(page, SCHEDULE)["hours"] == "24"
    assert site.document()["schedule"] == {"hours": 24}
    (entry, *_) = site.store.audit_entries(TENANT, 1)
    assert (entry.who, entry.what) == (ADMIN, "schedule.saved")
    assert [(c.place, c.before, c.after) for c in entry.changes] == [("schedule.hours", None, "24")]
    send(site, client, SCHEDULE, hours="")
    assert site.document().get("schedule", {}) == {}


def test_only_what_makes_runs_fewer_can_be_chosen(tmp_path: Path) -> None:
    with Site(tmp_path, SKOLSYNK_SCHEDULE_HOURS="4") as site:
        page = site.sign_in().get(PAGE)
        said = site.read(page)
        assert "Så ofta som Skolsynk körs (var 4:e timme) Var 6:e timme Var 8:e timme" in said
        assert "Varannan timme" not in said


@pytest.mark.parametrize("hours", ["5", "-1", "ofta", "6 "])
def test_a_schedule_that_is_none_is_not_saved(site: Site, hours: str) -> None:
    answer = send(site, site.sign_in(), SCHEDULE, hours=hours)
    assert answer.status_code == 400
    assert "Välj hur ofta i listan." in site.read(answer)
    assert "schedule" not in site.document()


# Pause


def test_a_pause_is_saved_and_ended(site: Site) -> None:
    client = site.sign_in()
    dates = summer(site)
    assert send(site, client, PAUSE, **dates).location == PAGE
    assert site.document()["schedule"]["pause"] == dates
    page = client.get(PAGE)
    assert "Pausen är sparad." in site.read(page)
    assert {name: form_of(page, PAUSE)[name] for name in dates} == dates
    site.send(client, page, PAUSE, do="end")
    assert site.document().get("schedule", {}) == {}
    assert "Pausen är avslutad." in site.read(client.get(PAGE))


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
    site: Site, begins: str, ends: str, told: str
) -> None:
    answer = send(site, site.sign_in(), PAUSE, **{"from": begins, "until": ends})
    assert answer.status_code == 400
    assert told in site.read(answer)
    assert "Inget är sparat ännu" in site.read(answer)
    assert {k: form_of(answer, PAUSE)[k] for k in ("from", "until")} == {
        "from": begins,
        "until": ends,
    }
    assert "schedule" not in site.document()


def test_during_a_pause_every_page_says_so_and_nothing_runs(site: Site) -> None:
    client = site.sign_in()
    site.installation.connection("all", mode="live")
    dates = summer(site, 0, 20)
    send(site, client, PAUSE, **dates)
    for path in ("/", "/skolenheter", "/leverantorer", "/datakvalitet", "/korningar", PAGE):
        said = site.read(site.ready(client, path))
        assert f"Paus till och med {dates['until']}." in said, path
        assert "Inget körs och inget skickas, inte heller borttag." in said, path
    assert f"Det är paus till och med {dates['until']}." in lead(site, client)
    token = form_of(client.get("/korningar"), "/sprak")["csrf_token"]
    answer = client.post("/korningar/nu", data={"csrf_token": token})
    assert "Det är paus, så inget körs." in site.read(client.get(answer.location))
    window = window_at(site.clock() - HOUR, 1)  # whose turn has come
    assert enqueue_runs([TENANT], site.services.queue(), window).enqueued == 1
    site.tasks()
    assert not site.installation.requests
    assert not site.store.runs(TENANT)


def test_when_a_pause_is_over_it_is_shown_no_more_and_can_be_saved_anew(site: Site) -> None:
    client = site.sign_in()
    send(site, client, PAUSE, **summer(site, 0, 2))
    with site.later(4 * 24 * 3600):
        page = client.get(PAGE)
        assert "Paus till och med" not in site.read(page)
        assert "Avsluta pausen" not in site.read(page)
        assert form_of(page, PAUSE)["from"] == ""
        assert site.send(client, page, PAUSE, **summer(site)).status_code == 302


# Notices


def test_notices_are_saved_and_a_test_message_arrives(tmp_path: Path) -> None:
    with (
        PostOffice() as office,
        Site(
            tmp_path,
            SKOLSYNK_MAIL=f"smtp://127.0.0.1:{office.port}",
            SKOLSYNK_MAIL_FROM="skolsynk@skolsynk.example",
        ) as site,
    ):
        client = site.sign_in()
        text = f"it@{DOMAIN}, larm@{DOMAIN}\n it@{DOMAIN}"
        answer = send(site, client, NOTICES, email=text, about=["held", "unread"])
        assert answer.location == PAGE
        assert site.document()["notices"] == {
            "email": [f"it@{DOMAIN}", f"larm@{DOMAIN}"],
            "about": ["held", "unread"],
        }
        page = client.get(PAGE)
        assert form_of(page, NOTICES)["about"] == ["held", "unread"]
        site.send(client, page, TEST)
        assert "Ett provmeddelande är skickat. Titta i inkorgen." in site.read(client.get(PAGE))
        (message,) = office.messages
        assert message["To"] == f"it@{DOMAIN}, larm@{DOMAIN}"
        assert "Provmeddelande" in message["Subject"]


def test_a_test_message_that_does_not_go_says_what_to_do(tmp_path: Path) -> None:
    with Site(
        tmp_path, SKOLSYNK_MAIL="smtp://127.0.0.1:9", SKOLSYNK_MAIL_FROM="s@skolsynk.example"
    ) as site:
        client = site.sign_in()
        send(site, client, NOTICES, email=f"it@{DOMAIN}", about="held")
        send(site, client, TEST)
        assert "E-postservern svarar inte." in site.read(client.get(PAGE))


def test_where_mail_is_not_set_up_the_page_says_so_and_addresses_can_be_saved(site: Site) -> None:
    client = site.sign_in()
    assert "har inte ställt in e-post, så inget skickas än" in site.read(client.get(PAGE))
    send(site, client, NOTICES, email=f"it@{DOMAIN}")
    assert site.document()["notices"]["email"] == [f"it@{DOMAIN}"]
    token = form_of(client.get(PAGE), NOTICES)["csrf_token"]
    client.post(TEST, data={"csrf_token": token})
    assert "har inte ställt in e-post." in site.read(client.get(PAGE))


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"email": "it@edu.storvik.se larm"}, "Det här är ingen e-postadress: larm"),
        ({"email": "it@edu.storvik.se", "about": None}, "Kryssa för minst en sak"),
    ],
)
def test_notices_that_are_wrong_are_not_saved_and_what_was_typed_stays(
    site: Site, form: dict[str, str | None], told: str
) -> None:
    answer = send(site, site.sign_in(), NOTICES, **form)
    assert answer.status_code == 400
    assert told in site.read(answer)
    assert form_of(answer, NOTICES)["email"] == form["email"]
    assert "notices" not in site.document()


def test_notices_can_be_taken_away(site: Site) -> None:
    client = site.sign_in()
    send(site, client, NOTICES, email=f"it@{DOMAIN}")
    send(site, client, NOTICES, email="")
    assert "email" not in site.document().get("notices", {})


# Administrators


def test_administrators_are_saved_each_once(site: Site) -> None:
    client = site.sign_in()
    send(site, client, ADMINISTRATORS, administrators=f"{ADMIN}\n\n{DELEGATED}; {ADMIN}")
    assert site.document()["administrators"] == [ADMIN, DELEGATED]
    send(site, client, ADMINISTRATORS, administrators="")
    assert "administrators" not in site.document()


@pytest.mark.parametrize(
    ("who", "text", "told"),
    [
        (ADMIN, DELEGATED, "Ta med din egen adress"),
        (DELEGATED, ADMIN, "Ta med din egen adress"),
        (DELEGATED, "", "Ta med din egen adress"),
        (ADMIN, f"{ADMIN} anna", "Det här är ingen e-postadress: anna"),
    ],
)
def test_nobody_locks_themselves_out(site: Site, who: str, text: str, told: str) -> None:
    answer = send(site, site.sign_in(who), ADMINISTRATORS, administrators=text)
    assert answer.status_code == 400
    assert told in site.read(answer)
    assert form_of(answer, ADMINISTRATORS)["administrators"] == text
    assert site.document()["administrators"] == [ADMIN, DELEGATED]


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
DEEDS = {
    SCHEDULE: "schemat ändrat",
    PAUSE: "pausen ändrad",
    NOTICES: "aviseringar ändrade",
    ADMINISTRATORS: "administratörer ändrade",
}


@pytest.mark.parametrize(("action", "theirs", "mine"), FORMS)
def test_who_was_slower_is_told_who_saved_what_and_keeps_what_was_typed(
    site: Site, action: str, theirs: dict[str, Any], mine: dict[str, Any]
) -> None:
    me, other = site.sign_in(), site.sign_in(DELEGATED)
    page = me.get(PAGE)
    assert send(site, other, action, **theirs).status_code == 302
    elsewhere = next(f for f in FORMS if f[0] != action)
    assert send(site, other, elsewhere[0], **elsewhere[1]).status_code == 302  # not about mine
    answer = site.send(me, page, action, **mine)
    assert answer.status_code == 409
    said = site.read(answer)
    assert "Någon annan har sparat under tiden" in said
    assert f"{DELEGATED} sparade" in said
    assert DEEDS[action] in said
    assert DEEDS[elsewhere[0]] not in said
    assert {name: form_of(answer, action)[name].split() for name in mine} == {
        name: value.split() for name, value in mine.items()
    }
    assert site.store.audit_entries(TENANT, 1)[0].who == DELEGATED  # mine is not saved
    assert site.send(me, answer, action).status_code == 302  # having looked, one may
    assert site.store.audit_entries(TENANT, 1)[0].who == ADMIN


def test_two_who_save_different_forms_at_once_are_both_kept(site: Site) -> None:
    pages = [(client, client.get(PAGE)) for client in (site.sign_in(), site.sign_in(DELEGATED))]
    for (action, values, _), (client, page) in zip(FORMS, pages * 2, strict=True):
        assert site.send(client, page, action, **values).status_code == 302
    found = site.document()
    assert found["schedule"] == {
        "hours": 6,
        "pause": {"from": "2099-06-15", "until": "2099-08-09"},
    }
    assert found["notices"]["email"] == ["a@storvik.se"]
    assert found["administrators"][-1] == f"a@{DOMAIN}"


def test_the_page_leads_to_everything_else_that_is_set(site: Site) -> None:
    page = site.sign_in().get(PAGE).text
    for path in ("/organisation", "/skyddade", "/installningar/logg", "/installningar/dokument"):
        assert f'href="{path}"' in page

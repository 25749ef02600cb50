"""What deliveries did to whom, on the pages of a run, a person, a class and a unit."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from addon.planning.ledger import ASK_FIRST, LedgerChange, LedgerEntry, LedgerKey
from addon.ss12000.ids import Ids
from addon.sync.protected_set import protect
from tests.support.page_actions import location, read_again, read_directory
from tests.support.small_school import (
    PUPILS,
    TENANT,
    UNIT,
    address,
    deliver,
    leave,
    person,
    set_live,
    user_id,
)

TORVALD, SIGBRITT = PUPILS["7A"][:2]
HOUR = 3600.0


@pytest.fixture
def world(world):
    set_live(world, "all")
    deliver(world)
    return world


@pytest.fixture
def client(world, client):
    read_directory(world, client)
    return client


def newest_run(world):
    return f"/korningar/{world.store.runs(TENANT, 1)[0].id}"


def changed_school(world, client):
    """A pupil changes class, one leaves, one is new: a second run."""
    gone = user_id(world, *SIGBRITT)
    world.domain.move_user(address(*TORVALD), "/Elever/7B")
    leave(world, SIGBRITT)
    world.domain.add_user(person("Nya", "Eleven", "/Elever/7A"))
    with world.later(HOUR):
        deliver(world)
    read_again(world, client)
    return gone


def table(page):
    """The rows of the table of whom a run concerned, as text."""
    body = page.text[page.text.index('id="vilka"') :]
    return [
        " ".join(re.sub("<[^>]+>", " ", row).split())
        for row in re.findall("<tr>.*?</tr>", body, re.S)[1:]
    ]


def searched(world, client, words, **more):
    path = newest_run(world)
    page = world.ready(client, path)
    answer = world.send(client, page, f"{path}/sok", text=words, **more)
    assert answer.status_code == 302
    return answer


def test_a_run_says_to_whom_it_did_what(world, client):
    changed_school(world, client)
    rows = table(world.ready(client, newest_run(world)))
    assert "Nya Eleven Norra skolan All Skapades." in rows
    assert (
        "En person som inte finns i katalogen nu Norra skolan All Togs bort: "
        "kontot finns inte kvar i Workspace." in rows
    )
    assert "7B Norra skolan All Ändrades (1 tillkom)." in rows
    assert "7A Norra skolan All Ändrades (1 tillkom, 2 lämnade)." in rows


def test_a_first_delivery_is_in_pages_with_people_first(world, client):
    page = world.ready(client, newest_run(world))
    rows = table(page)
    assert f"Visar 1–{len(rows)} av {len(rows)}." in world.text(page)
    assert [row.split(" ")[0] for row in rows[-4:]] == ["7A", "7B", "Norra", "Storviks"]
    assert (
        "Gunnel Pärlbåt Norra skolan All Anställningen vid Norra skolan: skapades. Skapades."
        in rows
    )


def test_a_run_is_searched_by_name_and_no_name_is_in_an_address(world, client):
    answer = searched(world, client, "appelqvist torvald")
    assert "appelqvist" not in answer.location.lower()
    assert parse_qs(urlsplit(answer.location).query).keys() == {"sok"}
    page = world.ready(client, location(answer))
    assert [row.split(" Norra")[0] for row in table(page)] == ["Torvald Äppelqvist"]
    assert 'value="appelqvist torvald"' in page.text


@pytest.mark.parametrize("words", ["Ingen Alls", "<script>", "%", "7A'; --"])
def test_words_that_find_nobody_say_so(world, client, words):
    page = world.ready(client, location(searched(world, client, words)))
    assert "Ingen stämmer med det du söker." in world.text(page)


def test_words_that_are_forgotten_are_said_to_be(world, client):
    found = location(searched(world, client, "torvald"))
    world.clock.ahead += 3 * HOUR
    page = world.ready(client, found)
    assert "sparas bara i två timmar" in world.text(page)


def test_a_run_is_filtered_by_school_vendor_and_what_was_done(world, client):
    changed_school(world, client)
    path = newest_run(world)
    assert len(table(world.ready(client, f"{path}?gjort=create"))) == 1
    assert len(table(world.ready(client, f"{path}?enhet={UNIT}&leverantor=all"))) >= 4
    for none in ("enhet=99999999", "leverantor=nobody", "gjort=refused", "gjort=%3Cx%3E"):
        page = world.ready(client, f"{path}?{none}")
        assert "Ingen stämmer med det du söker." in world.text(page), none


def test_what_a_vendor_refused_is_told_as_refused(world, client):
    world.domain.add_user(person("Nya", "Eleven", "/Elever/7A"))
    nya = Ids(TENANT).user(user_id(world, "Nya", "Eleven"))
    world.vendor("all").fail(422, times=None, external_id=nya)
    with world.later(HOUR):
        world.run("sync", TENANT)
    read_again(world, client)
    rows = table(world.ready(client, f"{newest_run(world)}?gjort=refused"))
    assert rows == ["Nya Eleven Norra skolan All Togs inte emot när den skulle skapas."]


def test_a_run_without_a_directory_says_that_names_come_later(world, client):
    world.services.directories.forget(TENANT)
    world.store.erase_items(TENANT, frozenset())
    page = client.get(newest_run(world))
    assert page.status_code == 200
    assert "Namnen läses ur katalogen, som inte är klar än." in world.text(page)


def test_a_person_has_their_history_at_each_vendor(world, client):
    changed_school(world, client)
    page = world.ready(client, f"/personer/{user_id(world, *TORVALD)}")
    said = world.text(page)
    assert "Vad som har hänt hos leverantörerna" in said
    assert "All: tillagd i 7B." in said
    assert "All: borttagen ur 7A." in said
    assert "All: skapades." in said
    assert f'href="{newest_run(world)}"' in page.text


def test_a_person_who_was_never_sent_has_none(world, client):
    set_live(world, "all", mode="off")
    world.domain.add_user(person("Nya", "Eleven", "/Elever/7A"))
    read_again(world, client)
    said = world.text(world.ready(client, f"/personer/{user_id(world, 'Nya', 'Eleven')}"))
    assert "Inget är sparat om personen" in said


def test_a_suspended_person_is_told_why_they_were_removed(world, client):
    world.domain.suspend(address(*TORVALD))
    with world.later(HOUR):
        deliver(world)
    read_again(world, client)
    said = world.text(world.ready(client, f"/personer/{user_id(world, *TORVALD)}"))
    assert "All: togs bort: kontot är avstängt i Workspace." in said


def test_a_class_has_who_came_and_went(world, client):
    gone = changed_school(world, client)
    unit = world.ready(client, f"/skolenheter/{UNIT}")
    href = re.search(rf'href="(/skolenheter/{UNIT}/grupp/[^"]+)">7A<', unit.text)
    page = world.ready(client, href[1])
    said = world.text(page)
    assert "Tillkom: Nya Eleven" in said
    assert "Lämnade: Torvald Äppelqvist och 1 till" in said
    assert gone not in page.text


def test_a_unit_has_who_came_and_left_lately(world, client):
    changed_school(world, client)
    page = world.ready(client, f"/skolenheter/{UNIT}")
    said = world.text(page)
    assert "De senaste 30 dagarna har 16 personer tillkommit och 1 tagits bort." in said
    assert "All: 1 person skapades, 0 ändrades och 1 togs bort." in said
    assert f"{newest_run(world)}?enhet={UNIT}&amp;leverantor=all#vilka" in page.text


def test_the_protected_are_on_none_of_the_pages_also_if_the_history_had_them(
    world, client, monkeypatch
):
    hidden = user_id(world, *TORVALD)
    before = len(table(world.ready(client, newest_run(world))))
    monkeypatch.setattr("addon.store.sqlite.store.SQLiteStore.forget_history", lambda *_: None)
    protect(world.store, TENANT, {hidden})
    page = world.ready(client, newest_run(world))
    assert "Torvald" not in page.text
    assert "inte finns i katalogen" not in world.text(page)
    assert len(table(page)) == before - 1
    unit = world.ready(client, f"/skolenheter/{UNIT}")
    assert "16 personer tillkommit" not in world.text(unit)
    assert hidden not in unit.text
    assert client.get(f"/personer/{hidden}").status_code == 404


def test_each_page_reads_the_history_once(world, client):
    path = newest_run(world)
    world.ready(client, path)
    calls = []
    original = world.store.history_of_run
    world.store.history_of_run = lambda *given: calls.append(given) or original(*given)
    client.get(path)
    client.get(f"{path}?sida=2")
    assert calls == []  # what a finished run did does not change
    del world.store.history_of_run


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Personen finns kanske hos All"),
        (ASK_FIRST, "Personen finns kanske hos All"),
        (LedgerEntry.lost("", 2e9).content, "Personen finns kanske hos All"),
        (LedgerEntry.removed(2e9).content, "Personen finns inte hos All."),
        (LedgerEntry.doubted("v", b"0123456789abcdef", 2e9).content, "Personen finns hos All."),
    ],
)
def test_who_is_only_about_to_be_sent_is_not_said_to_be_there(world, client, content, said):
    """What a first delivery that failed has left in the ledger is no proof of anything."""
    external_id = Ids(TENANT).user(user_id(world, *TORVALD))
    entry = LedgerChange("User", external_id, LedgerEntry("", content))
    world.store.record(LedgerKey(TENANT, "all", "live"), [entry])
    world.clock.ahead += 10
    read_again(world, client)
    found = world.text(world.ready(client, f"/personer/{user_id(world, *TORVALD)}"))
    assert said in found
    assert not ("Personen finns hos All." in found and "Skapas vid nästa körning." in found)

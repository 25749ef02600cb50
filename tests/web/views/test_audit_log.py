"""Ändringslogg: who changed what and when, before and after, in words."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from addon.store.records import AuditEntry
from tests.support.page_content import form_of
from tests.support.small_school import ADMIN, DELEGATED, DOMAIN, TENANT, small_school_pages
from tests.support.world import World

PAGE = "/installningar/logg"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school_pages(tmp_path) as world:
        yield world


def imported(world: World, **values: Any) -> str:
    """What the log says after the document was imported with other values."""
    world.document |= values
    world.import_document()
    return world.text(world.sign_in().get(PAGE))


def test_the_first_sentence_says_who_changed_something_last(world: World) -> None:
    client = world.sign_in()
    world.send(client, client.get("/installningar"), "/installningar/schema", hours="6")
    said = world.text(client.get(PAGE))
    assert f"Senast ändrat för mindre än en minut sedan av {ADMIN}." in said
    assert f"{ADMIN}: Schemat ändrat" in said
    assert "Timmar mellan körningar schedule.hours – 6" in said


def test_what_was_done_at_the_command_line_is_there_too(world: World) -> None:
    said = imported(world, organisation={"name": "Nya Storvik"})
    assert "Skolsynks support: Inställningar importerade" in said
    assert "Organisationens namn organisation.name Storviks kommun Nya Storvik" in said


def test_units_and_vendors_are_called_by_their_names(world: World) -> None:
    world.document["connections"][0]["mode"] = "test"
    unit = world.document["schoolUnits"][0] | {"name": "Nya Norra"}
    said = imported(world, schoolUnits=[unit])
    assert "Nya Norra: namn schoolUnits[12345678].name Norra skolan Nya Norra" in said
    assert "All: läge connections[all].mode Av Testläge" in said


def test_a_selection_is_reported_in_words(world: World) -> None:
    clauses = [
        {"attribute": "organizations.title", "operator": "in", "value": ["elev", "student"]},
        {"attribute": "orgUnitPath", "operator": "notContains", "value": "/Slutat"},
    ]
    students = {"orgUnits": ["/Elever"], "groups": [f"alla@{DOMAIN}"], "filters": [clauses]}
    unit = world.document["schoolUnits"][0]
    said = imported(world, schoolUnits=[unit | {"students": students}])
    assert f"Organisationsenhet: /Elever Grupp: alla@{DOMAIN}" in said
    assert (
        "Filter: Titel är någon av ”elev, student” och Organisationsenhet innehåller inte "
        "”/Slutat”" in said
    )


def test_of_a_long_value_only_what_differs_is_reported(world: World) -> None:
    unit = world.document["schoolUnits"][0]
    paths = [f"/Elever/Klass {n}" for n in range(200)]
    imported(world, schoolUnits=[unit | {"students": {"orgUnits": paths}}])
    newer = [*paths[1:], "/Elever/Ny klass"]
    said = imported(world, schoolUnits=[unit | {"students": {"orgUnits": newer}}])
    assert (
        "Organisationsenhet: /Elever/Klass 0 och 199 till som är lika "
        "Organisationsenhet: /Elever/Ny klass och 199 till som är lika" in said
    )


def test_an_action_that_changes_nothing_is_listed_without_a_table(world: World) -> None:
    world.change_connection("all", mode="live")
    client = world.sign_in()
    world.send(client, client.get("/korningar"), "/korningar/nu")
    assert f"{ADMIN}: Körning begärd" in world.text(client.get(PAGE))
    world.wait_for_tasks()


def test_entries_come_newest_first_and_older_ones_on_pages_of_their_own(world: World) -> None:
    for n in range(120):
        at = world.clock() + n
        entry = AuditEntry(f"20990101T00{n // 60:02}{n % 60:02}Z-000000", at, f"a{n}@b.se", "x")
        world.store.append_audit(TENANT, entry)
    client = world.sign_in()
    first = client.get(PAGE)
    said = world.text(first)
    assert said.index("a119@b.se") < said.index("a118@b.se") < said.index("a70@b.se")
    assert "a69@b.se" not in said
    address = first.text.split('href="/installningar/logg?fore=')[1].split('"')[0]
    second = world.text(client.get(f"{PAGE}?fore={address}"))
    assert "Äldre ändringar." in second
    assert "a69@b.se" in second
    assert "a70@b.se" not in second


def test_what_one_does_in_a_second_keeps_its_order(world: World) -> None:
    client = world.sign_in()
    for hours in ("6", "8", "12", "24", "3"):
        world.send(client, client.get("/installningar"), "/installningar/schema", hours=hours)
    told = [entry.changes[0].after for entry in world.store.audit_entries(TENANT, 5)]
    assert told == ["3", "24", "12", "8", "6"]


def test_each_administrator_is_named(world: World) -> None:
    world.document["administrators"] = [ADMIN, DELEGATED]
    world.import_document()
    client = world.sign_in(DELEGATED)
    page = client.get("/installningar")
    assert form_of(page, "/installningar/schema")["hours"] == ""
    world.send(client, page, "/installningar/schema", hours="6")
    assert f"{DELEGATED}: Schemat ändrat" in world.text(world.sign_in().get(PAGE))


def test_exceptions_are_reported_in_words(world: World) -> None:
    unit = world.document["schoolUnits"][0]
    left = {"users": ["1001"], "orgUnits": ["/Elever/Slutat"], "groups": [f"lan@{DOMAIN}"]}
    rules = [
        {"from": "orgUnit", "pattern": "(?P<name>.)", "except": ["fritids"]},
        {"from": "group", "pattern": "^7"},
    ]
    students = {"orgUnits": ["/Elever"], "except": left}
    said = imported(world, schoolUnits=[unit | {"students": students, "classes": rules}])
    assert "Undantaget konto: 1001" in said
    assert "Undantagen organisationsenhet: /Elever/Slutat" in said
    assert f"Undantagen grupp: lan@{DOMAIN}" in said
    assert "1. Undantag: fritids" in said
    assert "2. Mönster: ^7" in said
    all, some = world.document["connections"]
    said = imported(world, connections=[all | {"except": {"users": ["1002"]}}, some])
    assert "All: undantag" in said
    assert "Undantaget konto: 1002" in said


def restored(world: World, client: Any, **values: Any) -> Any:
    """The page after the newest change that can be restored was restored."""
    world.clock.ahead += 1
    path = newest(world)
    page = world.ready(client, path)
    answer = world.send(client, page, path, **values)
    return client.get(answer.location) if answer.status_code == 302 else answer


def newest(world: World) -> str:
    """The address of the restoration of the newest entry with a change."""
    entry = next(e for e in world.store.audit_entries(TENANT, 9) if e.changes)
    return f"{PAGE}/{entry.id}/aterstall"


def schedule(world: World, client: Any, hours: str) -> Any:
    world.clock.ahead += 1
    page = client.get("/installningar")
    answer = world.send(client, page, "/installningar/schema", hours=hours)
    return client.get(answer.location)


def test_what_was_just_saved_can_be_undone_from_its_confirmation(world: World) -> None:
    client = world.sign_in()
    page = schedule(world, client, "6")
    path = newest(world)
    assert f'<a href="{path}">Ångra</a>' in page.text
    assert "Ångra" not in client.get("/installningar").text
    shown = world.text(client.get(path))
    assert "Timmar mellan körningar schedule.hours 6 –" in shown
    assert "Vad det betyder" not in shown
    said = world.text(restored(world, client))
    assert "Återställt. Ångra" in said
    assert f"{ADMIN}: Tidigare inställningar återställda" in said
    assert "schedule" not in world.stored_document()


def test_what_cannot_be_undone_has_no_link(world: World) -> None:
    client = world.sign_in()
    world.document["protected"] = {"orgUnits": ["/Skyddade"], "groups": [f"hemliga@{DOMAIN}"]}
    world.import_document()
    entry = next(e for e in world.store.audit_entries(TENANT, 9) if e.changes)
    assert entry.changes[0].place.startswith("protected")
    path = f"{PAGE}/{entry.id}/aterstall"
    assert path not in client.get(PAGE).text
    assert client.get(path).status_code == 404
    for other in ("20200101T000000Z-abcdef", "x", entry.id[:-1]):
        assert client.get(f"{PAGE}/{other}/aterstall").status_code == 404


def test_the_consequences_at_vendors_are_seen_first(world: World) -> None:
    """A selection that was widened is narrowed again: people leave a vendor that is on."""
    world.document["connections"][0]["mode"] = "live"
    unit = world.document["schoolUnits"][0]
    wide = dict(unit["students"])
    world.document["schoolUnits"][0] = unit | {"students": {"orgUnits": ["/Elever/7A"]}}
    world.import_document()
    world.clock.ahead += 1
    world.document["schoolUnits"][0] = unit | {"students": wide}
    world.import_document()
    client = world.sign_in()
    path = newest(world)
    shown = world.ready(client, path)
    said = world.text(shown)
    assert "Organisationsenhet: /Elever Organisationsenhet: /Elever/7A" in said
    assert "6 personer tas bort vid nästa körning." in said
    assert "1 klass eller grupp tas bort." in said
    answer = world.send(client, shown, path)
    assert answer.status_code == 400
    assert "Kryssa för att du har sett vad som tas bort." in world.text(answer)
    assert world.stored_document()["schoolUnits"][0]["students"] == wide
    seen = re.search(r'id="accepted" value="(\w+)"', shown.text)
    assert seen is not None
    assert "Återställt." in world.text(restored(world, client, accepted=seen[1]))
    students = world.stored_document()["schoolUnits"][0]["students"]
    assert students == {"orgUnits": ["/Elever/7A"]}
    back = world.text(world.ready(client, newest(world)))
    assert "6 personer läggs till vid nästa körning." in back


def test_what_another_has_changed_since_is_named_and_stays(world: World) -> None:
    client = world.sign_in()
    schedule(world, client, "6")
    path = newest(world)
    schedule(world, client, "12")
    said = world.text(client.get(path))
    assert "Det finns inget att återställa." in said
    assert "Det här har ändrats igen efter den ändringen" in said
    assert f"Timmar mellan körningar: {ADMIN}" in said
    assert "<button>Återställ" not in client.get(path).text
    assert world.stored_document()["schedule"] == {"hours": 12}


def test_who_restores_what_has_changed_under_way_is_told_so(world: World) -> None:
    client = world.sign_in()
    schedule(world, client, "6")
    path = newest(world)
    page = client.get(path)
    schedule(world, client, "12")
    answer = world.send(client, page, path)
    assert answer.status_code == 409
    assert "Du har sparat i en annan flik" in world.text(answer)
    assert world.stored_document()["schedule"] == {"hours": 12}


def test_an_import_is_restored_but_for_protection_and_administrators(world: World) -> None:
    before = world.stored_document()
    world.clock.ahead += 1
    imported(
        world,
        organisation={"name": "Nya Storvik"},
        protected={"orgUnits": ["/Skyddade", "/Elever/7B"]},
        administrators=[ADMIN],
    )
    client = world.sign_in()
    said = world.text(client.get(newest(world)))
    assert "Återställs inte här" in said
    assert "Administratörer" in said
    restored(world, client)
    after = world.stored_document()
    assert after["organisation"] == before["organisation"]
    assert after["protected"] == {"orgUnits": ["/Skyddade", "/Elever/7B"]}
    assert after["administrators"] == [ADMIN]

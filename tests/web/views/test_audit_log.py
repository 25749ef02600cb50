"""Ändringslogg: who changed what and when, before and after, in words."""

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

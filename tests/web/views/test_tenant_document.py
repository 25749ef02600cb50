"""Exportera och importera: all settings in a file, checked whole and shown before it is kept."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from addon.tenants.document import load_tenant
from tests.support.page_actions import turn_on
from tests.support.page_content import form_of
from tests.support.small_school import (
    ADMIN,
    DELEGATED,
    DOMAIN,
    OTHER_TENANT,
    TENANT,
    small_school_pages,
)
from tests.support.world import World

PAGE = "/installningar/dokument"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school_pages(tmp_path) as world:
        yield world


def give(world: World, client: FlaskClient, data: bytes) -> TestResponse:
    """Chooses a file and has it checked."""
    form = form_of(client.get(PAGE), PAGE)
    form["file"] = io.BytesIO(data), "skolsynk.json"
    return client.post(PAGE, data=form, content_type="multipart/form-data")


def changed(world: World, **values: Any) -> bytes:
    """The tenant's document with other values, as somebody's editor would save it."""
    return json.dumps(world.stored_document() | values, ensure_ascii=False, indent=4).encode(
        "utf-8-sig"
    )


def test_the_file_has_all_settings_and_is_named_after_the_customer(world: World) -> None:
    client = world.sign_in()
    assert "Alla era inställningar i en fil, utan uppgifter om elever." in world.text(
        client.get(PAGE)
    )
    answer = client.get(f"{PAGE}.json")
    assert answer.mimetype == "application/json"
    assert f'filename="skolsynk-{TENANT}.json"' in answer.headers["Content-Disposition"]
    stored = world.store.tenant(TENANT)
    assert stored is not None
    assert load_tenant(answer.data) == load_tenant(stored)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_file_is_shown_before_it_is_kept_and_kept_when_confirmed(world: World) -> None:
    client = world.sign_in()
    wanted = changed(world, organisation={"name": "Nya Storvik"}, notices={"email": [ADMIN]})
    before = world.stored_document()
    page = give(world, client, wanted)
    assert page.status_code == 200
    said = world.text(page)
    assert "Filen ändrar 3 saker" in said
    assert "Organisationens namn organisation.name Storviks kommun Nya Storvik" in said
    assert "Organisationsnummer organisation.organisationNumber 2120009999 –" in said
    assert f"Aviseringar till notices.email – {ADMIN}" in said
    assert world.stored_document() == before
    answer = world.send(client, page, PAGE, do="import")
    assert answer.location == PAGE
    assert world.stored_document()["organisation"] == {"name": "Nya Storvik"}
    assert "Inställningarna är importerade." in world.text(client.get(PAGE))
    (entry, *_) = world.store.audit_entries(TENANT, 1)
    assert (entry.who, entry.what, len(entry.changes)) == (ADMIN, "document.imported", 3)


def test_what_was_exported_changes_nothing_when_it_is_imported(world: World) -> None:
    client = world.sign_in()
    page = give(world, client, client.get(f"{PAGE}.json").data)
    assert "Filen har samma inställningar som redan gäller." in world.text(page)
    assert "Importera</button>" not in page.text


def test_every_fault_of_a_file_is_reported_with_its_place_and_nothing_is_changed(
    world: World,
) -> None:
    client = world.sign_in()
    before = world.stored_document()
    units = [{"code": "123", "name": " ", "colour": "red"}]
    connections = [{"vendor": "al", "limits": {"deletions": -1}, "schoolUnits": ["87654321"]}]
    schedule = {"hours": 5, "pause": {"from": "i sommar", "until": "2027-08-09"}}
    wrong = changed(world, schoolUnits=units, connections=connections, schedule=schedule)
    answer = give(world, client, wrong)
    assert answer.status_code == 400
    said = world.text(answer)
    assert "Inget har ändrats." in said
    for fault in (
        "schoolUnits[0].code ska vara åtta siffror",
        "schoolUnits[0].name får inte vara tomt",
        "schoolUnits[0].colour okänt namn",
        "connections[0].vendor ska vara något av all, some; menade du all?",
        "connections[0].limits.deletions ska vara från 0 till 1000000000",
        "connections[0].schoolUnits[0] är inte koden för någon skolenhet i filen",
        "schedule.hours ska vara något av 1, 2, 3, 4, 6, 8, 12, 24",
        "schedule.pause.from ska vara ett datum som 2027-06-15",
    ):
        assert fault in said
    assert world.stored_document() == before


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "Välj en fil först."),
        (b" \n", "Välj en fil först."),
        (b'{"customerId": ', "rad 1, tecken 16: filen är inte JSON"),
        (b"\xff\xfe{\x00}\x00", "spara filen som UTF-8"),
        (b"PK\x03\x04\xff", "spara filen som UTF-8"),
        (b"[]", "ska vara ett objekt, inte en lista"),
        (b"{}", "customerId saknas"),
    ],
)
def test_what_is_no_document_is_told_so(world: World, data: bytes, told: str) -> None:
    answer = give(world, world.sign_in(), data)
    assert answer.status_code == 400
    assert told in world.text(answer)


def test_a_file_of_another_organisation_is_not_taken(world: World) -> None:
    client = world.sign_in()
    answer = give(world, client, changed(world, customerId=OTHER_TENANT))
    assert answer.status_code == 400
    assert "Filen hör till en annan organisation." in world.text(answer)
    assert world.store.tenant(OTHER_TENANT) is None


def test_a_file_that_would_lock_its_reader_out_is_not_taken(world: World) -> None:
    answer = give(world, world.sign_in(), changed(world, administrators=[DELEGATED]))
    assert answer.status_code == 400
    assert "administrators Ta med din egen adress" in world.text(answer)


def test_a_file_that_was_changed_after_it_was_checked_is_checked_again(world: World) -> None:
    client = world.sign_in()
    page = give(world, client, changed(world, organisation={"name": "Nya Storvik"}))
    before = world.stored_document()
    answer = world.send(client, page, PAGE, do="import", text='{"customerId": "C0storvik"}')
    assert answer.status_code == 400
    assert "organisation saknas" in world.text(answer)
    assert world.stored_document() == before


def test_what_another_saved_after_the_check_is_not_lost_silently(world: World) -> None:
    client = world.sign_in()
    page = give(world, client, changed(world, organisation={"name": "Nya Storvik"}))
    other = world.sign_in()
    form = {"hours": "12"}
    world.send(other, other.get("/installningar"), "/installningar/schema", **form)
    answer = world.send(client, page, PAGE, do="import")
    assert answer.status_code == 409
    said = world.text(answer)
    assert "Du har sparat i en annan flik" in said
    assert "Timmar mellan körningar: – → 12" in said
    assert "Timmar mellan körningar schedule.hours 12 –" in said  # what the file would undo
    assert world.stored_document()["schedule"] == {"hours": 12}
    assert world.send(client, answer, PAGE, do="import").status_code == 302
    assert world.stored_document()["organisation"] == {"name": "Nya Storvik"}


def test_a_file_without_a_vendor_says_how_many_accounts_it_leaves_there(world: World) -> None:
    client = world.sign_in()
    turn_on(world, client, "all", "test")
    turn_on(world, client, "all", empty=None)
    kept = [c for c in world.stored_document()["connections"] if c["vendor"] != "all"]
    said = world.text(give(world, client, changed(world, connections=kept)))
    assert "Filen har inte med All, så inget mer skickas dit." in said
    assert "16 konton ligger kvar där och uppdateras inte." in said
    assert "16 konton ligger kvar i testmiljön." in said
    assert "Ska kontona bort, avveckla i stället. Avveckla All" in said


def test_a_vendor_that_has_nothing_is_left_out_without_a_word(world: World) -> None:
    page = give(world, world.sign_in(), changed(world, connections=[]))
    assert "Filen har inte med" not in world.text(page)


def test_the_file_of_a_large_municipality_can_be_checked_and_imported(world: World) -> None:
    """A form that sends it back as text may be larger than what Flask takes by itself."""
    units = [
        {
            "code": f"{n:08}",
            "name": f"Åsa skola {n}",
            "students": {
                "orgUnits": [f"/Elever/Skola {n}/Klass {k}" for k in range(40)],
                "groups": [f"grupp{k}.skola{n}@{DOMAIN}" for k in range(20)],
            },
        }
        for n in range(300)
    ]
    client = world.sign_in()
    data = changed(world, schoolUnits=units, connections=[])
    assert len(data) > 600_000
    page = give(world, client, data)
    assert page.status_code == 200
    assert world.send(client, page, PAGE, do="import").status_code == 302
    assert len(world.stored_document()["schoolUnits"]) == 300

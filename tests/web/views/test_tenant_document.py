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
from tests.support.installation import DOMAIN, TENANT
from tests.support.page_actions import turn_on
from tests.support.site import ADMIN, DELEGATED, OTHER_TENANT, Site, form_of

PAGE = "/installningar/dokument"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as site:
        yield site


def give(site: Site, client: FlaskClient, data: bytes) -> TestResponse:
    """Chooses a file and has it checked."""
    form = form_of(client.get(PAGE), PAGE)
    form["file"] = io.BytesIO(data), "skolsynk.json"
    return client.post(PAGE, data=form, content_type="multipart/form-data")


def changed(site: Site, **values: Any) -> bytes:
    """The tenant's document with other values, as somebody's editor would save it."""
    return json.dumps(site.document() | values, ensure_ascii=False, indent=4).encode("utf-8-sig")


def test_the_file_has_all_settings_and_is_named_after_the_customer(site: Site) -> None:
    client = site.sign_in()
    assert "Alla era inställningar i en fil, utan uppgifter om elever." in site.read(
        client.get(PAGE)
    )
    answer = client.get(f"{PAGE}.json")
    assert answer.mimetype == "application/json"
    assert f'filename="skolsynk-{TENANT}.json"' in answer.headers["Content-Disposition"]
    stored = site.store.tenant(TENANT)
    assert stored is not None
    assert load_tenant(answer.data) == load_tenant(stored)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_file_is_shown_before_it_is_kept_and_kept_when_confirmed(site: Site) -> None:
    client = site.sign_in()
    wanted = changed(site, organisation={"name": "Nya Storvik"}, notices={"email": [ADMIN]})
    before = site.document()
    page = give(site, client, wanted)
    assert page.status_code == 200
    said = site.read(page)
    assert "Filen ändrar 3 saker" in said
    assert "Organisationens namn organisation.name Storviks kommun Nya Storvik" in said
    assert "Organisationsnummer organisation.organisationNumber 2120009999 –" in said
    assert f"Aviseringar till notices.email – {ADMIN}" in said
    assert site.document() == before
    answer = site.send(client, page, PAGE, do="import")
    assert answer.location == PAGE
    assert site.document()["organisation"] == {"name": "Nya Storvik"}
    assert "Inställningarna är importerade." in site.read(client.get(PAGE))
    (entry, *_) = site.store.audit_entries(TENANT, 1)
    assert (entry.who, entry.what, len(entry.changes)) == (ADMIN, "document.imported", 3)


def test_what_was_exported_changes_nothing_when_it_is_imported(site: Site) -> None:
    client = site.sign_in()
    page = give(site, client, client.get(f"{PAGE}.json").data)
    assert "Filen är lika med inställningarna som de är." in site.read(page)
    assert "Importera</button>" not in page.text


def test_every_fault_of_a_file_is_told_with_its_place_and_nothing_is_changed(site: Site) -> None:
    client = site.sign_in()
    before = site.document()
    units = [{"code": "123", "name": " ", "colour": "red"}]
    connections = [{"vendor": "al", "limits": {"deletions": -1}, "schoolUnits": ["87654321"]}]
    schedule = {"hours": 5, "pause": {"from": "i sommar", "until": "2027-08-09"}}
    wrong = changed(site, schoolUnits=units, connections=connections, schedule=schedule)
    answer = give(site, client, wrong)
    assert answer.status_code == 400
    said = site.read(answer)
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
    assert site.document() == before


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
def test_what_is_no_document_is_told_so(site: Site, data: bytes, told: str) -> None:
    answer = give(site, site.sign_in(), data)
    assert answer.status_code == 400
    assert told in site.read(answer)


def test_a_file_of_another_organisation_is_not_taken(site: Site) -> None:
    client = site.sign_in()
    answer = give(site, client, changed(site, customerId=OTHER_TENANT))
    assert answer.status_code == 400
    assert "Filen är en annan organisations." in site.read(answer)
    assert site.store.tenant(OTHER_TENANT) is None


def test_a_file_that_would_lock_its_reader_out_is_not_taken(site: Site) -> None:
    answer = give(site, site.sign_in(), changed(site, administrators=[DELEGATED]))
    assert answer.status_code == 400
    assert "administrators Ta med din egen adress" in site.read(answer)


def test_a_file_that_was_changed_after_it_was_checked_is_checked_again(site: Site) -> None:
    client = site.sign_in()
    page = give(site, client, changed(site, organisation={"name": "Nya Storvik"}))
    before = site.document()
    answer = site.send(client, page, PAGE, do="import", text='{"customerId": "C0storvik"}')
    assert answer.status_code == 400
    assert "organisation saknas" in site.read(answer)
    assert site.document() == before


def test_what_another_saved_after_the_check_is_not_lost_silently(site: Site) -> None:
    client = site.sign_in()
    page = give(site, client, changed(site, organisation={"name": "Nya Storvik"}))
    other = site.sign_in()
    form = {"hours": "12"}
    site.send(other, other.get("/installningar"), "/installningar/schema", **form)
    answer = site.send(client, page, PAGE, do="import")
    assert answer.status_code == 409
    said = site.read(answer)
    assert "Någon annan har sparat under tiden" in said
    assert "Timmar mellan körningar: – → 12" in said
    assert "Timmar mellan körningar schedule.hours 12 –" in said  # what the file would undo
    assert site.document()["schedule"] == {"hours": 12}
    assert site.send(client, answer, PAGE, do="import").status_code == 302
    assert site.document()["organisation"] == {"name": "Nya Storvik"}


def test_a_file_without_a_vendor_says_how_many_accounts_it_leaves_there(site: Site) -> None:
    client = site.sign_in()
    turn_on(site, client, "all", "test")
    turn_on(site, client, "all", empty=None)
    kept = [c for c in site.document()["connections"] if c["vendor"] != "all"]
    said = site.read(give(site, client, changed(site, connections=kept)))
    assert "Filen har inte med All, så inget mer skickas dit." in said
    assert "16 konton ligger kvar där och hålls inte aktuella." in said
    assert "16 konton ligger kvar i testmiljön." in said
    assert "Ska kontona bort, avveckla i stället. Avveckla All" in said


def test_a_vendor_that_has_nothing_is_left_out_without_a_word(site: Site) -> None:
    page = give(site, site.sign_in(), changed(site, connections=[]))
    assert "Filen har inte med" not in site.read(page)


def test_the_file_of_a_large_municipality_can_be_checked_and_imported(site: Site) -> None:
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
    client = site.sign_in()
    data = changed(site, schoolUnits=units, connections=[])
    assert len(data) > 600_000
    page = give(site, client, data)
    assert page.status_code == 200
    assert site.send(client, page, PAGE, do="import").status_code == 302
    assert len(site.document()["schoolUnits"]) == 300

"""One unit: who belongs here and in which classes, what it is called, and taking it away."""

import pytest

from tests.support.page_content import form_of
from tests.support.small_school import TENANT, person, small_school_pages

CODE = "12345678"
PAGE = f"/skolenheter/{CODE}"
REMOVE = f"{PAGE}/ta-bort"


@pytest.fixture
def live(tmp_path):
    """A school where one vendor has everybody."""
    with small_school_pages(tmp_path) as world:
        world.change_connection("all", mode="live")
        world.run("sync", TENANT)
        yield world


def test_the_first_sentence_says_how_many_and_in_how_many_classes(world):
    said = world.text(world.ready(world.sign_in(), PAGE))
    assert "12 elever i 2 klasser och 4 i personalen hör hit." in said


def test_each_class_is_shown_with_its_number_of_pupils_and_each_year(world):
    said = world.text(world.ready(world.sign_in(), PAGE))
    assert "2 klasser från organisationsenheterna 7A 6 7B 6" in said
    assert "åk 7 12" in said


def test_a_pupil_without_a_class_is_counted_and_can_be_found(world):
    world.domain.add_user(person("Vilse", "Borg", "/Elever"))
    page = world.ready(world.sign_in(), PAGE)
    assert "1 elev utan klass" in world.text(page)
    assert f"/datakvalitet/student-without-class?enhet={CODE}" in page.text


def test_a_unit_that_has_no_selection_shows_the_ways_to_one(world):
    world.document["schoolUnits"][0] = {"code": CODE, "name": "Norra skolan"}
    world.import_document()
    page = world.ready(world.sign_in(), PAGE)
    assert "Urval saknas: ingen har angett vilka som hör hit." in world.text(page)
    assert f'href="{PAGE}/urval"' in page.text
    assert f'href="/forslag?enhet={CODE}#enhet-{CODE}"' in page.text


def test_a_code_that_is_not_the_tenants_is_no_page(world):
    client = world.sign_in()
    for path in ("", "/urval", "/klasser", "/grupper", "/arskurser", "/ta-bort"):
        assert client.get(f"/skolenheter/87654321{path}").status_code == 404


def test_the_name_and_types_are_saved_and_logged(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    values = {"name": " Norra   skolan F-9 ", "types": ["GR", "FKLASS"], "municipality": "0180"}
    answer = world.send(client, page, PAGE, **values)
    assert answer.location == PAGE
    unit = world.stored_document()["schoolUnits"][0]
    assert unit["name"] == "Norra skolan F-9"
    assert unit["schoolTypes"] == ["FKLASS", "GR"]
    assert unit["municipalityCode"] == "0180"
    assert unit["students"] == {"orgUnits": ["/Elever"]}
    entry = world.store.audit_entries(TENANT, 1)[0]
    assert (entry.what, entry.subject) == ("unit.saved", CODE)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"name": "  "}, "Skriv skolenhetens namn"),
        ({"name": "x" * 201}, "högst 200 tecken"),
        ({"municipality": "18"}, "En kommunkod har fyra siffror"),
    ],
)
def test_wrong_facts_are_reported_in_their_field_and_nothing_is_saved(world, values, told):
    client = world.sign_in()
    before = world.stored_document()
    answer = world.send(client, world.ready(client, PAGE), PAGE, **values)
    assert answer.status_code == 400
    assert told in world.text(answer)
    assert world.stored_document() == before


def test_who_was_slower_is_reported_and_what_was_typed_stays(world):
    client, other = world.sign_in(), world.sign_in()
    page, theirs = world.ready(client, PAGE), world.ready(other, PAGE)
    world.send(other, theirs, PAGE, name="Norra 1")
    answer = world.send(client, page, PAGE, name="Norra 2")
    assert answer.status_code == 409
    assert "Du har sparat i en annan flik" in world.text(answer)
    assert form_of(answer, PAGE)["name"] == "Norra 2"
    assert world.stored_document()["schoolUnits"][0]["name"] == "Norra 1"
    assert world.send(client, answer, PAGE).status_code == 302
    assert world.stored_document()["schoolUnits"][0]["name"] == "Norra 2"


def test_a_ceased_unit_is_marked(world):
    world.document["schoolUnits"][0]["code"] = "12345679"
    for connection in world.document["connections"]:
        connection["schoolUnits"] = ["12345679"]
    world.import_document()
    world.services.maintain()
    said = world.text(world.ready(world.sign_in(), "/skolenheter/12345679"))
    assert "Skolenheten har upphört enligt Skolverkets register." in said


def test_taking_a_unit_away_names_how_many_go_at_which_vendor(live):
    said = live.text(live.ready(live.sign_in(), REMOVE))
    assert "16 personer tas bort hos All." in said


def test_nobody_goes_where_nothing_has_been_delivered(world):
    world.change_connection("all", mode="live")
    said = world.text(world.ready(world.sign_in(), REMOVE))
    assert "Ingen tas bort hos någon leverantör." in said


def test_a_pupil_who_is_at_another_unit_too_is_not_said_to_go(live):
    document = live.document
    document["schoolUnits"].append(
        {"code": "12345680", "name": "Södra skolan", "students": {"orgUnits": ["/Elever/7A"]}}
    )
    document["connections"][0]["schoolUnits"] = [CODE, "12345680"]
    live.import_document()
    said = live.text(live.ready(live.sign_in(), REMOVE))
    assert "10 personer tas bort hos All." in said


def test_a_unit_is_taken_away_from_the_vendors_lists_too(live):
    client = live.sign_in()
    answer = live.send(client, live.ready(client, REMOVE), REMOVE)
    assert answer.location == "/skolenheter/sok"
    document = live.stored_document()
    assert document.get("schoolUnits", []) == []
    assert all(not c.get("schoolUnits") for c in document["connections"])
    assert live.store.audit_entries(TENANT, 1)[0].what == "unit.removed"


def test_a_unit_that_changed_meanwhile_is_not_taken_away(live):
    client, other = live.sign_in(), live.sign_in()
    page = live.ready(client, REMOVE)
    live.send(other, live.ready(other, PAGE), PAGE, name="Norra nya skolan")
    answer = live.send(client, page, REMOVE)
    assert answer.status_code == 409
    assert len(live.stored_document()["schoolUnits"]) == 1


def test_a_unit_can_be_taken_away_while_the_directory_cannot_be_read(live):
    live.directory.fail("orgunits", status=403, reason="forbidden", times=None)
    client = live.sign_in()
    said = live.text(live.ready(client, REMOVE))
    assert "De som bara finns på Norra skolan tas bort hos leverantörerna" in said
    assert live.send(client, client.get(REMOVE), REMOVE).status_code == 302


def test_who_lacks_a_name_is_listed_at_the_school_and_said_beside_its_numbers(world):
    """What keeps somebody from being sent is on the unit's page and in the list of units."""
    world.domain.add_user(person("Kim", "", "/Elever/7A"))
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert "12 elever" in world.text(page)
    assert "Att rätta i Google Workspace" in world.text(page)
    address = f"/datakvalitet/missing-family-name?enhet={CODE}"
    assert f'href="{address}"' in page.text
    assert "Kim" in world.text(client.get(address))
    units = world.ready(client, "/skolenheter")
    assert "1 person skickas inte" in world.text(units)
    assert f'href="{PAGE}#anmarkningar"' in units.text

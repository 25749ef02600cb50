"""Datakvalitet: what is wrong in Workspace, whom it concerns and how it is corrected."""

import csv
import io
import json
import re

import pytest

from addon.planning.protected_set import ProtectedSet
from addon.roster.findings import MESSAGES
from addon.store.records import Namespace
from addon.store.tenant_updates import TenantEdit, update_tenant
from tests.support.page_actions import read_again
from tests.support.page_content import form_of
from tests.support.small_school import (
    DOMAIN,
    HIDDEN,
    OTHER_TENANT,
    PUPILS,
    TENANT,
    UNIT,
    address,
    deliver,
    leave,
    person,
    set_live,
    small_school_pages,
)

PAGE, FILE = "/datakvalitet", "/datakvalitet.csv"
SECOND = "12345680"


@pytest.fixture
def world(tmp_path):
    with small_school_pages(tmp_path) as world:
        set_live(world)
        yield world


def mark(world, client, code, names, do="known"):
    """Tick those with these names on the page of the kind, and send the form."""
    page = kind(world, client, code)
    label = "Det är så: " if do == "known" else "Ta tillbaka: "
    ticked = [
        re.search(rf'value="(\w+)" aria-label="{label}{re.escape(name)}"', page.text)[1]
        for name in names
    ]
    sent = {
        "csrf_token": form_of(page, f"{PAGE}/{code}")["csrf_token"],
        "finding": ticked,
        "do": do,
    }
    answer = client.post(f"{PAGE}/{code}", data=sent)
    assert answer.status_code == 302
    return world.text(client.get(answer.location))


def kind(world, client, code, **given):
    return world.ready(client, f"{PAGE}/{code}", query_string=given)


def lines(world, client, **given):
    response = world.ready(client, FILE, query_string=given)
    assert response.data.startswith(b"\xef\xbb\xbf")
    assert response.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig")), delimiter=";"))


def without_class(world, count=1, prefix="Utan"):
    for n in range(count):
        world.domain.add_user(person(f"{prefix}{n}", "Klass", "/Elever"))


def second_school(world):
    """A school whose pupils are those without a class of the first one."""
    world.document["schoolUnits"].append(
        {
            "code": SECOND,
            "name": "Ängskolan",
            "students": {"orgUnits": ["/Äng"]},
            "classes": {"from": "orgUnit", "pattern": "^/Äng/(?P<name>[^/]+)$"},
        }
    )
    world.import_document()
    world.domain.add_org_unit("/Äng")
    world.domain.add_user(person("Öppen", "Dörr", "/Äng"))


def test_before_the_directory_is_read_the_page_says_that_it_is_being_read(world, client):
    assert "Katalogen i Google Workspace läses." in world.text(client.get(PAGE))


def test_where_nothing_is_wrong_the_page_says_so(world, client):
    said = world.text(world.ready(client, PAGE))
    assert "Inga anmärkningar. Uppgifterna om alla som är valda går att använda." in said
    assert "CSV" not in said


def test_without_school_units_the_page_says_what_comes_first(world, client):
    set_live(world, mode="off", schoolUnits=[])
    world.document["schoolUnits"] = []
    world.import_document()
    assert "Lägg till skolenheter först." in world.text(world.ready(client, PAGE))


def test_before_anybody_is_selected_the_page_does_not_say_that_all_is_well(world, client):
    unit = world.document["schoolUnits"][0]
    world.document["schoolUnits"] = [{"code": UNIT, "name": unit["name"]}]
    world.import_document()
    page = world.ready(client, PAGE)
    assert "Ingen är vald ännu." in world.text(page)
    assert "Inga anmärkningar" not in world.text(page)
    assert 'href="/forslag"' in page.text


def test_findings_are_grouped_by_kind_the_gravest_first_with_counts(world, client):
    without_class(world, 2)
    world.domain.rename_user(address("Bo", "Ek"), family_name="")
    page = world.ready(client, PAGE)
    said = world.text(page)
    assert "1 fel i Google Workspace gör att någon inte skickas. Rätta det där" in said
    assert re.findall(r"/datakvalitet/([a-z-]+)\"", page.text) == [
        "missing-family-name",
        "student-without-class",
    ]
    assert (
        "Efternamn saknas ■ 1 person Konton utan efternamn skickas inte till någon leverantör."
        in said
    )
    assert "▲ 2 personer" in said


def test_when_everybody_can_be_sent_that_is_said_first(world, client):
    without_class(world)
    said = world.text(world.ready(client, PAGE))
    assert "Alla valda personer kan skickas. Det finns saker att se över." in said


def test_a_kind_shows_how_it_is_corrected_and_whom_it_concerns(world, client):
    world.domain.rename_user(address("Ylva", "O'Leary"), family_name="")
    said = world.text(kind(world, client, "missing-family-name"))
    assert "Det gäller 1 person." in said
    assert "Öppna Google Admin-konsolen, Katalog och sedan Användare" in said
    assert "Fyll i efternamnet." in said
    assert "Ylva Norra skolan /Elever/7A Kontot saknar efternamn." in said


def test_a_kind_that_is_no_more_says_so_and_one_that_never_was_is_not_found(world, client):
    said = world.text(kind(world, client, "missing-family-name"))
    assert "Det finns inga sådana längre." in said
    assert kind(world, client, "nonsense").status_code == 404


def test_what_was_corrected_is_gone_when_the_directory_is_read_again(world, client):
    without_class(world)
    assert "Elev utan klass" in world.text(world.ready(client, PAGE))
    world.domain.move_user(address("Utan0", "Klass"), "/Elever/7A")
    read_again(world, client)
    assert "Elev utan klass" not in world.text(world.ready(client, PAGE))


def test_those_of_one_school_can_be_chosen_and_forwarded(world, client):
    without_class(world, 2)
    second_school(world)
    page = kind(world, client, "student-without-class")
    assert "Det gäller 3 personer." in world.text(page)
    assert form_of(page, "")["enhet"] == ""
    chosen = kind(world, client, "student-without-class", enhet=SECOND)
    said = world.text(chosen)
    assert "Öppen Dörr Ängskolan /Äng Eleven har ingen klass på Ängskolan." in said
    assert "Utan0" not in said
    assert "Hämta som CSV, att skicka till Ängskolan" in said
    assert f'href="/skolenheter/{SECOND}"' in chosen.text
    (line,) = lines(world, client, kod="student-without-class", enhet=SECOND)
    assert (line["vad det gäller"], line["skolenhet"]) == ("Öppen Dörr", "Ängskolan")


def test_a_school_with_none_of_a_kind_says_so(world, client):
    without_class(world)
    second_school(world)
    said = world.text(kind(world, client, "student-without-class", enhet="99999999"))
    assert "Inget av det här slaget på den skolenheten. Visa alla" in said


def test_a_long_kind_has_pages_sorted_as_swedes_do(world, client):
    without_class(world, 60)
    world.domain.add_user(person("Åke", "Öst", "/Elever"))
    page = kind(world, client, "student-without-class")
    assert "Sida 1 av 2" in world.text(page)
    assert "/datakvalitet/student-without-class?sida=2" in page.text
    last = world.text(kind(world, client, "student-without-class", sida="2"))
    assert last.index("Utan59 Klass") < last.index("Åke Öst")


def test_a_person_at_two_schools_is_reported_with_their_names(world, client):
    second_school(world)
    world.document["schoolUnits"][1]["students"]["orgUnits"] += ["/Elever/7A"]
    world.import_document()
    page = kind(world, client, "student-in-several-units")
    said = world.text(page)
    assert "Eleven är vald för flera skolenheter: Norra skolan, Ängskolan." in said
    assert UNIT not in said
    assert "Det gäller 6 personer." in said


def test_two_classes_of_one_name_are_reported_with_the_school(world, client):
    world.domain.add_org_unit("/Elever/Annex/7A")
    world.domain.add_user(person("Ny", "Elev", "/Elever/Annex/7A"))
    world.document["schoolUnits"][0]["classes"]["pattern"] = "(?P<name>[^/]+)$"
    world.import_document()
    said = world.text(kind(world, client, "duplicate-class-name"))
    assert "Det finns på 1 ställe." in said
    assert "2 klasser på Norra skolan heter 7A." in said


def test_an_org_unit_that_is_missing_is_reported_with_the_unit_that_names_it(world, client):
    world.document["schoolUnits"][0]["students"]["orgUnits"].append("/Borta")
    world.import_document()
    said = world.text(kind(world, client, "org-unit-missing"))
    assert "/Borta Norra skolan /Borta finns inte. Den kan ha bytt namn" in said


def test_a_school_that_another_tenant_had_first_is_an_error_and_is_not_shown_as_sent(world, client):
    with world.open_store() as store:
        other = {**world.document, "customerId": OTHER_TENANT, "connections": []}
        other["schoolUnits"] = [{"code": SECOND, "name": "Deras"}]
        edit = TenantEdit(json.dumps(other).encode())
        told = {"actor": "it@example.se", "action": "test", "clock": world.clock}
        update_tenant(store, OTHER_TENANT, lambda _: edit, **told)
    world.document["connections"][0]["schoolUnits"].append(SECOND)
    second_school(world)
    said = world.text(kind(world, client, "unit-elsewhere"))
    assert f"En annan huvudman hade skolenheten {SECOND} i Skolsynk först." in said
    assert "Ängskolan" in said
    assert OTHER_TENANT not in said
    assert "Dörr" not in world.text(world.ready(client, "/forhandsgranska/all"))


def test_a_group_is_told_by_its_name(world, client):
    world.document["schoolUnits"][0]["teachingGroups"] = {
        "from": "group",
        "pattern": "^norra-(?P<name>.+)@",
    }
    world.import_document()
    world.domain.add_group({"email": f"norra-x@{DOMAIN}", "name": "Slöjd Ö"})
    said = world.text(kind(world, client, "group-without-students"))
    assert "Slöjd Ö" in said


def test_members_of_a_group_who_are_not_selected_are_told_by_name(world, client):
    domain = world.domain
    world.document["schoolUnits"][0]["teachingGroups"] = {
        "from": "group",
        "pattern": "^norra-(?P<name>.+)@",
    }
    world.import_document()
    domain.add_org_unit("/Gäster")
    for name in (("Åsa", "Gäst"), ("Bo", "Besök")):
        domain.add_user(person(*name, "/Gäster"))
    domain.add_group(
        {"email": f"norra-x@{DOMAIN}", "name": "Slöjd Ö"},
        [address(*each) for each in (("Åsa", "Gäst"), ("Bo", "Besök"), HIDDEN, PUPILS["7A"][0])],
    )
    page = kind(world, client, "member-not-selected")
    said = world.text(page)
    assert f"2 av medlemmarna i norra-x@{DOMAIN} är inte med i något urval" in said
    assert "Bo Besök /Gäster Åsa Gäst /Gäster" in said
    assert re.search(r'<a href="/personer/\d+">Åsa Gäst</a>', page.text)
    assert HIDDEN[1] not in said
    (line,) = lines(world, client, kod="member-not-selected")
    assert line["adress"] == f"{address('Bo', 'Besök')}, {address('Åsa', 'Gäst')}"


def test_what_a_vendor_cannot_take_is_reported_only_while_it_is_on(world, client):
    second_school(world)
    world.document["schoolUnits"][1]["students"]["orgUnits"] += ["/Elever/7A"]
    set_live(world, schoolUnits=[UNIT, SECOND])
    said = world.text(kind(world, client, "placement-reduced"))
    assert "Some tar emot en skolenhet och en klass per person, och personen har flera." in said
    set_live(world, "some", mode="off")
    assert "Det finns inga sådana längre." in world.text(kind(world, client, "placement-reduced"))


def test_a_protected_person_is_in_no_finding_and_in_no_file(world, client):
    world.domain.rename_user(address(*HIDDEN), family_name="")
    without_class(world)
    page = world.ready(client, PAGE)
    assert "Efternamn saknas" not in world.text(page)
    assert HIDDEN[0] not in str(lines(world, client))


def test_the_file_has_what_is_wrong_where_and_what_to_do(world, client):
    without_class(world)
    world.domain.rename_user(address("Bo", "Ek"), family_name="")
    first, second = lines(world, client)
    assert list(first) == [
        "allvar",
        "anmärkning",
        "vad det gäller",
        "adress",
        "organisationsenhet",
        "skolenhet",
        "vad som är fel",
        "att göra",
        "markerad ”det är så”",
    ]
    assert first["allvar"] == "Skickas inte"
    assert first["adress"] == address("Bo", "Ek")
    assert "Fyll i efternamnet." in first["att göra"]
    assert second["anmärkning"] == "Elev utan klass"
    assert second["skolenhet"] == "Norra skolan"


def test_who_has_no_class_by_an_exception_is_told_so_with_a_link_to_it(world, client):
    world.document["schoolUnits"][0]["classes"]["except"] = ["7b"]
    world.import_document()
    page = kind(world, client, "student-class-excepted")
    assert "Undantagen på Norra skolan: 7B. Eleven har ingen annan klass." in world.text(page)
    assert 'href="/skolenheter/12345678/klasser">Ändra undantaget' in page.text
    assert "Elev utan klass" not in world.text(world.ready(client, PAGE))
    unit = world.ready(client, "/skolenheter/12345678")
    assert "1 klass undantagen: 7b. 6 elever har ingen annan klass" in world.text(unit)
    assert "utan klass" not in world.text(unit)


def test_a_name_that_is_a_formula_is_harmless_in_the_file(world, client):
    world.domain.add_user(
        {
            "primaryEmail": f"formel@{DOMAIN}",
            "orgUnitPath": "/Elever",
            "name": {"givenName": '=cmd|"/c calc"!A0', "familyName": "X"},
        }
    )
    (line,) = lines(world, client)
    assert line["vad det gäller"].startswith("'=cmd")


def test_the_trend_is_drawn_once_there_is_more_than_one_run(world, client):
    without_class(world)
    deliver(world)
    assert "Över tid" not in world.text(world.ready(client, PAGE))
    without_class(world, 2, "Mer")
    deliver(world)
    page = world.ready(client, PAGE)
    said = world.text(page)
    assert "Blir det bättre? Se över" in said
    assert "<svg" in page.text
    assert "Visa som tabell" in said


def test_a_directory_that_a_run_has_overtaken_is_said_to_be_old(world, client):
    deliver(world)
    assert "läst en nyare" not in world.text(world.ready(client, PAGE))
    leave(world, PUPILS["7A"][0])
    deliver(world)
    page = world.ready(client, PAGE)
    assert "En körning har sedan dess läst en nyare." in world.text(page)
    assert form_of(page, "/katalog/las")["back"] == PAGE


def test_every_kind_has_a_page(world, client):
    for code in MESSAGES:
        assert kind(world, client, code).status_code == 200, code


def test_protection_that_has_ended_is_listed_without_a_name_and_leads_to_where_it_is_decided(world):
    who = world.domain.find_user(address(*PUPILS["7A"][0]))["id"]
    world.store.update_protected_set(
        TENANT, lambda found: ProtectedSet(ended={who: 1_700_000_000.0})
    )
    client = world.sign_in()
    assert "Skyddet har upphört" in world.text(world.ready(client, PAGE))
    page = kind(world, client, "protection-ended")
    assert 'href="/skyddade"' in page.text
    assert who in world.text(page)
    assert PUPILS["7A"][0][1] not in world.text(page)


def test_an_org_unit_that_was_renamed_is_listed(world):
    deliver(world)
    world.domain.rename_org_unit("/Elever", "Skolbarn")
    client = world.sign_in()
    assert "/Elever" in world.text(kind(world, client, "org-unit-renamed"))


# Where it is mended, what is known, and the letter to a school


def test_a_finding_leads_to_the_account_by_its_id_and_to_the_rule_that_placed_it(world, client):
    without_class(world)
    page = kind(world, client, "student-without-class")
    who = world.domain.find_user(address("Utan0", "Klass"))["id"]
    assert f'href="https://admin.google.com/ac/users/{who}"' in page.text
    assert f'href="/skolenheter/{UNIT}/klasser"' in page.text
    assert "@" not in "".join(re.findall(r'href="(https://admin[^"]*)"', page.text))


def test_an_org_unit_that_is_missing_leads_to_the_selection_and_to_google(world, client):
    world.document["schoolUnits"][0]["students"]["orgUnits"].append("/Borta")
    world.import_document()
    page = kind(world, client, "org-unit-missing")
    assert 'href="https://admin.google.com/ac/orgunits"' in page.text
    assert f'href="/skolenheter/{UNIT}/urval">Urvalet på Norra skolan' in page.text
    assert "Det är så" not in world.text(page)


def test_what_is_marked_is_counted_apart_with_who_and_when_and_can_be_taken_back(world, client):
    without_class(world, 3)
    said = mark(world, client, "student-without-class", ["Utan1 Klass"])
    assert "1 är markerad ”det är så”." in said
    assert re.search(r"Utan1 Klass \S+@\S+ \d{4}-\d\d-\d\d", said)
    page = world.text(world.ready(client, PAGE))
    assert "▲ 2 personer ○ 1 markerad ”det är så”" in page
    assert "Norra skolan 0 2 1 Brev om 2 uppgifter" in page
    unit = world.text(world.ready(client, f"/skolenheter/{UNIT}"))
    assert "Elev utan klass ▲ 2 ○ 1 markerad ”det är så”" in unit
    marked = [each["markerad ”det är så”"] != "" for each in lines(world, client)]
    assert marked == [False, True, False]
    log = world.text(client.get("/installningar/logg"))
    assert "Anmärkningar markerade ”det är så”" in log
    assert "Elev utan klass" in log
    mark(world, client, "student-without-class", ["Utan1 Klass"], do="unknown")
    assert "▲ 3 personer" in world.text(world.ready(client, PAGE))


def test_a_mark_names_nobody_in_the_store_and_marks_no_finding_that_is_not_there(world, client):
    without_class(world)
    mark(world, client, "student-without-class", ["Utan0 Klass"])
    item = world.store.get(Namespace("known", TENANT), "findings", world.clock())
    who = world.domain.find_user(address("Utan0", "Klass"))
    assert who["id"].encode() not in item.data
    assert b"Utan0" not in item.data
    page = kind(world, client, "student-without-class")
    token = form_of(page, f"{PAGE}/student-without-class")["csrf_token"]
    sent = {"csrf_token": token, "finding": ["0" * 24], "do": "known"}
    answer = client.post(f"{PAGE}/student-without-class", data=sent)
    assert "Inget är ändrat" in world.text(client.get(answer.location))
    assert client.post(f"{PAGE}/not-compared", data=sent).status_code == 404


def test_the_letter_asks_a_school_about_its_own_in_its_words_and_not_about_the_known(world, client):
    without_class(world, 2)
    second_school(world)
    world.domain.rename_user(address("Bo", "Ek"), family_name="")
    mark(world, client, "student-without-class", ["Utan1 Klass"])
    page = world.ready(client, f"/skolenheter/{UNIT}/brev")
    letter = page.text.split("readonly>")[1].split("</textarea>")[0]
    assert "Vilken klass går eleven i?" in letter
    assert f"- Utan0 Klass ({address('Utan0', 'Klass')})" in letter
    assert "Vilket är efternamnet?" in letter
    assert "Utan1" not in letter
    assert "Öppen" not in letter
    (link,) = re.findall(r'href="mailto:([^"]*)"', page.text)
    assert link == "?subject=Uppgifter%20att%20r%C3%A4tta%20p%C3%A5%20Norra%20skolan"
    assert world.ready(client, "/skolenheter/99999999/brev").status_code == 404

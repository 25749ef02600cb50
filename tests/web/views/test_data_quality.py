"""Datakvalitet: what is wrong in Workspace, whom it concerns and how it is mended."""

import csv
import io
import re

import pytest

from addon.roster.findings import MESSAGES
from tests.support.installation import DOMAIN, HIDDEN, PUPILS, address, person
from tests.support.site import Site, form_of
from tests.web.views.school import UNIT, deliver, read_again, turn_on

PAGE, FILE = "/datakvalitet", "/datakvalitet.csv"
SECOND = "12345680"


@pytest.fixture
def site(tmp_path):
    with Site(tmp_path) as site:
        turn_on(site)
        yield site


def kind(site, client, code, **given):
    return site.ready(client, f"{PAGE}/{code}", query_string=given)


def lines(site, client, **given):
    response = site.ready(client, FILE, query_string=given)
    assert response.data.startswith(b"\xef\xbb\xbf")
    assert response.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig")), delimiter=";"))


def without_class(site, count=1, prefix="Utan"):
    for n in range(count):
        site.installation.domain.add_user(person(f"{prefix}{n}", "Klass", "/Elever"))


def second_school(site):
    """A school whose pupils are those without a class of the first one."""
    site.installation.document["schoolUnits"].append(
        {
            "code": SECOND,
            "name": "Ängskolan",
            "students": {"orgUnits": ["/Äng"]},
            "classes": {"from": "orgUnit", "pattern": "^/Äng/(?P<name>[^/]+)$"},
        }
    )
    site.installation.import_document()
    site.installation.domain.add_org_unit("/Äng")
    site.installation.domain.add_user(person("Öppen", "Dörr", "/Äng"))


def test_before_the_directory_is_read_the_page_says_that_it_is_being_read(site, client):
    assert "Katalogen i Google Workspace läses." in site.read(client.get(PAGE))


def test_where_nothing_is_wrong_the_page_says_so(site, client):
    said = site.read(site.ready(client, PAGE))
    assert "Inga anmärkningar. Uppgifterna om alla som är valda går att använda." in said
    assert "CSV" not in said


def test_without_school_units_the_page_says_what_comes_first(site, client):
    turn_on(site, mode="off", schoolUnits=[])
    site.installation.document["schoolUnits"] = []
    site.installation.import_document()
    assert "Lägg till skolenheter först." in site.read(site.ready(client, PAGE))


def test_before_anybody_is_selected_the_page_does_not_say_that_all_is_well(site, client):
    unit = site.installation.document["schoolUnits"][0]
    site.installation.document["schoolUnits"] = [{"code": UNIT, "name": unit["name"]}]
    site.installation.import_document()
    page = site.ready(client, PAGE)
    assert "Ingen är vald ännu." in site.read(page)
    assert "Inga anmärkningar" not in site.read(page)
    assert 'href="/forslag"' in page.text


def test_findings_are_grouped_by_kind_the_gravest_first_with_counts(site, client):
    without_class(site, 2)
    site.installation.domain.rename_user(address("Bo", "Ek"), family_name="")
    page = site.ready(client, PAGE)
    said = site.read(page)
    assert "1 sak i Workspace gör att någon inte skickas. Rätta den där" in said
    assert re.findall(r"/datakvalitet/([a-z-]+)\"", page.text) == [
        "missing-family-name",
        "student-without-class",
    ]
    assert "Efternamn saknas Konton utan efternamn skickas inte till någon leverantör." in said
    assert "■ 1 person" in said
    assert "▲ 2 personer" in said


def test_when_everybody_can_be_sent_that_is_said_first(site, client):
    without_class(site)
    said = site.read(site.ready(client, PAGE))
    assert "Alla valda personer kan skickas. Det finns saker att se över." in said


def test_a_kind_tells_how_it_is_mended_and_whom_it_concerns(site, client):
    site.installation.domain.rename_user(address("Ylva", "O'Leary"), family_name="")
    said = site.read(kind(site, client, "missing-family-name"))
    assert "Det gäller 1 person." in said
    assert "Öppna Google Admin-konsolen, Katalog och sedan Användare" in said
    assert "Fyll i efternamnet." in said
    assert "Ylva /Elever/7A Kontot saknar efternamn." in said


def test_a_kind_that_is_no_more_says_so_and_one_that_never_was_is_not_found(site, client):
    said = site.read(kind(site, client, "missing-family-name"))
    assert "Det finns inga sådana längre." in said
    assert kind(site, client, "nonsense").status_code == 404


def test_what_was_mended_is_gone_when_the_directory_is_read_again(site, client):
    without_class(site)
    assert "Elev utan klass" in site.read(site.ready(client, PAGE))
    site.installation.domain.move_user(address("Utan0", "Klass"), "/Elever/7A")
    read_again(site, client)
    assert "Elev utan klass" not in site.read(site.ready(client, PAGE))


def test_those_of_one_school_can_be_chosen_and_forwarded(site, client):
    without_class(site, 2)
    second_school(site)
    page = kind(site, client, "student-without-class")
    assert "Det gäller 3 personer." in site.read(page)
    assert form_of(page, "")["enhet"] == ""
    chosen = kind(site, client, "student-without-class", enhet=SECOND)
    said = site.read(chosen)
    assert "Öppen Dörr Ängskolan /Äng Eleven har ingen klass på Ängskolan." in said
    assert "Utan0" not in said
    assert "Hämta som CSV, att skicka till Ängskolan" in said
    assert f'href="/skolenheter/{SECOND}"' in chosen.text
    (line,) = lines(site, client, kod="student-without-class", enhet=SECOND)
    assert (line["vad det gäller"], line["skolenhet"]) == ("Öppen Dörr", "Ängskolan")


def test_a_school_with_none_of_a_kind_says_so(site, client):
    without_class(site)
    second_school(site)
    said = site.read(kind(site, client, "student-without-class", enhet="99999999"))
    assert "Inget av det här slaget på den skolenheten. Visa alla" in said


def test_a_long_kind_has_pages_sorted_as_swedes_do(site, client):
    without_class(site, 60)
    site.installation.domain.add_user(person("Åke", "Öst", "/Elever"))
    page = kind(site, client, "student-without-class")
    assert "Sida 1 av 2" in site.read(page)
    assert "/datakvalitet/student-without-class?sida=2" in page.text
    last = site.read(kind(site, client, "student-without-class", sida="2"))
    assert last.index("Utan59 Klass") < last.index("Åke Öst")


def test_a_person_at_two_schools_is_told_with_their_names(site, client):
    second_school(site)
    site.installation.document["schoolUnits"][1]["students"]["orgUnits"] += ["/Elever/7A"]
    site.installation.import_document()
    page = kind(site, client, "student-in-several-units")
    said = site.read(page)
    assert "Eleven är vald för flera skolenheter: Norra skolan, Ängskolan." in said
    assert UNIT not in said
    assert "Det gäller 6 personer." in said


def test_two_classes_of_one_name_are_told_with_the_school(site, client):
    site.installation.domain.add_org_unit("/Elever/Annex/7A")
    site.installation.domain.add_user(person("Ny", "Elev", "/Elever/Annex/7A"))
    site.installation.document["schoolUnits"][0]["classes"]["pattern"] = "(?P<name>[^/]+)$"
    site.installation.import_document()
    said = site.read(kind(site, client, "duplicate-class-name"))
    assert "Det finns på 1 ställe." in said
    assert "2 klasser på Norra skolan heter 7A." in said


def test_an_org_unit_that_is_missing_is_told_with_the_unit_that_names_it(site, client):
    site.installation.document["schoolUnits"][0]["students"]["orgUnits"].append("/Borta")
    site.installation.import_document()
    said = site.read(kind(site, client, "org-unit-missing"))
    assert "/Borta Norra skolan /Borta finns inte. Den kan ha bytt namn" in said


def test_a_group_is_told_by_its_name(site, client):
    site.installation.document["schoolUnits"][0]["teachingGroups"] = {
        "from": "group",
        "pattern": "^norra-(?P<name>.+)@",
    }
    site.installation.import_document()
    site.installation.domain.add_group({"email": f"norra-x@{DOMAIN}", "name": "Slöjd Ö"})
    said = site.read(kind(site, client, "group-without-students"))
    assert "Slöjd Ö" in said


def test_members_of_a_group_who_are_not_selected_are_told_by_name(site, client):
    domain = site.installation.domain
    site.installation.document["schoolUnits"][0]["teachingGroups"] = {
        "from": "group",
        "pattern": "^norra-(?P<name>.+)@",
    }
    site.installation.import_document()
    domain.add_org_unit("/Gäster")
    for name in (("Åsa", "Gäst"), ("Bo", "Besök")):
        domain.add_user(person(*name, "/Gäster"))
    domain.add_group(
        {"email": f"norra-x@{DOMAIN}", "name": "Slöjd Ö"},
        [address(*each) for each in (("Åsa", "Gäst"), ("Bo", "Besök"), HIDDEN, PUPILS["7A"][0])],
    )
    page = kind(site, client, "member-not-selected")
    said = site.read(page)
    assert f"2 av medlemmarna i norra-x@{DOMAIN} är inte med i något urval" in said
    assert "Bo Besök /Gäster Åsa Gäst /Gäster" in said
    assert re.search(r'<a href="/personer/\d+">Åsa Gäst</a>', page.text)
    assert HIDDEN[1] not in said
    (line,) = lines(site, client, kod="member-not-selected")
    assert line["adress"] == f"{address('Bo', 'Besök')}, {address('Åsa', 'Gäst')}"


def test_what_a_vendor_cannot_take_is_told_only_while_it_is_on(site, client):
    second_school(site)
    site.installation.document["schoolUnits"][1]["students"]["orgUnits"] += ["/Elever/7A"]
    turn_on(site, schoolUnits=[UNIT, SECOND])
    said = site.read(kind(site, client, "placement-reduced"))
    assert "Some tar en skolenhet och en klass per person, och personen har flera." in said
    turn_on(site, "some", mode="off")
    assert "Det finns inga sådana längre." in site.read(kind(site, client, "placement-reduced"))


def test_a_protected_person_is_in_no_finding_and_in_no_file(site, client):
    site.installation.domain.rename_user(address(*HIDDEN), family_name="")
    without_class(site)
    page = site.ready(client, PAGE)
    assert "Efternamn saknas" not in site.read(page)
    assert HIDDEN[0] not in str(lines(site, client))


def test_the_file_has_what_is_wrong_where_and_what_to_do(site, client):
    without_class(site)
    site.installation.domain.rename_user(address("Bo", "Ek"), family_name="")
    first, second = lines(site, client)
    assert list(first) == [
        "allvar",
        "anmärkning",
        "vad det gäller",
        "adress",
        "organisationsenhet",
        "skolenhet",
        "vad som är fel",
        "att göra",
    ]
    assert first["allvar"] == "Skickas inte"
    assert first["adress"] == address("Bo", "Ek")
    assert "Fyll i efternamnet." in first["att göra"]
    assert second["anmärkning"] == "Elev utan klass"
    assert second["skolenhet"] == "Norra skolan"


def test_a_name_that_is_a_formula_is_harmless_in_the_file(site, client):
    site.installation.domain.add_user(
        {
            "primaryEmail": f"formel@{DOMAIN}",
            "orgUnitPath": "/Elever",
            "name": {"givenName": '=cmd|"/c calc"!A0', "familyName": "X"},
        }
    )
    (line,) = lines(site, client)
    assert line["vad det gäller"].startswith("'=cmd")


def test_the_trend_is_drawn_once_there_is_more_than_one_run(site, client):
    without_class(site)
    deliver(site)
    assert "Över tid" not in site.read(site.ready(client, PAGE))
    without_class(site, 2, "Mer")
    deliver(site)
    page = site.ready(client, PAGE)
    said = site.read(page)
    assert "Över tid Se över" in said
    assert "<svg" in page.text
    assert "Visa som tabell" in said


def test_a_directory_that_a_run_has_overtaken_is_said_to_be_old(site, client):
    deliver(site)
    assert "läst en nyare" not in site.read(site.ready(client, PAGE))
    site.installation.leave(PUPILS["7A"][0])
    deliver(site)
    page = site.ready(client, PAGE)
    assert "En körning har sedan dess läst en nyare." in site.read(page)
    assert form_of(page, "/katalog/las")["back"] == PAGE


def test_every_kind_has_a_page(site, client):
    for code in MESSAGES:
        assert kind(site, client, code).status_code == 200, code

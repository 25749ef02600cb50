"""Personer: who is sent, who is not and why, in a table to search, filter and take along."""

import csv
import io
import re

import pytest

from addon.store.records import Namespace
from addon.web.presenters.saved_searches import LASTS
from tests.support.page_actions import location, read_again
from tests.support.page_content import form_of
from tests.support.small_school import (
    DOMAIN,
    HIDDEN,
    PUPILS,
    TENANT,
    UNIT,
    address,
    leave,
    person,
    set_live,
    small_school_pages,
    user_id,
)

PAGE, SEARCH, FILE = "/personer", "/personer/sok", "/personer.csv"


@pytest.fixture
def world(tmp_path):
    with small_school_pages(tmp_path) as world:
        set_live(world)
        domain = world.domain
        domain.add_user(person("Kim", "", "/Elever/7A"))
        domain.add_org_unit("/Slutat")
        domain.add_user(person("Åke", "Öst", "/Slutat"))
        domain.add_org_unit("/Förvaltningen")
        domain.add_user(person("Eva", "Chef", "/Förvaltningen"))
        domain.suspend(address("Li", "Xu"))
        yield world


def names(page):
    return re.findall(r'<th scope="row"><a href="/personer/\d+">([^<]+)</a>', page.text)


def search(world, client, text, page=None):
    page = page or world.ready(client, PAGE)
    return client.get(location(world.send(client, page, SEARCH, text=text)))


def lines(response):
    assert response.data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig")), delimiter=";"))


def test_before_the_directory_is_read_the_page_says_that_it_is_being_read(world, client):
    page = client.get(PAGE)
    assert page.status_code == 202
    assert "Katalogen i Google Workspace läses." in world.text(page)
    assert "15 av 20" in world.text(world.ready(client, PAGE))


def test_the_first_sentence_says_how_many_of_all_are_sent(world, client):
    said = world.text(world.ready(client, PAGE))
    assert "15 av 20 personer i Workspace skickas till minst en leverantör." in said
    assert "1 person har skyddade personuppgifter och visas inte." in said


def test_while_all_vendors_are_off_it_is_said_who_would_be_sent(world, client):
    set_live(world, mode="off")
    said = world.text(world.ready(client, PAGE))
    assert "15 av 20 personer i Workspace skickas när leverantörerna slås på." in said
    assert "All, Some" in said


def test_where_no_units_are_chosen_nobody_is_sent(world, client):
    set_live(world, mode="off", schoolUnits=[])
    said = world.text(world.ready(client, PAGE))
    assert "inga skolenheter är valda för någon leverantör" in said
    assert "Skolenheten går inte till någon leverantör" in said


def test_a_unit_whose_only_vendor_is_off_is_told_from_one_that_goes_nowhere(world, client):
    set_live(world, "all", mode="off")
    set_live(world, "some", schoolUnits=[])
    page = world.ready(client, PAGE, query_string={"enhet": UNIT})
    assert "Leverantören är av" in world.text(page)


def test_the_order_is_by_family_name_as_swedes_have_it(world, client):
    found = names(world.ready(client, PAGE, query_string={"enhet": UNIT}))
    assert found[:3] == ["Zoë af Klercker", "Øyvind Brandt", "Bo Ek"]
    assert found[-2:] == ["Torvald Äppelqvist", "Rickard Ödesjö"]
    assert "Ylva O&#39;Leary" in found


def test_why_somebody_is_not_sent_is_said_in_words(world, client):
    said = world.text(world.ready(client, PAGE))
    assert "Kim – – ingen Efternamn saknas" in said
    assert "Li Xu – – ingen Kontot är avstängt i Workspace" in said
    assert "Eva Chef – – ingen Inte med i något urval" in said


def test_a_protected_person_is_nowhere_on_the_page_nor_in_a_search_nor_in_the_file(world, client):
    page = world.ready(client, PAGE)
    found = search(world, client, HIDDEN[1], page)
    whole = client.get(FILE).data.decode()
    for text in (page.text, whole, found.text.replace(f'value="{HIDDEN[1]}"', "")):
        assert HIDDEN[0] not in text
        assert HIDDEN[1] not in text
    assert "Ingen stämmer med det du söker." in world.text(found)
    (line,) = [each for each in lines(client.get(FILE)) if each["Leverantör"] == "All"][-1:]
    assert (line["E-postadress"], line["Varför inte"]) == ("", "Skyddade personuppgifter")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"roll": "staff", "sort": "-namn"}, 4),
        ({"orsak": "suspended"}, ["Li Xu"]),
        ({"orsak": "missing-family-name"}, ["Kim"]),
        ({"enhet": UNIT, "klass": "7A", "sort": "-namn"}, 6),
        ({"enhet": UNIT, "roll": "student"}, 11),
        ({"beslut": "left"}, 5),
        ({"beslut": "sent", "leverantor": "some"}, 15),
        ({"enhet": "00000000"}, []),
        ({"leverantor": "nobody", "sort": "nonsense", "sida": "x"}, []),
    ],
)
def test_the_table_is_filtered_by_its_address(world, client, given, expected):
    found = names(world.ready(client, PAGE, query_string=given))
    assert (len(found) if isinstance(expected, int) else found) == expected


def test_a_class_is_chosen_of_those_of_the_unit(world, client):
    assert 'id="klass"' not in world.ready(client, PAGE).text
    page = world.ready(client, PAGE, query_string={"enhet": UNIT, "klass": "7B"})
    assert form_of(page, PAGE)["klass"] == "7B"
    assert "7A" in page.text


@pytest.mark.parametrize("column", ["namn", "enhet", "klass", "orsak"])
def test_a_column_is_sorted_both_ways_and_the_filter_stays(world, client, column):
    given = {"enhet": UNIT, "sort": column}
    up = world.ready(client, PAGE, query_string=given)
    down = world.ready(client, PAGE, query_string={**given, "sort": f"-{column}"})
    assert names(up) == list(reversed(names(down)))
    assert f"/personer?enhet={UNIT}&amp;sort=-{column}" in up.text
    assert 'aria-sort="ascending"' in up.text
    assert 'aria-sort="descending"' in down.text


def test_a_long_table_has_pages_that_keep_the_filter(world, client):
    for n in range(60):
        world.domain.add_user(person(f"Ny{n}", "Elev", "/Elever/7B"))
    page = world.ready(client, PAGE, query_string={"roll": "student"})
    assert "Visar 1–50 av 71." in world.text(page)
    following = "/personer?roll=student&amp;sida=2"
    assert following in page.text
    second = client.get(following.replace("&amp;", "&"))
    assert "Visar 51–71 av 71." in world.text(second)
    assert "Sida 2 av 2" in world.text(second)
    assert not set(names(page)) & set(names(second))
    assert "Sida 2 av 2" in world.text(
        client.get(PAGE, query_string={"roll": "student", "sida": 99})
    )


def test_a_name_is_searched_for_whatever_its_letters(world, client):
    for text, expected in (
        ("äpp", ["Torvald Äppelqvist"]),
        ("O'LEARY", ["Ylva O&#39;Leary"]),
        ("märta fjäll", ["Åsa-Märta Fjäll"]),
        ("nguyễn", ["Sigbritt Nguyễn"]),
        (address("Bo", "Ek"), ["Bo Ek"]),
    ):
        assert names(search(world, client, text)) == expected


def test_the_name_that_is_searched_for_is_in_no_address_and_in_no_cookie(world, client):
    page = world.ready(client, PAGE, query_string={"roll": "student"})
    sent = world.send(client, page, SEARCH, text="Vängbo")
    assert "ngbo" not in location(sent)
    assert "roll=student" in location(sent)
    session = client.get_cookie("skolsynk").decoded_value
    found = client.get(location(sent))
    assert client.get_cookie("skolsynk").decoded_value.split(".")[0] == session.split(".")[0]
    assert names(found) == ["Hjördis Vängbo"]
    assert form_of(found, SEARCH)["text"] == "Vängbo"
    assert "ngbo" not in "".join(re.findall(r'(?:href|action)="([^"]*)"', found.text))


def test_a_search_stays_while_the_table_is_filtered_and_sorted_and_in_the_file(world, client):
    found = search(world, client, "ra")
    token = form_of(found, PAGE)["sok"]
    filtered = client.get(PAGE, query_string={"sok": token, "sort": "-klass", "roll": "student"})
    assert 0 < len(names(filtered)) < 20
    href = re.search(r'href="(/personer\.csv\?[^"]*)"', filtered.text)[1].replace("&amp;", "&")
    in_file = {line["E-postadress"] for line in lines(client.get(href))}
    assert len(in_file) == len(names(filtered))


def test_what_was_searched_for_is_kept_for_a_while_only(world, client):
    found = search(world, client, "Vängbo")
    token = form_of(found, PAGE)["sok"]
    namespace = Namespace("search", TENANT)
    assert world.store.list_names(namespace, world.clock()) == [token]
    with world.later(LASTS + 1):
        page = world.ready(client, PAGE, query_string={"sok": token})
        assert "sparas bara i två timmar" in world.text(page)
        assert len(names(page)) == 20
        world.store.delete_expired(world.clock())
    assert world.store.list_names(namespace, world.clock()) == []


def test_a_file_of_a_search_that_is_forgotten_is_not_everybody(world, client):
    token = form_of(search(world, client, "Vängbo"), PAGE)["sok"]
    with world.later(LASTS + 1):
        answer = client.get(FILE, query_string={"sok": token, "roll": "student"})
        page = world.ready(client, location(answer))
    assert "sparas bara i två timmar" in world.text(page)
    assert 'value="student" selected' in page.text


@pytest.mark.parametrize("token", ["../../x", "å", "x" * 200, "1"])
def test_a_token_of_nothing_finds_everybody(world, client, token):
    page = world.ready(client, PAGE, query_string={"sok": token})
    assert len(names(page)) == 20


def test_an_empty_search_shows_all_again(world, client):
    found = search(world, client, "Vängbo")
    assert location(world.send(client, found, SEARCH, text="  ")) == PAGE


def test_the_file_has_a_line_for_each_person_and_each_vendor_that_is_on(world, client):
    set_live(world, "some", mode="off")
    world.ready(client, PAGE)
    response = client.get(FILE)
    assert response.mimetype == "text/csv"
    assert "personer.csv" in response.headers["Content-Disposition"]
    found = lines(response)
    assert {line["Leverantör"] for line in found} == {"All"}
    assert len(found) == 21
    (line,) = [each for each in found if each["Förnamn"] == "Torvald"]
    assert line["Kontots id"] == f"'{user_id(world, *PUPILS['7A'][0])}"
    assert (line["Roll"], line["Skolenheter"], line["Klasser"]) == ("elev", "Norra skolan", "7A")
    assert (line["Skickas"], line["Varför inte"]) == ("ja", "")


def test_a_name_that_is_a_formula_is_harmless_in_the_file(world, client):
    world.domain.add_user(
        {
            "primaryEmail": f"formel@{DOMAIN}",
            "orgUnitPath": "/Elever/7A",
            "name": {"givenName": "=HYPERLINK(1)", "familyName": "@SUM(1)"},
        }
    )
    world.ready(client, PAGE)
    (line,) = [e for e in lines(client.get(FILE)) if "formel" in e["E-postadress"]][:1]
    assert (line["Förnamn"], line["Efternamn"]) == ("'=HYPERLINK(1)", "'@SUM(1)")


def test_two_classes_of_one_name_are_both_there(world, client):
    domain = world.domain
    domain.add_org_unit("/Elever/Annex/7A")
    domain.add_user(person("Ny", "Elev", "/Elever/Annex/7A"))
    unit = world.document["schoolUnits"][0]
    unit["classes"]["pattern"] = "(?P<name>[^/]+)$"
    world.import_document()
    page = world.ready(client, PAGE, query_string={"enhet": UNIT, "klass": "7A"})
    assert "Ny Elev" in names(page)
    assert len(names(page)) == 7


def test_somebody_at_two_schools_has_both(world, client):
    world.document["schoolUnits"].append(
        {"code": "12345680", "name": "Ängskolan", "staff": {"orgUnits": ["/Personal"]}}
    )
    world.import_document()
    said = world.text(world.ready(client, PAGE, query_string={"enhet": "12345680"}))
    assert "Gunnel Pärlbåt Personal Norra skolan, Ängskolan" in said


def test_who_leaves_is_gone_when_the_directory_is_read_again(world, client):
    world.ready(client, PAGE)
    number = user_id(world, "Bo", "Ek")
    leave(world, ("Bo", "Ek"))
    read_again(world, client)
    assert "Bo Ek" not in names(world.ready(client, PAGE))
    assert client.get(f"/personer/{number}").status_code == 404

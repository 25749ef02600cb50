"""Skolenheter: which are set up, which are not, and their order."""

import re

import pytest

from tests.support.page_actions import add_unit, connection, read_directory
from tests.support.page_content import form_of
from tests.support.small_school import person, small_school_pages

PAGE, ORDER = "/skolenheter", "/skolenheter/ordning"
NORRA, SODRA, GAMLA, OSTRA = "12345678", "12345680", "12345679", "12345681"


@pytest.fixture
def world(tmp_path):
    """Norra is ready; Södra has no selection, Östra no vendor, and Gamla has ceased."""
    world = small_school_pages(tmp_path)
    classes = {"from": "orgUnit", "pattern": "(?P<name>[^/]+)$"}
    add_unit(world, SODRA, "Södra skolan")
    add_unit(world, GAMLA, "Gamla skolan", students={"orgUnits": ["/Elever/7B"]}, classes=classes)
    add_unit(world, OSTRA, "Östra skolan", students={"orgUnits": ["/Elever/9C"]}, classes=classes)
    for each in world.document["connections"]:
        each["schoolUnits"] = [NORRA, GAMLA]
    with world:
        world.domain.add_org_unit("/Elever/9C")
        world.domain.add_user(person("Nia", "Cee", "/Elever/9C"))
        world.services.register().refresh()
        yield world


def names(page):
    return re.findall(r'<th scope="row"[^>]*><a[^>]*>([^<]+)</a>', page.text)


def row(world, page, name):
    said = world.text(page)
    return said[said.index(f"{name} ") :][:160]


def test_the_first_sentence_says_how_many_are_ready(world, client):
    read_directory(world, client)
    page = world.ready(client, PAGE)
    assert "1 av 4 skolenheter är klara. 3 behöver kompletteras." in world.text(page)


def test_each_unit_says_what_it_has_where_it_goes_and_what_is_missing(world, client):
    read_directory(world, client)
    page = client.get(PAGE)
    while "Antalen räknas fram" in world.text(page):
        page = client.get(PAGE)
    assert "Norra skolan 12345678 13 4 3 All, Some ● Klar" in world.text(page)
    assert "Urval saknas" in row(world, page, "Södra skolan")
    assert "Upphörd enligt registret" in row(world, page, "Gamla skolan")
    assert "Ingen leverantör" in row(world, page, "Östra skolan")


def test_a_unit_whose_selection_reaches_nobody_is_reported(world, client):
    unit = world.document["schoolUnits"][0]
    unit["students"] = {"orgUnits": ["/Elever/Slutat"]}
    world.import_document()
    read_directory(world, client)
    page = client.get(PAGE)
    while "Antalen räknas fram" in world.text(page):
        page = client.get(PAGE)
    assert "Inga elever i urvalet" in row(world, page, "Norra skolan")


def test_without_the_directory_the_numbers_can_be_asked_for(world, client):
    page = client.get(PAGE)
    assert "Antalen visas när katalogen har lästs." in world.text(page)
    assert "Norra skolan 12345678 – – – All, Some" in world.text(page)
    assert client.post("/katalog/las", data=form_of(page, "/katalog/las")).location == PAGE
    world.wait_for_tasks()
    assert "Antalen visas när" not in world.text(client.get(PAGE))


def test_without_units_the_page_leads_to_the_register(tmp_path):
    with small_school_pages(tmp_path) as world:
        world.document["schoolUnits"] = []
        world.document["connections"] = []
        world.import_document()
        page = world.sign_in().get(PAGE)
        assert "Lägg till era skolenheter ur Skolverkets register" in world.text(page)
        assert 'href="/skolenheter/sok"' in page.text


def test_units_are_found_by_name_and_code(world, client):
    page = client.get(f"{PAGE}?q=SÖDRA")
    assert names(page) == ["Södra skolan"]
    assert "1 av 4 skolenheter visas." in world.text(page)
    assert names(client.get(f"{PAGE}?q=12345681")) == ["Östra skolan"]
    assert "Ingen skolenhet stämmer" in world.text(client.get(f"{PAGE}?q=västra"))


def test_those_that_need_something_can_be_shown_alone(world, client):
    page = client.get(f"{PAGE}?visa=saknas")
    assert names(page) == ["Södra skolan", "Gamla skolan", "Östra skolan"]


def test_units_are_sorted_as_swedes_do(world, client):
    expected = ["Gamla skolan", "Norra skolan", "Södra skolan", "Östra skolan"]
    assert names(client.get(f"{PAGE}?sort=namn")) == expected
    assert names(client.get(f"{PAGE}?sort=-namn")) == expected[::-1]


def test_units_are_sorted_by_their_numbers(world, client):
    read_directory(world, client)
    page = client.get(f"{PAGE}?sort=-elever")
    while "Antalen räknas fram" in world.text(page):
        page = client.get(f"{PAGE}?sort=-elever")
    assert names(page)[0] == "Norra skolan"


def test_many_units_are_on_several_pages(world, client):
    for n in range(150):
        add_unit(world, f"{20000000 + n}", f"Skola {n}")
    world.import_document()
    page = client.get(PAGE)
    assert len(names(page)) == 100
    assert "Sida 1 av 2" in world.text(page)
    assert len(names(client.get(f"{PAGE}?sida=2"))) == 54


# The order


def order(world, client, code, step, page=None):
    page = page or client.get(f"{PAGE}?ordna=1")
    form = {**form_of(page, ORDER), "unit": code, "step": step}
    return client.post(ORDER, data=form)


def codes(world):
    return [unit["code"] for unit in world.stored_document()["schoolUnits"]]


@pytest.mark.parametrize(
    ("code", "step", "expected"),
    [
        (SODRA, "up", [SODRA, NORRA, GAMLA, OSTRA]),
        (SODRA, "down", [NORRA, GAMLA, SODRA, OSTRA]),
        (OSTRA, "first", [OSTRA, NORRA, SODRA, GAMLA]),
        (NORRA, "up", [NORRA, SODRA, GAMLA, OSTRA]),
        (OSTRA, "down", [NORRA, SODRA, GAMLA, OSTRA]),
    ],
)
def test_a_unit_is_moved(world, client, code, step, expected):
    answer = order(world, client, code, step)
    assert answer.status_code == 302
    assert answer.location.endswith(f"#enhet-{code}")
    assert codes(world) == expected


def test_the_vendors_lists_follow_the_order(world, client):
    order(world, client, GAMLA, "first")
    assert connection(world, "some")["schoolUnits"] == [GAMLA, NORRA]


def test_it_is_said_what_the_order_is_for(world, client):
    said = world.text(client.get(f"{PAGE}?ordna=1"))
    assert "Ordningen avgör vilken skola som gäller för den som finns på flera" in said


def test_an_unknown_unit_or_step_moves_nothing(world, client):
    before = codes(world)
    assert order(world, client, "99999999", "up").status_code == 302
    assert order(world, client, NORRA, "sideways").status_code == 302
    assert codes(world) == before


def test_who_orders_second_sees_the_order_as_it_is(world, client):
    page, other = client.get(f"{PAGE}?ordna=1"), world.sign_in()
    order(world, other, OSTRA, "first")
    answer = order(world, client, SODRA, "down", page)
    assert answer.status_code == 409
    assert "Du har sparat i en annan flik" in world.text(answer)
    assert names(answer)[0] == "Östra skolan"
    assert codes(world) == [OSTRA, NORRA, SODRA, GAMLA]
    assert order(world, client, SODRA, "down", answer).status_code == 302

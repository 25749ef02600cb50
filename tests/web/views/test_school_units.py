"""Skolenheter: which are set up, which are not, and their order."""

import re

import pytest

from tests.support.installation import person
from tests.support.page_actions import add_unit, connection, read_directory
from tests.support.site import Site, form_of

PAGE, ORDER = "/skolenheter", "/skolenheter/ordning"
NORRA, SODRA, GAMLA, OSTRA = "12345678", "12345680", "12345679", "12345681"


@pytest.fixture
def site(tmp_path):
    """Norra is ready; Södra has no selection, Östra no vendor, and Gamla has ceased."""
    site = Site(tmp_path)
    classes = {"from": "orgUnit", "pattern": "(?P<name>[^/]+)$"}
    add_unit(site, SODRA, "Södra skolan")
    add_unit(site, GAMLA, "Gamla skolan", students={"orgUnits": ["/Elever/7B"]}, classes=classes)
    add_unit(site, OSTRA, "Östra skolan", students={"orgUnits": ["/Elever/9C"]}, classes=classes)
    for each in site.installation.document["connections"]:
        each["schoolUnits"] = [NORRA, GAMLA]
    with site:
        site.installation.domain.add_org_unit("/Elever/9C")
        site.installation.domain.add_user(person("Nia", "Cee", "/Elever/9C"))
        site.services.register().refresh()
        yield site


def names(page):
    return re.findall(r'<th scope="row"[^>]*><a[^>]*>([^<]+)</a>', page.text)


def row(site, page, name):
    said = site.read(page)
    return said[said.index(f"{name} ") :][:160]


def test_the_first_sentence_says_how_many_are_ready(site, client):
    read_directory(site, client)
    page = site.ready(client, PAGE)
    assert "1 av 4 skolenheter är klara. 3 behöver något mer." in site.read(page)


def test_each_unit_says_what_it_has_where_it_goes_and_what_is_missing(site, client):
    read_directory(site, client)
    page = client.get(PAGE)
    while "Antalen räknas fram" in site.read(page):
        page = client.get(PAGE)
    assert "Norra skolan 12345678 13 4 3 All, Some ● Klar" in site.read(page)
    assert "Urval saknas" in row(site, page, "Södra skolan")
    assert "Upphörd enligt registret" in row(site, page, "Gamla skolan")
    assert "Ingen leverantör" in row(site, page, "Östra skolan")


def test_a_unit_whose_selection_reaches_nobody_is_told(site, client):
    unit = site.installation.document["schoolUnits"][0]
    unit["students"] = {"orgUnits": ["/Elever/Slutat"]}
    site.installation.import_document()
    read_directory(site, client)
    page = client.get(PAGE)
    while "Antalen räknas fram" in site.read(page):
        page = client.get(PAGE)
    assert "Når ingen elev" in row(site, page, "Norra skolan")


def test_without_the_directory_the_numbers_can_be_asked_for(site, client):
    page = client.get(PAGE)
    assert "Antalen visas när katalogen har lästs." in site.read(page)
    assert "Norra skolan 12345678 – – – All, Some" in site.read(page)
    assert client.post("/katalog/las", data=form_of(page, "/katalog/las")).location == PAGE
    site.tasks()
    assert "Antalen visas när" not in site.read(client.get(PAGE))


def test_without_units_the_page_leads_to_the_register(tmp_path):
    with Site(tmp_path) as site:
        site.installation.document["schoolUnits"] = []
        site.installation.document["connections"] = []
        site.installation.import_document()
        page = site.sign_in().get(PAGE)
        assert "Lägg till era skolenheter ur Skolverkets register" in site.read(page)
        assert 'href="/skolenheter/sok"' in page.text


def test_units_are_found_by_name_and_code(site, client):
    page = client.get(f"{PAGE}?q=SÖDRA")
    assert names(page) == ["Södra skolan"]
    assert "1 av 4 skolenheter visas." in site.read(page)
    assert names(client.get(f"{PAGE}?q=12345681")) == ["Östra skolan"]
    assert "Ingen skolenhet stämmer" in site.read(client.get(f"{PAGE}?q=västra"))


def test_those_that_need_something_can_be_shown_alone(site, client):
    page = client.get(f"{PAGE}?visa=saknas")
    assert names(page) == ["Södra skolan", "Gamla skolan", "Östra skolan"]


def test_units_are_sorted_as_swedes_do(site, client):
    expected = ["Gamla skolan", "Norra skolan", "Södra skolan", "Östra skolan"]
    assert names(client.get(f"{PAGE}?sort=namn")) == expected
    assert names(client.get(f"{PAGE}?sort=-namn")) == expected[::-1]


def test_units_are_sorted_by_their_numbers(site, client):
    read_directory(site, client)
    page = client.get(f"{PAGE}?sort=-elever")
    while "Antalen räknas fram" in site.read(page):
        page = client.get(f"{PAGE}?sort=-elever")
    assert names(page)[0] == "Norra skolan"


def test_many_units_are_on_several_pages(site, client):
    for n in range(150):
        add_unit(site, f"{20000000 + n}", f"Skola {n}")
    site.installation.import_document()
    page = client.get(PAGE)
    assert len(names(page)) == 100
    assert "Sida 1 av 2" in site.read(page)
    assert len(names(client.get(f"{PAGE}?sida=2"))) == 54


# The order


def order(site, client, code, step, page=None):
    page = page or client.get(f"{PAGE}?ordna=1")
    form = {**form_of(page, ORDER), "unit": code, "step": step}
    return client.post(ORDER, data=form)


def codes(site):
    return [unit["code"] for unit in site.document()["schoolUnits"]]


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
def test_a_unit_is_moved(site, client, code, step, expected):
    answer = order(site, client, code, step)
    assert answer.status_code == 302
    assert answer.location.endswith(f"#enhet-{code}")
    assert codes(site) == expected


def test_the_vendors_lists_follow_the_order(site, client):
    order(site, client, GAMLA, "first")
    assert connection(site, "some")["schoolUnits"] == [GAMLA, NORRA]


def test_it_is_said_what_the_order_is_for(site, client):
    said = site.read(client.get(f"{PAGE}?ordna=1"))
    assert "Ordningen avgör vilken skola som gäller för den som finns på flera" in said


def test_an_unknown_unit_or_step_moves_nothing(site, client):
    before = codes(site)
    assert order(site, client, "99999999", "up").status_code == 302
    assert order(site, client, NORRA, "sideways").status_code == 302
    assert codes(site) == before


def test_who_orders_second_sees_the_order_as_it_is(site, client):
    page, other = client.get(f"{PAGE}?ordna=1"), site.sign_in()
    order(site, other, OSTRA, "first")
    answer = order(site, client, SODRA, "down", page)
    assert answer.status_code == 409
    assert "Någon annan har sparat under tiden" in site.read(answer)
    assert names(answer)[0] == "Östra skolan"
    assert codes(site) == [OSTRA, NORRA, SODRA, GAMLA]
    assert order(site, client, SODRA, "down", answer).status_code == 302

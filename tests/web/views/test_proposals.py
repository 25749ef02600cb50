"""Förslag: what is proposed, what is accepted, and what stays as it is."""

from typing import Any

import pytest

from addon.proposals.reasons import CODES
from addon.web.presenters.proposal_reasons import SENTENCES, years_said
from addon.web.presenters.proposals import FACTS
from addon.web.views import proposals
from addon.web.views.proposals import read_picks
from tests.support.page_content import form_of
from tests.support.small_school import TENANT, deliver, person, set_live, small_school_pages
from tests.support.world import World

PAGE = "/forslag"
NORRA, SODRA, OKAND = "12345678", "12345680", "12345681"


def add_people(domain: Any, path: str, count: int) -> None:
    for n in range(count):
        name = path.strip("/").replace("/", "-")
        domain.add_user(person(f"Ada{n}", f"Bo{name}", path))


@pytest.fixture
def world(tmp_path):
    """Two schools that are set up by nobody, and one that is nowhere in the directory."""
    world = small_school_pages(tmp_path)
    document = world.document
    document["schoolUnits"] = [
        {"code": NORRA, "name": "Norra skolan", "schoolTypes": ["GR"]},
        {"code": SODRA, "name": "Södra skolan", "schoolTypes": ["GR"]},
        {"code": OKAND, "name": "Vinterträdets förskola", "schoolTypes": ["GR"]},
    ]
    for connection in document["connections"]:
        connection["schoolUnits"] = []
    with world:
        domain = world.domain
        for school in ("Norra skolan", "Södra skolan"):
            for path in (f"/Elever/{school}", f"/Elever/{school}/7A", f"/Elever/{school}/7B"):
                domain.add_org_unit(path)
            for group in ("7A", "7B"):
                add_people(domain, f"/Elever/{school}/{group}", 12)
            domain.add_org_unit(f"/Personal/{school}")
            add_people(domain, f"/Personal/{school}", 4)
        domain.add_org_unit("/Förvaltningen")
        add_people(domain, "/Förvaltningen", 9)
        yield world


def units(world: World) -> dict[str, Any]:
    return {unit["code"]: unit for unit in world.stored_document()["schoolUnits"]}


def test_the_first_sentence_says_how_many_were_found_and_how_the_tree_was_understood(world):
    client = world.sign_in()
    said = world.text(world.ready(client, PAGE))
    assert "Vi hittade 2 av 3 skolenheter i er struktur." in said
    assert "Så tolkade vi den: /Elever/skola/klass" in said
    assert "1 skola behöver din hjälp." in said


def test_a_shape_that_only_some_schools_have_is_said_of_them_alone(world):
    document, domain = world.document, world.domain
    document["schoolUnits"].append({"code": "12345682", "name": "Västra skolan"})
    world.import_document()
    for path in ("/Västra skolan", "/Västra skolan/Elever", "/Västra skolan/Elever/7A"):
        domain.add_org_unit(path)
    add_people(domain, "/Västra skolan/Elever/7A", 12)
    said = world.text(world.ready(world.sign_in(), PAGE))
    assert "Vi hittade 3 av 4 skolenheter i er struktur." in said
    assert "2 av dem ligger så här: /Elever/skola/klass" in said


def test_each_proposal_tells_whom_it_reaches_which_classes_and_why(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    said = world.text(page)
    assert "24 i /Elever/Norra skolan" in said
    assert "4 i /Personal/Norra skolan" in said
    assert "2: 7A, 7B från organisationsenheterna" in said
    assert "Organisationsenheten /Elever/Norra skolan heter som skolenheten (24 personer)." in said
    assert form_of(page, PAGE)["accept"] == [NORRA, SODRA]


def test_an_org_unit_with_many_people_that_belongs_nowhere_is_reported(world):
    client = world.sign_in()
    assert "/Förvaltningen 9 personer" in world.text(world.ready(client, PAGE))


def test_all_that_is_accepted_is_set_up_at_once_and_the_walk_goes_on(world):
    client = world.sign_in()
    answer = world.send(client, world.ready(client, PAGE), PAGE)
    assert answer.location == "/leverantorer"
    found = units(world)
    assert found[NORRA]["students"] == {"orgUnits": ["/Elever/Norra skolan"]}
    assert found[SODRA]["staff"] == {"orgUnits": ["/Personal/Södra skolan"]}
    assert found[SODRA]["classes"]["from"] == "orgUnit"
    assert "students" not in found[OKAND]
    actions = [entry.what for entry in world.store.audit_entries(TENANT, 9)]
    assert actions.count("proposals.accepted") == 1


def test_the_button_speaks_of_what_is_ticked_only_while_something_is(world):
    client = world.sign_in()
    assert "Godta de förkryssade" in world.text(world.ready(client, PAGE))
    for unit, school in zip(world.document["schoolUnits"], ("Norra", "Södra"), strict=False):
        unit["students"] = {"orgUnits": [f"/Elever/{school} skolan/7A"]}
    world.import_document()
    said = world.text(world.ready(client, PAGE))
    assert "Godta det som du kryssar för" in said
    assert "Godta de förkryssade" not in said


def test_a_proposal_that_is_not_ticked_is_refused(world):
    client = world.sign_in()
    world.send(client, world.ready(client, PAGE), PAGE, accept=[SODRA])
    assert "students" not in units(world)[NORRA]


def test_what_is_set_up_is_shown_as_done_and_stays_unless_it_is_ticked(world):
    own = {"orgUnits": ["/Elever/Norra skolan/7A"]}
    world.document["schoolUnits"][0]["students"] = own
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert "Har redan ett urval" in world.text(page)
    assert form_of(page, PAGE)["accept"] == SODRA
    world.send(client, page, PAGE)
    assert units(world)[NORRA]["students"] == own
    again = world.ready(client, PAGE)
    world.send(client, again, PAGE, accept=NORRA)
    assert units(world)[NORRA]["students"] == {"orgUnits": ["/Elever/Norra skolan"]}


def test_whom_a_unit_leaves_out_is_left_out_by_an_accepted_proposal_too(world):
    unit = world.document["schoolUnits"][0]
    unit["students"] = {"orgUnits": ["/Förvaltningen"], "except": {"users": ["17"]}}
    unit["classes"] = {"from": "group", "pattern": "^x-", "except": ["fritids"]}
    world.import_document()
    client = world.sign_in()
    world.send(client, world.ready(client, PAGE), PAGE, accept=[NORRA])
    after = units(world)[NORRA]
    assert after["students"]["orgUnits"] == ["/Elever/Norra skolan"]
    assert after["students"]["except"] == {"users": ["17"]}
    assert after["classes"]["from"] == "orgUnit"
    assert after["classes"]["except"] == ["fritids"]


def test_an_alternative_is_shown_with_its_outcome_and_then_accepted(world):
    domain = world.domain
    domain.add_org_unit("/Elever/Norra skolan F-6")
    add_people(domain, "/Elever/Norra skolan F-6", 7)
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert f"students-{NORRA}" in form_of(page, PAGE)
    choice = {f"students-{NORRA}": "0", "show": NORRA}
    form = {**form_of(page, PAGE), **choice}
    part = client.post(PAGE, data=form, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.text
    assert "7 i /Elever/Norra skolan F-6" in world.text(part)
    shown = client.post(PAGE, data=form)
    assert form_of(shown, PAGE)[f"students-{NORRA}"] == "0"
    assert "students" not in units(world)[NORRA]
    world.send(client, shown, PAGE)
    assert units(world)[NORRA]["students"]["orgUnits"] == ["/Elever/Norra skolan F-6"]


def test_no_place_is_taken_from_the_form(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    values = {f"students-{NORRA}": "99", f"staff-{NORRA}": "/Skyddade", "accept": [NORRA, "1"]}
    assert world.send(client, page, PAGE, **values).status_code == 302
    assert units(world)[NORRA]["students"] == {"orgUnits": ["/Elever/Norra skolan"]}
    assert units(world)[NORRA]["staff"] == {"orgUnits": ["/Personal/Norra skolan"]}


def test_a_unit_without_anything_to_accept_cannot_be_ticked_away(world):
    client = world.sign_in()
    before = world.stored_document()
    answer = world.send(client, world.ready(client, PAGE), PAGE, accept=[NORRA, OKAND])
    assert answer.status_code == 400
    assert "har inget att godta" in world.text(answer)
    assert world.stored_document() == before


def test_who_was_slower_sees_that_another_saved_and_keeps_the_ticks(world):
    client, other = world.sign_in(), world.sign_in()
    page = world.ready(client, PAGE)
    world.send(other, world.ready(other, PAGE), PAGE, accept=[SODRA])
    answer = world.send(client, page, PAGE, accept=[NORRA])
    assert answer.status_code == 409
    assert form_of(answer, PAGE)["accept"] == NORRA
    assert "Någon annan har sparat under tiden" in world.text(answer)
    assert world.send(client, answer, PAGE).status_code == 302
    assert {"students", "staff"} <= units(world)[NORRA].keys()


def test_a_unit_that_another_adds_meanwhile_is_among_the_proposals_that_are_shown_again(
    world, monkeypatch
):
    client = world.sign_in()
    page = world.ready(client, PAGE)

    def while_another_adds(form, found):
        monkeypatch.undo()
        more = {"code": "12345682", "name": "Nya skolan"}
        world.document["schoolUnits"].append(more)
        world.import_document()
        return read_picks(form, found)

    monkeypatch.setattr(proposals, "read_picks", while_another_adds)
    answer = world.send(client, page, PAGE, accept=[NORRA])
    assert answer.status_code == 409
    assert "Nya skolan" in world.text(answer)
    assert form_of(answer, PAGE)["accept"] == NORRA


@pytest.fixture
def delivered(world):
    """The first school with all pupils and all staff, delivered so to one vendor."""
    everybody = {"students": {"orgUnits": ["/Elever"]}, "staff": {"orgUnits": ["/Personal"]}}
    rule = {"from": "orgUnit", "pattern": "^/Elever/(?P<name>[^/]+)$"}
    world.document["schoolUnits"][0] |= {**everybody, "classes": rule}
    world.document["connections"][0]["schoolUnits"] = [NORRA]
    world.import_document()
    set_live(world, "all")
    deliver(world)
    return world


def test_what_a_proposal_takes_away_from_a_vendor_is_told_before_it_is_accepted(delivered):
    client = delivered.sign_in()
    page = delivered.ready(client, PAGE)
    said = delivered.text(page)
    assert "Om du godtar förslaget: 44 personer tas bort hos All vid nästa körning." in said
    assert "Det är fler än gränsen, så körningen väntar på ditt godkännande." in said
    assert "2 klasser tas bort hos All vid nästa körning. 2 nya klasser skapas." in said
    assert said.count("Om du godtar förslaget:") == 1
    form = {**form_of(page, PAGE), "show": NORRA}
    part = client.post(PAGE, data=form, headers={"HX-Request": "true"})
    assert "44 personer tas bort hos All" in delivered.text(part)


def test_proposals_that_have_changed_since_they_were_shown_are_shown_again(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    add_people(world.domain, "/Elever/Norra skolan", 3)
    with world.later(60):
        client.post("/katalog/las", data=form_of(page, "/katalog/las"))
        world.ready(client, PAGE)
        answer = world.send(client, page, PAGE)
    assert answer.status_code == 409
    assert "Förslagen har räknats om" in world.text(answer)
    assert "students" not in units(world)[NORRA]


def test_places_with_protected_people_are_reported_before_anything_else(world):
    world.document["protected"] = {}
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert "skyddade personuppgifter i organisationsenheten /Skyddade" in world.text(page)
    assert 'href="/skyddade"' in page.text


def test_without_units_the_page_leads_to_the_register(tmp_path):
    world = small_school_pages(tmp_path)
    world.document["schoolUnits"] = []
    for connection in world.document["connections"]:
        connection["schoolUnits"] = []
    with world:
        page = world.sign_in().get(PAGE)
        assert page.status_code == 200
        assert 'href="/skolenheter/sok"' in page.text


def test_when_nothing_fits_the_page_says_what_to_do(world):
    world.document["schoolUnits"] = [{"code": OKAND, "name": "Vinterträdet"}]
    world.import_document()
    client = world.sign_in()
    said = world.text(world.ready(client, PAGE))
    assert "Vi känner inte igen skolenheten i er struktur." in said
    assert "Ange urvalet själv" in said


def test_every_reason_has_a_sentence():
    assert set(CODES) - FACTS == set(SENTENCES)


@pytest.mark.parametrize(
    ("years", "said"), [("7, 8, 9", "7–9"), ("7, 9", "7, 9"), ("3", "3"), ("0, 1", "0, 1")]
)
def test_school_years_in_a_row_are_said_as_a_span(years, said):
    assert years_said(years) == said

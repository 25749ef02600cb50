"""Urval of a unit that is not set up: filled in with the proposal, all four parts on one page."""

import json

import pytest

from addon.sync.proposal_answers import load_answers
from tests.support.page_content import form_of
from tests.support.small_school import (
    TENANT,
    add_people,
    deliver,
    person,
    set_live,
    small_school_pages,
)

NORRA, SODRA = "12345678", "12345680"
PAGE = f"/skolenheter/{NORRA}/urval"


@pytest.fixture
def world(tmp_path):
    """Two schools that nobody has set up, and an OU that is like the name of one of them."""
    world = small_school_pages(tmp_path)
    world.document["schoolUnits"] = [
        {"code": NORRA, "name": "Norra skolan", "schoolTypes": ["GR"]},
        {"code": SODRA, "name": "Södra skolan", "schoolTypes": ["GR"]},
    ]
    for connection in world.document["connections"]:
        connection["schoolUnits"] = []
    with world:
        for school in ("Norra skolan", "Södra skolan"):
            world.domain.add_org_unit(f"/Elever/{school}")
            for group in ("7A", "7B"):
                add_people(world.domain, f"/Elever/{school}/{group}", 12)
            add_people(world.domain, f"/Personal/{school}", 4)
        yield world


def unit(world, code=NORRA):
    return next(u for u in world.stored_document()["schoolUnits"] if u["code"] == code)


def test_the_page_is_filled_in_with_the_proposal_and_the_outcome_stands_beside(world):
    page = world.ready(world.sign_in(), PAGE)
    said = world.text(page)
    assert "Ifyllt med vårt förslag" in said
    form = form_of(page, PAGE)
    assert form["students-ou"] == "/Elever/Norra skolan"
    assert form["staff-ou"] == "/Personal/Norra skolan"
    assert json.loads(form["rule-classes"])["from"] == "orgUnit"
    assert json.loads(form["rule-school_year"])["from"] == "class"
    assert "24 elever, 4 i personalen" in said.replace(" ,", ",")
    assert "Klasser 2: 7A, 7B" in said
    assert "Årskurser 7" in said
    assert "students" not in unit(world)


def test_all_four_parts_are_saved_together(world):
    client = world.sign_in()
    assert world.send(client, world.ready(client, PAGE), PAGE, save="1").status_code == 302
    found = unit(world)
    assert found["students"] == {"orgUnits": ["/Elever/Norra skolan"]}
    assert found["staff"] == {"orgUnits": ["/Personal/Norra skolan"]}
    assert found["classes"]["from"] == "orgUnit"
    assert found["schoolYear"]["from"] == "class"
    assert load_answers(world.store, TENANT, world.clock()).declined == ()


def test_a_correction_of_the_proposal_declines_what_it_leaves_out(world):
    client = world.sign_in()
    values = {"students-ou": "/Elever/Norra skolan/7A", "rule-school_year": ""}
    world.send(client, world.ready(client, PAGE), PAGE, **values)
    assert unit(world)["students"] == {"orgUnits": ["/Elever/Norra skolan/7A"]}
    assert "schoolYear" not in unit(world)
    (declined,) = load_answers(world.store, TENANT, world.clock()).declined
    assert (declined.code, declined.role) == (NORRA, "students")
    assert declined.selector.org_units == ("/Elever/Norra skolan",)


def test_a_unit_that_is_set_up_is_shown_as_it_is_unless_its_proposal_is_asked_for(world):
    world.document["schoolUnits"][0]["students"] = {"orgUnits": ["/Elever/Norra skolan/7A"]}
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert form_of(page, PAGE)["students-ou"] == "/Elever/Norra skolan/7A"
    assert "Ifyllt med vårt förslag" not in world.text(page)
    asked = world.ready(client, f"{PAGE}?forslag=1")
    assert form_of(asked, PAGE)["students-ou"] == "/Elever/Norra skolan"
    world.send(client, page, PAGE, **{"students-ou": "/Elever/Norra skolan/7B"})
    assert load_answers(world.store, TENANT, world.clock()).declined == ()


def test_rules_are_proposed_for_the_selection_that_is_ticked(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    bare = {"rule-classes": "", "rule-school_year": "", "students-ou": "/Elever/Södra skolan"}
    shown = world.send(client, page, PAGE, do="rules", **bare)
    form = form_of(shown, PAGE)
    assert form["students-ou"] == "/Elever/Södra skolan"
    assert json.loads(form["rule-classes"])["from"] == "orgUnit"
    assert "Klasser 2: 7A, 7B" in world.text(shown)


@pytest.mark.parametrize("rule", ["x", "{}", '{"from": "orgUnit", "pattern": "("}', "[]"])
def test_a_rule_that_is_none_is_refused_and_nothing_is_saved(world, rule):
    client = world.sign_in()
    before = world.stored_document()
    answer = world.send(client, world.ready(client, PAGE), PAGE, **{"rule-classes": rule})
    assert answer.status_code == 400
    assert world.stored_document() == before


def test_another_who_has_changed_the_classes_meanwhile_is_told_of(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    world.document["schoolUnits"][0]["classes"] = {"from": "group", "pattern": "^x"}
    world.import_document()
    assert world.send(client, page, PAGE).status_code == 409


def test_pupils_of_another_unit_are_told_before_they_are_saved(world):
    world.document["schoolUnits"][1]["students"] = {"orgUnits": ["/Elever/Norra skolan/7A"]}
    world.import_document()
    said = world.text(world.ready(world.sign_in(), PAGE))
    assert "12 elever hör både till Norra skolan och till Södra skolan." in said


def test_classes_that_a_vendor_loses_by_another_rule_must_have_been_seen(world):
    rule = {"from": "orgUnit", "pattern": "^/Elever/[^/]+/(?P<name>[^/]+)$"}
    world.document["schoolUnits"][0] |= {
        "students": {"orgUnits": ["/Elever/Norra skolan"]},
        "classes": rule,
    }
    world.document["connections"][0]["schoolUnits"] = [NORRA]
    world.import_document()
    set_live(world, "all")
    deliver(world)
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert json.loads(form_of(page, PAGE)["rule-classes"]) == rule
    answer = world.send(client, page, PAGE, **{"rule-classes": ""})
    assert answer.status_code == 400
    assert "2 klasser tas bort hos All vid nästa körning." in world.text(answer)
    seen = answer.text.split('name="accepted" id="accepted" value="')[1].split('"')[0]
    assert world.send(client, answer, PAGE, accepted=seen).status_code == 302
    assert "classes" not in unit(world)


def test_a_proposed_expression_in_a_filter_is_said_in_words(world):
    for n in range(3):
        device = person("Ipad", f"Nr{n}", "/Elever/Norra skolan/7A")
        device["primaryEmail"] = f"ipad{n}@{device['primaryEmail'].split('@')[1]}"
        device["emails"] = [{"address": device["primaryEmail"], "primary": True}]
        world.domain.add_user(device)
    page = world.ready(world.sign_in(), PAGE)
    assert "Det betyder: adressen börjar inte med ipad och ett nummer." in world.text(page)


def test_a_search_in_the_tree_finds_genitives_and_keeps_the_ticks(world):
    add_people(world.domain, "/Elever/Gamla/Södras elever", 3)
    client = world.sign_in()
    page = world.ready(client, PAGE)
    form = {**form_of(page, PAGE), "do": "tree", "ou-search": "Södra skolan"}
    part = client.post(PAGE, data=form, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    said = world.text(part)
    assert "organisationsenheter liknar det du sökte: /Elever/Södra skolan" in said
    assert "/Elever/Gamla/Södras elever" in said
    whole = client.post(PAGE, data=form)
    assert form_of(whole, PAGE)["students-ou"] == "/Elever/Norra skolan"
    assert form_of(whole, PAGE)["ou-search"] == "Södra skolan"
    nothing = client.post(PAGE, data={**form, "ou-search": "Vinterträdet"})
    assert "Ingen organisationsenhet liknar det du sökte." in world.text(nothing)
    assert "students" not in unit(world)


def test_an_org_unit_of_those_who_have_left_is_warned_of_and_becomes_no_class(world):
    add_people(world.domain, "/Elever/Norra skolan/Slutat", 3)
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert "ser ut att vara för dem som har slutat" not in world.text(page)  # it is an exception
    everybody = {"students-except-ou": "", "students-ou": "/Elever/Norra skolan"}
    shown = world.send(client, page, PAGE, do="show", **everybody)
    said = world.text(shown)
    warned = "/Elever/Norra skolan/Slutat ser ut att vara för dem som har slutat (3 personer)."
    assert warned in said
    assert "Klasser 2: 7A, 7B utom Slutat" in said
    world.send(client, page, PAGE, **everybody)
    assert unit(world)["classes"]["except"] == ["Slutat"]


def test_an_org_unit_of_those_who_have_left_stays_a_class_where_it_was_made_one(world):
    add_people(world.domain, "/Elever/Norra skolan/Slutat", 3)
    rule = {"from": "orgUnit", "pattern": "^/Elever/[^/]+/(?P<name>[^/]+)$"}
    chosen = {"students": {"orgUnits": ["/Elever/Norra skolan"]}, "classes": rule}
    world.document["schoolUnits"][0] |= chosen
    world.import_document()
    client = world.sign_in()
    world.send(client, world.ready(client, PAGE), PAGE)
    assert unit(world)["classes"] == rule

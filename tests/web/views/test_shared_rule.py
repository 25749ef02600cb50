"""The same rule for several units: shown for each, chosen, and saved once."""

import pytest

from tests.support.page_content import form_of
from tests.support.small_school import TENANT, add_people, deliver, set_live, small_school_pages

NORRA, SODRA, TOMMA = "12345678", "12345680", "12345681"
PAGE = f"/skolenheter/{NORRA}/klasser/fler"
RULE = {"from": "orgUnit", "pattern": "^/Skolor/[^/]+/(?P<name>[^/]+)$"}
OTHER = {"from": "orgUnit", "pattern": "^/Skolor/[^/]+/(?P<name>7A)$", "except": ["7B"]}


@pytest.fixture
def world(tmp_path):
    """A school with a rule for its classes, one with another rule, and one that is not set up."""
    world = small_school_pages(tmp_path)
    world.document["schoolUnits"] = [
        {
            "code": NORRA,
            "name": "Norra skolan",
            "students": {"orgUnits": ["/Skolor/Norra"]},
            "classes": RULE,
        },
        {
            "code": SODRA,
            "name": "Södra skolan",
            "students": {"orgUnits": ["/Skolor/Södra"]},
            "classes": OTHER,
        },
        {"code": TOMMA, "name": "Tomma skolan"},
    ]
    for connection in world.document["connections"]:
        connection["schoolUnits"] = []
    with world:
        for school in ("Norra", "Södra"):
            world.domain.add_org_unit(f"/Skolor/{school}")
            for group in ("7A", "8A"):
                add_people(world.domain, f"/Skolor/{school}/{group}", 5)
        yield world


def classes(world, code):
    return next(u for u in world.stored_document()["schoolUnits"] if u["code"] == code)["classes"]


def test_what_the_rule_would_give_stands_beside_what_each_unit_has(world):
    said = world.text(world.ready(world.sign_in(), PAGE))
    assert "Södra skolan 1: 7A 5 elever utan klass 2: 7A, 8A" in said
    assert "Tomma skolan" not in said


def test_the_chosen_units_get_the_rule_at_once_and_keep_what_they_leave_out(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    answer = world.send(client, page, PAGE, unit=SODRA)
    assert answer.location == f"/skolenheter/{NORRA}/klasser"
    assert classes(world, SODRA) == {**RULE, "except": ["7B"]}
    assert world.store.audit_entries(TENANT, 1)[0].what == "unit.saved"
    assert "har redan regeln" not in world.text(page)


@pytest.mark.parametrize("unit", [None, NORRA, TOMMA, "1"])
def test_no_unit_or_one_that_is_not_listed_changes_nothing(world, unit):
    client = world.sign_in()
    before = world.stored_document()
    answer = world.send(client, world.ready(client, PAGE), PAGE, unit=unit)
    assert answer.status_code == 400
    assert world.stored_document() == before


def test_a_unit_without_a_rule_has_none_to_share(world):
    client = world.sign_in()
    world.ready(client, PAGE)
    answer = client.get(f"/skolenheter/{NORRA}/arskurser/fler")
    assert answer.location == f"/skolenheter/{NORRA}/arskurser"


def test_classes_that_a_vendor_loses_must_have_been_seen(world):
    fewer = {"from": "orgUnit", "pattern": "^/Skolor/[^/]+/(?P<name>7A)$"}
    world.document["schoolUnits"][0]["classes"] = fewer
    world.document["schoolUnits"][1]["classes"] = RULE
    world.document["connections"][0]["schoolUnits"] = [SODRA]
    world.import_document()
    set_live(world, "all")
    deliver(world)
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert "1 klass tas bort hos All." in world.text(page)
    answer = world.send(client, page, PAGE, unit=SODRA)
    assert answer.status_code == 400
    assert form_of(answer, PAGE)["unit"] == SODRA
    seen = answer.text.split('name="accepted" id="accepted" value="')[1].split('"')[0]
    assert world.send(client, answer, PAGE, accepted=seen).status_code == 302
    assert classes(world, SODRA) == fewer


def test_who_was_slower_is_told_that_another_has_changed_a_rule(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    world.document["schoolUnits"][1]["classes"] = {"from": "group", "pattern": "^x"}
    world.import_document()
    assert world.send(client, page, PAGE, unit=SODRA).status_code == 409
    assert classes(world, SODRA)["from"] == "group"


@pytest.mark.parametrize("end", ["(?P<name>[^/]+)$", "(?:[^/]+/)?(?P<name>[^/]+)$"])
def test_the_place_of_each_unit_takes_that_of_the_rules_own_unit(world, end):
    rule = {"from": "orgUnit", "pattern": f"^/Skolor/Norra/{end}"}
    world.document["schoolUnits"][0]["classes"] = rule
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert "2: 7A, 8A" in world.text(page)
    assert world.send(client, page, PAGE, unit=SODRA).status_code == 302
    assert classes(world, SODRA) == {
        "from": "orgUnit",
        "pattern": f"^/Skolor/Södra/{end}",
        "except": ["7B"],
    }


def test_a_rule_for_its_own_unit_alone_says_that_it_fits_no_other(world):
    world.domain.add_group({"email": "sodra@example.org"})
    own = {"from": "orgUnit", "pattern": "^/Skolor/Norra/(?P<name>[^/]+)$"}
    world.document["schoolUnits"][0]["classes"] = own
    world.document["schoolUnits"][1]["students"] = {"groups": ["sodra@example.org"]}
    world.import_document()
    page = world.ready(world.sign_in(), PAGE)
    assert "Regeln utgår från platsen för Norra skolan och passar ingen annan" in world.text(page)

"""`propose` says what would be set up for each unit, in the document's own form."""

import json

import pytest

from addon.proposals.declined import DeclinedPlace
from addon.sync.proposal_answers import ProposalAnswers, save_answers
from addon.tenants.document import decode_tenant
from addon.tenants.model import Selector
from addon.vendors.profiles import load_vendors
from tests.support.small_school import HIDDEN, PUPILS, TENANT, address, small_school

KEYS = {
    *("code", "name", "confidence", "students", "staff", "classes", "teachingGroups"),
    *("schoolYear", "counts", "classNames", "reasons"),
}
COUNTS = {
    *("students", "staff", "classes", "withoutClass", "severalClasses", "withoutSchoolYear"),
}


@pytest.fixture
def world(tmp_path):
    """The small school, whose pupils and staff have an OU of the school's name."""
    with small_school(tmp_path) as world:
        world.domain.rename_org_unit("/Elever", "Norra skolan")
        yield world


def propose(world):
    ran = world.run("propose", TENANT, "--json")
    assert ran.status == 0, ran
    return ran.json


def test_each_unit_of_the_document_has_what_would_be_set_up(world):
    found = propose(world)
    assert found.keys() == {"tenant", "schoolUnits"}
    assert found["tenant"] == TENANT
    (unit,) = found["schoolUnits"]
    assert unit.keys() == KEYS
    assert unit["counts"].keys() == COUNTS
    assert unit["confidence"] in ("sure", "likely", "unsure")
    assert unit["students"]["orgUnits"] == ["/Norra skolan"]
    assert {"7A", "7B"} <= set(unit["classNames"])
    assert unit["counts"]["students"] >= sum(map(len, PUPILS.values()))


def test_what_is_proposed_can_be_put_into_the_document(world):
    (unit,) = propose(world)["schoolUnits"]
    named = ("students", "staff", "classes", "teachingGroups", "schoolYear")
    accepted = {key: unit[key] for key in named if unit[key] is not None}
    document = {
        **world.document,
        "schoolUnits": [{"code": unit["code"], "name": unit["name"], **accepted}],
    }
    vendors = load_vendors(world.folder / "vendors.toml")
    assert decode_tenant(json.dumps(document).encode(), vendors).school_units


def test_a_unit_that_nothing_is_found_for_has_nothing(world):
    world.document["schoolUnits"].append({"code": "12345679", "name": "Björkhagens montessori"})
    world.import_document()
    unit = propose(world)["schoolUnits"][1]
    assert unit["confidence"] == "none"
    assert unit["students"] is None
    assert unit["staff"] is None
    assert unit["counts"]["students"] == 0


def test_nothing_is_stored_and_nobody_is_named(world):
    before = world.run("status", TENANT, "--json").json
    said = json.dumps(propose(world), ensure_ascii=False)
    assert world.run("status", TENANT, "--json").json == before
    for name in (address(*PUPILS["7A"][0]), PUPILS["7A"][0][1], HIDDEN):
        assert str(name) not in said


def test_the_text_has_a_line_for_each_unit(world):
    ran = world.run("propose", TENANT)
    assert ran.status == 0
    assert "12345678 Norra skolan: " in ran.out


def test_a_directory_that_cannot_be_read_ends_with_4(world):
    world.directory.fail(status=403, times=None)
    assert world.run("propose", TENANT).status == 4


def test_what_was_declined_on_the_pages_is_not_proposed(world):
    (before,) = propose(world)["schoolUnits"]
    selector = Selector(org_units=tuple(before["students"]["orgUnits"]))
    declined = DeclinedPlace(before["code"], "students", selector)
    with world.open_store() as store:
        save_answers(store, TENANT, ProposalAnswers((declined,)), 0.0)
    (after,) = propose(world)["schoolUnits"]
    assert after["students"] != before["students"]

"""What an exception explains and what not; a person or class left out is removed at vendors."""

import json

import pytest
from msgspec import structs

from addon.directory.evidence import Unknown, UserQuestion
from addon.directory.snapshot import OrgUnit
from addon.ss12000.ids import Ids
from addon.sync.evidence import confirm
from addon.sync.known_places import followed
from addon.tenants.model import SelectorExceptions
from tests.support.small_school import (
    HELD,
    TENANT,
    address,
    small_school,
    user_id,
)
from tests.sync.test_evidence import (
    NOW,
    WHOLE,
    Directory,
    known_from,
    read,
    replaced,
    tenant,
    unit,
    user,
    without,
)


def leaving_out(document, **left):
    """The document with exceptions among the students of its first unit."""
    north, *others = document.school_units
    north = structs.replace(north, students=north.students.excepting(SelectorExceptions(**left)))
    return structs.replace(document, school_units=(north, *others))


# Evidence


def test_an_exception_explains_the_loss_of_whom_it_leaves_out_and_of_nobody_else():
    ask = Directory()
    ask.answers[UserQuestion("u1")] = Unknown()
    found = read(without(WHOLE, 1), ask, document=leaving_out(tenant(), users=("u2",)))
    assert found.evidence.gone_people == {"u2"}
    assert found.evidence.unconfirmed.people.keys() == {"u1"}


def test_an_exception_of_who_is_missing_too_explains_nothing():
    ask = Directory()
    ask.answers[UserQuestion("u1")] = Unknown()
    found = read(without(WHOLE, 1), ask, document=leaving_out(tenant(), users=("u1",)))
    assert found.evidence.unconfirmed.people.keys() == {"u1"}


def test_an_excepted_name_explains_that_the_class_is_gone():
    document = tenant()
    north, south = document.school_units
    rule = structs.replace(north.classes, exceptions=("7b",))
    north = structs.replace(north, classes=rule)
    ask = Directory()
    found = read(WHOLE, ask, document=structs.replace(document, school_units=(north, south)))
    assert ask.asked == []
    assert found.evidence.gone_groups == {(north.code, "orgUnit", "id:/Norra/7B")}
    assert found.evidence.unconfirmed.groups == {}


def test_who_moves_into_an_excepted_ou_is_asked_about_and_then_gone():
    document = leaving_out(tenant(), org_units=("/Norra/Slutat",))
    whole = structs.replace(WHOLE, org_units=(*WHOLE.org_units, unit("/Norra/Slutat")))
    moved = replaced(whole, user(1, "/Norra/Slutat"))
    ask = Directory(moved)
    found = read(moved, ask, known_from(whole, document), document)
    assert UserQuestion("u1") in ask.asked
    assert found.evidence.gone_people == {"u1"}


def test_an_exception_follows_its_ou_through_a_rename():
    document = leaving_out(tenant(), org_units=("/Norra/7B",))
    known = known_from(WHOLE, document)
    renamed = structs.replace(
        replaced(WHOLE, user(3, "/Norra/Ny 7B")),
        org_units=(*WHOLE.org_units[:2], OrgUnit("id:/Norra/7B", "/Norra/Ny 7B", "Ny 7B")),
    )
    found = confirm(document, renamed, known, Directory(renamed), NOW + 3600)
    assert "u3" not in found.roster.people
    assert [(f.code, f.subject) for f in found.evidence.findings] == [
        ("org-unit-renamed", "/Norra/7B")
    ]
    where = followed(document, found.known.org_units).school_units[0].students
    assert where.exceptions.org_units == ("/Norra/Ny 7B",)


# At the vendors


@pytest.fixture
def world(tmp_path):
    with small_school(tmp_path) as world:
        assert world.run("sync", TENANT).status == 0
        world.forget_requests()
        yield world


def has(world, vendor, name):
    wanted = f"{address(*name)}"
    return any(each["userName"] == wanted for each in world.vendor(vendor).held("User").values())


BO, LI = ("Bo", "Ek"), ("Li", "Xu")


def test_an_excepted_person_is_removed_at_every_vendor_and_comes_back_when_it_is_undone(world):
    students = world.document["schoolUnits"][0]["students"]
    students["except"] = {"users": [user_id(world, *BO)]}
    world.import_document()
    assert world.run("sync", TENANT).status == 0
    assert not has(world, "all", BO)
    assert not has(world, "some", BO)
    del students["except"]
    world.import_document()
    assert world.run("sync", TENANT).status == 0
    assert has(world, "all", BO)


def test_a_person_excepted_at_a_vendor_is_removed_there_and_nowhere_else(world):
    world.change_connection("all", **{"except": {"users": [user_id(world, *BO)]}})
    assert world.run("sync", TENANT).status == 0
    assert not has(world, "all", BO)
    assert has(world, "some", BO)
    groups = json.dumps(world.vendor("all").held("StudentGroup"))
    assert Ids(TENANT).user(user_id(world, *BO)) not in groups


def test_a_class_excepted_at_a_vendor_is_removed_there_and_its_pupils_stay(world):
    seven_a = next(
        each
        for each in world.vendor("all").held("StudentGroup").values()
        if each["displayName"] == "7A"
    )
    world.change_connection("all", **{"except": {"classes": [seven_a["externalId"]]}})
    assert world.run("sync", TENANT).status == 0
    names = [each["displayName"] for each in world.vendor("all").held("StudentGroup").values()]
    assert names == ["7B"]
    assert has(world, "all", BO)
    assert len(world.vendor("some").held("StudentGroup")) == 2


def test_a_class_left_out_by_name_is_removed_and_its_pupils_stay(world):
    world.document["schoolUnits"][0]["classes"]["except"] = ["7a"]
    world.import_document()
    assert world.run("sync", TENANT).status == 0
    assert [e["displayName"] for e in world.vendor("all").held("StudentGroup").values()] == ["7B"]
    assert has(world, "all", BO)


def test_exceptions_count_against_the_limits(world):
    left = {"orgUnits": ["/Elever/7A"]}
    world.document["schoolUnits"][0]["students"]["except"] = left
    world.import_document()
    assert world.run("sync", TENANT).status == HELD
    assert has(world, "all", BO)


def test_protection_removes_also_who_is_excepted(world):
    world.change_connection("all", **{"except": {"users": [user_id(world, *LI)]}})
    world.document["protected"]["orgUnits"].append("/Elever/7B")
    world.document["connections"][0]["limits"]["protected"] = {"number": 100, "percent": 100}
    world.document["connections"][1]["limits"]["protected"] = {"number": 100, "percent": 100}
    world.import_document()
    assert world.run("sync", TENANT).status == 0
    for vendor in ("all", "some"):
        assert not has(world, vendor, LI)


def test_the_preview_says_who_is_excepted(world, tmp_path):
    world.change_connection("all", **{"except": {"users": [user_id(world, *BO)]}})
    file = tmp_path / "people.csv"
    assert world.run("preview", TENANT, "--csv", str(file)).status == 0
    rows = [line for line in file.read_text("utf-8-sig").splitlines() if address(*BO) in line]
    assert [line.split(",")[-3:] for line in rows] == [
        ["all", "left out", "excepted"],
        ["some", "sent", ""],
    ]

"""What an exception explains and what not; a person or class left out is removed at vendors."""

import json

import pytest
from msgspec import structs

from addon.directory.evidence import Absent, MembershipQuestion, Present, Unknown, UserQuestion
from addon.directory.snapshot import Doubts, OrgUnit
from addon.ss12000.ids import Ids
from addon.store.sqlite.store import SQLiteStore
from addon.sync.enquiry import AGREE_AFTER
from addon.sync.evidence import confirm
from addon.sync.known_placements import Beginning, load_known, save_known
from addon.sync.known_places import followed
from addon.sync.prepare import prepare_from_snapshot
from addon.sync.run import preview
from addon.tenants.model import SelectorExceptions
from tests.support.generated_tenant import TENANT as GENERATED
from tests.support.small_school import (
    DOMAIN,
    HELD,
    TENANT,
    address,
    person,
    small_school,
    user_id,
)
from tests.sync.test_evidence import (
    NOW,
    WHOLE,
    Directory,
    group,
    known_from,
    read,
    replaced,
    tenant,
    unit,
    user,
    with_groups,
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


# An exception that names what the directory does not have


def left_out_group(document, *addresses):
    return leaving_out(document, groups=addresses)


GONE_GROUP = "lan@edu.se"
WITH_NEW = structs.replace(WHOLE, users=(*WHOLE.users, user(9)), missing_groups=(GONE_GROUP,))


def test_nobody_new_is_sent_while_an_excepted_group_is_missing_and_nothing_is_taken():
    document = left_out_group(tenant(), GONE_GROUP)
    found = read(WITH_NEW, Directory(WITH_NEW), known_from(WHOLE, document), document)
    assert {"u1", "u2", "u3"} <= found.roster.people.keys()
    assert "u9" not in found.roster.people
    assert found.roster.left_out["u9"] == "exception-unknown"
    assert "u9" not in found.known.placements.people
    assert all("u9" not in group.students for group in found.roster.groups)
    assert found.evidence.gone_people == frozenset()
    told = [f for f in found.evidence.findings if f.code == "exception-unknown"]
    assert [(f.subject, dict(f.values)["count"]) for f in told] == [(GONE_GROUP, "1")]


def test_nobody_new_is_sent_while_an_excepted_ou_is_missing():
    document = leaving_out(tenant(), org_units=("/Norra/Slutat",))
    before = structs.replace(WHOLE, org_units=(*WHOLE.org_units, unit("/Norra/Slutat")))
    after = structs.replace(WHOLE, users=(*WHOLE.users, user(9)))
    found = read(after, Directory(after), known_from(before, document), document)
    assert found.evidence.held_back == {("10000001", "u9")}


def test_nobody_new_is_sent_while_an_excepted_group_is_not_given_in_full():
    document = left_out_group(tenant(), "kurs-ma@edu.se")
    whole = structs.replace(
        WHOLE, users=(*WHOLE.users, user(9)), doubts=Doubts(groups=frozenset({"g-kurs-ma"}))
    )
    found = read(whole, Directory(whole), known_from(WHOLE, document), document)
    assert found.evidence.held_back == {("10000001", "u9")}


def test_who_is_new_elsewhere_is_sent_from_there():
    document = left_out_group(tenant(), GONE_GROUP)
    both = with_groups(WITH_NEW, group("sodra", 4, 5, 9))
    found = read(both, Directory(both), known_from(WHOLE, document), document)
    assert [e.unit for e in found.roster.people["u9"].enrolments] == ["10000002"]


def test_who_waits_for_an_exception_is_sent_when_the_exception_is_found_or_taken_away():
    document = left_out_group(tenant(), GONE_GROUP)
    known = known_from(WHOLE, document)
    waiting = read(WITH_NEW, Directory(WITH_NEW), known, document)
    again = structs.replace(WITH_NEW, missing_groups=(), groups=(*WHOLE.groups, group("lan", 3)))
    found = read(again, Directory(again), waiting.known, document, at=NOW + 7200)
    assert "u9" in found.roster.people
    found = read(WITH_NEW, Directory(WITH_NEW), waiting.known, tenant(), at=NOW + 7200)
    assert "u9" in found.roster.people


def test_a_first_reading_sends_nobody_from_a_selection_with_an_unknown_exception():
    document = left_out_group(tenant(), GONE_GROUP)
    found = confirm(document, WITH_NEW, Beginning(), Directory(WITH_NEW), NOW)
    assert found.roster.people.keys() == {"u4", "u5"}


def test_whoever_may_be_at_a_vendor_already_stays_there():
    document = left_out_group(tenant(), GONE_GROUP)
    has = frozenset({Ids(document.customer_id).user("u1")})
    there = Beginning(delivered=True, users=lambda: has)
    found = confirm(document, WITH_NEW, there, Directory(WITH_NEW), NOW)
    assert found.roster.people.keys() == {"u1", "u4", "u5"}


def test_a_delivery_from_the_snapshot_of_a_reading_leaves_the_same_people_waiting(school):
    context = school.context()
    _, prepared = preview(context, GENERATED)
    user, person = next((u, p) for u, p in prepared.roster.people.items() if p.enrolments)
    held = frozenset({(person.enrolments[0].unit, user)})
    again = prepare_from_snapshot(
        context,
        prepared.tenant,
        prepared.tenant.connections,
        prepared.snapshot,
        structs.replace(prepared.evidence, held_back=held),
    )
    assert prepared.roster.people.keys() - again.roster.people.keys() == {user}
    assert all(user not in group.students for group in again.roster.groups)
    assert all(user not in roster.people for roster in again.vendor_rosters.values())


def test_at_the_vendors_who_is_new_waits_and_who_was_there_stays(world):
    students = world.document["schoolUnits"][0]["students"]
    students["except"] = {"groups": [f"borta@{DOMAIN}"]}
    world.import_document()
    world.domain.add_user(person("Ny", "Elev", "/Elever/7A"))
    assert world.run("sync", TENANT).status == 0
    assert not has(world, "all", ("Ny", "Elev"))
    assert has(world, "all", BO)
    assert "exception-unknown" in world.run("sync", TENANT, "--json").out
    del students["except"]
    world.import_document()
    assert world.run("sync", TENANT).status == 0
    assert has(world, "all", ("Ny", "Elev"))


# A member of an excepted group whom the group's list lacks for once

LENT = "lan@edu.se"
LENDING = structs.replace(WHOLE, groups=(*WHOLE.groups, group("lan", 1)))
SHORT = with_groups(LENDING, group("lan"))
ASKED = MembershipQuestion("g-lan", "u1")


@pytest.fixture
def lending():
    document = left_out_group(tenant(), LENT)
    return document, known_from(LENDING, document)


def test_whom_an_excepted_group_lacks_for_once_is_asked_about_and_not_sent(lending):
    document, known = lending
    for answer in (Unknown(), Present()):
        ask = Directory(SHORT)
        ask.answers[ASKED] = answer
        found = read(SHORT, ask, known, document)
        assert ask.asked == [ASKED]
        assert "u1" not in found.roster.people
        assert found.roster.left_out["u1"] == "exception-unknown"
        assert found.evidence.held_back == {("10000001", "u1")}
        assert [f.subject for f in found.evidence.findings] == [LENT]


def test_who_has_left_an_excepted_group_as_google_says_is_sent(lending):
    document, known = lending
    ask = Directory(SHORT)
    ask.answers[ASKED] = Absent("notMember")
    found = read(SHORT, ask, known, document)
    assert "u1" in found.roster.people
    assert found.known.excepted == {}


def test_two_readings_that_agree_end_an_exception_through_a_group(lending):
    document, known = lending
    ask = Directory(SHORT)
    ask.answers[ASKED] = Unknown()
    first = read(SHORT, ask, known, document)
    soon = read(SHORT, ask, first.known, document, at=NOW + 3600 + AGREE_AFTER - 1)
    assert "u1" not in soon.roster.people
    later = read(SHORT, ask, soon.known, document, at=NOW + 3600 + AGREE_AFTER)
    assert "u1" in later.roster.people


def test_the_document_ends_an_exception_through_a_group_at_once(lending):
    _, known = lending
    ask = Directory(SHORT)
    found = read(SHORT, ask, known, tenant())
    assert "u1" in found.roster.people
    assert ask.asked == []


def test_who_is_listed_again_is_left_out_as_before_and_nothing_is_asked(lending):
    document, known = lending
    ask = Directory(SHORT)
    ask.answers[ASKED] = Unknown()
    short = read(SHORT, ask, known, document)
    ask = Directory(LENDING)
    again = read(LENDING, ask, short.known, document, at=NOW + 7200)
    assert ask.asked == []
    assert again.known.excepted == known.excepted
    assert again.roster.left_out["u1"] == "excepted"


def test_who_is_in_no_list_for_once_stays_left_out(lending):
    document, known = lending
    neither = without(SHORT, 1)
    missing = read(neither, Directory(neither), known, document)
    ask = Directory(SHORT)
    ask.answers[ASKED] = Unknown()
    back = read(SHORT, ask, missing.known, document, at=NOW + 3700)
    assert "u1" not in back.roster.people


def test_who_is_left_out_through_groups_is_kept_in_the_store(lending, tmp_path):
    _, known = lending
    store = SQLiteStore(tmp_path / "store.db")
    save_known(store, "C0evidence", known, None)
    assert load_known(store, "C0evidence", NOW).excepted == {("10000001", "u1"): 0.0}

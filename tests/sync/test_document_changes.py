"""What a change of the document explains on the day of a short list, and what it does not."""

import pytest
from msgspec import structs

from addon.directory.evidence import MembershipQuestion, Unknown, UserQuestion
from addon.sync.enquiry import AGREE_AFTER
from addon.tenants.model import Clause, Selector
from tests.support.generated_tenant import Spot, held_at, with_spots
from tests.sync.test_evidence import (
    NORTH,
    NOW,
    SOUTH,
    WHOLE,
    Directory,
    group,
    known_from,
    read,
    replaced,
    tenant,
    user,
    with_groups,
    without,
)
from tests.trust.odd_directory import HONEST, OddReading

WITH_NORTH = structs.replace(WHOLE, groups=(*WHOLE.groups, group("norra", 1, 2, 3)))
SHORT = with_groups(WITH_NORTH, group("norra", 2, 3))
BY_GROUP = Selector(groups=("norra@edu.se",))
LIST_LACKS = MembershipQuestion("g-norra", "u1")


def changed(index, **more):
    """The document with another unit of this index."""
    units = list(tenant().school_units)
    units[index] = structs.replace(units[index], **more)
    return structs.replace(tenant(), school_units=tuple(units))


def merged(**more):
    """The document with North's pupils at South, and no North."""
    south = structs.replace(tenant().school_units[1], **more)
    return structs.replace(tenant(), school_units=(south,))


def compared(snapshot, ask, document, known=None, at=NOW + 3600):
    return read(snapshot, ask, known or known_from(WITH_NORTH), document, at)


# Whom neither selection reaches


@pytest.mark.parametrize(
    "document",
    [
        changed(0, code="10000009"),
        merged(students=Selector(org_units=("/Norra", "/Annat"))),
        merged(),
    ],
    ids=["another code", "merged", "taken out"],
)
def test_who_is_missing_when_a_unit_leaves_the_document_is_asked_about_and_waits(document):
    ask = Directory(without(WHOLE, 2))
    ask.answers[UserQuestion("u1")] = Unknown()
    found = compared(without(WITH_NORTH, 1, 2), ask, document)
    assert {*ask.asked} == {UserQuestion("u1"), UserQuestion("u2")}
    assert found.evidence.unconfirmed.people.keys() == {"u1"}
    assert found.evidence.unconfirmed.groups == {}
    assert "u2" in found.evidence.gone_people


def test_a_course_that_becomes_a_class_loses_nobody_whom_its_list_lacks_for_once():
    document = changed(1, classes=tenant().school_units[1].teaching_groups, teaching_groups=None)
    ask = Directory()
    ask.answers[MembershipQuestion("g-kurs-ma", "u4")] = Unknown()
    found = compared(with_groups(WITH_NORTH, group("kurs-ma", 5)), ask, document)
    (course,) = found.evidence.unconfirmed.groups.values()
    assert course.students == ("u4",)


def test_groups_of_a_kind_that_the_document_has_no_more_need_no_question():
    ask = Directory()
    lost = structs.replace(WITH_NORTH, org_units=(*WHOLE.org_units[:1], *WHOLE.org_units[2:]))
    found = compared(lost, ask, changed(0, classes=None))
    assert ask.asked == []
    assert found.evidence.unconfirmed.groups == {}


# A selection that has changed and reads groups


def test_whom_the_list_of_a_new_selections_group_lacks_is_asked_about_and_read_back():
    ask = Directory(WITH_NORTH)
    found = compared(SHORT, ask, changed(0, students=BY_GROUP))
    assert LIST_LACKS in ask.asked
    assert "u1" in found.roster.people


def test_who_is_not_in_a_new_selections_group_is_gone_when_the_group_says_so():
    found = compared(SHORT, Directory(SHORT), changed(0, students=BY_GROUP))
    assert found.evidence.gone_people == {"u1"}


@pytest.mark.parametrize(
    "document",
    [
        changed(0, students=BY_GROUP),
        changed(
            0,
            students=Selector(("/Norra",), filters=((Clause("groups", "in", ("norra@edu.se",)),),)),
        ),
        merged(students=Selector(groups=("sodra@edu.se", "norra@edu.se"))),
    ],
    ids=["by group", "filter", "merged by group"],
)
def test_without_an_answer_about_a_new_selections_group_two_readings_decide(document):
    ask = Directory(SHORT)
    ask.answers[LIST_LACKS] = Unknown()
    first = compared(SHORT, ask, document)
    assert first.evidence.unconfirmed.people.keys() == {"u1"}
    soon = compared(SHORT, ask, document, first.known, NOW + 3660)
    assert soon.evidence.unconfirmed.people.keys() == {"u1"}
    later = compared(SHORT, ask, document, soon.known, NOW + 3600 + AGREE_AFTER)
    assert "u1" in later.evidence.gone_people
    assert not later.known.missing


def test_a_class_whose_pupils_wait_for_the_new_selection_waits_too():
    empty = with_groups(WITH_NORTH, group("norra"))
    ask = Directory(empty)
    ask.answers |= {MembershipQuestion("g-norra", f"u{n}"): Unknown() for n in (1, 2, 3)}
    found = compared(empty, ask, changed(0, students=BY_GROUP))
    assert found.evidence.unconfirmed.people.keys() == {"u1", "u2", "u3"}
    assert len(found.evidence.unconfirmed.groups) == 2


def test_a_filter_on_groups_that_is_extended_to_more_people_is_no_proof_against_them():
    only = ((Clause("groups", "equals", "norra@edu.se"),),)
    before = tenant(students={"groups": ["sodra@edu.se"]})
    north, south = before.school_units
    north = structs.replace(north, students=Selector(("/Norra/7B",), filters=only))
    south = structs.replace(south, students=Selector(("/Norra/7A", "/Annat")))
    before = structs.replace(before, school_units=(north, south))
    after = structs.replace(
        before,
        school_units=(
            structs.replace(north, students=Selector(("/Norra",), filters=only)),
            structs.replace(south, students=Selector(("/Annat",))),
        ),
    )
    ask = Directory(WITH_NORTH)
    found = compared(SHORT, ask, after, known_from(WITH_NORTH, before))
    assert LIST_LACKS in ask.asked
    assert [each.unit for each in found.roster.people["u1"].enrolments] == [NORTH]


def test_whom_a_changed_selection_leaves_out_is_asked_about_where_a_new_group_may_have_them():
    document = changed(1, students=Selector(groups=("sodra@edu.se", "norra@edu.se")))
    north = structs.replace(document.school_units[0], students=Selector(("/Norra/7B",)))
    document = structs.replace(document, school_units=(north, document.school_units[1]))
    ask = Directory(WITH_NORTH)
    found = compared(SHORT, ask, document)
    assert LIST_LACKS in ask.asked
    assert [each.unit for each in found.roster.people["u1"].enrolments] == [SOUTH]


def test_an_ordinary_leaver_is_not_asked_about_in_groups_that_were_new_once():
    document = changed(1, students=Selector(groups=("sodra@edu.se", "norra@edu.se")))
    ask = Directory(without(SHORT, 3))
    ask.answers[UserQuestion("u3")] = Unknown()
    first = compared(without(SHORT, 3), ask, document)
    moved = without(replaced(SHORT, user(1, "/Annat")), 3)
    assert first.known.former_units
    asked = len(ask.asked)
    found = compared(moved, ask, document, first.known, NOW + 3660)
    assert not any(isinstance(each, MembershipQuestion) for each in ask.asked[asked:])
    assert "u1" in found.evidence.gone_people


# At a vendor


def another_code(document):
    document["schoolUnits"][0]["code"] = "10000009"
    document["connections"][0]["schoolUnits"][0] = "10000009"


def merge_b_into_a(document):
    del document["schoolUnits"][1]
    document["schoolUnits"][0]["students"]["orgUnits"].append("/Elever/B")
    document["connections"][0]["schoolUnits"].pop(1)


def from_a_to_c(document):
    a, c = document["schoolUnits"][0], document["schoolUnits"][2]
    a["students"], c["students"] = c["students"], {"orgUnits": ["/Elever"]}


@pytest.mark.parametrize("change", [another_code, merge_b_into_a, from_a_to_c])
def test_who_is_missing_on_the_day_of_a_change_stays_at_the_vendor(school, change):
    spots = {n: Spot("/Elever/B/7A") for n in (20, 21)}
    school.change_to(with_spots(school.state, spots))
    school.hourly()
    school.edit(change)
    school.reading = OddReading(users=frozenset({0, 10, 21}), answered=frozenset())
    users = held_at(school.server)["User"].keys()
    report = school.hourly()
    assert held_at(school.server)["User"].keys() == users
    assert report.unconfirmed
    school.reading = HONEST
    school.hourly()
    assert held_at(school.server) == school.wanted


def test_who_is_missing_on_the_day_of_a_change_and_an_hour_later_is_removed(school):
    school.edit(another_code)
    school.reading = OddReading(users=frozenset({0}), answered=frozenset())
    school.hourly()
    school.hourly()
    assert len(held_at(school.server)["User"]) == 11


def test_a_course_that_becomes_a_class_keeps_its_members_on_the_day_of_a_short_list(school):
    def change(document):
        unit = document["schoolUnits"][0]
        unit["classes"] = unit.pop("teachingGroups")

    school.edit(change)
    school.short(range(2))
    school.hourly()
    assert school.members() == 6

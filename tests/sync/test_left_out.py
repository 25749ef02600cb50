"""Whom the document or a growth of the protected leaves out is not gone: it may be undone."""

from dataclasses import replace

import pytest
from msgspec import structs

from addon.directory.evidence import Unknown, UserQuestion
from addon.store.sqlite.store import SQLiteStore
from addon.sync.evidence import confirm
from addon.sync.known_placements import load_known, save_known
from addon.sync.left_out import KEPT, NOBODY
from addon.sync.protected_set import release
from addon.tenants.model import SelectorExceptions
from tests.support.generated_tenant import TENANT, held_at, with_spots
from tests.support.odd_school import COURSE
from tests.sync.test_absence_lets_nobody_in import LEFT_OUT
from tests.sync.test_evidence import (
    NORTH,
    NOW,
    SOUTH,
    WHOLE,
    Directory,
    group,
    known_from,
    read,
    tenant,
    with_groups,
    without,
)
from tests.trust.odd_directory import HONEST, QUESTIONS, OddReading

HOUR = 3600.0
ONLY_NORTH = structs.replace(tenant(), school_units=tenant().school_units[:1])


def excepting(**left):
    north, south = tenant().school_units
    students = north.students.excepting(SelectorExceptions(**left))
    return structs.replace(
        tenant(), school_units=(structs.replace(north, students=students), south)
    )


def lacking(people):
    return structs.replace(WHOLE, users=tuple(u for u in WHOLE.users if u.id not in people))


LEAVING_OUT = {
    "a unit": (ONLY_NORTH, {"u4", "u5"}, {(SOUTH, "group", "g-kurs-ma")}),
    "an OU": (
        excepting(org_units=("/Norra/7A",)),
        {"u1", "u2"},
        {(NORTH, "orgUnit", "id:/Norra/7A")},
    ),
}


@pytest.mark.parametrize(("document", "people", "groups"), LEAVING_OUT.values(), ids=LEAVING_OUT)
def test_what_the_document_leaves_out_is_explained_for_as_long_as_that_lasts(
    document, people, groups
):
    ask = Directory()
    first = read(WHOLE, ask, document=document)
    later = read(lacking(people), ask, first.known, document, NOW + 2 * HOUR)
    for found in (first, later):
        assert found.evidence.gone_people == people
        assert found.evidence.gone_groups == groups
        assert (found.known.gone_people, found.known.gone_groups) == ({}, {})
    assert ask.asked == []


@pytest.mark.parametrize(("document", "people", "groups"), LEAVING_OUT.values(), ids=LEAVING_OUT)
def test_who_is_missing_when_that_is_undone_is_asked_about_and_waits(document, people, groups):
    first = read(WHOLE, Directory(), document=document)
    ask = Directory()
    ask.answers |= {UserQuestion(user): Unknown() for user in people}
    undone = read(lacking(people), ask, first.known, tenant(), NOW + 2 * HOUR)
    assert {*ask.asked} >= {UserQuestion(user) for user in people}
    assert people <= undone.evidence.unconfirmed.people.keys()
    assert groups <= undone.evidence.unconfirmed.groups.keys()
    assert not undone.evidence.gone_people & people
    whole = read(WHOLE, Directory(), undone.known, tenant(), NOW + 3 * HOUR)
    assert whole.known == structs.replace(
        known_from(), read=whole.known.read, departures=whole.known.departures
    )


def test_a_group_whose_list_is_short_when_that_is_undone_loses_nobody():
    first = read(WHOLE, Directory(), document=ONLY_NORTH)
    short = with_groups(WHOLE, group("kurs-ma", 5))
    undone = read(short, Directory(WHOLE), first.known, tenant(), NOW + 2 * HOUR)
    (course,) = (each for each in undone.roster.groups if each.kind == "teaching")
    assert course.students == ("u4", "u5")


def test_another_change_of_the_document_explains_it_still():
    first = read(WHOLE, Directory(), document=ONLY_NORTH)
    (north,) = ONLY_NORTH.school_units
    other = structs.replace(ONLY_NORTH, school_units=(structs.replace(north, classes=None),))
    ask = Directory()
    second = read(WHOLE, ask, first.known, other, NOW + 2 * HOUR)
    assert ask.asked == []
    assert second.evidence.gone_people == {"u4", "u5"}
    undone = read(without(WHOLE, 4), Directory(), second.known, tenant(), NOW + 3 * HOUR)
    assert "u4" in undone.roster.people


def test_who_is_proved_to_be_gone_while_left_out_is_gone():
    first = read(WHOLE, Directory(), document=ONLY_NORTH)
    gone = without(WHOLE, 4)
    found = read(gone, Directory(gone), first.known, tenant(), NOW + 2 * HOUR)
    assert found.known.gone_people.keys() == {"u4"}


def test_it_is_forgotten_after_a_time():
    first = read(WHOLE, Directory(), document=ONLY_NORTH)
    later = read(WHOLE, Directory(), first.known, ONLY_NORTH, NOW + HOUR + KEPT)
    assert later.known.left_out == NOBODY
    assert later.known.former_units == ()


def test_who_was_left_out_is_stored_and_read_back_and_not_written_again(tmp_path):
    store = SQLiteStore(tmp_path / "s.db")
    first = read(WHOLE, Directory(), document=ONLY_NORTH).known
    save_known(store, "C0evidence", first, None)
    stored = load_known(store, "C0evidence", NOW + HOUR)
    assert stored == first
    again = read(WHOLE, Directory(), stored, ONLY_NORTH, NOW + 2 * HOUR).known
    assert structs.replace(again, read=first.read) == first
    store.close()


# Protection


def grown(known, people, pending, at):
    snapshot = WHOLE.without(people)
    return confirm(tenant(), snapshot, known, Directory(), at, pending=pending)


def test_whom_a_growth_of_the_protected_leaves_out_is_compared_when_it_has_ended():
    people = frozenset({"u4", "u5"})
    first = grown(known_from(), people, people, NOW + HOUR)
    assert first.evidence.gone_people == people
    assert first.evidence.gone_groups == {(SOUTH, "group", "g-kurs-ma")}
    ended = read(without(WHOLE, 4), Directory(), first.known, at=NOW + 2 * HOUR)
    assert ended.roster.people.keys() >= people
    ask = Directory()
    ask.answers[UserQuestion("u4")] = Unknown()
    ended = read(without(WHOLE, 4), ask, first.known, at=NOW + 2 * HOUR)
    assert ended.evidence.unconfirmed.people.keys() == {"u4"}


def test_where_the_protected_were_is_forgotten_when_a_person_has_confirmed_it():
    people = frozenset({"u4", "u5"})
    first = grown(known_from(), people, people, NOW + HOUR)
    confirmed = grown(first.known, people, frozenset(), NOW + 2 * HOUR)
    assert confirmed.known.left_out == NOBODY
    assert not people & confirmed.known.gone_people.keys()


# At a vendor


def take_out_a(document):
    del document["schoolUnits"][0]
    document["connections"][0]["schoolUnits"].pop(0)


def leave_out_7a(document):
    students = document["schoolUnits"][0]["students"]
    students["except"] = {"users": [], "orgUnits": ["/Elever/A/7A"], "groups": []}


def select_by_another_group(document):
    document["schoolUnits"][0]["students"] = {"orgUnits": [], "groups": [f"{LEFT_OUT}@edu.se"]}


SHORT = OddReading(
    users=frozenset({0, 10}),
    members=frozenset((COURSE, n) for n in range(1, 5)),
    answered=frozenset(),
)


@pytest.mark.parametrize("change", [take_out_a, leave_out_7a])
def test_a_mistake_in_the_document_that_was_held_and_is_undone_takes_nothing(school, change):
    school.edit(lambda document: document["connections"][0]["limits"].update(deletions=3))
    right, had = school.store.tenant(TENANT), held_at(school.server)
    school.edit(change)
    assert school.hourly().status == "held"
    school.store.save_tenant(TENANT, right)
    school.reading = SHORT
    school.hourly()
    assert held_at(school.server) == had
    school.reading = HONEST
    school.hourly()
    assert held_at(school.server) == had


@pytest.mark.parametrize("answered", [QUESTIONS, ()])
def test_a_group_that_was_chosen_by_mistake_takes_nothing_when_that_is_undone(school, answered):
    """Google says of everybody that they are not in it, or two readings agree: no proof against."""
    school.edit(lambda document: document["connections"][0]["limits"].update(deletions=3))
    right, had = school.store.tenant(TENANT), held_at(school.server)
    school.reading = OddReading(answered=frozenset(answered))
    school.edit(select_by_another_group)
    for _ in range(3):
        school.hourly()
    assert held_at(school.server) == had
    school.store.save_tenant(TENANT, right)
    school.reading = SHORT
    school.hourly()
    assert held_at(school.server) == had


@pytest.mark.parametrize("change", [take_out_a, leave_out_7a])
def test_what_the_document_leaves_out_goes_in_the_same_run(school, change):
    school.edit(change)
    assert school.hourly().status == "delivered"
    assert not held_at(school.server)["User"]
    assert not held_at(school.server)["StudentGroup"]
    assert school.hourly().status == "unchanged"


def test_a_growth_of_the_protected_that_is_released_takes_nothing(school):
    had, before = held_at(school.server), school.state
    hidden = {n: replace(before.spots[n], protected=True) for n in range(1, 9)}
    school.change_to(with_spots(before, hidden))
    assert school.hourly().status == "held"
    school.change_to(before)
    school.hourly()
    school.reading = OddReading(users=frozenset({2, 10}), answered=frozenset())
    release(school.context(), TENANT)
    school.hourly()
    assert held_at(school.server) == had

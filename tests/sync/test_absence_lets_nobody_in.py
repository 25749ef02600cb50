"""Who was left out, or staff, and is a pupil only because a list lacks them once is not sent so."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from addon.sync.farewell import KEPT_ITEMS
from tests.support.generated_tenant import TENANT, Spot, held_at, with_spots
from tests.support.odd_school import COURSE, OddSchool
from tests.trust.odd_directory import HONEST, QUESTIONS, OddReading

LEFT_OUT = "kurs-b-ma"
TWO = (10, 11)
EXCEPTION = {"except": {"users": [], "orgUnits": [], "groups": [f"{LEFT_OUT}@edu.se"]}}


def filtered(operator: str, value: object) -> dict[str, Any]:
    return {"filters": [[{"attribute": "groups", "operator": operator, "value": value}]]}


def edit(school: OddSchool, change: Callable[[dict[str, Any]], object]) -> None:
    school.edit(lambda document: change(document["schoolUnits"][0]))


def leave_out(school: OddSchool, selection: dict[str, Any]) -> None:
    """Two pupils get into a group, and the selection leaves the group out."""
    spots = school.state.spots
    added = {n: replace(spots[n], groups=spots[n].groups | {LEFT_OUT}) for n in TWO}
    school.change_to(with_spots(school.state, added))
    edit(school, lambda unit: unit["students"].update(selection))
    for _ in range(2):
        school.hourly()
    assert len(held_at(school.server)["User"]) == 10


@pytest.mark.parametrize(
    "selection",
    [
        EXCEPTION,
        filtered("notEquals", f"{LEFT_OUT}@edu.se"),
        filtered("notIn", [f"{LEFT_OUT}@edu.se", f"{COURSE}-2@edu.se"]),
        filtered("notContains", "-b-ma"),
        filtered("notMatches", "^kurs-b-"),
    ],
)
@pytest.mark.parametrize("answered", [QUESTIONS, ()])
def test_whom_a_group_leaves_out_is_not_sent_as_its_list_is_empty_once(school, selection, answered):
    leave_out(school, selection)
    school.reading = OddReading(without_members=frozenset({LEFT_OUT}), answered=frozenset(answered))
    school.hourly()
    school.reading = HONEST
    school.hourly()
    assert school.server.writes == []
    assert len(held_at(school.server)["User"]) == 10


@pytest.mark.parametrize(
    ("selection", "readings"),
    [
        (filtered("notEquals", f"{LEFT_OUT}@edu.se"), 1),
        (filtered("notContains", "kurs-b"), 2),
        (filtered("notMatches", "b-ma@"), 2),
    ],
)
def test_who_has_left_the_group_of_a_filter_is_sent(school, selection, readings):
    """Where a pattern says which groups, when two readings agree."""
    leave_out(school, selection)
    school.change_to(with_spots(school.state, {10: Spot("/Elever/A/7A")}))
    edit(school, lambda unit: unit["students"].update(selection))
    for _ in range(readings):
        assert len(held_at(school.server)["User"]) == 10
        school.hourly()
    assert len(held_at(school.server)["User"]) == 11


@pytest.mark.parametrize(
    "selection",
    [EXCEPTION, filtered("notEquals", f"{LEFT_OUT}@edu.se"), filtered("notContains", "b-ma")],
)
def test_whom_google_says_to_be_in_the_group_is_not_sent_however_often_its_list_is_empty(
    school, selection
):
    leave_out(school, selection)
    school.reading = OddReading(
        without_members=frozenset({LEFT_OUT}), answered=frozenset(QUESTIONS)
    )
    for _ in range(4):
        school.hourly()
    assert len(held_at(school.server)["User"]) == 10


def test_whom_no_vendor_has_waits_for_an_unknown_exception_when_nothing_is_known(school):
    """And who is at the vendor stays, whatever is known."""
    leave_out(school, EXCEPTION)
    school.store.erase_items(TENANT, KEPT_ITEMS)
    school.reading = OddReading(groups=frozenset({LEFT_OUT}))
    for _ in range(4):
        school.hourly()
        assert len(held_at(school.server)["User"]) == 10


@pytest.mark.parametrize(
    "selection",
    [EXCEPTION, filtered("notEquals", f"{LEFT_OUT}@edu.se"), filtered("notMatches", "^kurs-b-ma")],
)
def test_when_nothing_is_known_a_group_without_members_lets_nobody_in_at_once(school, selection):
    leave_out(school, selection)
    school.store.erase_items(TENANT, KEPT_ITEMS)
    school.reading = OddReading(without_members=frozenset({LEFT_OUT}))
    school.hourly()
    assert len(held_at(school.server)["User"]) == 10
    school.reading = HONEST
    for _ in range(3):
        school.hourly()
        assert len(held_at(school.server)["User"]) == 10


def test_a_teacher_is_no_pupil_as_the_list_of_the_staff_is_empty_once(school):
    """A teacher whose account is in the pupils' OU is staff by a group."""
    teacher = Spot("/Elever/A/7A", groups=frozenset({"personal-a", COURSE}))
    school.change_to(with_spots(school.state, {20: teacher}))
    school.hourly()
    before = held_at(school.server)
    school.reading = OddReading(without_members=frozenset({"personal-a"}), answered=frozenset())
    school.hourly()
    assert held_at(school.server) == before
    school.reading = HONEST
    school.hourly()
    assert held_at(school.server) == before


@pytest.mark.parametrize(
    "reading",
    [
        OddReading(groups=frozenset({COURSE}), answered=frozenset()),
        OddReading(without_members=frozenset({COURSE}), answered=frozenset()),
    ],
)
def test_no_pupil_falls_to_the_next_rule_as_a_class_is_missing_once(school, reading):
    """Classes come from a group, and for those without one from the OU."""
    rules = [
        {"from": "group", "pattern": "^kurs-a-"},
        {"from": "orgUnit", "pattern": "^/Elever/A/(?P<name>[^/]+)"},
    ]
    edit(school, lambda unit: (unit.update(classes=rules), unit.pop("teachingGroups", None)))
    for _ in range(2):
        school.hourly()
    before = held_at(school.server)
    assert sorted(
        len(group["studentMemberships"]) for group in before["StudentGroup"].values()
    ) == [6, 6]
    school.reading = reading
    school.hourly()
    school.after(60)
    assert held_at(school.server) == before
    school.reading = HONEST
    school.hourly()
    assert held_at(school.server) == before

"""What a choice would do to people: the limits as people, and roles counted."""

import pytest

from addon.planning.limits import is_too_many
from addon.roster.model import Enrolment, Person
from addon.tenants.model import Limits
from addon.web.presenters.vendor_impact import PeopleCounts, UnitChange, most_removed, people_counts


def somebody(user_id, **places):
    return Person(user_id, f"{user_id}@edu.storvik.se", "A", "B", **places)


def test_students_and_staff_are_counted_apart():
    people = [
        somebody("1", enrolments=(Enrolment("12345678"),)),
        somebody("2", enrolments=(Enrolment("12345678"), Enrolment("12345679"))),
        somebody("3", employments=("12345678",)),
    ]
    assert people_counts(people) == PeopleCounts(students=2, staff=1)
    assert people_counts(people).people == 3


@pytest.mark.parametrize("there", [0, 1, 14, 49, 50, 256, 90_000])
@pytest.mark.parametrize(
    ("deletions", "percent"), [(0, 10), (3, 50), (50, 10), (50, 0), (1000, 100), (50, 12.5)]
)
def test_as_many_as_is_said_may_go_and_one_more_is_held(there, deletions, percent):
    limits = Limits(deletions, percent)
    most = most_removed(limits, there)
    assert not is_too_many(most, there, limits)
    assert is_too_many(most + 1, there, limits)


def test_a_shift_stops_where_more_go_than_the_limits_let():
    few = UnitChange("all", "live", (), (), Limits(3, 100), there=14, lost=PeopleCounts(3, 0))
    many = UnitChange("all", "live", (), (), Limits(3, 100), there=14, lost=PeopleCounts(3, 1))
    assert not few.stopped
    assert many.stopped


def test_what_is_not_counted_yet_is_not_said_to_stop():
    assert not UnitChange("all", "live", (), (), Limits(0, 0)).stopped

"""Two readings that lack different things do not agree, though both lose the same."""

import pytest

from tests.support.generated_tenant import Spot, State, held_at
from tests.support.odd_school import COURSE
from tests.trust.odd_directory import HONEST, OddReading

NO_ANSWERS = OddReading(answered=frozenset())
BOTH = frozenset({0, 1})
TEACHER = 20
LIST = NO_ANSWERS._replace(members=frozenset((COURSE, n) for n in BOTH))
ACCOUNTS = NO_ANSWERS._replace(users=BOTH)
NO_MEMBERS = NO_ANSWERS._replace(without_members=frozenset({COURSE}))
NO_GROUP = NO_ANSWERS._replace(groups=frozenset({COURSE}))
ALL_ACCOUNTS = NO_ANSWERS._replace(users=frozenset(range(6)))
TEACHER_IN_LIST = NO_ANSWERS._replace(members=frozenset({(COURSE, TEACHER)}))
TEACHERS_ACCOUNT = NO_ANSWERS._replace(users=frozenset({TEACHER}))


@pytest.fixture
def course(school):
    """The school with a teacher, the only one, of the course."""
    teacher = {TEACHER: Spot("/Personal/A", groups=frozenset({COURSE}))}
    small = {n: spot for n, spot in school.state.spots.items() if n not in (4, 5)}
    school.change_to(State({**small, **teacher}))
    school.hourly(), school.hourly()
    assert held(school) == (4, 1, 11)
    return school


def held(school) -> tuple[int, int, int]:
    """The students of the course, its activity's teachers, and the people, at the vendor."""
    at_vendor = held_at(school.server)
    teachers = [len(each["teachers"]) for each in at_vendor["Activity"].values()]
    there = {group["displayName"] for group in at_vendor["StudentGroup"].values()}
    members = school.members() if COURSE in there else 0
    return members, sum(teachers), len(at_vendor["User"])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (LIST, ACCOUNTS),
        (NO_MEMBERS, NO_GROUP),
        (NO_MEMBERS, ALL_ACCOUNTS),
        (NO_GROUP, ALL_ACCOUNTS),
        (TEACHER_IN_LIST, TEACHERS_ACCOUNT),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_two_readings_that_lack_different_things_take_nothing(course, first, second, turned):
    for reading in (second, first, second) if turned else (first, second, first):
        course.reading = reading
        course.hourly()
        assert held(course) == (4, 1, 11)
    course.reading = HONEST
    course.hourly()
    assert not course.store.hold(course.key)
    assert held(course) == (4, 1, 11)


def test_memberships_go_with_the_people_whom_two_readings_lack(course):
    course.reading = ACCOUNTS
    course.hourly(), course.hourly()
    assert held(course) == (2, 1, 9)
    course.reading = ALL_ACCOUNTS
    course.hourly(), course.hourly()
    assert held(course)[0] == 0
    assert course.hourly().unconfirmed == 0


def test_a_list_that_lacks_them_twice_is_believed_whether_the_accounts_were_missing_too(course):
    course.reading = LIST._replace(users=BOTH)
    course.hourly()
    course.reading = LIST
    course.hourly()
    assert held(course) == (2, 1, 11)


def test_who_is_chosen_by_a_group_is_not_gone_for_a_missing_account_and_a_short_list(school):
    chosen = {30: Spot("/Annat", groups=frozenset({"elever-a"}))}
    school.change_to(State({**school.state.spots, **chosen}))
    school.hourly(), school.hourly()
    assert len(held_at(school.server)["User"]) == 13
    for reading in (
        NO_ANSWERS._replace(users=frozenset({30})),
        NO_ANSWERS._replace(members=frozenset({("elever-a", 30)})),
    ):
        school.reading = reading
        school.hourly()
        assert len(held_at(school.server)["User"]) == 13

"""What was known and what a reading has are one: each placement once, and none is lost."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from addon.roster.model import Enrolment, Person, Roster, StudentGroup
from addon.roster.placements import (
    KnownGroup,
    KnownPerson,
    Placements,
    combined,
    losses,
    placements_of,
)
from addon.roster.unconfirmed import with_unconfirmed

UNITS = ("1", "2", "3")
USERS = ("a", "b", "c")
units = st.lists(st.sampled_from(UNITS), unique=True).map(tuple)
years = st.sampled_from((None, 4, 5))
people = st.builds(
    lambda units, year, staff: (
        KnownPerson((), units) if staff else KnownPerson(tuple((unit, year) for unit in units))
    ),
    units,
    years,
    st.booleans(),
)
members = st.lists(st.sampled_from(USERS), min_size=1, unique=True).map(sorted).map(tuple)
placements = st.builds(
    Placements,
    st.dictionaries(st.sampled_from(USERS), people),
    st.dictionaries(
        st.tuples(st.sampled_from(UNITS), st.just("group"), st.sampled_from(("x", "y"))),
        st.builds(KnownGroup, st.just("teaching"), members, members),
    ),
)


def roster_of(placed: Placements) -> Roster:
    """A roster with these people and groups."""
    return Roster(
        people={
            user: Person(
                user,
                user,
                user,
                user,
                enrolments=tuple(Enrolment(*each) for each in person.enrolments),
                employments=person.employments,
            )
            for user, person in placed.people.items()
        },
        groups=tuple(
            StudentGroup(unit, known.kind, "group", id, id, known.students, known.teachers)
            for (unit, _, id), known in placed.groups.items()
        ),
        findings=(),
        left_out={},
        protected=frozenset(),
    )


def twice(found: Placements) -> Iterator[object]:
    """What is in the placements more than once."""
    for person in found.people.values():
        for each in ([unit for unit, _ in person.enrolments], person.employments):
            yield from (unit for unit in each if list(each).count(unit) > 1)
    for known in found.groups.values():
        for each in (known.students, known.teachers):
            yield from (user for user in each if each.count(user) > 1)


@given(placements, placements)
def test_what_is_combined_has_everything_once(now, kept):
    found = combined(now, kept)
    assert not list(losses(now, found)) + list(losses(kept, found))
    assert not list(twice(found))
    assert combined(found, kept) == found


@given(placements, placements)
def test_a_roster_with_what_is_unconfirmed_has_everything_once(now, kept):
    found = with_unconfirmed(roster_of(now), kept, UNITS)
    seen = structs.replace(found, people={u: _certain(p) for u, p in found.people.items()})
    assert not list(twice(placements_of(seen)))


def _certain(person: Person) -> Person:
    return structs.replace(person, unconfirmed=False)

"""At which school units the people of a hold are, or were when a reading last placed them."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain

from msgspec import structs

from addon.planning.limits import Hold
from addon.roster.placements import KnownPerson
from addon.sync.prepare import PreparedRun

UserAtUnit = tuple[str, str]
"""A user id and a unit's code."""


def with_units(
    hold: Hold,
    places: Iterable[UserAtUnit],
    external_id: Callable[[str], str],
    earlier: Hold | None,
) -> Hold:
    """Return the hold with the unit of each of its people, where it is known.

    The first of `places` that names a person counts; then the `earlier` hold, since a person who
    is gone is in no later reading. `external_id` is of a user id.
    """
    left, found = set(hold.people), dict[str, str]()
    for user, unit in places:
        if not left:
            break
        person = external_id(user)
        if person in left:
            found[person] = unit
            left.discard(person)
    if earlier is not None:
        found |= {person: unit for person, unit in earlier.units() if person in left}
    units = sorted(set(found.values()))
    numbers = {unit: n for n, unit in enumerate(units, 1)}
    placed = array("H", (numbers.get(found.get(person, ""), 0) for person in hold.people))
    return structs.replace(hold, placed_in=tuple(units), places=placed.tobytes() if found else b"")


def places_of_run(prepared: PreparedRun) -> Iterator[UserAtUnit]:
    """Yield where people are by a run's roster, or were before those losses that it has found."""
    people = prepared.roster.people.items()
    there = (
        (user, unit)
        for user, person in people
        for unit in (*(each.unit for each in person.enrolments), *person.employments)
    )
    evidence = prepared.evidence
    return chain(evidence.left.items(), there, places_of_known(evidence.unconfirmed.people))


def places_of_known(people: Mapping[str, KnownPerson]) -> Iterator[UserAtUnit]:
    """Yield where people were placed by an earlier reading."""
    for user, person in people.items():
        for unit in (*(unit for unit, _year in person.enrolments), *person.employments):
            yield user, unit

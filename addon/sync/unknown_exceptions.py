"""Exceptions of selections that name an OU or a group which the reading does not know. Pure.

Whom such an exception leaves out cannot be told, so that nobody who is new is sent from that
selection until the exception is corrected. Those who were known stay: nothing is taken from them.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from itertools import chain

from msgspec import Struct, structs

from addon.directory.snapshot import Snapshot
from addon.roster.findings import finding
from addon.roster.model import Finding, Person, Roster, StudentGroup
from addon.sync.excluding_groups import excluding_groups
from addon.sync.known_places import path_key
from addon.tenants.model import Selector, Tenant
from addon.text import fold

REASON = "exception-unknown"
HeldBack = frozenset[tuple[str, str]]
"""Units' codes and the ids of users who are new there and not sent yet."""
UnknownPlaces = Mapping[tuple[str, str], str]
"""The first unknown place of an exception, by unit and role."""


class WaitingNewcomers(Struct, frozen=True):
    """Who waits, the roster without them, and the findings that say so."""

    held_back: HeldBack
    roster: Roster
    findings: tuple[Finding, ...]


def hold_newcomers(
    tenant: Tenant,
    snapshot: Snapshot,
    roster: Roster,
    known: Callable[[str], bool],
    settling: bool = False,
) -> WaitingNewcomers:
    """Take those who are new out of selections with unknown exceptions.

    `known` says of a user's id whether they were placed at any unit before. While the reading is
    `settling`, with none to compare it with, a group without members counts as unknown too.
    """
    places = _unknown_places(tenant, snapshot, settling)
    if not places:
        return WaitingNewcomers(frozenset(), roster, ())
    held = frozenset(
        (unit, user)
        for user, person in roster.people.items()
        if not known(user)
        for unit, role in _placements(person)
        if (unit, role) in places
    )
    names, findings = tenant.unit_names, []
    for (unit, role), place in places.items():
        count = sum(at == unit and (unit, role) in _placements(roster.people[u]) for at, u in held)
        about = {"unit": unit, "unitName": names[unit], "role": role}
        findings.append(finding(REASON, place, count=str(count), **about))
    return WaitingNewcomers(held, without_held_back(roster, held), tuple(findings))


def without_held_back(roster: Roster, held: HeldBack) -> Roster:
    """Return the roster without these placements, in groups neither."""
    if not held:
        return roster
    people, left_out = dict(roster.people), dict(roster.left_out)
    for user in {user for _, user in held} & people.keys():
        person = people.pop(user)
        enrolments = tuple(e for e in person.enrolments if (e.unit, user) not in held)
        employments = tuple(unit for unit in person.employments if (unit, user) not in held)
        if enrolments or employments:
            people[user] = structs.replace(person, enrolments=enrolments, employments=employments)
        else:
            left_out[user] = REASON
    groups = (_without(group, held) for group in roster.groups)
    return structs.replace(
        roster,
        people={user: people[user] for user in roster.people if user in people},
        groups=tuple(group for group in groups if group.students),
        left_out=dict(sorted(left_out.items())),
    )


def _unknown_places(
    tenant: Tenant, snapshot: Snapshot, settling: bool
) -> dict[tuple[str, str], str]:
    paths = {path_key(unit.path) for unit in snapshot.org_units}
    absent = set(map(fold, snapshot.missing_groups))
    for group in snapshot.groups:
        if group.id in snapshot.doubts.groups:
            absent.update(map(fold, (group.email, *group.aliases)))
    found: dict[tuple[str, str], str] = {}
    for unit in tenant.school_units:
        for role, selector in (("students", unit.students), ("staff", unit.staff)):
            empty = _without_members(selector, snapshot) if settling else ()
            place = next(chain(_unknown(selector, paths, absent), empty), None)
            if place is not None:
                found[unit.code, role] = place
    return found


def _unknown(selector: Selector, paths: Set[str], absent: Set[str]) -> Iterator[str]:
    yield from (path for path in selector.exceptions.org_units if path_key(path) not in paths)
    yield from (each for each in selector.exceptions.groups if fold(each) in absent)


def _without_members(selector: Selector, snapshot: Snapshot) -> Iterator[str]:
    for group in excluding_groups(selector).of(snapshot):
        if group is not None and group.members == frozenset() and not group.everyone:
            yield group.email


def _placements(person: Person) -> tuple[tuple[str, str], ...]:
    return (
        *((enrolment.unit, "students") for enrolment in person.enrolments),
        *((unit, "staff") for unit in person.employments),
    )


def _without(group: StudentGroup, held: HeldBack) -> StudentGroup:
    students = tuple(user for user in group.students if (group.unit, user) not in held)
    teachers = tuple(user for user in group.teachers if (group.unit, user) not in held)
    if students == group.students and teachers == group.teachers:
        return group
    return structs.replace(group, students=students, teachers=teachers)

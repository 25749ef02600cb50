"""A roster, or what is known, with the placements of which it is unconfirmed that they ended. Pure.

Nothing is taken from anybody for them, and nobody is let in: who is staff as far as is known is a
student only where that was known too.
"""

from collections.abc import Iterable, Mapping, Set

from msgspec import structs

from addon.roster.model import Enrolment, Person, Roster, StudentGroup
from addon.roster.placements import (
    G,
    KnownGroup,
    KnownPerson,
    Placements,
    group_id,
    known_person,
    without_later_rules,
)


def students_with_jobs(now: Placements, kept: Placements) -> frozenset[str]:
    """Return who is a student `now`, and staff only by what is `kept`: perhaps no longer."""
    return frozenset(
        user
        for user, person in kept.people.items()
        if (current := now.people.get(user)) is not None
        and current.enrolments
        and person.without(current).employments
    )


def with_standing(kept: Placements, now: Placements, known: Placements) -> Placements:
    """Return what is `kept` with the places as students that staff had before and have `now`.

    Staff is no student, see `place`, so that these would be taken from them.
    """
    users = students_with_jobs(now, kept)
    if not users:
        return kept
    people, groups = dict(kept.people), dict(kept.groups)
    for user in users & known.people.keys():
        units = {unit for unit, _year in now.people[user].enrolments}
        before = KnownPerson(tuple(e for e in known.people[user].enrolments if e[0] in units))
        people[user] = KnownPerson(
            (*people[user].enrolments, *before.without(people[user]).enrolments),
            people[user].employments,
        )
    for key, group in known.groups.items():
        students = users.intersection(group.students)
        if students and key in now.groups:
            some = groups.get(key, KnownGroup(group.kind, (), name=group.name))
            students &= set(now.groups[key].students)
            groups[key] = structs.replace(some, students=tuple(sorted(students | {*some.students})))
    groups = {key: group for key, group in groups.items() if group.members or key in kept.groups}
    return structs.replace(kept, people=people, groups=groups)


def without_students(placements: Placements, users: Set[str]) -> Placements:
    """Return the placements without those of these users as students."""
    people = {
        user: structs.replace(person, enrolments=()) if user in users else person
        for user, person in placements.people.items()
    }
    groups = {key: _without_students(group, users) for key, group in placements.groups.items()}
    return structs.replace(placements, people=people, groups=groups)


def with_unconfirmed(roster: Roster, kept: Placements, units: Iterable[str]) -> Roster:
    """Return the roster with the `kept` placements, so that nothing is taken from anybody.

    `units` are the unit codes in the document's order. People and groups that the roster lacks
    are added as `unconfirmed`; nobody who is protected is added. Staff is never a student, see
    `place`: who is still employed, as far as is known, is a student only where that is `kept` too.
    """
    order = {code: n for n, code in enumerate(units)}
    people = dict(roster.people)
    employed = set[str]()
    for user, there in kept.people.items():
        if user in roster.protected:
            continue
        person = people.get(user) or Person(user, "", "", "", unconfirmed=True)
        if there.without(known_person(person)).employments:
            person = structs.replace(person, enrolments=())
            employed.add(user)
        lost = there.without(known_person(person))
        if person.employments and lost.enrolments:
            lost = structs.replace(lost, enrolments=())
        enrolments = (*person.enrolments, *(Enrolment(*each) for each in lost.enrolments))
        employments = (*person.employments, *lost.employments)
        people[user] = structs.replace(
            person,
            enrolments=tuple(sorted(enrolments, key=lambda e: order.get(e.unit, 0))),
            employments=tuple(sorted(employments, key=lambda unit: order.get(unit, 0))),
        )
    groups = {group_id(group): _without_students(group, employed) for group in roster.groups}
    groups = {key: without_later_rules(key, group, kept) for key, group in groups.items()}
    for key, lost_group in kept.groups.items():
        if lost_group.kind == "class":
            _keep_years(people, key[0], lost_group.students, kept.years)
        students = frozenset(lost_group.students) - roster.protected
        teachers = frozenset(lost_group.teachers) - roster.protected
        group = groups.get(key)
        if group is None:
            unit, source, source_id = key
            kind, name = lost_group.kind, lost_group.name
            group = StudentGroup(unit, kind, source, source_id, name, (), (), True)  # type: ignore[arg-type]
        groups[key] = structs.replace(
            group,
            students=tuple(sorted(students.union(group.students))),
            teachers=tuple(sorted(teachers.union(group.teachers))),
        )
    left = tuple(g for key, g in groups.items() if g.students or key in kept.groups)
    if kept.unclear:
        for user in kept.unclear & people.keys():
            nowhere = structs.replace(people[user], enrolments=(), employments=())
            people[user] = structs.replace(nowhere, unconfirmed=True)
        left = tuple(
            g if kept.unclear.isdisjoint(g.students) else structs.replace(g, unconfirmed=True)
            for g in left
        )
    return structs.replace(roster, people=people, groups=left)


def _keep_years(
    people: dict[str, Person],
    unit: str,
    students: Iterable[str],
    years: Mapping[tuple[str, str], int | None],
) -> None:
    """Give these students of an unconfirmed class the school years that they had."""
    for user in students:
        person, year = people.get(user), years.get((unit, user))
        if person is not None and (unit, user) in years:
            enrolments = tuple(
                structs.replace(each, school_year=year) if each.unit == unit else each
                for each in person.enrolments
            )
            people[user] = structs.replace(person, enrolments=enrolments)


def _without_students(group: G, users: Set[str]) -> G:
    if users.isdisjoint(group.students):
        return group
    return structs.replace(group, students=tuple(s for s in group.students if s not in users))

"""Where people were placed by earlier readings, and what a later one does not have. Pure.

Absence from one answer is no evidence (promise 2), so what was known is kept, as ids only, and
compared with each new roster.
"""

from collections.abc import Container, Iterator, Mapping, Set
from typing import Literal, NamedTuple, TypeVar

from msgspec import Struct, structs

from addon.roster.model import Person, Roster, StudentGroup

GroupId = tuple[str, str, str]
"""What identifies a class or teaching group: unit, source and source id."""


Employment = tuple[str, str]
"""A unit and the id of a user employed there."""


PERSON_KINDS: tuple[Literal["student", "staff"], ...] = ("student", "staff")
"""The kinds of a `Loss` of a person from a unit."""


class KnownPerson(Struct, frozen=True, array_like=True, gc=False):
    """Where a person was placed: school years by unit, and units where employed."""

    enrolments: tuple[tuple[str, int | None], ...] = ()
    employments: tuple[str, ...] = ()

    def is_at(self, unit: str) -> bool:
        """Whether the person was placed at the unit."""
        return unit in self.employments or any(unit == each for each, _year in self.enrolments)

    def year_at(self, unit: str) -> int | None:
        """The school year at the unit, if there is one."""
        return next((year for each, year in self.enrolments if each == unit), None)

    @property
    def is_anywhere(self) -> bool:
        """Whether there is any placement."""
        return bool(self.enrolments or self.employments)

    def without(self, other: "KnownPerson") -> "KnownPerson":
        """Return the placements that `other` lacks; a school year makes no difference."""
        units = {unit for unit, _year in other.enrolments}
        return KnownPerson(
            tuple(each for each in self.enrolments if each[0] not in units),
            tuple(unit for unit in self.employments if unit not in other.employments),
        )


class KnownGroup(Struct, frozen=True, array_like=True, gc=False):
    """A class or teaching group and its members, by user id, sorted.

    `name` is a class's, empty if that was not kept: where a vendor takes one class of each person,
    the names decide which.
    """

    kind: Literal["class", "teaching"]
    students: tuple[str, ...]
    teachers: tuple[str, ...] = ()
    name: str = ""

    @property
    def members(self) -> frozenset[str]:
        """Its students and teachers."""
        return frozenset(self.students).union(self.teachers)


G = TypeVar("G", StudentGroup, KnownGroup)


class Placements(Struct, frozen=True):
    """The people and groups of a roster, without names of people.

    `years` are of what is unconfirmed: the school years, by unit and user, that students have from
    a class which they may not have left. `classes` are the classes that such students had, by unit
    and user, where rules are tried in order: a later rule gives them others only because of that.
    `unclear` are the ids of people who are students in the reading if they are not staff any more,
    at a vendor that has not had them as staff: there they, and their groups, stay as they are.
    """

    people: Mapping[str, KnownPerson] = {}
    groups: Mapping[GroupId, KnownGroup] = {}
    years: Mapping[tuple[str, str], int | None] = {}
    classes: Mapping[tuple[str, str], frozenset[GroupId]] = {}
    unclear: frozenset[str] = frozenset()

    @property
    def in_classes(self) -> frozenset[tuple[str, str]]:
        """The unit and the id of each student of a class."""
        classes = ((key[0], group) for key, group in self.groups.items() if group.kind == "class")
        return frozenset((unit, user) for unit, group in classes for user in group.students)


class Loss(NamedTuple):
    """Something that was known and is not in a new roster.

    `kind` is `student` or `staff` (the person `user` at the `unit`), `member` or `teacher` (of
    the group), or `group` (the group itself, `user` is empty then).
    """

    kind: Literal["student", "staff", "member", "teacher", "group"]
    unit: str
    user: str = ""
    source: str = ""
    source_id: str = ""

    @property
    def group(self) -> GroupId:
        """The group that was lost, or was lost from."""
        return (self.unit, self.source, self.source_id)

    @property
    def whole_group(self) -> "Loss":
        """The loss of the whole group that this loss is from."""
        return Loss("group", self.unit, "", self.source, self.source_id)

    @property
    def is_person(self) -> bool:
        """Whether a person is missing from the unit itself, not from a group of it."""
        return self.kind in PERSON_KINDS

    @property
    def key(self) -> str:
        """The loss as text, the same in each run."""
        return "\t".join(self)


def placements_of(roster: Roster) -> Placements:
    """Return the placements of a roster; those that are unconfirmed are left out."""
    return Placements(
        {
            id: known_person(person)
            for id, person in roster.people.items()
            if not person.unconfirmed
        },
        {
            group_id(group): KnownGroup(
                group.kind,
                group.students,
                group.teachers,
                group.name if group.kind == "class" else "",
            )
            for group in roster.groups
            if not group.unconfirmed
        },
    )


def known_person(person: Person) -> KnownPerson:
    """Return where a person of a roster is placed."""
    enrolments = tuple((e.unit, e.school_year) for e in person.enrolments)
    return KnownPerson(enrolments, person.employments)


def group_id(group: StudentGroup) -> GroupId:
    """Return what identifies a group."""
    return (group.unit, group.source, group.source_id)


def losses(known: Placements, now: Placements) -> Iterator[Loss]:
    """Yield what is in `known` and not in `now`, in the order of `known`.

    Of a group that is gone only the group is named, not its members.
    """
    for user, person in known.people.items():
        current = now.people.get(user)
        if current == person:
            continue
        current = current or KnownPerson()
        units = {unit for unit, _year in current.enrolments}
        for unit, _year in person.enrolments:
            if unit not in units:
                yield Loss("student", unit, user)
        for unit in person.employments:
            if unit not in current.employments:
                yield Loss("staff", unit, user)
    for (unit, source, source_id), group in known.groups.items():
        found = now.groups.get((unit, source, source_id))
        if found is None:
            yield Loss("group", unit, "", source, source_id)
        elif found != group:
            for user in _without(group.students, found.students):
                yield Loss("member", unit, user, source, source_id)
            for user in _without(group.teachers, found.teachers):
                yield Loss("teacher", unit, user, source, source_id)


def only(
    known: Placements,
    kept: Set[Loss],
    years_from_class: Container[str] = (),
    in_order: Container[str] = (),
) -> Placements:
    """Return the part of `known` that the `kept` losses are about.

    At the units in `years_from_class`, a student's school year comes from a class; at those
    `in_order`, the rules of classes are tried in order.
    """
    people: dict[str, KnownPerson] = {}
    groups: dict[GroupId, KnownGroup] = {}
    for loss in sorted(kept):
        if loss.is_person:
            whole = known.people[loss.user]
            part = people.get(loss.user, KnownPerson())
            if loss.kind == "student":
                years = tuple(e for e in whole.enrolments if e[0] == loss.unit)
                part = structs.replace(part, enrolments=part.enrolments + years)
            else:
                part = structs.replace(part, employments=(*part.employments, loss.unit))
            people[loss.user] = part
            continue
        group = known.groups[loss.group]
        if loss.kind == "group":
            groups[loss.group] = group
            continue
        some = groups.get(loss.group, KnownGroup(group.kind, (), name=group.name))
        if loss.kind == "member":
            some = structs.replace(some, students=(*some.students, loss.user))
        else:
            some = structs.replace(some, teachers=(*some.teachers, loss.user))
        groups[loss.group] = some
    stay = {
        (unit, user): year
        for (unit, _, _), group in groups.items()
        if group.kind == "class" and unit in years_from_class
        for user in group.students
        if (year := known.people.get(user, KnownPerson()).year_at(unit)) is not None
        or unit in in_order
    }
    found = Placements(people, groups, stay)
    fallen = frozenset(each for each in found.in_classes if each[0] in in_order)
    return structs.replace(found, classes=_classes_of(known, fallen)) if fallen else found


def _classes_of(
    known: Placements, students: Set[tuple[str, str]]
) -> dict[tuple[str, str], frozenset[GroupId]]:
    """Return the classes of students, who are named by unit and user."""
    classes: dict[tuple[str, str], set[GroupId]] = {}
    for key, group in known.groups.items():
        if group.kind == "class":
            for user in group.students:
                if (key[0], user) in students:
                    classes.setdefault((key[0], user), set()).add(key)
    return {student: frozenset(found) for student, found in classes.items()}


def without_later_rules(key: GroupId, group: G, kept: Placements) -> G:
    """Return a class without those whom only a later rule gives it, see `Placements.classes`."""
    if group.kind != "class" or not kept.classes:
        return group
    stay = tuple(s for s in group.students if key in kept.classes.get((key[0], s), (key,)))
    return group if len(stay) == len(group.students) else structs.replace(group, students=stay)


def combined(now: Placements, kept: Placements) -> Placements:
    """Return `now` with the placements of `kept` that it lacks, and its school years."""
    people = dict(now.people)
    groups = {key: without_later_rules(key, group, kept) for key, group in now.groups.items()}
    groups = {key: group for key, group in groups.items() if group.students or key in kept.groups}
    for (unit, user), year in kept.years.items():
        if user in people:
            enrolments = tuple((u, year if u == unit else y) for u, y in people[user].enrolments)
            people[user] = structs.replace(people[user], enrolments=enrolments)
    for user, there in kept.people.items():
        current = people.get(user, KnownPerson())
        lost = there.without(current)
        people[user] = KnownPerson(
            current.enrolments + lost.enrolments, current.employments + lost.employments
        )
    for key, group in kept.groups.items():
        found = groups.get(key)
        groups[key] = group if found is None else _with(found, group)
    return Placements(people, groups)


def employments_of(people: Mapping[str, KnownPerson]) -> Iterator[Employment]:
    """Yield the employments of `people`."""
    return ((unit, user) for user, person in people.items() for unit in person.employments)


def _without(members: tuple[str, ...], now: tuple[str, ...]) -> Iterator[str]:
    left = frozenset(now)
    return (user for user in members if user not in left)


def _with(group: KnownGroup, lost: KnownGroup) -> KnownGroup:
    return KnownGroup(
        group.kind,
        tuple(sorted({*group.students, *lost.students})),
        tuple(sorted({*group.teachers, *lost.teachers})),
        group.name,
    )

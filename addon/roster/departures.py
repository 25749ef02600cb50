"""What readings no longer have, for the vendors that have not carried it out. Pure.

A ledger has no memberships, so what a changed class would take from somebody at a vendor cannot be
seen there. It follows from what was lost since the reading whose plan that vendor carried out last.
"""

from collections.abc import Iterable, Mapping, Set

from msgspec import Struct, structs

from addon.roster.placements import GroupId, KnownGroup, KnownPerson, Placements, losses, only

KEPT = 30 * 24 * 3600.0
"""Seconds for which departures are kept. A vendor that is behind for longer waits with changes."""
TICK = 0.001
"""Seconds between two readings with departures, whatever the clock says."""


class Departure(Struct, frozen=True):
    """The placements that the reading with the mark `at` no longer had.

    `lost.classes` are all classes that students had, by unit and user, who lost one of them.
    """

    at: float
    lost: Placements


class Departures(Struct, frozen=True):
    """The departures of all readings after the one with the mark `since`, in their order.

    A mark is the time of a reading in seconds since 1970 UTC, or a moment later where the clock was
    set back, so that a later reading always has a later mark.
    """

    since: float = 0.0
    readings: tuple[Departure, ...] = ()

    def mark(self, now: float) -> float:
        """Return the mark of a reading made at `now`, whose departures are included."""
        return max(now, self.readings[-1].at if self.readings else self.since)

    def of_reading(
        self, before: Placements, current: Placements, protected: Set[str], now: float
    ) -> "Departures":
        """Return these with what `before` had and the reading at `now` does not have.

        The protected are left out: they are removed everywhere, and kept nowhere.
        """
        kept = tuple(each for each in self.readings if now - each.at < KEPT)
        dropped = self.readings[: len(self.readings) - len(kept)]
        since = dropped[-1].at if dropped else self.since
        lost = frozenset(each for each in losses(before, current) if each.user not in protected)
        if lost:
            units = {each.unit for each in lost}
            latest = self.readings[-1].at if self.readings else self.since
            kept += (Departure(max(now, latest + TICK), only(before, lost, in_order=units)),)
        elif not dropped:
            return self
        return Departures(since, kept)

    def after(self, delivered: float, now: float) -> Placements | None:
        """Return everything lost since the reading with the mark `delivered`.

        None if that is unknown: it is longer ago than what is kept, or lies after `now`.
        """
        if delivered < self.since or delivered > self.mark(now):
            return None
        return joined(each.lost for each in self.readings if each.at > delivered)


def joined(parts: Iterable[Placements]) -> Placements:
    """Return all the placements; of the classes that a student had, those of the first part."""
    people: dict[str, KnownPerson] = {}
    groups: dict[GroupId, KnownGroup] = {}
    classes: dict[tuple[str, str], frozenset[GroupId]] = {}
    for part in parts:
        for user, person in part.people.items():
            people[user] = _with(people.get(user), person)
        for key, group in part.groups.items():
            there = groups.get(key)
            groups[key] = group if there is None else _with_members(there, group)
        classes = {**part.classes, **classes}
    return Placements(people, groups, classes=classes)


def without_new_classes(lost: Placements) -> Placements:
    """Return what was lost, without classes that students got only after they had lost another.

    For a vendor that takes one class of each person: it has not been sent those.
    """

    def had(key: GroupId, user: str) -> bool:
        return key in lost.classes.get((key[0], user), (key,))

    groups = {
        key: structs.replace(group, students=tuple(s for s in group.students if had(key, s)))
        if group.kind == "class"
        else group
        for key, group in lost.groups.items()
    }
    return structs.replace(lost, groups=groups)


def _with(person: KnownPerson | None, more: KnownPerson) -> KnownPerson:
    if person is None:
        return more
    units: Mapping[str, int | None] = {**dict(more.enrolments), **dict(person.enrolments)}
    employments = dict.fromkeys((*person.employments, *more.employments))
    return KnownPerson(tuple(units.items()), tuple(employments))


def _with_members(group: KnownGroup, more: KnownGroup) -> KnownGroup:
    return structs.replace(
        group,
        students=tuple(sorted({*group.students, *more.students})),
        teachers=tuple(sorted({*group.teachers, *more.teachers})),
    )

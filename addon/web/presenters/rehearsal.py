"""Inför terminsstart: what the first run after a pause would do, school by school.

The latest run's placements are compared with those of the directory as it is now.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Set

from msgspec import Struct

from addon.roster.model import Person, Roster
from addon.roster.placements import KnownPerson, Placements
from addon.sync.known_placements import KnownDirectory
from addon.sync.prepare import PreparedRun
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult

WITHOUT_YEAR = "student-without-school-year"
Unit = str
ClassNames = Mapping[str, str]
"""The names of a student's classes, by source and source id."""


class UnitRehearsal(Struct, frozen=True):
    """How many students and staff leave a school unit, come to it, and so on.

    `new_class` counts students who stay and get another class, or whose class gets another name.
    """

    code: Unit
    name: str
    leaving: int = 0
    starting: int = 0
    new_class: int = 0
    without_year: int = 0
    staff_leaving: int = 0
    staff_starting: int = 0

    @property
    def changes(self) -> bool:
        """Whether anything changes at the unit, or is to be seen to."""
        return any(getattr(self, name) for name in NUMBERS)


NUMBERS = (
    "leaving",
    "starting",
    "new_class",
    "without_year",
    "staff_leaving",
    "staff_starting",
)


class Rehearsal(Struct, frozen=True):
    """The units in the document's order, and the numbers of students in all.

    Who changes school is in `moving`, and neither in `leaving` nor in `starting`. `unconfirmed` is
    how many of those who leave are missing without evidence. `since` is when the readings ended
    that the directory is compared with, in seconds since 1970 UTC.
    """

    units: tuple[UnitRehearsal, ...]
    leaving: int
    starting: int
    moving: int
    new_class: int
    without_year: int
    unconfirmed: int
    since: float


def rehearsal(
    directory: TenantDirectory,
    newest_run: str,
    load_known: Callable[[], KnownDirectory | None],
) -> Rehearsal | None:
    """Return what would change at the units that vendors get, or at all if no vendor is on.

    None if there is no earlier reading to compare with, or only one that is newer than the
    directory. Raises StillComputing, and what `load_known` raises.
    """
    prepared, read = directory.prepared, directory.directory_snapshot.read

    def compute() -> Rehearsal | None:
        known = load_known()
        if known is None or known.read > read:
            return None
        return compared(known.placements, prepared, known.read)

    return directory.get_or_compute(DirectoryResult.REHEARSAL, compute, newest_run)


def compared(known: Placements, prepared: PreparedRun, since: float) -> Rehearsal:
    """Return the difference between what was known and what is prepared."""
    tenant, roster = prepared.tenant, prepared.roster
    on = {unit for c in tenant.connections if c.mode != "off" for unit in c.school_units}
    codes = [u.code for u in tenant.school_units if not on or u.code in on]
    hidden = roster.protected | prepared.protection.hidden
    before = {i: p for i, p in known.people.items() if i not in hidden}
    students, staff = _by_unit(before, roster.people, codes)
    old, new = _known_classes(known), _classes(roster)
    nameless = _without_year(roster, frozenset(codes))
    units = []
    all_changing = set[str]()
    for code in codes:
        there, here = students[code]
        changing = {user for user in there & here if _has_new_class(old, new, (code, user))}
        all_changing |= changing
        units.append(
            UnitRehearsal(
                code,
                tenant.unit_names[code],
                len(there - here),
                len(here - there),
                len(changing),
                len(nameless.get(code, ())),
                len(staff[code][0] - staff[code][1]),
                len(staff[code][1] - staff[code][0]),
            )
        )
    gone = _all(there for there, _ in students.values())
    come = _all(here for _, here in students.values())
    changed_school = _all(there - here for there, here in students.values()) & _all(
        here - there for there, here in students.values()
    )
    leaving = gone - come
    return Rehearsal(
        tuple(units),
        leaving=len(leaving),
        starting=len(come - gone),
        moving=len(changed_school),
        new_class=len(all_changing),
        without_year=len(_all(nameless.values())),
        unconfirmed=len(leaving & prepared.evidence.unconfirmed.people.keys()),
        since=since,
    )


Sides = Mapping[Unit, tuple[set[str], set[str]]]
"""The people at each unit before and after, by user id."""


def _by_unit(
    before: Mapping[str, KnownPerson], after: Mapping[str, Person], codes: Collection[Unit]
) -> tuple[Sides, Sides]:
    """Return the students and the staff of each unit."""
    students: Sides = {code: (set(), set()) for code in codes}
    staff: Sides = {code: (set(), set()) for code in codes}
    for side, people in ((0, _placed_before(before)), (1, _placed_after(after))):
        for user, enrolled, employed in people:
            for units, found in ((enrolled, students), (employed, staff)):
                for unit in units:
                    if unit in found:
                        found[unit][side].add(user)
    return students, staff


Placed = Iterator[tuple[str, tuple[Unit, ...], tuple[Unit, ...]]]


def _placed_before(people: Mapping[str, KnownPerson]) -> Placed:
    for user, person in people.items():
        yield user, tuple(unit for unit, _ in person.enrolments), person.employments


def _placed_after(people: Mapping[str, Person]) -> Placed:
    for user, person in people.items():
        yield user, tuple(e.unit for e in person.enrolments), person.employments


def _known_classes(known: Placements) -> Mapping[tuple[Unit, str], ClassNames]:
    """Return the classes of each unit and student as they were."""
    found: dict[tuple[Unit, str], dict[str, str]] = {}
    for (unit, source, source_id), group in known.groups.items():
        if group.kind == "class":
            for user in group.students:
                found.setdefault((unit, user), {})[f"{source}\t{source_id}"] = group.name
    return found


def _classes(roster: Roster) -> Mapping[tuple[Unit, str], ClassNames]:
    """Return the classes of each unit and student as they are."""
    found: dict[tuple[Unit, str], dict[str, str]] = {}
    for group in roster.groups:
        if group.kind == "class":
            for user in group.students:
                key = (group.unit, user)
                found.setdefault(key, {})[f"{group.source}\t{group.source_id}"] = group.name
    return found


def _has_new_class(
    old: Mapping[tuple[Unit, str], ClassNames],
    new: Mapping[tuple[Unit, str], ClassNames],
    key: tuple[Unit, str],
) -> bool:
    """Whether the student has a class that they did not have, or that had another name."""
    before = old.get(key, {})
    return any(
        group not in before or before[group] not in ("", name)
        for group, name in new.get(key, {}).items()
    )


def _without_year(roster: Roster, codes: Set[Unit]) -> Mapping[Unit, set[str]]:
    """Return the students whose school year is missing, by unit."""
    found: dict[Unit, set[str]] = {}
    for each in roster.findings:
        unit = dict(each.values).get("unit", "")
        if each.code == WITHOUT_YEAR and unit in codes and each.subject in roster.people:
            found.setdefault(unit, set()).add(each.subject)
    return found


def _all(parts: Iterator[set[str]] | Collection[set[str]]) -> set[str]:
    return set().union(*parts)

"""What a week's letter says: what changed, what waits and what is better. Pure.

Numbers, names of vendors and of school units; never anything about one person.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Literal

from msgspec import Struct

from addon.planning.protected_set import ProtectedSet
from addon.roster.findings import MESSAGES
from addon.roster.placements import Placements
from addon.store.records import RunRecord
from addon.sync.report import ConnectionReport, RosterCounts, stored_report
from addon.tenants.model import Connection, Tenant
from addon.tenants.pause import LOCAL

SENT_FROM = 6
"""The hour on Monday, in Sweden, from which a letter is sent."""
SENT_UNTIL = 1
"""The last day on which it is sent if it could not be earlier: Tuesday."""
ENDED_WELL = ("delivered", "unchanged", "held")


class Week(Struct, frozen=True):
    """A week from Monday to Sunday as Sweden has it."""

    first: date

    @property
    def last(self) -> date:
        """Its Sunday."""
        return self.first + timedelta(days=6)

    @property
    def number(self) -> int:
        """Its number in the year (ISO 8601)."""
        return self.first.isocalendar().week

    @property
    def name(self) -> str:
        """The name of its letter in the store."""
        year, number, _ = self.first.isocalendar()
        return f"week.{year}-{number:02}"

    @property
    def before(self) -> "Week":
        """The week before."""
        return Week(self.first - timedelta(days=7))

    @property
    def begins(self) -> float:
        """When it begins, in seconds since 1970 UTC."""
        return datetime.combine(self.first, time(), LOCAL).timestamp()

    @property
    def ends(self) -> float:
        """When it ends; a week in which summer time begins has 167 hours."""
        return datetime.combine(self.first + timedelta(days=7), time(), LOCAL).timestamp()

    def has(self, at: float) -> bool:
        """Whether `at` (seconds since 1970 UTC) is in the week."""
        return self.begins <= at < self.ends


def due_week(now: float) -> Week | None:
    """Return the week whose letter is due at `now`, or None."""
    local = datetime.fromtimestamp(now, LOCAL)
    if local.weekday() > SENT_UNTIL or (local.weekday() == 0 and local.hour < SENT_FROM):
        return None
    return Week(local.date() - timedelta(days=7 + local.weekday()))


class UnitCounts(Struct, frozen=True, array_like=True):
    """How many people and classes a school unit has."""

    students: int = 0
    staff: int = 0
    classes: int = 0


class State(Struct, frozen=True):
    """What is compared with next week's: numbers alone.

    `findings` are those that nobody has marked, `errors` those of them that keep somebody from
    being sent; `refused` is how many resources each vendor does
    not take, `held` the vendors with a hold that waits, and `failing` those whose latest delivery
    failed. `unread` is whether the directory could not be read by the latest run.
    """

    roster: RosterCounts | None = None
    units: dict[str, UnitCounts] = {}
    findings: int = 0
    errors: int = 0
    refused: dict[str, int] = {}
    held: dict[str, int] = {}
    failing: tuple[str, ...] = ()
    unread: bool = False
    ended: int = 0
    """People whose protection has ended, and who wait for a person."""
    pending: int = 0
    """People who became protected beyond the limit, and wait for a person."""

    @property
    def waits(self) -> int:
        """How many different things wait for an administrator."""
        parts = (self.findings, self.unread, self.ended, self.pending)
        return len(self.held) + len(self.refused) + len(self.failing) + sum(map(bool, parts))


class VendorWeek(Struct, frozen=True):
    """What was sent to a vendor in a mode within the week: people and classes."""

    vendor: str
    mode: str
    people: tuple[int, int, int] = (0, 0, 0)
    """How many were created, changed and removed."""
    groups: tuple[int, int, int] = (0, 0, 0)
    there: int | None = None
    """How many people it has, by the newest run that counted them."""

    @property
    def changed(self) -> bool:
        """Whether anything was sent."""
        return any(self.people) or any(self.groups)


class UnitWeek(Struct, frozen=True):
    """A school unit's numbers, and what they were a week before."""

    name: str
    now: UnitCounts
    was: UnitCounts

    @property
    def size(self) -> int:
        """How much has changed."""
        pairs = zip(_numbers(self.now), _numbers(self.was), strict=True)
        return sum(abs(now - was) for now, was in pairs)


def vendors_of(tenant: Tenant, runs: Sequence[RunRecord], week: Week) -> tuple[VendorWeek, ...]:
    """Return what was sent in the week, by vendor: those that are on, and others that changed."""
    people, groups = Counter[tuple[str, str, int]](), Counter[tuple[str, str, int]]()
    there: dict[tuple[str, str], int] = {}
    for run in runs:
        in_week = week.has(run.finished or run.started)
        for part in stored_report(run).connections:
            place = (part.vendor, part.mode)
            if part.people is not None:
                there.setdefault(place, part.people)
            for n, kind in enumerate(("create", "update", "delete") if in_week else ()):
                done = part.done.get(kind, {})
                people[*place, n] += done.get("User", 0)
                groups[*place, n] += done.get("StudentGroup", 0)
    on = [(c.vendor, c.mode) for c in tenant.connections if c.mode != "off"]
    sent = sorted({key[:2] for counts in (people, groups) for key, n in counts.items() if n})
    return tuple(
        VendorWeek(*place, _three(people, place), _three(groups, place), there.get(place))
        for place in dict.fromkeys((*on, *sent))
    )


def unit_counts(placements: Placements) -> dict[str, UnitCounts]:
    """Return how many people and classes each school unit has, by its code."""
    students, staff, classes = Counter[str](), Counter[str](), Counter[str]()
    for person in placements.people.values():
        students.update(unit for unit, _year in person.enrolments)
        staff.update(person.employments)
    classes.update(key[0] for key, group in placements.groups.items() if group.kind == "class")
    codes = sorted({*students, *staff, *classes})
    return {code: UnitCounts(students[code], staff[code], classes[code]) for code in codes}


def changed_units(names: Mapping[str, str], now: State, was: State) -> tuple[UnitWeek, ...]:
    """Return the document's school units whose numbers have changed, the largest change first.

    Nothing where what runs knew was not there to be counted in either week.
    """
    if not now.units or not was.units:
        return ()
    found = (
        UnitWeek(name, now.units.get(code, UnitCounts()), was.units.get(code, UnitCounts()))
        for code, name in names.items()
    )
    return tuple(sorted((each for each in found if each.size), key=lambda each: -each.size))


class Improvement(Struct, frozen=True):
    """Something that is better than a week before: `now` of it are left of `was`.

    `vendor` is empty for what is about the directory.
    """

    kind: Literal["readable", "answered", "delivered", "refused", "findings"]
    vendor: str = ""
    now: int = 0
    was: int = 0


def improvements(now: State, was: State, tenant: Tenant) -> Iterator[Improvement]:
    """Yield what is better than a week before; of vendors only those of the document."""
    if was.unread and not now.unread:
        yield Improvement("readable")
    for vendor in (c.vendor for c in tenant.connections if c.mode != "off"):
        if vendor in was.held and vendor not in now.held:
            yield Improvement("answered", vendor)
        if vendor in was.failing and vendor not in now.failing:
            yield Improvement("delivered", vendor)
        left, before = now.refused.get(vendor, 0), was.refused.get(vendor, 0)
        if left < before:
            yield Improvement("refused", vendor, left, before)
    if now.findings < was.findings:
        yield Improvement("findings", "", now.findings, was.findings)


def newest_part(
    runs: Sequence[RunRecord], connection: Connection
) -> tuple[RunRecord, ConnectionReport] | None:
    """Return the connection's newest report in its mode, with its run, or None."""
    for run in runs:
        for part in stored_report(run).connections:
            if (part.vendor, part.mode) == (connection.vendor, connection.mode):
                return run, part
    return None


def state_of(
    tenant: Tenant,
    runs: Sequence[RunRecord],
    placements: Placements,
    held: Mapping[str, int],
    marked: Mapping[str, int],
    known: ProtectedSet,
) -> State:
    """Return the tenant's state. `held` has the people of each hold that waits, by vendor.

    `marked` is how many findings are marked as known, by code; `runs` are sorted newest first.
    """
    placed = next((r for r in map(stored_report, runs) if r.roster is not None), None)
    found = {} if placed is None else placed.findings
    counts = {code: max(0, number - marked.get(code, 0)) for code, number in found.items()}
    ended = next((run for run in runs if run.status not in ("running", "superseded")), None)
    parts = dict(_newest_parts(tenant, runs))
    refused = {vendor: part.refused + len(part.conflicts) for vendor, part in parts.items()}
    return State(
        roster=None if placed is None else placed.roster,
        units=unit_counts(placements),
        findings=sum(counts.values()),
        errors=sum(n for code, n in counts.items() if MESSAGES.get(code, ("",))[0] == "error"),
        refused={vendor: n for vendor, n in refused.items() if n},
        held=dict(held),
        failing=tuple(v for v, part in parts.items() if is_failing(part)),
        unread=ended is not None and ended.status == "unread",
        ended=len(known.ended),
        pending=len(known.pending - known.confirmed),
    )


def is_failing(part: ConnectionReport) -> bool:
    """Whether the delivery failed for another reason than what the vendor refuses."""
    return part.status not in ENDED_WELL and part.status != "off" and not part.only_refused


def _newest_parts(
    tenant: Tenant, runs: Sequence[RunRecord]
) -> Iterator[tuple[str, ConnectionReport]]:
    for connection in tenant.connections:
        found = None if connection.mode == "off" else newest_part(runs, connection)
        if found is not None:
            yield connection.vendor, found[1]


def _three(counts: Counter[tuple[str, str, int]], place: tuple[str, str]) -> tuple[int, int, int]:
    return counts[*place, 0], counts[*place, 1], counts[*place, 2]


def _numbers(counts: UnitCounts) -> tuple[int, int, int]:
    return counts.students, counts.staff, counts.classes

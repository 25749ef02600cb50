"""How a tenant stands, from the records of its runs: for the overview and the vendors' pages."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from addon.rooms import target_of
from addon.store import Run
from addon.tenant import Connection, Mode
from addon.vendors import NotConfigured
from addon.web.here import Held, Here


class Part(Struct, frozen=True, rename="camel"):
    """One connection's part of a run, as it was kept; see `addon.report.ConnectionReport`."""

    vendor: str
    mode: str
    status: str
    operations: dict[str, dict[str, int]] = {}
    failures: tuple[dict[str, Any], ...] = ()
    left: int = 0
    refused: int = 0
    detail: str | None = None
    configuration: bool = False
    people: int | None = None


class Roster(Struct, frozen=True, rename="camel"):
    """How many a run placed."""

    students: int = 0
    staff: int = 0
    classes: int = 0
    teaching_groups: int = 0


class Record(Struct, frozen=True):
    """What is kept of a run: see `addon.report.RunReport.record`."""

    roster: Roster | None = None
    findings: dict[str, int] = {}
    connections: tuple[Part, ...] = ()
    directory: dict[str, int] | None = None


class Line(Struct, frozen=True):
    """A connection as it stands: its last part in a run and when that was.

    `problem` is what must be set up in this installation before it can run.
    """

    connection: Connection
    name: str
    part: Part | None
    at: float | None
    resources: int
    refused: int
    held: Held | None
    problem: str | None

    @property
    def mode(self) -> Mode:
        return self.connection.mode

    @property
    def status(self) -> str:
        """`off`, `held`, `problem`, `failed`, `refused`, `waiting` (never run) or `ok`."""
        if self.connection.mode == "off":
            return "off"
        if self.held is not None:
            return "held"
        if self.problem is not None:
            return "problem"
        if self.part is None:
            return "waiting"
        if self.part.status == "failed":
            return "failed"
        return "refused" if self.part.refused or self.part.failures else "ok"


class Point(Struct, frozen=True):
    """Something counted when a run ended."""

    at: float
    number: int


_record = msgspec.json.Decoder(Record)


def record_of(run: Run) -> Record:
    """A run's record; an empty one where it has none."""
    return Record() if run.report is None else _record.decode(run.report)


def lines(here: Here) -> tuple[Line, ...]:
    """The tenant's connections, in the document's order."""
    ledgers = {key: (n, refused) for key, n, refused in here.store.ledgers(here.tenant_id)}
    held = {each.vendor: each for each in here.holds}
    rooms = here.rooms
    found = []
    for connection in here.tenant.connections:
        last = _last(here.runs, connection.vendor)
        target = (
            None
            if connection.mode == "off"
            else target_of(rooms.settings, connection, rooms.secrets)
        )
        counts = [c for key, c in ledgers.items() if _is_of(key, connection)]
        found.append(
            Line(
                connection=connection,
                name=here.vendor_name(connection.vendor),
                part=None if last is None else last[1],
                at=None if last is None else last[0].finished or last[0].started,
                resources=sum(n for n, _ in counts),
                refused=sum(refused for _, refused in counts),
                held=held.get(connection.vendor),
                problem=str(target) if isinstance(target, NotConfigured) else None,
            )
        )
    return tuple(found)


def newest(runs: Sequence[Run]) -> tuple[Run, Record] | None:
    """The newest run that placed people, with its record."""
    for run in runs:
        record = record_of(run)
        if record.roster is not None:
            return run, record
    return None


def people_over_time(runs: Sequence[Run], vendor: str) -> tuple[Point, ...]:
    """The people that a vendor had after each run that told, the oldest first."""
    points = []
    for run in reversed(runs):
        for part in record_of(run).connections:
            if part.vendor == vendor and part.people is not None and part.mode != "off":
                points.append(Point(run.finished or run.started, part.people))
    return tuple(points)


def _last(runs: Sequence[Run], vendor: str) -> tuple[Run, Part] | None:
    return next(_parts(runs, vendor), None)


def _parts(runs: Sequence[Run], vendor: str) -> Iterator[tuple[Run, Part]]:
    for run in runs:
        for part in record_of(run).connections:
            if part.vendor == vendor and part.status != "off":
                yield run, part


def _is_of(key: Any, connection: Connection) -> bool:
    if key.vendor != connection.vendor:
        return False
    return connection.mode in ("off", key.mode)

"""The status of a tenant's connections, from its runs; for the overview and the vendor pages."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time

from msgspec import Struct

from addon.age import is_future
from addon.planning.ledger import LedgerKey
from addon.store.base import LedgerStore
from addon.store.records import RunRecord
from addon.sync.context import SyncContext, ledger_key, resolve_target
from addon.sync.report import ConnectionReport, StoredReport, stored_report
from addon.tenants.model import Connection, Mode, Schedule, Tenant
from addon.tenants.pause import LOCAL, today
from addon.vendors.profiles import NotConfigured, vendor_name
from addon.web.presenters.hold import approval_of, is_sending
from addon.web.waiting_holds import WaitingHold

KINDS = {
    "ok": "ok",
    "held": "wait",
    "approved": "wait",
    "sending": "wait",
    "waiting": "wait",
    "refused": "wait",
    "off": "off",
}
"""How states are shown; all others as `stop`."""
LATE = 24 * 3600.0
"""Seconds after its due time from which a missing run is reported."""


class FinishedReport(Struct, frozen=True):
    """A connection's part of a run, and when the run ended (seconds since 1970 UTC)."""

    part: ConnectionReport
    at: float


class ConnectionStatus(Struct, frozen=True):
    """The status of a connection, with its newest parts in runs.

    `last` is its newest part in its present mode (in any mode when it is off), and `sent` the
    newest in which something was sent. `problem` says what must be configured in this installation
    before the connection can run; `late` is whether a run has been overdue for a day. `approved` is
    whether an administrator has approved what is held, and `running` whether a run is on.
    """

    connection: Connection
    name: str
    last: FinishedReport | None
    sent: FinishedReport | None
    resources: int
    refused: int
    held: WaitingHold | None
    problem: str | None
    late: bool = False
    approved: bool = False
    running: bool = False

    @property
    def mode(self) -> Mode:
        return self.connection.mode

    @property
    def part(self) -> ConnectionReport | None:
        """The newest part in a run."""
        return None if self.last is None else self.last.part

    @property
    def at(self) -> float | None:
        """When that run ended, in seconds since 1970 UTC."""
        return None if self.last is None else self.last.at

    @property
    def not_taken(self) -> int:
        """How many resources the vendor does not take, from the ledger and the newest run."""
        if self.part is None:
            return self.refused
        return (self.refused or self.part.refused) + len(self.part.conflicts)

    @property
    def state(self) -> str:
        """`held`, `kept` (held, and an administrator has refused it), `approved` (held, and an
        administrator has approved it), `sending` (a run is carrying that out), `off`, `problem`,
        `waiting` (never run), `stale` (overdue for a day), `failed`, `refused` or `ok`.
        """
        if self.held is not None and self.approved:
            return "sending" if self.running else "approved"
        if self.held is not None:
            return "kept" if self.held.hold.refused else "held"
        if self.connection.mode == "off":
            return "off"
        if self.problem is not None:
            return "problem"
        if self.part is None:
            return "waiting"
        if self.late:
            return "stale"
        if self.part.status == "failed" and not self.part.only_refused:
            return "failed"
        return "refused" if self.not_taken else "ok"

    @property
    def kind(self) -> str:
        """How the state is shown: `ok`, `wait`, `stop` or `off`."""
        return KINDS.get(self.state, "stop")


class Point(Struct, frozen=True):
    """A number counted when a run ended; `at` in seconds since 1970 UTC."""

    at: float
    number: int


def connection_statuses(
    context: SyncContext,
    tenant: Tenant,
    runs: Sequence[RunRecord],
    holds: Iterable[WaitingHold],
    now: float,
) -> tuple[ConnectionStatus, ...]:
    """Return the status of each connection, in the document's order.

    Vendors that are no longer in the document but still have something follow, as connections that
    are off.
    """
    vendors, stored = context.settings.vendors, context.store.ledgers(tenant.customer_id)
    ledgers = {key: (n, refused) for key, n, refused in stored}
    held = {each.vendor: each for each in holds}
    approved = {v for v, each in held.items() if approval_of(context.store, each, now) is not None}
    schedule = tenant.schedule
    hours = max(context.settings.schedule_hours, schedule.hours or 0)
    found = []
    left = {key.vendor for key in ledgers if tenant.connection(key.vendor) is None}
    gone = [Connection(vendor=vendor) for vendor in vendors if vendor in left]
    for connection in (*tenant.connections, *gone):
        parts = list(_parts(runs, connection))
        target = (
            None
            if connection.mode == "off"
            else resolve_target(context.settings, connection, context.secrets)
        )
        counts = [c for key, c in ledgers.items() if _is_of(key, connection)]
        found.append(
            ConnectionStatus(
                connection=connection,
                name=vendor_name(vendors, connection.vendor),
                last=parts[0] if parts else None,
                sent=next((each for each in parts if each.part.did_something), None),
                resources=sum(n for n, _ in counts),
                refused=sum(refused for _, refused in counts),
                held=held.get(connection.vendor),
                problem=str(target) if isinstance(target, NotConfigured) else None,
                late=bool(parts) and _is_late(schedule, hours, parts[0].at, now),
                approved=connection.vendor in approved,
                running=is_sending(runs, connection.vendor),
            )
        )
    return tuple(found)


def newest(runs: Sequence[RunRecord]) -> tuple[RunRecord, StoredReport] | None:
    """Return the newest run that placed people, with its report."""
    for run in runs:
        record = stored_report(run)
        if record.roster is not None:
            return run, record
    return None


def people_over_time(runs: Sequence[RunRecord], connection: Connection) -> tuple[Point, ...]:
    """Return the number of people at a vendor after each run that reported it, oldest first.

    Counts runs in the connection's mode; for a connection that is off, runs in live mode.
    """
    mode = "live" if connection.mode == "off" else connection.mode
    points = []
    for run in reversed(runs):
        for part in stored_report(run).connections:
            if (part.vendor, part.mode) == (connection.vendor, mode) and part.people is not None:
                points.append(Point(run.finished or run.started, part.people))
    return tuple(points)


def last_ended(runs: Sequence[RunRecord]) -> RunRecord | None:
    """Return the newest run that ended without being superseded or paused."""
    ended = (run for run in runs if run.status not in ("running", "superseded", "paused"))
    return next(ended, None)


def _parts(runs: Sequence[RunRecord], connection: Connection) -> Iterator[FinishedReport]:
    """Yield the connection's parts of the runs, newest first."""
    for run in runs:
        for part in stored_report(run).connections:
            if part.vendor != connection.vendor or part.status == "off":
                continue
            if connection.mode in ("off", part.mode):
                yield FinishedReport(part, run.finished or run.started)


def _is_late(schedule: Schedule, hours: int, last: float, now: float) -> bool:
    """Whether the run due `hours` after one that ended at `last` is overdue by `LATE` or more."""
    begins = 0.0 if is_future(last, now) else last
    if schedule.pause is not None and schedule.pause.start <= today(now):
        ends = datetime.combine(schedule.pause.until, time.max, LOCAL)
        begins = max(begins, ends.timestamp())
    return now > begins + hours * 3600 + LATE


def _is_of(key: LedgerKey, connection: Connection) -> bool:
    if key.vendor != connection.vendor:
        return False
    return connection.mode in ("off", key.mode)


def delivered(store: LedgerStore, tenant: Tenant) -> tuple[Connection, ...]:
    """Return the connections that are on and whose ledger has something in their mode."""
    kept = {key for key, _n, _refused in store.ledgers(tenant.customer_id)}
    return tuple(c for c in tenant.connections if ledger_key(tenant.customer_id, c) in kept)

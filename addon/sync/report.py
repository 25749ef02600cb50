"""The report of a run or preview. The JSON of `sync --json` is a contract (docs/commands.md)."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from addon.delivery.lease import LeaseHeldByOther
from addon.planning.ledger import LedgerKey, LedgerWriteError
from addon.planning.limit_exceeded import LimitExceeded
from addon.planning.limits import Hold, counts
from addon.planning.plan import Plan
from addon.planning.protected_set import RemovalOutcome
from addon.planning.result import DeliveryResult, FailedOperation, VendorProblem
from addon.roster.model import Finding, Roster
from addon.store.base import LeaseLost
from addon.store.records import RunRecord
from addon.tenants.model import Connection

Status = Literal["delivered", "unchanged", "failed", "held", "off"]

ReadingKind = Literal["whole", "changes"]
"""Whether all of the directory was read, or only what notices have named."""

PEOPLE_FIRST = ("User", "StudentGroup", "SchoolUnit", "Employment", "Activity", "Organisation")

DONE, FAILED, USAGE, HELD, UNREAD = 0, 1, 2, 3, 4
"""Exit statuses of the command line."""


class DirectoryCounts(Struct, frozen=True, rename="camel"):
    users: int
    groups: int
    org_units: int
    queries: int


class RosterCounts(Struct, frozen=True, rename="camel"):
    students: int
    staff: int
    classes: int
    teaching_groups: int


class FindingReport(Struct, frozen=True):
    code: str
    severity: str
    subject: str
    message: str


class HoldReport(Struct, frozen=True, omit_defaults=True):
    """A plan that waits for approval: how many people it would remove, and why it is held.

    `exceeded` are the limits that it exceeds, for pages and notices; the JSON of the command
    line has only the `reason`. `waiting` counts the operations that wait. `content` is a hash of
    what would be removed, in the week before a pause ends: it can be approved in advance.
    """

    people: int
    reason: str
    exceeded: tuple[LimitExceeded, ...] = ()
    waiting: dict[str, dict[str, int]] = {}
    content: str = ""


class ConnectionReport(Struct, frozen=True, rename="camel"):
    """One connection's part of a report.

    `operations` counts the operations carried out or, for a held plan or a preview, those planned;
    `sent` those of a held plan that were, or would be, sent nevertheless. `left` is how many
    operations the next run continues with; `refused` how many resources the vendor refused, which
    are not tried again until they change or a day has passed. `detail` is a message for the
    administrator; `configuration` is whether the cause is in this installation's configuration.
    `people` is how many people the vendor has at the end, by the ledger, or None if that was not
    read. `protected` is how many people with protected identity were, or would be, removed although
    the plan is held, and `approved` how many were removed because a person had approved it, while
    the rest is held.
    """

    vendor: str
    mode: str
    status: Status
    operations: dict[str, dict[str, int]] = {}
    failures: tuple[FailedOperation, ...] = ()
    left: int = 0
    refused: int = 0
    detail: str | None = None
    hold: HoldReport | None = None
    configuration: bool = False
    people: int | None = None
    protected: int = 0
    approved: int = 0
    unconfirmed: int = 0
    """Removals that wait for evidence that the resources are gone."""
    sent: dict[str, dict[str, int]] = {}
    problem: VendorProblem | UnsetType = UNSET
    """Why it did not continue, for pages; the JSON of the command line has only `detail`."""

    def with_approved(self, people: int) -> "ConnectionReport":
        """Return a copy that says how many of the removals during the hold were approved."""
        return structs.replace(self, approved=people, protected=max(0, self.protected - people))

    @property
    def done(self) -> dict[str, dict[str, int]]:
        """The operations carried out; of a held plan, those that were sent nevertheless."""
        return self.sent if self.status == "held" else self.operations

    @property
    def did_something(self) -> bool:
        """Whether any operation succeeded."""
        return any(self.done.values())

    @property
    def operations_by_type(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """The numbers of resources created, updated and deleted, by type: people first."""
        counts = [self.operations.get(kind, {}) for kind in ("create", "update", "delete")]
        found = ((t, tuple(of_kind.get(t, 0) for of_kind in counts)) for t in PEOPLE_FIRST)
        return tuple((t, numbers) for t, numbers in found if any(numbers))

    @property
    def is_stopped(self) -> bool:
        """Whether it ended before all was tried, for another reason than a stage."""
        problem = self.problem
        return problem is not UNSET and problem.code != "cannot-tell"

    @property
    def conflicts(self) -> tuple[FailedOperation, ...]:
        """Failures caused by another resource at the vendor (409); each run tries them again."""
        return tuple(f for f in self.failures if is_conflict(f))

    @property
    def trouble(self) -> tuple[FailedOperation, ...]:
        """Failures that are neither refusals nor conflicts; the next run tries them again."""
        return tuple(f for f in self.failures if not f.refused and not is_conflict(f))

    @property
    def only_refused(self) -> bool:
        """Whether refusals and conflicts are all that went wrong."""
        return bool(self.failures) and not self.trouble and not self.left and not self.detail

    @property
    def unfinished(self) -> bool:
        """Whether another attempt soon may get further."""
        if self.status == "failed" and not self.failures:
            return not self.configuration
        return bool(self.left) or any(not failure.refused for failure in self.failures)


class RunReport(Struct, frozen=True):
    """The report of one run or preview; `reading` is how much of the directory was read."""

    tenant: str
    run: str
    directory: DirectoryCounts | None
    roster: RosterCounts | None
    findings: tuple[FindingReport, ...]
    connections: tuple[ConnectionReport, ...]
    reading: ReadingKind = "whole"

    def json(self) -> bytes:
        """Return the report as one JSON object."""
        connections = tuple(as_printed(connection) for connection in self.connections)
        return msgspec.json.encode(structs.replace(self, connections=connections))

    def record(self) -> bytes:
        """Return the report as it is stored, with findings as counts by code."""
        found = msgspec.to_builtins(self)
        found["findings"] = Counter(finding.code for finding in self.findings)
        return msgspec.json.encode(found)

    @property
    def exit_status(self) -> int:
        """The exit status of the command line, for the most urgent of the connections' outcomes."""
        if any(c.status == "held" for c in self.connections):
            return HELD
        if any(c.configuration for c in self.connections):
            return USAGE
        unfinished = any(c.status == "failed" or c.left for c in self.connections)
        return FAILED if unfinished else DONE


class StoredReport(Struct, frozen=True):
    """A report as a run's record stores it (`RunReport.record`): findings as counts by code."""

    roster: RosterCounts | None = None
    findings: dict[str, int] = {}
    connections: tuple[ConnectionReport, ...] = ()
    directory: DirectoryCounts | None = None


_STORED = msgspec.json.Decoder(StoredReport)


def stored_report(run: RunRecord) -> StoredReport:
    """Return the stored report of a run; an empty one if there is none."""
    return StoredReport() if run.report is None else _STORED.decode(run.report)


def is_conflict(failure: FailedOperation) -> bool:
    """Whether another resource at the vendor stood in the way."""
    return failure.http_status == 409 and not failure.refused


def as_printed(connection: ConnectionReport) -> ConnectionReport:
    """Return the part without the fields that are only for pages and notices."""
    hold = connection.hold
    return structs.replace(
        connection,
        problem=UNSET,
        hold=None if hold is None else structs.replace(hold, exceeded=()),
        failures=tuple(structs.replace(each, problem=UNSET) for each in connection.failures),
    )


def nothing_done() -> dict[str, dict[str, int]]:
    """Return operation counts without any operations."""
    return {"create": {}, "update": {}, "delete": {}}


def roster_counts(roster: Roster) -> RosterCounts:
    """Return how many students, staff, classes and teaching groups the roster has."""
    students = sum(1 for person in roster.people.values() if person.enrolments)
    classes = sum(1 for group in roster.groups if group.kind == "class")
    return RosterCounts(
        students=students,
        staff=len(roster.people) - students,
        classes=classes,
        teaching_groups=len(roster.groups) - classes,
    )


def finding_reports(findings: tuple[Finding, ...]) -> tuple[FindingReport, ...]:
    """Return findings in the form of the JSON."""
    return tuple(FindingReport(f.code, f.severity, f.subject, f.message) for f in findings)


def planned_report(
    connection: Connection, plan: Plan, hold: Hold | None, sent: Plan, content: str = ""
) -> ConnectionReport:
    """Return the report of what the next run would do; of a held plan it would send `sent`.

    `content` is a hash of what can be approved in advance.
    """
    held = _hold_report(hold)
    return ConnectionReport(
        vendor=connection.vendor,
        mode=connection.mode,
        status="held" if hold else "unchanged" if plan.changes_nothing else "delivered",
        operations=counts(plan),
        refused=plan.left_alone,
        unconfirmed=plan.unconfirmed,
        hold=held and structs.replace(held, content=content),
        protected=plan.protected_people if hold else 0,
        sent=counts(sent) if hold else {},
    )


def delivery_report(
    connection: Connection,
    plan: Plan,
    result: DeliveryResult,
    hold: Hold | None,
    people: int | None = None,
) -> ConnectionReport:
    """Return the report of a delivery; `people` is how many the vendor has now.

    A run whose time was over leaves `left` operations for the next run.
    """
    status: Status = "unchanged"
    if hold is not None:
        status = "held"
    elif result.failures or (result.stopped is not None and not result.spent):
        status = "failed"
    elif result.left or any(result.operations.values()):
        status = "delivered"
    return ConnectionReport(
        vendor=connection.vendor,
        mode=connection.mode,
        status=status,
        operations=counts(plan) if hold else result.operations,
        failures=result.failures,
        left=result.left,
        refused=plan.left_alone + sum(1 for f in result.failures if f.refused),
        unconfirmed=plan.unconfirmed,
        detail="; ".join(filter(None, (result.stopped, result.limitation))) or None,
        problem=result.problem or (VendorProblem("cannot-tell") if result.limitation else UNSET),
        hold=_hold_report(hold),
        people=people,
        protected=result.operations["delete"].get("User", 0) if hold else 0,
        sent=result.operations if hold else {},
    )


def _hold_report(hold: Hold | None) -> HoldReport | None:
    if hold is None:
        return None
    return HoldReport(len(hold.people), hold.reason, hold.exceeded, hold.operations)


def off_report(connection: Connection) -> ConnectionReport:
    """Return the report of a connection that is off."""
    return ConnectionReport(connection.vendor, connection.mode, "off", nothing_done())


class Removal(Struct, frozen=True):
    """What the removal of protected people from one environment of a vendor came to."""

    key: LedgerKey
    outcome: RemovalOutcome


def with_removals(report: RunReport, removals: Sequence[Removal]) -> RunReport:
    """Return the report with the removals at vendors that the run did not send to.

    Each stands in place of the report that the connection is off.
    """
    reports = list(report.connections)
    for removal in removals:
        key, outcome = removal.key, removal.outcome
        found = ConnectionReport(
            vendor=key.vendor,
            mode=key.mode,
            status="failed" if outcome.problem else "delivered",
            operations={**nothing_done(), "delete": {"User": outcome.removed}},
            left=outcome.left,
            detail=outcome.problem or None,
            protected=outcome.removed,
        )
        off = [r for r in reports if r.vendor == key.vendor and r.status == "off"]
        reports = [found if r in off else r for r in reports] if off else [*reports, found]
    return structs.replace(report, connections=tuple(reports))


def stopped_report(
    connection: Connection, stopped: LeaseHeldByOther | LedgerWriteError
) -> ConnectionReport:
    """Return the report of a connection whose lease or ledger was unavailable or lost."""
    lost = isinstance(stopped, LeaseLost)
    problem = VendorProblem("taken-over") if lost else UNSET
    return failed_report(connection, str(stopped), problem=problem)


def failed_report(
    connection: Connection,
    detail: str,
    configuration: bool = False,
    problem: VendorProblem | UnsetType = UNSET,
) -> ConnectionReport:
    """Return the report of a connection for which no operation was tried."""
    return ConnectionReport(
        connection.vendor,
        connection.mode,
        "failed",
        nothing_done(),
        detail=detail,
        configuration=configuration,
        problem=problem,
    )

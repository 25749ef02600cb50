"""Runs as administrators see them: one reading with all deliveries made from it.

Where a request may not last as long as a run (`addon.sync.run`), the reading has a record of its
own, and each attempt at a delivery another, which names the reading as its `parent`. They are
combined here. Records of earlier versions have no `parent`; they are grouped by their order.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct, structs

from addon.age import age
from addon.planning.result import FailedOperation
from addon.store.records import RunRecord
from addon.sync.report import ConnectionReport, StoredReport, stored_report
from addon.tenants.model import Tenant

BEGINS_WITHIN = 120.0
"""Seconds for which a delivery is expected to begin after it was handed on."""
WORST_FIRST = ("unread", "failed", "held", "cut off", "superseded")
KINDS = ("create", "update", "delete")


class RunSummary(Struct, frozen=True):
    """A run with the later attempts at its deliveries, and their combined results.

    `waiting` are vendors whose delivery has not begun. Over all vendors, `people` is the number of
    people with an operation of each kind, and `others` the number of other resources with any.
    `protected` is the number of people that were removed although the rest was held. `in_test` and
    `others_in_test` are what of `people` and `others` was in vendors' test environments.
    """

    run: RunRecord
    attempts: tuple[RunRecord, ...]
    record: StoredReport
    waiting: tuple[str, ...]
    people: dict[str, int]
    others: int
    failed: int
    protected: int
    in_test: dict[str, int]
    others_in_test: int

    @property
    def live(self) -> dict[str, int]:
        """`people` without those in test environments."""
        return {kind: self.people[kind] - self.in_test[kind] for kind in KINDS}

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def started(self) -> float:
        """Seconds since 1970 UTC."""
        return self.run.started

    @property
    def running(self) -> bool:
        """Whether it is in progress, or about to continue."""
        return bool(self.waiting) or any(each.status == "running" for each in self._all)

    @property
    def finished(self) -> float | None:
        """When it ended, in seconds since 1970 UTC; None while it is in progress."""
        ends = [each.finished for each in self._all if each.finished is not None]
        return None if self.running or not ends else max(ends)

    @property
    def status(self) -> str:
        """The status as of a run record; the worst of all its records."""
        if self.running:
            return "running"
        statuses = {each.status for each in self._all}
        if self.record.connections:
            statuses -= {"superseded"}  # another attempt, or another run, did the work
        return next((each for each in WORST_FIRST if each in statuses), "done")

    @property
    def refused(self) -> bool:
        """Whether the customer did not let Skolsynk read the directory."""
        return any(each.refused for each in self._all)

    @property
    def only_protected(self) -> bool:
        """Whether only protected people were removed, and the rest was held."""
        sent = [part for part in self.record.connections if part.did_something]
        return bool(self.protected) and all(
            part.status == "held"
            and part.protected
            and part.protected == sum(of_kind.get("User", 0) for of_kind in part.done.values())
            and not any(part.done["create"].values())
            for part in sent
        )

    @property
    def seconds(self) -> float | None:
        """The duration in seconds; None while it is in progress, or if the clock was set back."""
        if self.finished is None or self.finished < self.started:
            return None
        return self.finished - self.started

    @property
    def did_anything(self) -> bool:
        """Whether anything was sent, failed or was held."""
        return bool(
            any(self.people.values()) or self.others or self.failed or self.status != "done"
        )

    @property
    def details(self) -> tuple[str, ...]:
        """The recorded reasons for how it ended."""
        return tuple(dict.fromkeys(each.detail for each in self._all if each.detail))

    @property
    def problem(self) -> str:
        """Why the directory could not be read: a DirectoryProblem, empty if it was or unknown."""
        return next((each.problem for each in self._all if each.problem), "")

    def has(self, run_id: str) -> bool:
        """Whether a record with this id is part of it."""
        return any(each.id == run_id for each in self._all)

    @property
    def _all(self) -> tuple[RunRecord, ...]:
        return (self.run, *self.attempts)


class _Group:
    """A run that later records are added to; `run` is the reading's record, if that is kept."""

    def __init__(self, run: RunRecord, record: StoredReport, vendors: Iterable[str]) -> None:
        self.run = run
        self.attempts: list[RunRecord] = []
        self.record = record
        self.parts = [*record.connections]
        handed_on = self.record.roster is not None
        known = {part.vendor for part in self.record.connections}
        self.unbegun = {v for v in vendors if v not in known} if handed_on else set()
        self.unfinished = set(self.unbegun)

    def add(self, later: RunRecord, record: StoredReport) -> None:
        """Add a later record as an attempt of this run."""
        self.attempts.append(later)
        parts = record.connections
        self.parts.extend(parts)
        vendors = {part.vendor for part in parts} or {later.vendor}
        self.unbegun -= vendors
        if parts and not any(part.left or part.status == "failed" for part in parts):
            self.unfinished -= vendors

    def may_have(self, later: RunRecord, record: StoredReport) -> bool:
        """Whether a record without a parent can be an attempt of this run."""
        if record.roster is not None or record.directory is not None:
            return False
        if later.report is None:
            return later.status in ("running", "superseded", "cut off") and bool(self.unfinished)
        vendors = {part.vendor for part in record.connections}
        return len(vendors) == 1 and vendors <= self.unfinished

    def summary(self, now: float, on: Iterable[str]) -> RunSummary:
        """Return the run's summary; only vendors in `on` are waited for."""
        last = max(r.finished or r.started for r in (self.run, *self.attempts))
        busy = any(each.status == "running" for each in self.attempts)
        late = age(last, now) > BEGINS_WITHIN
        record = structs.replace(self.record, connections=_merged(self.parts))
        tests = [part for part in record.connections if part.mode == "test"]
        return RunSummary(
            run=self.run,
            attempts=tuple(self.attempts),
            record=record,
            waiting=() if busy or late else tuple(sorted(self.unbegun.intersection(on))),
            people=_people(record.connections),
            others=sum(map(_others, record.connections)),
            failed=sum(len(part.failures) for part in record.connections),
            protected=sum(part.protected for part in record.connections),
            in_test=_people(tests),
            others_in_test=sum(map(_others, tests)),
        )


def run_summaries(runs: Sequence[RunRecord], tenant: Tenant, now: float) -> tuple[RunSummary, ...]:
    """Return the runs that these records belong to; both newest first."""
    vendors = [c.vendor for c in tenant.connections]
    on = [c.vendor for c in tenant.connections if c.mode != "off"]
    groups: list[_Group] = []
    by_id: dict[str, _Group] = {}
    for run in reversed(runs):
        record = stored_report(run)
        group = by_id.get(run.parent) if run.parent else groups[-1] if groups else None
        if group is not None and (run.parent or group.may_have(run, record)):
            group.add(run, record)
            continue
        groups.append(_Group(run, record, vendors))
        by_id[run.parent or run.id] = groups[-1]
    newest = len(groups) - 1
    return tuple(
        each.summary(now if n == newest else float("inf"), on)
        for n, each in reversed([*enumerate(groups)])
    )


def _merged(parts: Sequence[ConnectionReport]) -> tuple[ConnectionReport, ...]:
    """Return one report for each connection, combined from all its attempts."""
    by_connection: dict[tuple[str, str], list[ConnectionReport]] = {}
    for part in parts:
        by_connection.setdefault((part.vendor, part.mode), []).append(part)
    return tuple(_together(each) for each in by_connection.values())


def _together(parts: Sequence[ConnectionReport]) -> ConnectionReport:
    """Combine the attempts at one delivery; what is left is what the last attempt left."""
    last = parts[-1]
    if len(parts) == 1:
        return last
    done: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
    failures: dict[tuple[str, str], FailedOperation] = {}
    for part in parts:
        for kind, by_type in part.done.items():
            for resource_type, count in by_type.items():
                done[kind][resource_type] = done[kind].get(resource_type, 0) + count
        for failure in part.failures:
            if failure.refused or part is last:
                failures[failure.operation, failure.external_id] = failure
    did = last.status == "unchanged" and any(done.values())
    is_held = last.status == "held"
    return structs.replace(
        last,
        status="delivered" if did else last.status,
        operations=last.operations if is_held else done,
        sent=done if is_held else {},
        failures=tuple(failures.values()),
        protected=sum(part.protected for part in parts),
        approved=sum(part.approved for part in parts),
    )


def _people(parts: Sequence[ConnectionReport]) -> dict[str, int]:
    """Return the number of people with an operation of each kind, with those removed in a hold."""
    people = {k: sum(p.done.get(k, {}).get("User", 0) for p in parts) for k in KINDS}
    counted = [p for p in parts if p.status == "held" and p.sent]
    people["delete"] += sum(p.protected + p.approved for p in parts if p not in counted)
    return people


def _others(part: ConnectionReport) -> int:
    return sum(n for by_type in part.done.values() for kind, n in by_type.items() if kind != "User")

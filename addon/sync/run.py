"""One run for a tenant: read, select, map, plan, deliver.

`sync` does all five in one call. Where requests have a time limit, `plan_run` reads and plans,
and `deliver` is called for each vendor, repeatedly while operations are left. In between the
snapshot is stored, until it is no longer needed and for a few hours at most.
"""

import asyncio
import logging
import time
import zlib
from collections.abc import Sequence

import msgspec
from msgspec import Struct, structs

from addon.age import age
from addon.directory.snapshot import Snapshot
from addon.logs import log_context
from addon.planning.advance_approval import can_be_approved, content_hash_of
from addon.planning.urgency import Stage
from addon.store.ids import new_run_id, time_of_run
from addon.sync.change_marks import begin_reading, end_reading
from addon.sync.connection import (
    RunShared,
    sync_connection,
    sync_connection_safely,
)
from addon.sync.context import SyncContext, ledger_key, load_delivered_tenant, select_connections
from addon.sync.evidence import ReadingEvidence
from addon.sync.licence import (
    Admission,
    admit,
    admit_or_continue_farewell,
    licence_asked_when_refused,
    remember_domains,
)
from addon.sync.planner import planner_for
from addon.sync.prepare import (
    PreparedRun,
    prepare_changes,
    prepare_from_snapshot,
    read_and_prepare,
)
from addon.sync.protected_removal import read_protected, remove_protected_everywhere
from addon.sync.protected_set import knows_protected
from addon.sync.queued_deliveries import begin_delivery
from addon.sync.read_changes import ChangedAccounts, ContradictionError, ask_changed
from addon.sync.readiness import ReadyConnection, check_readiness, only_ready
from addon.sync.report import (
    ConnectionReport,
    DirectoryCounts,
    Removal,
    RunReport,
    finding_reports,
    nothing_done,
    off_report,
    planned_report,
    roster_counts,
    with_removals,
)
from addon.sync.run_records import complete_run, recorded_run, start_run
from addon.sync.small_delivery import ReadingOfChanges, finish_or_deliver
from addon.tenants.model import Connection, Tenant
from addon.tenants.pause import current_pause, is_rehearsed, raise_if_paused

log = logging.getLogger(__name__)

SNAPSHOT_KEPT = 6 * 3600.0
"""Seconds after which a snapshot is removed, even if it was not delivered."""

IN_QUEUE = 120.0
"""Seconds since a run began after which its deliveries have waited for others at the vendor."""

ConnectionPart = ReadyConnection | ConnectionReport
"""A connection that can be delivered to, or the report of one that cannot."""


class PlannedRun(Struct, frozen=True):
    """A run that has read and planned, with the vendors that remain to be delivered to.

    `reading` names the reading that has taken the marks of notices.
    """

    run: str
    vendors: tuple[str, ...]
    reading: str = ""


class StoredReading(Struct, frozen=True):
    """A reading that is kept for its deliveries."""

    snapshot: Snapshot
    evidence: ReadingEvidence


def preview(
    context: SyncContext, tenant_id: str, vendor: str | None = None
) -> tuple[RunReport, PreparedRun]:
    """Return the report of what a run would do; nothing is sent.

    Only who is protected is saved, as after every reading. Raises NotFoundError, DirectoryError,
    StoreError.
    """
    tenant, licence = load_delivered_tenant(context, tenant_id)
    connections = select_connections(tenant, vendor)
    admission = admit(context, tenant_id, licence)
    with licence_asked_when_refused(context, tenant_id, admission):
        prepared = read_and_prepare(context, tenant, connections, remember=False)
    reports = [_planned(context, prepared, connection) for connection in connections]
    return _report(prepared, new_run_id(context.clock()), reports), prepared


def sync(
    context: SyncContext, tenant_id: str, vendor: str | None = None, seconds: float | None = None
) -> RunReport:
    """Carry out one run, for at most about `seconds`; the rest is left for the next run.

    Protected people are removed also where nothing is sent: in a pause, and where a connection is
    off or gone. Raises NotFoundError, FarewellError, PausedError, StoreError, and
    DirectoryError, after which nothing was sent.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    tenant, licence = load_delivered_tenant(context, tenant_id)
    connections = select_connections(tenant, vendor)
    admission = admit_or_continue_farewell(context, tenant_id, licence)
    if current_pause(tenant, context.clock()) is not None:
        _remove_protected(context, tenant_id, seconds)
    raise_if_paused(tenant, context.clock())
    run = start_run(context.store, tenant_id, context.clock(), vendor=vendor or "")
    with recorded_run(context.store, run, context.clock), log_context(tenant=tenant_id, run=run.id):
        parts = [check_readiness(context, tenant_id, connection) for connection in connections]
        if only_ready(parts):
            if vendor is None:
                begin_reading(context, tenant_id, run.id)
            prepared = _read(context, tenant, connections, admission)
            shared = RunShared(context, prepared, run, deadline)
            report = _report(prepared, run.id, asyncio.run(_sync_all(shared, parts)))
            if prepared.removable:
                vendors = frozenset(part.key.vendor for part in only_ready(parts))
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                found = remove_protected_everywhere(context, tenant_id, left, but=vendors)
                report = with_removals(report, found)
        else:
            report = _report_of_nothing_read(tenant_id, run.id, parts)
            report = with_removals(report, _remove_protected(context, tenant_id, seconds))
        complete_run(context.store, run, context.clock(), report)
        end_reading(context, tenant_id, run.id, run.id)
    return report


def _remove_protected(
    context: SyncContext, tenant_id: str, seconds: float | None
) -> tuple[Removal, ...]:
    """Remove protected people where nothing else is read or sent: in a pause, or all off."""
    read_protected(context, tenant_id)
    return remove_protected_everywhere(context, tenant_id, seconds)


def plan_changes(context: SyncContext, tenant_id: str, request: str = "") -> PlannedRun:
    """Read and plan by what notices have named, by the whole directory where that is not enough.

    Accounts that are as they were cost one query each; nothing is recorded then, unless a person
    asked on a page with this `request`: the vendors may lack what has not changed. A small plan is
    delivered too. Raises as `plan_run` does.
    """
    loaded = time.monotonic()
    tenant, licence = load_delivered_tenant(context, tenant_id)
    admission = admit_or_continue_farewell(context, tenant_id, licence)
    raise_if_paused(tenant, context.clock())
    reading = new_run_id(context.clock())
    taken = begin_reading(context, tenant_id, reading)
    changed = None
    if not (taken.mark.whole or taken.mark.groups):
        try:
            changed = ask_changed(context, tenant, taken.mark.users, taken.mark.members)
        except ContradictionError as error:
            log.info("the directory is read whole: %s", error)
        else:
            if not (changed.concern_us or taken.retried or request):
                return PlannedRun(reading, (), reading)
    taking = ReadingOfChanges(reading, changed, taken.queued, loaded)
    planned = _plan(context, tenant, admission, request, taking)
    return structs.replace(planned, reading=reading)


def plan_run(context: SyncContext, tenant_id: str, request: str = "") -> PlannedRun:
    """Read and plan, finish the connections with nothing to send, and save the snapshot.

    `request` is the id of the request from a page that started the run. The marks of notices are
    taken; the caller calls `end_reading` when the deliveries are enqueued. Raises NotFoundError,
    PausedError, StoreError and DirectoryError as `sync` does.
    """
    tenant, licence = load_delivered_tenant(context, tenant_id)
    admission = admit_or_continue_farewell(context, tenant_id, licence)
    raise_if_paused(tenant, context.clock())
    return _plan(context, tenant, admission, request, None)


def _plan(
    context: SyncContext,
    tenant: Tenant,
    admission: Admission,
    request: str,
    taken: ReadingOfChanges | None,
) -> PlannedRun:
    """Read and plan; `taken` is the reading that has taken the marks, if one has."""
    tenant_id = tenant.customer_id
    run = start_run(context.store, tenant_id, context.clock(), request=request)
    with recorded_run(context.store, run, context.clock):
        parts = [check_readiness(context, tenant_id, each) for each in tenant.connections]
        usable = only_ready(parts)
        if not usable:
            report = _report_of_nothing_read(tenant_id, run.id, parts)
            complete_run(context.store, run, context.clock(), report)
            return PlannedRun(run.id, ())
        reports = [part for part in parts if isinstance(part, ConnectionReport)]
        waiting = []
        if taken is None:
            begin_reading(context, tenant_id, run.id)
        changed = None if taken is None else taken.changed
        prepared = _read(context, tenant, tenant.connections, admission, changed)
        for part in usable:
            finished = finish_or_deliver(context, prepared, part, run, taken)
            if finished is None:
                waiting.append(part.key.vendor)
            else:
                reports.append(finished)
        if waiting:
            now = context.clock()
            packed = _pack(StoredReading(prepared.snapshot, prepared.evidence))
            context.store.save_snapshot(
                tenant_id, run.id, packed, waiting, now, now + SNAPSHOT_KEPT
            )
        complete_run(context.store, run, context.clock(), _report(prepared, run.id, reports))
    return PlannedRun(run.id, tuple(waiting))


def deliver(
    context: SyncContext,
    tenant_id: str,
    vendor: str,
    run: str,
    seconds: float,
    stage: Stage | None = None,
) -> ConnectionReport:
    """Deliver to one vendor what `run` has planned, for at most about `seconds`.

    The operations counted in `left` of the report are for the next call; those beyond `stage` are
    among them. The directory is read again if the snapshot has expired, or does not know whom
    the document protects now. A run that has read since is delivered in place of an older one, so
    that nothing is set back and later runs need no delivery of their own; nothing if that has
    nothing left. Raises
    LeaseHeldByOther if another run is delivering to the vendor, and as `sync` does.
    """
    deadline = time.monotonic() + seconds
    newest = begin_delivery(context, tenant_id, vendor, run)
    tenant, licence = load_delivered_tenant(context, tenant_id)
    admission = admit(context, tenant_id, licence)
    raise_if_paused(tenant, context.clock())
    connections = select_connections(tenant, vendor)
    ready = check_readiness(context, tenant_id, connections[0])
    if isinstance(ready, ConnectionReport):
        return ready
    newest = newest or _newest_reading(context, tenant_id, run)
    is_newest = newest == run
    if not is_newest:
        context.store.done_with_snapshot(tenant_id, run, vendor)
    packed = context.store.snapshot(tenant_id, newest, context.clock())
    if packed is None and not _has_expired(context, newest):  # another task has delivered it
        return ConnectionReport(vendor, ready.key.mode, "unchanged", nothing_done())
    run = newest
    attempt = start_run(context.store, tenant_id, context.clock(), parent=run, vendor=vendor)
    with recorded_run(context.store, attempt, context.clock):
        reading = None if packed is None else _unpack(packed)
        known = reading is not None and knows_protected(reading.snapshot, tenant)
        prepared = (
            prepare_from_snapshot(context, tenant, connections, reading.snapshot, reading.evidence)
            if reading is not None and known
            else _read(context, tenant, connections, admission)
        )
        shared = RunShared(context, prepared, attempt, deadline, stage, may_be_late=known)
        report = asyncio.run(sync_connection(shared, ready, known and is_newest))
        # No findings: the record of the run that read the directory has them.
        record = RunReport(tenant_id, attempt.id, None, None, (), (report,))
        complete_run(context.store, attempt, context.clock(), record)
    if not report.left:
        context.store.done_with_snapshot(tenant_id, run, vendor)
    return report


def _has_expired(context: SyncContext, run: str) -> bool:
    """Whether the snapshot of a run was removed because nobody delivered it for too long."""
    began = time_of_run(run)
    return began is not None and age(began, context.clock()) >= SNAPSHOT_KEPT


def _newest_reading(context: SyncContext, tenant_id: str, run: str) -> str:
    """Return the newest run that has read and planned, if `run` is not of just now."""
    began = time_of_run(run)
    if began is None or age(began, context.clock()) < IN_QUEUE:
        return run
    for each in context.store.runs(tenant_id):
        if each.parent == each.id and not each.vendor and each.report is not None:
            return each.id
    return run


def _read(
    context: SyncContext,
    tenant: Tenant,
    connections: Sequence[Connection],
    admission: Admission,
    changed: ChangedAccounts | None = None,
) -> PreparedRun:
    """Read the directory and select; a refused directory has the licence asked for.

    Only what has `changed` is read, if that is given and nothing contradicts it.
    """
    with licence_asked_when_refused(context, tenant.customer_id, admission):
        try:
            if changed is not None:
                return prepare_changes(context, tenant, connections, changed)
        except ContradictionError as error:
            log.info("the directory is read whole: %s", error)
        prepared = read_and_prepare(context, tenant, connections)
    remember_domains(context, tenant.customer_id, admission, prepared.snapshot.domains)
    return prepared


async def _sync_all(shared: RunShared, parts: Sequence[ConnectionPart]) -> list[ConnectionReport]:
    """Run all connections concurrently; an error of one does not affect the others."""

    async def one(part: ConnectionPart) -> ConnectionReport:
        if isinstance(part, ConnectionReport):
            return part
        return await sync_connection_safely(shared, part)

    return list(await asyncio.gather(*map(one, parts)))


def _planned(
    context: SyncContext, prepared: PreparedRun, connection: Connection
) -> ConnectionReport:
    """Return a connection's report for a preview."""
    key = ledger_key(prepared.tenant.customer_id, connection)
    if key is None or connection.vendor not in prepared.vendor_rosters:
        return off_report(connection)
    planner = planner_for(context, prepared, connection, key, remember=False)
    decision, content = planner.decide(), ""
    if decision.hold is not None and is_rehearsed(prepared.tenant, context.clock()):
        hold = planner.unapproved_hold
        content = content_hash_of(hold) if hold is not None and can_be_approved(hold) else ""
    return planned_report(connection, decision.plan, decision.hold, decision.sent, content)


def _report(prepared: PreparedRun, run: str, reports: Sequence[ConnectionReport]) -> RunReport:
    """Return the run's report from the reports of its connections."""
    snapshot = prepared.snapshot
    return RunReport(
        tenant=prepared.tenant.customer_id,
        run=run,
        directory=DirectoryCounts(
            users=len(snapshot.users) + len(snapshot.protected),
            groups=len(snapshot.groups),
            org_units=len(snapshot.org_units),
            queries=snapshot.queries,
        ),
        roster=roster_counts(prepared.roster),
        findings=finding_reports(prepared.findings),
        connections=tuple(reports),
        reading=prepared.reading,
    )


def _report_of_nothing_read(tenant_id: str, run: str, parts: Sequence[ConnectionPart]) -> RunReport:
    """Return the report of a run that read nothing because no connection is ready."""
    reports = tuple(part for part in parts if isinstance(part, ConnectionReport))
    return RunReport(tenant_id, run, None, None, (), reports)


def _pack(reading: StoredReading) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(reading), 6)


def _unpack(packed: bytes) -> StoredReading | None:
    """Return a stored reading, or None if another version of the program has packed it."""
    try:
        return msgspec.msgpack.decode(zlib.decompress(packed), type=StoredReading)
    except (zlib.error, msgspec.DecodeError):
        return None

"""The corridor: walks one run through the rooms, from the directory to the ledger."""

import asyncio
import time
from collections.abc import Sequence

from addon.logs import log_context
from addon.sync.connection import RunShared, sync_connection_safely
from addon.sync.context import SyncContext, ledger_key, load_tenant_or_raise, select_connections
from addon.sync.outcome import off_report, planned_report
from addon.sync.prepare import PreparedRun, planner_for, read_and_prepare
from addon.sync.readiness import ReadyConnection, check_readiness, only_ready
from addon.sync.report import (
    ConnectionReport,
    DirectoryCounts,
    RunReport,
    finding_reports,
    roster_counts,
)
from addon.sync.runs import complete_run, new_run_id, recorded_run, start_run
from addon.tenants.model import Connection
from addon.tenants.pause import raise_if_paused


def preview(
    context: SyncContext, tenant_id: str, vendor: str | None = None
) -> tuple[RunReport, PreparedRun]:
    """What a run would do; nothing is sent and nothing is kept.

    Raises Unknown, DirectoryError, StoreError.
    """
    tenant = load_tenant_or_raise(context.store, tenant_id)
    connections = select_connections(tenant, vendor)
    prepared = read_and_prepare(context, tenant, connections)
    reports = [_foreseen(context, prepared, connection) for connection in connections]
    return report_of(prepared, new_run_id(context.clock()), reports), prepared


def sync(
    context: SyncContext, tenant_id: str, vendor: str | None = None, seconds: float | None = None
) -> RunReport:
    """One run, for at most about `seconds`; what is left then is for the next.

    Raises Unknown, Paused, StoreError, and DirectoryError: then nothing was sent.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    tenant = load_tenant_or_raise(context.store, tenant_id)
    connections = select_connections(tenant, vendor)
    raise_if_paused(tenant, context.clock())
    run = start_run(context.store, tenant_id, context.clock())
    with recorded_run(context.store, run, context.clock), log_context(tenant=tenant_id, run=run.id):
        parts = [check_readiness(context, tenant_id, connection) for connection in connections]
        if only_ready(parts):
            prepared = read_and_prepare(context, tenant, connections)
            errand = RunShared(context, prepared, run.holder, deadline)
            report = report_of(prepared, run.id, asyncio.run(_all(errand, parts)))
        else:
            report = nothing_read(tenant_id, run.id, parts)
        complete_run(context.store, run, context.clock(), report)
    return report


async def _all(
    errand: RunShared, parts: Sequence[ReadyConnection | ConnectionReport]
) -> list[ConnectionReport]:
    """Every connection side by side; the trouble of one stays its own."""

    async def one(part: ReadyConnection | ConnectionReport) -> ConnectionReport:
        return (
            await sync_connection_safely(errand, part)
            if isinstance(part, ReadyConnection)
            else part
        )

    return list(await asyncio.gather(*map(one, parts)))


def _foreseen(
    context: SyncContext, prepared: PreparedRun, connection: Connection
) -> ConnectionReport:
    """A connection's report for a preview."""
    key = ledger_key(prepared.tenant.customer_id, connection)
    if key is None or connection.vendor not in prepared.views:
        return off_report(connection)
    return planned_report(connection, *planner_for(context, prepared, connection, key).decide())


def report_of(prepared: PreparedRun, run: str, reports: Sequence[ConnectionReport]) -> RunReport:
    """The run's report from those of its connections."""
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
    )


def nothing_read(
    tenant_id: str, run: str, parts: Sequence[ReadyConnection | ConnectionReport]
) -> RunReport:
    """The report of a run of which no connection is ready, so that nothing was read."""
    reports = tuple(part for part in parts if isinstance(part, ConnectionReport))
    return RunReport(tenant_id, run, None, None, (), reports)

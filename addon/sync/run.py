"""The corridor: walks one run through the rooms, from the directory to the ledger."""

import asyncio
import time
from collections.abc import Sequence

from addon.logs import about
from addon.sync.connection import Errand, take_part
from addon.sync.context import Rooms, chosen, find_tenant, ledger_key
from addon.sync.outcome import foreseen, idle
from addon.sync.prepare import Prepared, intend, prepare
from addon.sync.readiness import Ready, readiness, those_ready
from addon.sync.report import (
    ConnectionReport,
    DirectoryCounts,
    RunReport,
    finding_reports,
    roster_counts,
)
from addon.sync.runs import begin, finish, new_run_id, watched
from addon.tenants.model import Connection
from addon.tenants.pause import see_that_it_runs


def preview(rooms: Rooms, tenant_id: str, vendor: str | None = None) -> tuple[RunReport, Prepared]:
    """What a run would do; nothing is sent and nothing is kept.

    Raises Unknown, DirectoryError, StoreError.
    """
    tenant = find_tenant(rooms.store, tenant_id)
    connections = chosen(tenant, vendor)
    prepared = prepare(rooms, tenant, connections)
    reports = [_foreseen(rooms, prepared, connection) for connection in connections]
    return report_of(prepared, new_run_id(rooms.clock()), reports), prepared


def sync(
    rooms: Rooms, tenant_id: str, vendor: str | None = None, seconds: float | None = None
) -> RunReport:
    """One run, for at most about `seconds`; what is left then is for the next.

    Raises Unknown, Paused, StoreError, and DirectoryError: then nothing was sent.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    tenant = find_tenant(rooms.store, tenant_id)
    connections = chosen(tenant, vendor)
    see_that_it_runs(tenant, rooms.clock())
    run = begin(rooms.store, tenant_id, rooms.clock())
    with watched(rooms.store, run, rooms.clock), about(tenant=tenant_id, run=run.id):
        parts = [readiness(rooms, tenant_id, connection) for connection in connections]
        if those_ready(parts):
            prepared = prepare(rooms, tenant, connections)
            errand = Errand(rooms, prepared, run.holder, deadline)
            report = report_of(prepared, run.id, asyncio.run(_all(errand, parts)))
        else:
            report = nothing_read(tenant_id, run.id, parts)
        finish(rooms.store, run, rooms.clock(), report)
    return report


async def _all(errand: Errand, parts: Sequence[Ready | ConnectionReport]) -> list[ConnectionReport]:
    """Every connection side by side; the trouble of one stays its own."""

    async def one(part: Ready | ConnectionReport) -> ConnectionReport:
        return await take_part(errand, part) if isinstance(part, Ready) else part

    return list(await asyncio.gather(*map(one, parts)))


def _foreseen(rooms: Rooms, prepared: Prepared, connection: Connection) -> ConnectionReport:
    """A connection's report for a preview."""
    key = ledger_key(prepared.tenant.customer_id, connection)
    if key is None or connection.vendor not in prepared.views:
        return idle(connection)
    return foreseen(connection, *intend(rooms, prepared, connection, key).decide())


def report_of(prepared: Prepared, run: str, reports: Sequence[ConnectionReport]) -> RunReport:
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


def nothing_read(tenant_id: str, run: str, parts: Sequence[Ready | ConnectionReport]) -> RunReport:
    """The report of a run of which no connection is ready, so that nothing was read."""
    reports = tuple(part for part in parts if isinstance(part, ConnectionReport))
    return RunReport(tenant_id, run, None, None, (), reports)

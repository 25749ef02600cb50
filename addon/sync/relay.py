"""A run in stretches, where a request may not last as long as a run: read once, deliver after.

`read_and_plan` reads the directory and settles every connection that has nothing to send. For
the others the snapshot is kept, for a few hours and no longer than until they are done, and
`deliver` is called for each vendor, again and again as long as something is left.
"""

import asyncio
import time
import zlib

import msgspec
from msgspec import Struct

from addon.directory.snapshot import Snapshot
from addon.sync.connection import RunShared, finish_if_nothing_to_send
from addon.sync.connection import sync_connection as deliver_to
from addon.sync.context import SyncContext, load_tenant_or_raise, select_connections
from addon.sync.prepare import PreparedRun, prepare_from_snapshot, read_and_prepare
from addon.sync.readiness import check_readiness, only_ready
from addon.sync.report import ConnectionReport, RunReport
from addon.sync.run import nothing_read, report_of
from addon.sync.runs import complete_run, recorded_run, start_run
from addon.tenants.pause import raise_if_paused

SNAPSHOT_KEPT = 6 * 3600.0
"""Seconds after which a snapshot is gone, delivered or not; the next run reads anew."""


class PlannedRun(Struct, frozen=True):
    """A run that has read and planned, and the vendors that it has yet to deliver to."""

    run: str
    vendors: tuple[str, ...]


def plan_run(context: SyncContext, tenant_id: str) -> PlannedRun:
    """The first stretch. Raises Unknown, Paused, StoreError and DirectoryError as `sync` does."""
    tenant = load_tenant_or_raise(context.store, tenant_id)
    raise_if_paused(tenant, context.clock())
    run = start_run(context.store, tenant_id, context.clock())
    with recorded_run(context.store, run, context.clock):
        parts = [
            check_readiness(context, tenant_id, connection) for connection in tenant.connections
        ]
        usable = only_ready(parts)
        if not usable:
            complete_run(
                context.store, run, context.clock(), nothing_read(tenant_id, run.id, parts)
            )
            return PlannedRun(run.id, ())
        reports = [part for part in parts if isinstance(part, ConnectionReport)]
        waiting = []
        prepared = read_and_prepare(context, tenant, tenant.connections)
        for part in usable:
            settled = finish_if_nothing_to_send(context, prepared, part.connection, part.key)
            if settled is None:
                waiting.append(part.key.vendor)
            else:
                reports.append(settled)
        if waiting:
            expires = context.clock() + SNAPSHOT_KEPT
            packed = _pack(prepared.snapshot)
            context.store.save_snapshot(tenant_id, run.id, packed, waiting, expires)
        complete_run(context.store, run, context.clock(), report_of(prepared, run.id, reports))
    return PlannedRun(run.id, tuple(waiting))


def deliver(
    context: SyncContext, tenant_id: str, vendor: str, run: str, seconds: float
) -> ConnectionReport:
    """A later stretch of `run`: deliver to one vendor for at most about `seconds`.

    What the report says is `left` is for the next call. The directory is read anew where the
    snapshot is gone. Raises Taken where another run is delivering there, and as `sync` does.
    """
    deadline = time.monotonic() + seconds
    tenant = load_tenant_or_raise(context.store, tenant_id)
    raise_if_paused(tenant, context.clock())
    connections = select_connections(tenant, vendor)
    ready = check_readiness(context, tenant_id, connections[0])
    if isinstance(ready, ConnectionReport):
        return ready
    stretch = start_run(context.store, tenant_id, context.clock())
    with recorded_run(context.store, stretch, context.clock):
        packed = context.store.snapshot(tenant_id, run, context.clock())
        prepared = (
            read_and_prepare(context, tenant, connections)
            if packed is None
            else prepare_from_snapshot(context, tenant, connections, _unpack(packed))
        )
        errand = RunShared(context, prepared, stretch.holder, deadline)
        report = asyncio.run(deliver_to(errand, ready))
        complete_run(
            context.store, stretch, context.clock(), _stretch_report(prepared, stretch.id, report)
        )
    if not report.left:
        context.store.done_with_snapshot(tenant_id, run, vendor)
    return report


def _stretch_report(prepared: PreparedRun, run: str, report: ConnectionReport) -> RunReport:
    """A stretch's report: its connection, and no findings, which the first stretch has told."""
    return RunReport(prepared.tenant.customer_id, run, None, None, (), (report,))


def _pack(snapshot: Snapshot) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(snapshot), 6)


def _unpack(packed: bytes) -> Snapshot:
    return msgspec.msgpack.decode(zlib.decompress(packed), type=Snapshot)

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
from addon.sync.connection import Errand, settle
from addon.sync.connection import deliver as deliver_to
from addon.sync.context import Rooms, chosen, find_tenant
from addon.sync.prepare import Prepared, place, prepare
from addon.sync.readiness import readiness, those_ready
from addon.sync.report import ConnectionReport, RunReport
from addon.sync.run import nothing_read, report_of
from addon.sync.runs import begin, finish, watched
from addon.tenants.pause import see_that_it_runs

SNAPSHOT_KEPT = 6 * 3600.0
"""Seconds after which a snapshot is gone, delivered or not; the next run reads anew."""


class Relay(Struct, frozen=True):
    """A run that has read and planned, and the vendors that it has yet to deliver to."""

    run: str
    vendors: tuple[str, ...]


def read_and_plan(rooms: Rooms, tenant_id: str) -> Relay:
    """The first stretch. Raises Unknown, Paused, StoreError and DirectoryError as `sync` does."""
    tenant = find_tenant(rooms.store, tenant_id)
    see_that_it_runs(tenant, rooms.clock())
    run = begin(rooms.store, tenant_id, rooms.clock())
    with watched(rooms.store, run, rooms.clock):
        parts = [readiness(rooms, tenant_id, connection) for connection in tenant.connections]
        usable = those_ready(parts)
        if not usable:
            finish(rooms.store, run, rooms.clock(), nothing_read(tenant_id, run.id, parts))
            return Relay(run.id, ())
        reports = [part for part in parts if isinstance(part, ConnectionReport)]
        waiting = []
        prepared = prepare(rooms, tenant, tenant.connections)
        for part in usable:
            settled = settle(rooms, prepared, part.connection, part.key)
            if settled is None:
                waiting.append(part.key.vendor)
            else:
                reports.append(settled)
        if waiting:
            expires = rooms.clock() + SNAPSHOT_KEPT
            packed = _pack(prepared.snapshot)
            rooms.store.save_snapshot(tenant_id, run.id, packed, waiting, expires)
        finish(rooms.store, run, rooms.clock(), report_of(prepared, run.id, reports))
    return Relay(run.id, tuple(waiting))


def deliver(
    rooms: Rooms, tenant_id: str, vendor: str, run: str, seconds: float
) -> ConnectionReport:
    """A later stretch of `run`: deliver to one vendor for at most about `seconds`.

    What the report says is `left` is for the next call. The directory is read anew where the
    snapshot is gone. Raises Taken where another run is delivering there, and as `sync` does.
    """
    deadline = time.monotonic() + seconds
    tenant = find_tenant(rooms.store, tenant_id)
    see_that_it_runs(tenant, rooms.clock())
    connections = chosen(tenant, vendor)
    ready = readiness(rooms, tenant_id, connections[0])
    if isinstance(ready, ConnectionReport):
        return ready
    stretch = begin(rooms.store, tenant_id, rooms.clock())
    with watched(rooms.store, stretch, rooms.clock):
        packed = rooms.store.snapshot(tenant_id, run, rooms.clock())
        prepared = (
            prepare(rooms, tenant, connections)
            if packed is None
            else place(rooms, tenant, connections, _unpack(packed))
        )
        errand = Errand(rooms, prepared, stretch.holder, deadline)
        report = asyncio.run(deliver_to(errand, ready))
        finish(rooms.store, stretch, rooms.clock(), _stretch_report(prepared, stretch.id, report))
    if not report.left:
        rooms.store.done_with_snapshot(tenant_id, run, vendor)
    return report


def _stretch_report(prepared: Prepared, run: str, report: ConnectionReport) -> RunReport:
    """A stretch's report: its connection, and no findings, which the first stretch has told."""
    return RunReport(prepared.tenant.customer_id, run, None, None, (), (report,))


def _pack(snapshot: Snapshot) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(snapshot), 6)


def _unpack(packed: bytes) -> Snapshot:
    return msgspec.msgpack.decode(zlib.decompress(packed), type=Snapshot)

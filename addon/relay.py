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

from addon.delivery.ledger import Key
from addon.directory.snapshot import Snapshot
from addon.exchange import Errand, settle
from addon.exchange import deliver as deliver_to
from addon.outcome import failed, idle
from addon.pause import see_that_it_runs
from addon.prepared import Prepared, place, prepare
from addon.report import ConnectionReport, RunReport
from addon.rooms import Rooms, chosen, find_tenant, ledger_key, target_of
from addon.runs import begin, finish, watched
from addon.sync import report_of
from addon.tenant import Connection
from addon.vendors import NotConfigured

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
    reports: list[ConnectionReport] = []
    waiting: list[str] = []
    usable: list[tuple[Connection, Key]] = []
    for connection in tenant.connections:
        key = ledger_key(tenant_id, connection)
        target = None if key is None else target_of(rooms.settings, connection, rooms.secrets)
        if isinstance(target, NotConfigured):
            reports.append(failed(connection, str(target), configuration=True))
        elif key is None:
            reports.append(idle(connection))
        else:
            usable.append((connection, key))
    with watched(rooms.store, run, rooms.clock):
        if not usable:
            report = RunReport(tenant_id, run.id, None, None, (), tuple(reports))
            finish(rooms.store, run, rooms.clock(), report)
            return Relay(run.id, ())
        prepared = prepare(rooms, tenant, tenant.connections)
        for connection, key in usable:
            settled = settle(rooms, prepared, connection, key)
            if settled is None:
                waiting.append(connection.vendor)
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
    connection = connections[0]
    key = ledger_key(tenant_id, connection)
    if key is None:
        return idle(connection)
    target = target_of(rooms.settings, connection, rooms.secrets)
    if isinstance(target, NotConfigured):
        return failed(connection, str(target), configuration=True)
    packed = rooms.store.snapshot(tenant_id, run, rooms.clock())
    prepared = (
        prepare(rooms, tenant, connections)
        if packed is None
        else place(rooms, tenant, connections, _unpack(packed))
    )
    stretch = begin(rooms.store, tenant_id, rooms.clock())
    errand = Errand(rooms, prepared, stretch.holder, deadline)
    with watched(rooms.store, stretch, rooms.clock):
        report = asyncio.run(deliver_to(errand, prepared, connection, key, target))
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

"""Removes everything that a tenant has at a vendor, and turns the connection off.

Goes by the ledger alone: no directory is read. The connection is turned off before the first
removal, so that no run sends anew what is being removed; what was begun and cut off goes on
when it is asked for again.
"""

import asyncio
import time
from codecs import BOM_UTF8
from typing import Literal

import msgspec
from msgspec import structs

from addon.delivery.lease import Taken
from addon.planning.guard import check
from addon.planning.ledger import Change, Key, NotKept
from addon.planning.plan import removal_of_everything
from addon.planning.result import Result
from addon.store.base import StoreError
from addon.store.records import LogEntry
from addon.sync.context import Rooms, Unknown, find_tenant
from addon.sync.outcome import delivered, failed
from addon.sync.readiness import readiness
from addon.sync.report import ConnectionReport, RunReport, nothing_done
from addon.sync.runs import begin, finish, new_entry_id, watched
from addon.sync.session import Line
from addon.tenants.diff import Changed
from addon.tenants.model import Connection, Tenant

LedgerMode = Literal["test", "live"]
ATTEMPTS = 5
"""How often the connection is turned off anew where others change the document meanwhile."""
COMMAND_LINE = "command line"
"""Who has changed a document that no person signed in for."""


def withdraw(
    rooms: Rooms,
    tenant_id: str,
    vendor: str,
    confirmed: bool = False,
    seconds: float | None = None,
    mode: LedgerMode | None = None,
) -> RunReport:
    """Remove what the tenant has at `vendor`, in test and live mode, for at most about `seconds`.

    Of one `mode` alone if it is given; then a connection that is in the other stays on.
    Held like any other removal beyond the connection's limits, unless `confirmed`. A pause does
    not stop it: it reads no directory, and a person has asked for it. Raises Unknown and
    StoreError.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    tenant = find_tenant(rooms.store, tenant_id)
    connection = tenant.connection(vendor)
    keys = [
        key
        for key, _, _ in rooms.store.ledgers(tenant_id)
        if key.vendor == vendor and mode in (None, key.mode)
    ]
    if not keys and connection is None:
        raise Unknown(f"{tenant_id} has no connection to {vendor} and nothing there")
    run = begin(rooms.store, tenant_id, rooms.clock())
    with watched(rooms.store, run, rooms.clock):
        goes_off = connection is not None and mode in (None, connection.mode)
        reports = tuple(
            _one(rooms, tenant, key, run.holder, confirmed, deadline, goes_off) for key in keys
        )
        if not keys and goes_off:
            turn_off(rooms, tenant_id, vendor)
        report = RunReport(tenant_id, run.id, None, None, (), reports)
        finish(rooms.store, run, rooms.clock(), report)
    return report


def _one(
    rooms: Rooms,
    tenant: Tenant,
    key: Key,
    holder: str,
    confirmed: bool,
    deadline: float | None,
    goes_off: bool,
) -> ConnectionReport:
    connection = structs.replace(
        tenant.connection(key.vendor) or Connection(vendor=key.vendor), mode=key.mode
    )
    ready = readiness(rooms, key.tenant, connection)
    if isinstance(ready, ConnectionReport):
        return ready
    line = Line(rooms, key, ready.target, holder, deadline)
    try:
        return asyncio.run(_remove(line, connection, confirmed, goes_off))
    except (Taken, NotKept) as stopped:
        return failed(connection, str(stopped))


async def _remove(
    line: Line, connection: Connection, confirmed: bool, goes_off: bool
) -> ConnectionReport:
    store, key = line.rooms.store, line.key
    async with line.exclusively() as lease:
        ledger = await asyncio.to_thread(store.ledger, key)
        plan = removal_of_everything(ledger)
        approved = store.approval(key)
        if approved is not None and not approved.lasts(line.rooms.clock()):
            approved = None
        hold = None if confirmed else check(plan, ledger, connection.limits, approved)
        if hold is not None:
            earlier = store.hold(key)
            hidden = () if earlier is None else earlier.hidden
            hold = structs.replace(hold, at=line.rooms.clock(), withdrawal=True, hidden=hidden)
            store.set_hold(key, hold)
            return delivered(connection, plan, Result(nothing_done(), ()), hold, ledger.people())
        if goes_off:
            turn_off(line.rooms, key.tenant, key.vendor)
        result = await line.send(plan, lambda absent: removal_of_everything(ledger), ledger, lease)
        store.set_hold(key, None)
        if result.complete:
            store.set_approval(key, None)
            refused = [Change(kind, external_id) for kind, external_id, _ in ledger.refused()]
            store.record(key, refused, line.holder)
        return delivered(connection, plan, result, None, ledger.people())


def turn_off(rooms: Rooms, tenant_id: str, vendor: str) -> None:
    """Turn the connection off in the document, which otherwise stays as it was written."""
    for _ in range(ATTEMPTS):
        stored = rooms.store.tenant(tenant_id)
        if stored is None:
            return
        document = msgspec.json.decode(stored.removeprefix(BOM_UTF8))
        modes = []
        for connection in document.get("connections", ()):
            if connection.get("vendor") == vendor and connection.get("mode", "off") != "off":
                modes.append(
                    Changed(f"connections[{vendor}].mode", f'"{connection["mode"]}"', None)
                )
                connection["mode"] = "off"
        if not modes:
            return
        now = rooms.clock()
        entry = LogEntry(new_entry_id(now), now, COMMAND_LINE, "vendor.mode", vendor, tuple(modes))
        written = msgspec.json.encode(document)
        if rooms.store.replace_tenant(tenant_id, written, stored, entry):
            return
    raise StoreError(f"the document of {tenant_id} is changed by others again and again")

"""Removes everything that a tenant has at a vendor, then turns the connection off.

Goes by the ledger alone: no directory is read. What was begun and cut off goes on when it is
asked for again.
"""

import asyncio

import msgspec
from msgspec import structs

from addon.delivery.deliver import Result
from addon.delivery.guard import check, counts
from addon.delivery.ledger import Key
from addon.delivery.plan import removal_of_everything
from addon.delivery.session import open_session
from addon.report import ConnectionReport, RunReport
from addon.store import Run
from addon.sync import Rooms, Unknown, delivered, failed, find_tenant, finish, new_run_id, target_of
from addon.tenant import Connection, Tenant
from addon.vendors import NotConfigured


def withdraw(rooms: Rooms, tenant_id: str, vendor: str, confirmed: bool = False) -> RunReport:
    """Remove what the tenant has at `vendor`, in test and live mode.

    Held like any other removal beyond the connection's limits, unless `confirmed`. Raises
    Unknown and StoreError.
    """
    tenant = find_tenant(rooms.store, tenant_id)
    keys = [key for key, _, _ in rooms.store.ledgers(tenant_id) if key.vendor == vendor]
    if not keys and tenant.connection(vendor) is None:
        raise Unknown(f"{tenant_id} has no connection to {vendor} and nothing there")
    run = Run(new_run_id(rooms.clock()), tenant_id, rooms.clock(), "running")
    rooms.store.save_run(run)
    reports = tuple(_one(rooms, tenant, key, confirmed) for key in keys)
    if all(report.status in ("delivered", "unchanged") for report in reports):
        _turn_off(rooms, tenant_id, vendor)
    report = RunReport(tenant_id, run.id, None, None, (), reports)
    finish(rooms, run, report)
    return report


def _one(rooms: Rooms, tenant: Tenant, key: Key, confirmed: bool) -> ConnectionReport:
    connection = structs.replace(
        tenant.connection(key.vendor) or Connection(vendor=key.vendor), mode=key.mode
    )
    target = target_of(rooms.settings, connection)
    if isinstance(target, NotConfigured):
        return failed(connection, str(target), configuration=True)
    ledger = rooms.store.ledger(key)
    plan = removal_of_everything(ledger)
    approved = rooms.store.approval(key)
    hold = None if confirmed else check(plan, ledger, connection.limits, approved)
    if hold is not None:
        hold = structs.replace(hold, at=rooms.clock(), withdrawal=True)
        rooms.store.set_hold(key, hold)
        return delivered(connection, plan, Result(counts(plan), ()), hold)

    async def deliver() -> Result:
        vendor = rooms.settings.vendors[key.vendor]
        async with open_session(
            vendor, target, rooms.store, key, ledger, rooms.patience
        ) as session:
            return await session.carry_out(
                plan,
                lambda absent: removal_of_everything(ledger),
                lambda done, planned: rooms.progress(key.vendor, done, planned),
                rooms.clock,
            )

    result = asyncio.run(deliver())
    rooms.store.set_hold(key, None)
    if result.complete:
        rooms.store.set_approval(key, frozenset())
    return delivered(connection, plan, result, None)


def _turn_off(rooms: Rooms, tenant_id: str, vendor: str) -> None:
    """Turn the connection off in the document, which otherwise stays as it was written."""
    stored = rooms.store.tenant(tenant_id)
    if stored is None:
        return
    document = msgspec.json.decode(stored)
    for connection in document.get("connections", ()):
        if connection.get("vendor") == vendor:
            connection["mode"] = "off"
    rooms.store.save_tenant(tenant_id, msgspec.json.encode(document))

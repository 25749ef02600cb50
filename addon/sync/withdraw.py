"""Remove everything that a tenant has at a vendor, and turn the connection off.

Only the ledger is used: no directory is read. The connection is turned off before the first
removal, so that no run sends again what is being removed. An interrupted withdrawal continues
when it is requested again.
"""

import asyncio
import time
from codecs import BOM_UTF8
from typing import Literal

import msgspec
from msgspec import UnsetType, structs

from addon.delivery.lease import LeaseHeldByOther
from addon.planning.ledger import Ledger, LedgerChange, LedgerKey, LedgerWriteError
from addon.planning.limits import Hold, check_limits, withdrawal_hold
from addon.planning.plan import Plan, removal_of_everything
from addon.planning.result import DeliveryResult, VendorProblem
from addon.ss12000.ids import Ids
from addon.store.base import LedgerStore
from addon.store.records import RunRecord
from addon.store.tenant_updates import TenantEdit, update_tenant
from addon.sync.context import (
    COMMAND_LINE,
    NotFoundError,
    SyncContext,
    load_tenant_or_raise,
)
from addon.sync.delivery_history import entries_of_withdrawal, keep_history
from addon.sync.hold_units import places_of_known, with_units
from addon.sync.known_placements import load_known
from addon.sync.readiness import check_readiness
from addon.sync.report import (
    ConnectionReport,
    RunReport,
    delivery_report,
    nothing_done,
    stopped_report,
)
from addon.sync.run_records import complete_run, recorded_run, start_run
from addon.sync.session import VendorSession
from addon.tenants.diff import Changed
from addon.tenants.model import Connection, Tenant

LedgerMode = Literal["test", "live"]

LOOKS_LATER = (
    "all is removed, but the answer to something that was sent a moment before was lost, so it may "
    "show up yet; withdraw once more in three minutes, and it is looked for"
)


def withdraw(
    context: SyncContext,
    tenant_id: str,
    vendor: str,
    confirmed: bool = False,
    seconds: float | None = None,
    mode: LedgerMode | None = None,
    only_looks: bool = False,
) -> RunReport:
    """Remove what the tenant has at `vendor`, in test and live mode, for at most about `seconds`.

    With `mode`, only in that mode; then a connection that is in the other mode stays on. Unless
    `confirmed`, a removal that exceeds the connection's limits is held. A pause does not stop a
    withdrawal: it reads no directory, and a person has requested it. With `only_looks` nothing
    is removed but what shows up of what was removed in doubt, and nothing is turned off. Raises
    NotFoundError and StoreError.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    tenant = load_tenant_or_raise(context.store, tenant_id)
    connection = tenant.connection(vendor)
    keys = [
        key
        for key, _, _ in context.store.ledgers(tenant_id)
        if key.vendor == vendor and mode in (None, key.mode)
    ]
    if not keys and connection is None:
        raise NotFoundError(f"{tenant_id} has no connection to {vendor} and nothing there")
    run = start_run(context.store, tenant_id, context.clock(), vendor=vendor)
    with recorded_run(context.store, run, context.clock):
        goes_off = not only_looks and connection is not None and mode in (None, connection.mode)
        reports = tuple(
            _one(context, tenant, key, run, confirmed, deadline, goes_off, only_looks)
            for key in keys
        )
        if not keys and goes_off:
            turn_off(context, tenant_id, vendor)
        report = RunReport(tenant_id, run.id, None, None, (), reports)
        complete_run(context.store, run, context.clock(), report)
    return report


def _one(
    context: SyncContext,
    tenant: Tenant,
    key: LedgerKey,
    run: RunRecord,
    confirmed: bool,
    deadline: float | None,
    goes_off: bool,
    only_looks: bool,
) -> ConnectionReport:
    connection = structs.replace(
        tenant.connection(key.vendor) or Connection(vendor=key.vendor), mode=key.mode
    )
    ready = check_readiness(context, key.tenant, connection)
    if isinstance(ready, ConnectionReport):
        return ready
    session = VendorSession(context, key, ready.target, run.holder, deadline)
    try:
        if only_looks:
            return asyncio.run(_look(session, connection))
        return asyncio.run(_remove(session, connection, run, confirmed, goes_off))
    except (LeaseHeldByOther, LedgerWriteError) as stopped:
        return stopped_report(connection, stopped)


async def _remove(
    session: VendorSession,
    connection: Connection,
    run: RunRecord,
    confirmed: bool,
    goes_off: bool,
) -> ConnectionReport:
    store, key = session.context.store, session.key
    async with session.with_lease() as lease:
        ledger = await asyncio.to_thread(store.ledger, key)
        plan = removal_of_everything(ledger, session.context.clock())
        approved = store.approval(key)
        if approved is not None and not approved.is_valid(session.context.clock()):
            approved = None
        hold = None if confirmed else check_limits(plan, ledger, connection.limits, approved)
        if hold is not None:
            earlier = store.hold(key)
            protected = () if earlier is None else earlier.protected_being_removed
            hold = structs.replace(
                hold, at=session.context.clock(), withdrawal=True, protected_being_removed=protected
            )
            known = load_known(store, key.tenant, hold.at)
            places = () if known is None else places_of_known(known.placements.people)
            hold = with_units(hold, places, Ids(key.tenant).user, earlier)
            store.set_hold(key, hold)
            return delivery_report(
                connection, plan, DeliveryResult(nothing_done(), ()), hold, ledger.people()
            )
        if goes_off:
            turn_off(session.context, key.tenant, key.vendor)
        result = await session.send(
            plan,
            lambda absent: removal_of_everything(ledger, session.context.clock()),
            ledger,
            lease,
        )
        keep_history(
            store,
            run,
            key,
            session.context.clock(),
            lambda: entries_of_withdrawal(store, key.tenant, result),
        )
        earlier = None if result.complete else store.hold(key)
        store.set_hold(key, None if earlier is None else earlier.keep_only_protected())
        if result.complete:
            store.set_approval(key, None)
            refused = [
                LedgerChange(kind, i) for kind, found in ledger.refusals.items() for i in found
            ]
            store.record(key, [*refused, *plan.obsolete], session.holder)
        return _report(connection, plan, result, ledger)


async def _look(session: VendorSession, connection: Connection) -> ConnectionReport:
    """Look for what was removed in doubt; remove nothing else, whatever there is by now."""
    async with session.with_lease() as lease:
        ledger = await asyncio.to_thread(session.context.store.ledger, session.key)
        plan = removal_of_everything(ledger, session.context.clock()).only_protected()
        result = await session.send(plan, lambda absent: plan, ledger, lease)
        return _report(connection, plan, result, ledger)


def _report(
    connection: Connection, plan: Plan, result: DeliveryResult, ledger: Ledger
) -> ConnectionReport:
    """Return the report of a withdrawal, which says what may show up yet."""
    report = delivery_report(connection, plan, result, None, ledger.people())
    if result.complete and ledger.looks_until() is not None:
        detail = "; ".join(filter(None, (report.detail, LOOKS_LATER)))
        return structs.replace(report, detail=detail, problem=VendorProblem("looks-later"))
    return report


def looks_later(report: ConnectionReport) -> bool:
    """Whether what a withdrawal has removed may show up yet, so that it is to be looked for."""
    problem = report.problem
    return not isinstance(problem, UnsetType) and problem.code == "looks-later"


def hold_withdrawal(store: LedgerStore, key: LedgerKey, now: float, reason: str) -> Hold:
    """Hold the removal of everything at a vendor until a person approves it; nothing is sent.

    `reason` is why it is to be removed. Save it in place of any other hold, and return it. Raises
    StoreError.
    """
    ledger, earlier = store.ledger(key), store.hold(key)
    protected = () if earlier is None else earlier.protected_being_removed
    hold = withdrawal_hold(ledger, removal_of_everything(ledger, now), now, reason)
    hold = structs.replace(hold, protected_being_removed=protected)
    store.set_approval(key, None)
    store.set_hold(key, hold)
    return hold


def turn_off(context: SyncContext, tenant_id: str, vendor: str) -> None:
    """Turn the connection off in the tenant's document; the rest of it is unchanged."""

    def change(stored: bytes | None) -> TenantEdit | None:
        if stored is None:
            return None
        document = msgspec.json.decode(stored.removeprefix(BOM_UTF8))
        modes = []
        for connection in document.get("connections", ()):
            if connection.get("vendor") == vendor and connection.get("mode", "off") != "off":
                modes.append(
                    Changed(f"connections[{vendor}].mode", f'"{connection["mode"]}"', None)
                )
                connection["mode"] = "off"
        return TenantEdit(msgspec.json.encode(document), tuple(modes)) if modes else None

    update_tenant(
        context.store,
        tenant_id,
        change,
        actor=COMMAND_LINE,
        action="vendor.mode",
        subject=vendor,
        clock=context.clock,
    )

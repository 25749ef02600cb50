"""Approve or refuse a held plan."""

from typing import Protocol, get_args

from msgspec import structs

from addon.planning.ledger import LedgerKey
from addon.planning.limits import Hold
from addon.store.base import CacheStore, LedgerStore, ProtectedStore
from addon.sync.context import NotFoundError, SyncContext, load_tenant_with_licence
from addon.sync.ended_memberships import approve_memberships, refuse_memberships
from addon.sync.protected_set import confirm_growth
from addon.sync.report import RunReport
from addon.sync.run import sync
from addon.sync.withdraw import LedgerMode, withdraw
from addon.tenants.licence import FarewellError
from addon.tenants.pause import raise_if_paused


def approve(context: SyncContext, tenant_id: str, vendor: str) -> RunReport:
    """Approve the plan held at `vendor` and carry it out.

    The plan is made again, and held again if it goes beyond what was approved. Raises as `sync`
    does, and NotFoundError if nothing is held.
    """
    tenant, licence = load_tenant_with_licence(context.store, tenant_id)
    connection = tenant.connection(vendor)
    mode = None if connection is None or connection.mode == "off" else connection.mode
    found = find_hold(context.store, tenant_id, vendor, mode)
    if found is None:  # a withdrawal from the other environment may be held
        found = find_hold(context.store, tenant_id, vendor)
        if found is None or not found[1].withdrawal:
            raise _nothing(tenant_id, vendor)
    key, held = found
    if not held.withdrawal:
        if licence.farewell:
            raise FarewellError(tenant_id, licence)
        raise_if_paused(tenant, context.clock())
    hold = record_approval(context.store, tenant_id, vendor, context.clock(), key.mode)
    if hold.withdrawal:
        return withdraw(context, tenant_id, vendor, mode=key.mode)
    return sync(context, tenant_id, vendor)


class HoldChangedError(Exception):
    """The plan that is held is not the one that a person has seen."""


class HoldStore(LedgerStore, ProtectedStore, CacheStore, Protocol):
    """What an approval is saved in."""


def record_approval(
    store: HoldStore,
    tenant_id: str,
    vendor: str,
    now: float,
    mode: LedgerMode | None = None,
    shown: Hold | None = None,
) -> Hold:
    """Save the approval of exactly what is held; the next run, or withdrawal, carries it out.

    If many people became protected at once, the approval says that they are; memberships that
    would end have then ended for every vendor. `shown` is the hold
    that the person has seen. Raises HoldChangedError if that would do something else,
    NotFoundError if nothing is held in `mode` (in either mode if None), and StoreError.
    """
    key, hold = _held(store, tenant_id, vendor, mode)
    if shown is not None and hold.content != shown.content:
        raise HoldChangedError
    growth = hold.growth
    if growth:
        confirm_growth(store, tenant_id, growth)
    approve_memberships(store, tenant_id, hold.emptied, now)
    store.set_approval(key, hold.approval(now))
    if hold.refused:
        hold = structs.replace(hold, refused=0.0)
        store.set_hold(key, hold)
    return hold


def record_refusal(
    store: HoldStore, tenant_id: str, vendor: str, now: float, mode: LedgerMode | None = None
) -> Hold:
    """Save that a person refused the plan: it stays held, and needs a new answer only if it grows.

    An earlier approval that has not been carried out is removed, and so is the hold of a
    withdrawal. Raises NotFoundError and StoreError.
    """
    key, hold = _held(store, tenant_id, vendor, mode)
    store.set_approval(key, None)
    refuse_memberships(store, tenant_id, hold.emptied, now)
    answered = structs.replace(hold, refused=now)
    store.set_hold(key, hold.keep_only_protected() if hold.withdrawal else answered)
    return answered


def _held(
    store: LedgerStore, tenant_id: str, vendor: str, mode: LedgerMode | None
) -> tuple[LedgerKey, Hold]:
    held = find_hold(store, tenant_id, vendor, mode)
    if held is None:
        raise _nothing(tenant_id, vendor)
    return held


def _nothing(tenant_id: str, vendor: str) -> NotFoundError:
    return NotFoundError(f"nothing of {tenant_id} waits for approval at {vendor}")


def find_hold(
    store: LedgerStore, tenant_id: str, vendor: str, mode: LedgerMode | None = None
) -> tuple[LedgerKey, Hold] | None:
    """Return the hold that waits for approval at a vendor, with the key of its ledger.

    In `mode`, or in either mode if None. None if nothing waits.
    """
    for each in get_args(LedgerMode) if mode is None else (mode,):
        key = LedgerKey(tenant_id, vendor, each)
        hold = store.hold(key)
        if hold is not None and hold.waits:
            return key, hold
    return None

"""What a person decides of a held plan: that it goes, or that it does not."""

from typing import get_args

from msgspec import structs

from addon.planning.guard import Hold
from addon.planning.ledger import Key
from addon.store.base import Store
from addon.sync.context import Rooms, Unknown, find_tenant
from addon.sync.report import RunReport
from addon.sync.run import sync
from addon.sync.withdraw import LedgerMode, withdraw
from addon.tenants.pause import see_that_it_runs


def approve(rooms: Rooms, tenant_id: str, vendor: str) -> RunReport:
    """Let what is held at `vendor` go: it is made anew, and only what was approved may pass.

    Raises as `sync` does, and Unknown where nothing is held.
    """
    tenant = find_tenant(rooms.store, tenant_id)
    connection = tenant.connection(vendor)
    mode = None if connection is None or connection.mode == "off" else connection.mode
    found = find_hold(rooms.store, tenant_id, vendor, mode)
    if found is None:  # but one environment may be emptied while the connection is in the other
        found = find_hold(rooms.store, tenant_id, vendor)
        if found is None or not found[1].withdrawal:
            raise _nothing(tenant_id, vendor)
    key, held = found
    if not held.withdrawal:
        see_that_it_runs(tenant, rooms.clock())
    hold = let_go(rooms.store, tenant_id, vendor, rooms.clock(), key.mode)
    if hold.withdrawal:
        return withdraw(rooms, tenant_id, vendor, mode=key.mode)
    return sync(rooms, tenant_id, vendor)


def let_go(
    store: Store, tenant_id: str, vendor: str, now: float, mode: LedgerMode | None = None
) -> Hold:
    """Remember that exactly what is held may go; the next run, or withdrawal, does it.

    Raises Unknown where nothing is held in that mode (in either, unless one is named), and
    StoreError.
    """
    key, hold = _held(store, tenant_id, vendor, mode)
    store.set_approval(key, hold.approval(now))
    if hold.refused:
        hold = structs.replace(hold, refused=0.0)
        store.set_hold(key, hold)
    return hold


def refuse(
    store: Store, tenant_id: str, vendor: str, now: float, mode: LedgerMode | None = None
) -> Hold:
    """Remember that a person said no: it stays held, and is asked about only if it grows.

    An earlier approval that nothing has come of yet is taken back, and a withdrawal that is
    refused is no more. Raises Unknown and StoreError.
    """
    key, hold = _held(store, tenant_id, vendor, mode)
    store.set_approval(key, None)
    answered = structs.replace(hold, refused=now)
    store.set_hold(key, hold.only_hidden() if hold.withdrawal else answered)
    return answered


def _held(store: Store, tenant_id: str, vendor: str, mode: LedgerMode | None) -> tuple[Key, Hold]:
    held = find_hold(store, tenant_id, vendor, mode)
    if held is None:
        raise _nothing(tenant_id, vendor)
    return held


def _nothing(tenant_id: str, vendor: str) -> Unknown:
    return Unknown(f"nothing of {tenant_id} waits for approval at {vendor}")


def find_hold(
    store: Store, tenant_id: str, vendor: str, mode: LedgerMode | None = None
) -> tuple[Key, Hold] | None:
    """What waits for approval at a vendor, in that mode or in either, and in which ledger."""
    for each in get_args(LedgerMode) if mode is None else (mode,):
        key = Key(tenant_id, vendor, each)
        hold = store.hold(key)
        if hold is not None and hold.waits:
            return key, hold
    return None

"""Lets a held plan go, as a person has decided."""

from typing import Literal, get_args

from addon.delivery.guard import Hold
from addon.delivery.ledger import Key
from addon.report import RunReport
from addon.rooms import Rooms, Unknown, find_tenant
from addon.store import Store
from addon.sync import sync
from addon.withdraw import withdraw

LedgerMode = Literal["test", "live"]


def approve(rooms: Rooms, tenant_id: str, vendor: str) -> RunReport:
    """Let what is held at `vendor` go: it is made anew, and only what was approved may pass.

    Raises as `sync` does, and Unknown where nothing is held.
    """
    find_tenant(rooms.store, tenant_id)
    held = find_hold(rooms.store, tenant_id, vendor)
    if held is None:
        raise Unknown(f"nothing of {tenant_id} waits for approval at {vendor}")
    key, hold = held
    rooms.store.set_approval(key, hold.approval(rooms.clock()))
    if hold.withdrawal:
        return withdraw(rooms, tenant_id, vendor)
    return sync(rooms, tenant_id, vendor)


def find_hold(store: Store, tenant_id: str, vendor: str) -> tuple[Key, Hold] | None:
    """What waits for approval at a vendor, and in which ledger."""
    for mode in get_args(LedgerMode):
        key = Key(tenant_id, vendor, mode)
        hold = store.hold(key)
        if hold is not None:
            return key, hold
    return None

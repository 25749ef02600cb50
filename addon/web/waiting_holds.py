"""The holds of a tenant that wait for an administrator's decision."""

from typing import get_args

from msgspec import Struct

from addon.planning.ledger import LedgerKey
from addon.planning.limits import Hold
from addon.store.base import LedgerStore
from addon.sync.context import ledger_key
from addon.sync.withdraw import LedgerMode
from addon.tenants.model import Tenant


class WaitingHold(Struct, frozen=True):
    """A hold at a vendor that waits for an administrator's decision, and the ledger it is for."""

    key: LedgerKey
    vendor: str
    hold: Hold


def waiting_holds(store: LedgerStore, tenant: Tenant) -> tuple[WaitingHold, ...]:
    """Return the holds that wait, in the document's order of connections. Raises StoreError."""
    found = []
    for connection in tenant.connections:
        current = ledger_key(tenant.customer_id, connection)
        modes = get_args(LedgerMode) if current is None else (current.mode,)
        for key in (LedgerKey(tenant.customer_id, connection.vendor, mode) for mode in modes):
            hold = store.hold(key)
            # At a connection that is off, only a withdrawal can be approved.
            if hold is not None and hold.waits and (key == current or hold.withdrawal):
                found.append(WaitingHold(key, key.vendor, hold))
    return tuple(found)

"""Delete a tenant: everything that the store has of it."""

from addon.age import age
from addon.store.base import Store, TenantBusyError
from addon.store.process_identity import is_dead

READING_LASTS = 3600.0
"""Seconds after which a run that has not ended, and has no lease, does not stop a deletion."""


class StillAtVendorsError(Exception):
    """Vendors still have something of the tenant; the message says which, and what to do."""

    def __init__(self, tenant_id: str, there: dict[str, int]) -> None:
        counts = ", ".join(f"{number} at {vendor}" for vendor, number in sorted(there.items()))
        first = next(iter(sorted(there)))
        super().__init__(
            f"vendors still have resources of {tenant_id}: {counts}. Remove them first with "
            f"`withdraw {tenant_id} --vendor {first.split()[0]}`, or delete the tenant with "
            "--abandon: then they stay at the vendors, and nobody here knows of them"
        )
        self.there = there


def delete_tenant(store: Store, tenant_id: str, now: float, abandon: bool = False) -> bool:
    """Remove everything that the store has of the tenant; return whether it had a document.

    With `abandon` also when a ledger says that a vendor still has something. What a deletion that
    was cut off has left is removed by the next. `now` is in seconds since 1970 UTC. Raises
    StillAtVendorsError, TenantBusyError and StoreError.
    """
    there = resources_left(store, tenant_id)
    if there and not abandon:
        raise StillAtVendorsError(tenant_id, there)
    for run in store.running(tenant_id):
        if not is_dead(run.holder) and age(run.started, now) < READING_LASTS:
            raise TenantBusyError(tenant_id, f"run {run.id}")
    existed = store.tenant(tenant_id) is not None
    store.delete_tenant(tenant_id, now)
    return existed


def resources_left(store: Store, tenant_id: str) -> dict[str, int]:
    """Return how many resources the ledgers say that each vendor has, in whatever mode."""
    found: dict[str, int] = {}
    for key, count, _ in store.ledgers(tenant_id):
        if count:
            name = key.vendor if key.mode == "live" else f"{key.vendor} ({key.mode})"
            found[name] = count
    return found

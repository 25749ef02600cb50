"""Delete a tenant: everything that the store has of it."""

from datetime import UTC, datetime

from addon.age import age
from addon.store.base import Store, TenantBusyError
from addon.store.process_identity import is_dead
from addon.store.unit_claims import release_all_units, release_units
from addon.sync.channels import forget_notifications, resume_notifications
from addon.sync.context import SyncContext

READING_LASTS = 3600.0
"""Seconds after which a run that has not ended, and has no lease, does not stop a deletion."""


class StillAtVendorsError(Exception):
    """Vendors still have something of the tenant; the message says which, and what to do.

    `looks_until` is when what was removed in doubt has shown up, in seconds since 1970 UTC, if
    that is all; None else.
    """

    def __init__(
        self, tenant_id: str, there: dict[str, int], looks_until: float | None = None
    ) -> None:
        counts = ", ".join(f"{number} at {vendor}" for vendor, number in sorted(there.items()))
        first = next(iter(sorted(there)))
        still = f"vendors still have resources of {tenant_id}: {counts}. Remove them first with "
        if looks_until is not None:
            moment = f"{datetime.fromtimestamp(looks_until, UTC):%H:%M:%S}"
            still = (
                f"what was removed of {tenant_id} may show up at vendors yet: {counts}, since "
                f"answers to creates were lost. Look for it after {moment} UTC with "
            )
        super().__init__(
            f"{still}"
            f"`withdraw {tenant_id} --vendor {first.split()[0]}`, or delete the tenant with "
            "--abandon: then they stay at the vendors, and nobody here knows of them"
        )
        self.there = there


def delete_tenant(context: SyncContext, tenant_id: str, abandon: bool = False) -> bool:
    """Stop the tenant's channels and remove all that the store has of it.

    Return whether it had a document.

    With `abandon` also when a ledger says that a vendor still has something. What a deletion that
    was cut off has left is removed by the next. Raises StillAtVendorsError, TenantBusyError and
    StoreError.
    """
    store, now = context.store, context.clock()
    there = resources_left(store, tenant_id)
    if there and not abandon:
        raise StillAtVendorsError(tenant_id, there, _looks_until(store, tenant_id))
    for run in store.running(tenant_id):
        if not is_dead(run.holder) and age(run.started, now) < READING_LASTS:
            raise TenantBusyError(tenant_id, f"run {run.id}")
    document = store.tenant(tenant_id)
    existed = document is not None
    if existed:
        forget_notifications(context, tenant_id)
    try:
        store.delete_tenant(tenant_id, now)
    except TenantBusyError:
        resume_notifications(context, tenant_id)
        raise
    if existed:
        release_units(store, tenant_id, None, document, now)
    else:  # a deletion may have been cut off when the document was gone
        release_all_units(store, tenant_id, now)
    return existed


def _looks_until(store: Store, tenant_id: str) -> float | None:
    """Return when what was removed in doubt has shown up; None if vendors have anything else."""
    times = [store.ledger(key).looks_until() for key, count, _ in store.ledgers(tenant_id) if count]
    known = [each for each in times if each is not None]
    return max(known) if known and len(known) == len(times) else None


def resources_left(store: Store, tenant_id: str) -> dict[str, int]:
    """Return how many resources the ledgers say that each vendor has, in whatever mode."""
    found: dict[str, int] = {}
    for key, count, _ in store.ledgers(tenant_id):
        if count:
            name = key.vendor if key.mode == "live" else f"{key.vendor} ({key.mode})"
            found[name] = count
    return found

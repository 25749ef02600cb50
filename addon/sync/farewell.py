"""What becomes of a tenant that has left: nothing more is read, and in the end it is deleted.

At once what was read is erased. The ledgers stay, so that the customer can come back. When the
days of the farewell are over, or the customer wants it, the removal of everything at each vendor
waits as a hold that the operator confirms (`approve`); once no vendor has anything, the tenant is
deleted.
"""

import logging

from msgspec import structs

from addon.planning.ledger import LedgerKey
from addon.store.base import TenantBusyError
from addon.sync.channels import forget_notifications
from addon.sync.context import SyncContext
from addon.sync.deletion import delete_tenant
from addon.sync.withdraw import hold_withdrawal, withdraw
from addon.tenants.licence import LicenceRecord

log = logging.getLogger(__name__)

KEPT_ITEMS = frozenset(
    {"notices", "origin", "guide", "register", "protected", "places", "proposals", "school-units"}
)
"""Kinds of cached items that a farewell leaves: what was told by mail, and what was set up.

`places` are the selections' OUs, by which they are followed when the customer has come back, and
`school-units` those that are delivered for another tenant.
"""

REASON = "the customer has uninstalled the app"
"""Why what vendors have is held to be removed."""

SECONDS = 240.0
"""How long a withdrawal that was approved is continued in one call."""


def erase_readings(context: SyncContext, tenant_id: str) -> LicenceRecord:
    """Erase what was read of the tenant: its directory, snapshots, placements, searches and marks.

    Its channels are stopped.

    Return the tenant's licence record. Raises StoreError.
    """
    forget_notifications(context, tenant_id)
    context.store.erase_items(tenant_id, KEPT_ITEMS)
    return context.store.update_licence(
        tenant_id, lambda known: structs.replace(known, erased=bool(known.farewell))
    )


def continue_farewell(context: SyncContext, tenant_id: str, record: LicenceRecord) -> None:
    """Do what is left of a farewell, when its days are over.

    What vendors have is held for the operator's confirmation; what was confirmed and not finished
    goes on; a tenant of which no vendor has anything is deleted. Raises StoreError.
    """
    now = context.clock()
    if not record.days_are_over(now, context.settings.farewell_days):
        return
    keys = [key for key, count, _ in context.store.ledgers(tenant_id) if count]
    for key in keys:
        _withdraw_or_hold(context, key)
    if not keys:
        try:
            delete_tenant(context, tenant_id)
        except TenantBusyError as busy:
            log.info("the tenant is deleted later: %s", busy)
        else:
            log.warning("the farewell is over: the tenant was deleted")


def cancel_withdrawals(context: SyncContext, tenant_id: str, record: LicenceRecord) -> None:
    """Remove the holds of `continue_farewell`, for a customer who has come back.

    Raises StoreError.
    """
    if not record.days_are_over(context.clock(), context.settings.farewell_days):
        return
    store = context.store
    for key, _, _ in store.ledgers(tenant_id):
        hold = store.hold(key)
        if hold is not None and hold.withdrawal:
            store.set_hold(key, hold.keep_only_protected())
            store.set_approval(key, None)


def _withdraw_or_hold(context: SyncContext, key: LedgerKey) -> None:
    """Go on with a withdrawal that a person has approved; hold it if nobody has."""
    store, now = context.store, context.clock()
    approved, ledger = store.approval(key), store.ledger(key)
    if approved is not None and approved.is_valid(now) and approved.covers(ledger):
        withdraw(context, key.tenant, key.vendor, seconds=SECONDS, mode=key.mode)
        return
    if ledger.looks_until() is not None:  # all is removed, and only looked for once more
        withdraw(context, key.tenant, key.vendor, True, SECONDS, key.mode, only_looks=True)
        return
    hold = store.hold(key)
    if hold is None or not hold.withdrawal:
        hold_withdrawal(store, key, now, REASON)

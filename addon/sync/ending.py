"""End a tenant as its administrators ask: everything is removed at vendors, then here.

All connections are turned off, and what each vendor has is held as a withdrawal, which a person
approves. Once no vendor has anything, everything of the tenant is removed from the store.
"""

import logging

from addon.store.base import CacheStore, TenantBusyError
from addon.store.records import Namespace
from addon.sync.context import SyncContext, load_tenant_or_raise
from addon.sync.deletion import delete_tenant, resources_left
from addon.sync.withdraw import hold_withdrawal

log = logging.getLogger(__name__)

NAMESPACE = "ending"
ITEM = "asked"
REASON = "the organisation ends its use of Skolsynk"
"""Why what vendors have is held to be removed."""


def is_ending(store: CacheStore, tenant_id: str, now: float) -> bool:
    """Whether administrators have asked that the tenant ends."""
    return store.get(Namespace(NAMESPACE, tenant_id), ITEM, now) is not None


def begin_ending(context: SyncContext, tenant_id: str) -> None:
    """Hold the removal of everything at each vendor, and remember why.

    The connections are off already. A withdrawal that is held stays as it is. Raises StoreError.
    """
    store, now = context.store, context.clock()
    store.put(Namespace(NAMESPACE, tenant_id), ITEM, b"yes", now)
    for key, count, _ in store.ledgers(tenant_id):
        hold = store.hold(key)
        if count and (hold is None or not hold.withdrawal):
            hold_withdrawal(store, key, now, REASON)


def cancel_ending(context: SyncContext, tenant_id: str) -> None:
    """Forget that the tenant ends, and remove the withdrawals that wait. Raises StoreError."""
    store = context.store
    forget_ending(store, tenant_id)
    for key, _, _ in store.ledgers(tenant_id):
        hold = store.hold(key)
        if hold is not None and hold.withdrawal:
            store.set_hold(key, hold.keep_only_protected())
            store.set_approval(key, None)


def forget_ending(store: CacheStore, tenant_id: str) -> None:
    """Forget that the tenant ends; withdrawals that wait stay so. Raises StoreError."""
    store.delete(Namespace(NAMESPACE, tenant_id), ITEM)


def continue_ending(context: SyncContext, tenant_id: str) -> bool:
    """Delete a tenant that ends when no vendor has anything of it; return whether it was deleted.

    A connection that has been turned on again means that it does not end. Raises StoreError.
    """
    if not is_ending(context.store, tenant_id, context.clock()):
        return False
    tenant = load_tenant_or_raise(context.store, tenant_id)
    if any(connection.mode != "off" for connection in tenant.connections):
        return False
    if resources_left(context.store, tenant_id):
        return False
    try:
        delete_tenant(context, tenant_id)
    except TenantBusyError as busy:
        log.info("the tenant is deleted later: %s", busy)
        return False
    log.warning("the tenant was deleted, as its administrators asked")
    return True

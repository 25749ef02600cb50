"""Who has become protected is removed from the history of deliveries."""

from collections.abc import Set

from addon.ss12000.ids import Ids
from addon.store.history import HistoryStore


def forget_people(store: HistoryStore, tenant_id: str, users: Set[str]) -> None:
    """Remove people, by user id, from all history. Raises StoreError."""
    if users:
        store.forget_history(tenant_id, external_ids_of_users(tenant_id, users))


def external_ids_of_users(tenant_id: str, users: Set[str]) -> frozenset[str]:
    """Return the externalIds of the accounts of `users` (user ids)."""
    return frozenset(map(Ids(tenant_id).user, users))

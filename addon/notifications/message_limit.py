"""How many test messages a tenant may have sent in an hour."""

from addon.store.base import CacheStore
from addon.store.records import Namespace

MOST = 10
"""Test messages of a tenant in any hour."""
SECONDS = 3600.0


def take_message(store: CacheStore, tenant_id: str, now: float) -> bool:
    """Take one of the hour's test messages; False when none is left. Raises StoreError."""
    namespace = Namespace("notices", tenant_id)
    return any(
        store.put_if_absent(namespace, f"test-{n}", b"sent", now, now + SECONDS)
        for n in range(MOST)
    )

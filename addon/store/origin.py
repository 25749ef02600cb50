"""How a tenant came to Skolsynk: from the Marketplace, or with access that was given by hand.

Only tenants from the Marketplace have a licence there.
"""

from typing import Literal, get_args

from addon.store.base import CacheStore
from addon.store.records import Namespace

Origin = Literal["marketplace", "by hand"]
NAMESPACE = "origin"
ITEM = "origin"


def load_origin(store: CacheStore, tenant: str, now: float) -> Origin:
    """Return how the tenant came; `by hand` where nothing is known. Raises StoreError."""
    kept = store.get(Namespace(NAMESPACE, tenant), ITEM, now)
    found = "" if kept is None else kept.data.decode()
    return next((origin for origin in get_args(Origin) if origin == found), "by hand")


def record_origin(store: CacheStore, tenant: str, origin: Origin, now: float) -> None:
    """Save how the tenant came, unless that is what is known. Raises StoreError."""
    if load_origin(store, tenant, now) != origin:
        store.put(Namespace(NAMESPACE, tenant), ITEM, origin.encode(), now)

"""How a tenant came to Skolsynk: from the Marketplace, or with access that was given by hand.

Only tenants from the Marketplace have a licence there. The first answer about the licence, or the
first card, says which; who came by hand may install the app later.
"""

from typing import Literal, get_args

from addon.store.base import CacheStore
from addon.store.records import Namespace

Origin = Literal["marketplace", "by hand"]
NAMESPACE = "origin"
ITEM = "origin"


def load_origin(store: CacheStore, tenant: str, now: float) -> Origin | None:
    """Return how the tenant came, None where nothing is known. Raises StoreError."""
    kept = store.get(Namespace(NAMESPACE, tenant), ITEM, now)
    found = "" if kept is None else kept.data.decode()
    return next((origin for origin in get_args(Origin) if origin == found), None)


def record_origin(store: CacheStore, tenant: str, origin: Origin, now: float) -> None:
    """Save how the tenant came, unless that is what is known. Raises StoreError.

    `by hand` takes the place of nothing: who has come from the Marketplace stays so.
    """
    if load_origin(store, tenant, now) == origin:
        return
    space = Namespace(NAMESPACE, tenant)
    if origin == "by hand":
        store.put_if_absent(space, ITEM, origin.encode(), now)
    else:
        store.put(space, ITEM, origin.encode(), now)

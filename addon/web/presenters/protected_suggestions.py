"""OUs and groups whose names suggest protected identity, and which await a decision."""

from collections.abc import Iterable

import msgspec

from addon.proposals.exclusions import protected_places
from addon.store.base import CacheStore
from addon.store.records import Namespace
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult

NAMESPACE = "protected"
DECLINED = "declined"
KEPT = 2 * 365 * 24 * 3600.0
"""Seconds for which a declined suggestion is remembered."""


def undecided(store: CacheStore, directory: TenantDirectory, now: float) -> tuple[str, ...]:
    """Return the undecided OUs and groups, by path and address.

    Raises StillComputing and StoreError.
    """
    declined = _declined(store, directory.tenant.customer_id, now)
    return tuple(place for place in proposed(directory) if place not in declined)


def proposed(directory: TenantDirectory) -> tuple[str, ...]:
    """Return the suggested places that are not protected, declined ones included."""
    index, protected = directory.index, directory.tenant.protected
    found, _reasons = directory.get_or_compute(
        DirectoryResult.PROTECTED_PLACES, lambda: protected_places(index, protected)
    )
    return (*found.org_units, *found.groups)


def decline(store: CacheStore, tenant_id: str, places: Iterable[str], now: float) -> None:
    """Remember that, according to an administrator, these hold nobody with protected identity.

    Raises StoreError.
    """
    known = _declined(store, tenant_id, now)
    said = known | set(places)
    if said != known:
        item = msgspec.json.encode(sorted(said))
        store.put(Namespace(NAMESPACE, tenant_id), DECLINED, item, now, now + KEPT)


def _declined(store: CacheStore, tenant_id: str, now: float) -> set[str]:
    item = store.get(Namespace(NAMESPACE, tenant_id), DECLINED, now)
    return set() if item is None else set(msgspec.json.decode(item.data, type=list[str]))

"""Which tenant has a school unit: it is delivered for the one whose document had its code first.

A claim is in no tenant's part of the store, so that it is found by the code alone. The codes of a
document that others have claimed are kept with the tenant, so that a run reads one item. Without
that item the document was saved before there were claims: then they are made.
"""

import logging
from collections.abc import MutableMapping, Set
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Protocol
from weakref import WeakKeyDictionary

import msgspec
from msgspec import structs

from addon.age import age
from addon.store.base import CacheStore, TenantStore
from addon.store.records import Namespace
from addon.tenants.document import load_tenant
from addon.tenants.model import Tenant

log = logging.getLogger(__name__)

KIND = "school-units"
CLAIMS = Namespace(KIND)
OTHERS = "others"
"""The item with the codes of a tenant's document that other tenants have claimed, if any."""
AT_ONCE = 8
"""Claims that are made at once, since a city has hundreds of units."""
BEING_SAVED = 60.0
"""Seconds within which the document of a new claim is saved, or never is."""

_all_own: MutableMapping[object, dict[str, bytes]] = WeakKeyDictionary()
"""By store and tenant, the digest of a document whose units are all its own, and so stay."""


class ClaimStore(TenantStore, CacheStore, Protocol):
    """A store of documents and of what their tenants have claimed."""


def claim_units(
    store: ClaimStore, tenant_id: str, document: bytes, stored: bytes | None, now: float
) -> frozenset[str]:
    """Claim the school units that the document has and the stored one has not.

    Return those that another tenant has, which the operator is told. Raises StoreError.
    """
    return _claim(store, tenant_id, _codes(document) - _codes(stored), now)


def leave_out(
    store: ClaimStore, tenant_id: str, codes: Set[str], stored: bytes | None, now: float
) -> None:
    """Keep that others have these units of the tenant's document, beside those already kept.

    The units of the stored document are claimed if that has not been done.
    """
    known = _left_out(store, tenant_id, now)
    if known is None:
        known = _claim(store, tenant_id, _codes(stored) - codes, now)
    _keep(store, tenant_id, known | codes, now)


def delivered(store: ClaimStore, tenant: Tenant, document: bytes, now: float) -> Tenant:
    """Return the tenant of a document without the school units that are delivered for another.

    One that the other has given up is the tenant's from now on. The units of a document that was
    saved before units were claimed are claimed now. Costs a read for each new document, unless
    there are any. Raises StoreError.
    """
    tenant_id, digest = tenant.customer_id, sha256(document).digest()
    all_own = _all_own.setdefault(store, {})
    if all_own.get(tenant_id) == digest:
        return tenant
    left_out = _left_out(store, tenant_id, now)
    if left_out is None:
        left_out = _claim(store, tenant_id, set(tenant.unit_names), now)
        _keep(store, tenant_id, left_out, now)
    if not left_out:
        all_own[tenant_id] = digest
        return tenant
    all_own.pop(tenant_id, None)
    others = {
        code
        for code in sorted(left_out & set(tenant.unit_names))
        if _owner(store, tenant_id, code, now)
    }
    if others != left_out:
        _keep(store, tenant_id, others, now)
    for code in sorted(others):
        log.warning("the school unit %s is delivered for another tenant", code)
    connections = tuple(
        structs.replace(
            c, school_units=tuple(code for code in c.school_units if code not in others)
        )
        for c in tenant.connections
    )
    units = tuple(unit for unit in tenant.school_units if unit.code not in others)
    return structs.replace(tenant, school_units=units, connections=connections)


def not_delivered(store: CacheStore, tenant_id: str, now: float) -> frozenset[str]:
    """Return the codes that `delivered` leaves out of the document that it has seen last.

    Costs a read where it leaves out any. Raises StoreError.
    """
    if tenant_id in _all_own.get(store, {}):
        return frozenset()
    return _left_out(store, tenant_id, now) or frozenset()


def delivered_for_others(store: CacheStore, tenant: Tenant, now: float) -> dict[str, str]:
    """Return the codes of the tenant's document that are delivered for others, with those tenants.

    Nothing is changed. Raises StoreError.
    """
    left_out = _left_out(store, tenant.customer_id, now) or frozenset()
    left_out &= set(tenant.unit_names)
    claims = {code: store.get(CLAIMS, code, now) for code in sorted(left_out)}
    owners = {code: claim.data.decode() for code, claim in claims.items() if claim is not None}
    return {code: owner for code, owner in owners.items() if owner != tenant.customer_id}


def release_units(
    store: CacheStore, tenant_id: str, document: bytes | None, stored: bytes | None, now: float
) -> None:
    """Give up the tenant's units that the stored document had and the new one has not."""
    for code in sorted(_codes(stored) - _codes(document)):
        found = store.get(CLAIMS, code, now)
        if found is not None and found.data.decode() == tenant_id:
            store.delete(CLAIMS, code)


def release_all_units(store: CacheStore, tenant_id: str, now: float) -> None:
    """Give up all units that the tenant has claimed, whatever its document had."""
    for code in store.list_names(CLAIMS, now):
        found = store.get(CLAIMS, code, now)
        if found is not None and found.data.decode() == tenant_id:
            store.delete(CLAIMS, code)


def _claim(store: ClaimStore, tenant_id: str, codes: Set[str], now: float) -> frozenset[str]:
    """Claim units; return those that another tenant has, which the operator is told."""
    wanted = sorted(codes)
    if not wanted:
        return frozenset()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        owners = list(pool.map(lambda code: _owner(store, tenant_id, code, now), wanted))
    taken = {code: owner for code, owner in zip(wanted, owners, strict=True) if owner}
    for code, owner in taken.items():
        log.error(
            "%s names the school unit %s, which %s has: it is delivered for %s only",
            tenant_id,
            code,
            owner,
            owner,
        )
    return frozenset(taken)


def _owner(store: ClaimStore, tenant_id: str, code: str, now: float) -> str | None:
    """Return the other tenant that has the unit; None when this one has claimed it."""
    for _ in range(2):
        if store.put_if_absent(CLAIMS, code, tenant_id.encode(), now):
            return None
        found = store.get(CLAIMS, code, now)
        if found is None:
            continue
        owner = found.data.decode()
        if owner == tenant_id:
            return None
        if age(found.saved, now) < BEING_SAVED or code in _codes(store.tenant(owner)):
            return owner
        store.delete(CLAIMS, code)  # its document was never saved, or was deleted half-way
    return None


def _left_out(store: CacheStore, tenant_id: str, now: float) -> frozenset[str] | None:
    """Return the codes that others have; None if the tenant's units have never been claimed."""
    found = store.get(Namespace(KIND, tenant_id), OTHERS, now)
    return None if found is None else frozenset(found.data.decode().split())


def _keep(store: CacheStore, tenant_id: str, codes: Set[str], now: float) -> None:
    store.put(Namespace(KIND, tenant_id), OTHERS, " ".join(sorted(codes)).encode(), now)


def _codes(document: bytes | None) -> frozenset[str]:
    try:
        tenant = None if document is None else load_tenant(document)
    except msgspec.DecodeError:
        tenant = None  # written by an earlier version with another schema; it is replaced whole
    return frozenset(() if tenant is None else (unit.code for unit in tenant.school_units))

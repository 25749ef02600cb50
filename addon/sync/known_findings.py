"""Findings that an administrator has marked "that is so", kept in the store for a year.

A mark is of one finding as it is: when what it says changes, it is asked about again. It names
nobody: it has a hash of the finding, its code, who marked it and when.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Protocol

import msgspec
from msgspec import Struct

from addon.roster.findings import MESSAGES
from addon.roster.model import Finding
from addon.store.base import CacheStore, TenantStore
from addon.store.ids import new_entry_id
from addon.store.records import AuditEntry, Namespace

NAMESPACE = "known"
ITEM = "findings"
KEPT = 365 * 86400.0
"""Seconds after which a finding that was marked is asked about again."""
DECIDED_ELSEWHERE = frozenset(
    {
        "protection-ended",
        "protected-member-unknown",
        "protected-group-missing",
        "protected-org-unit-missing",
        "unit-elsewhere",
        "org-unit-missing",
        "org-unit-renamed",
        "group-missing",
        "exception-unknown",
        "removal-unconfirmed",
        "not-compared",
    }
)
"""Findings about protection, evidence and settings, which are answered where those are."""
MARKABLE = frozenset(MESSAGES) - DECIDED_ELSEWHERE


class KnownFinding(Struct, frozen=True):
    """A mark: `who` is an address as in the audit log, `at` in seconds since 1970 UTC."""

    key: str
    code: str
    who: str
    at: float


Known = Mapping[str, KnownFinding]
"""Marks by the key of their finding."""


class MarkStore(TenantStore, CacheStore, Protocol):
    """A store of cached items with an audit log."""


def finding_key(finding: Finding) -> str:
    """Return a hash of what the finding says, whatever its unit is called."""
    said = sorted(each for each in finding.values if each[0] != "unitName")
    data = msgspec.json.encode((finding.code, finding.subject, said))
    return sha256(data).hexdigest()[:24]


def load_known(store: CacheStore, tenant_id: str, now: float) -> Known:
    """Return the tenant's marks that are not older than KEPT. Raises StoreError."""
    item = store.get(Namespace(NAMESPACE, tenant_id), ITEM, now)
    if item is None:
        return {}
    try:
        found = msgspec.json.decode(item.data, type=tuple[KnownFinding, ...])
    except msgspec.MsgspecError:  # of another version: as if nothing was marked
        return {}
    return {each.key: each for each in found if now - each.at < KEPT}


def mark_known(
    store: MarkStore,
    tenant_id: str,
    code: str,
    keys: Iterable[str],
    *,
    who: str,
    clock: Callable[[], float],
) -> int:
    """Mark findings of one code, and log it; return how many were not marked. Raises StoreError."""
    now = clock()
    known = load_known(store, tenant_id, now)
    new = [KnownFinding(key, code, who, now) for key in dict.fromkeys(keys) if key not in known]
    _save(store, tenant_id, (*known.values(), *new), "finding.known", code, len(new), who, now)
    return len(new)


def unmark_known(
    store: MarkStore,
    tenant_id: str,
    code: str,
    keys: Iterable[str],
    *,
    who: str,
    clock: Callable[[], float],
) -> int:
    """Take back marks of one code, and log it; return how many there were. Raises StoreError."""
    now, gone = clock(), set(keys)
    known = load_known(store, tenant_id, now)
    left = [m for m in known.values() if m.key not in gone or m.code != code]
    taken = len(known) - len(left)
    _save(store, tenant_id, left, "finding.unknown", code, taken, who, now)
    return taken


def _save(
    store: MarkStore,
    tenant_id: str,
    marks: Iterable[KnownFinding],
    action: str,
    code: str,
    number: int,
    who: str,
    now: float,
) -> None:
    """Replace the marks and add an entry to the audit log, if `number` of them changed."""
    if number:
        data = msgspec.json.encode(tuple(marks))
        store.put(Namespace(NAMESPACE, tenant_id), ITEM, data, now, now + KEPT)
        store.append_audit(tenant_id, AuditEntry(new_entry_id(now), now, who, action, code))

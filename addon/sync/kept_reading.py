"""The last whole reading of a tenant, kept so that changes can be read alone, for a day at most.

It is kept only when nothing in it waits for evidence: what is not proven would look like a second
reading that agrees. Later changes are kept beside it, so that the large part is written once.
"""

import zlib
from collections.abc import Mapping
from hashlib import blake2b

import msgspec
from msgspec import Struct, structs

from addon.directory.snapshot import Snapshot, User
from addon.planning.protected_set import ProtectedSet
from addon.store.base import CacheStore
from addon.store.records import Namespace
from addon.sync.evidence import ConfirmedReading
from addon.tenants.model import Tenant

KEPT_FOR = 24 * 3600.0
"""Seconds for which a whole reading is kept."""
KIND = "whole"
WHOLE, CHANGES, DOCUMENT = "snapshot", "changes", "document"


class KeptReading(Struct, frozen=True):
    """A whole reading at `whole`, brought up to date. Times are seconds since 1970 UTC.

    `read` tells which known placements it belongs to, by their time. `scope` is a hash of what the
    document had read. `hidden` are the protected people then. `users` and `members` are what has
    been read since, which `snapshot` has.
    """

    whole: float
    read: float
    scope: bytes
    hidden: frozenset[str]
    snapshot: Snapshot
    users: dict[str, User | None] = {}
    members: dict[str, frozenset[str]] = {}


class _KeptChanges(Struct, frozen=True):
    """What was read since the whole reading `whole`.

    `users` are accounts, None for who is not there; `members` are those of groups by id.
    """

    whole: float
    read: float
    users: dict[str, User | None]
    members: dict[str, frozenset[str]] = {}


def scope_hash(tenant: Tenant) -> bytes:
    """Return a hash of all in the document that decides what is read and who is placed where."""
    about = (tenant.school_units, tenant.protected, tenant.customer_id, tenant.delegated_admin)
    return blake2b(msgspec.msgpack.encode(about), digest_size=16).digest()


def document_hash(tenant: Tenant) -> bytes:
    """Return a hash of the whole document."""
    return blake2b(msgspec.msgpack.encode(tenant), digest_size=16).digest()


def is_clean(found: ConfirmedReading) -> bool:
    """Whether nothing in a reading is in doubt or waits for evidence."""
    evidence, known = found.evidence, found.known
    waits = (
        evidence.unconfirmed.people,
        evidence.unconfirmed.groups,
        known.missing,
        evidence.emptied,
        evidence.held_back,
        evidence.needs_approval,
    )
    odd = (evidence.incomplete, evidence.doubtful, evidence.settling, evidence.unsettled)
    return not (any(waits) or any(odd) or found.snapshot.unread)


def keep_whole(
    store: CacheStore,
    tenant: Tenant,
    found: ConfirmedReading,
    protection: ProtectedSet,
    read: float,
    now: float,
) -> None:
    """Keep a whole reading, or forget the one before if nothing may be added to it.

    Raises StoreError.
    """
    if not is_clean(found):
        forget_reading(store, tenant.customer_id)
        return
    store.delete(_namespace(tenant.customer_id), CHANGES)
    kept = KeptReading(now, read, scope_hash(tenant), protection.hidden, found.snapshot)
    packed = zlib.compress(msgspec.msgpack.encode(kept), 3)
    store.put(_namespace(tenant.customer_id), WHOLE, packed, now, now + KEPT_FOR)
    document = document_hash(tenant)
    store.put(_namespace(tenant.customer_id), DOCUMENT, document, now, now + KEPT_FOR)


def forget_reading(store: CacheStore, tenant_id: str) -> None:
    """Forget the whole reading, so that the next is whole. Raises StoreError."""
    for name in (DOCUMENT, WHOLE, CHANGES):
        store.delete(_namespace(tenant_id), name)


def keep_changes(
    store: CacheStore,
    tenant_id: str,
    kept: KeptReading,
    users: dict[str, User | None],
    members: dict[str, frozenset[str]],
    read: float,
    now: float,
) -> None:
    """Keep the accounts and members of groups that a reading of changes at `read` found.

    Raises StoreError.
    """
    changes = _KeptChanges(kept.whole, read, {**kept.users, **users}, {**kept.members, **members})
    packed = zlib.compress(msgspec.msgpack.encode(changes), 3)
    store.put(_namespace(tenant_id), CHANGES, packed, now, kept.whole + KEPT_FOR)


def is_kept_for(store: CacheStore, tenant: Tenant, now: float) -> bool:
    """Whether a whole reading is kept, since which the document is the same. Raises StoreError."""
    item = store.get(_namespace(tenant.customer_id), DOCUMENT, now)
    return item is not None and item.data == document_hash(tenant)


def load_kept(store: CacheStore, tenant_id: str, now: float) -> KeptReading | None:
    """Return the kept reading, brought up to date; None if there is none. Raises StoreError."""
    item = store.get(_namespace(tenant_id), WHOLE, now)
    if item is None:
        return None
    try:
        kept = msgspec.msgpack.decode(zlib.decompress(item.data), type=KeptReading)
    except (zlib.error, msgspec.DecodeError):
        return None  # another version of the program has packed it
    changes = _changes(store, tenant_id, kept.whole, now)
    if changes is None:
        return kept
    snapshot = with_accounts(with_members(kept.snapshot, changes.members), changes.users)
    return structs.replace(
        kept,
        read=changes.read,
        snapshot=snapshot,
        users=changes.users,
        members=changes.members,
    )


def with_members(snapshot: Snapshot, members: Mapping[str, frozenset[str]]) -> Snapshot:
    """Return the snapshot with these members of the groups of these ids."""
    if not members:
        return snapshot
    groups = tuple(
        structs.replace(group, members=members[group.id]) if group.id in members else group
        for group in snapshot.groups
    )
    return structs.replace(snapshot, groups=groups)


def with_accounts(snapshot: Snapshot, accounts: dict[str, User | None]) -> Snapshot:
    """Return the snapshot with these accounts in place of those of the same ids.

    Who is None is not there, and a member of no group.
    """
    users = {user.id: user for user in snapshot.users}
    gone = {key for key, user in accounts.items() if user is None}
    for key, user in accounts.items():
        if user is None:
            users.pop(key, None)
        else:
            users[key] = user
    groups = tuple(
        group
        if group.members is None or group.members.isdisjoint(gone)
        else structs.replace(group, members=group.members - gone)
        for group in snapshot.groups
    )
    return structs.replace(
        snapshot, users=tuple(users[key] for key in sorted(users)), groups=groups
    )


def _changes(store: CacheStore, tenant_id: str, whole: float, now: float) -> _KeptChanges | None:
    item = store.get(_namespace(tenant_id), CHANGES, now)
    if item is None:
        return None
    try:
        changes = msgspec.msgpack.decode(zlib.decompress(item.data), type=_KeptChanges)
    except (zlib.error, msgspec.DecodeError):
        return None
    return changes if changes.whole == whole else None


def _namespace(tenant_id: str) -> Namespace:
    return Namespace(KIND, tenant_id)

"""The ledger of what a vendor has acknowledged. The store keeps it; it contains no names."""

import struct
from collections.abc import Iterable, Iterator, Sequence, Set
from hashlib import blake2b
from math import ceil
from typing import Literal, Protocol
from zlib import crc32

from msgspec import Struct

from addon.ss12000.resources import HASH_LENGTH, TYPES, ResourceType

OperationKind = Literal["create", "update", "delete"]


class LedgerKey(Struct, frozen=True):
    """The key of a ledger. The test and live modes of a connection have separate ledgers."""

    tenant: str
    vendor: str
    mode: Literal["test", "live"]


UNCERTAIN = b"?"
"""Stored instead of a content hash when a change was about to be sent and its answer is unknown."""
ASK_FIRST = b"~"
"""Stored for a resource to ask about before it is created, though no create of it was lost."""

LOOK_AFTER = 180.0
"""Seconds after which a vendor shows all that came of a create whose answer was lost.

A proxy may pass a request on a minute late, and a list may be a minute behind.
"""

_LOST, _DOUBTED, _REMOVED = b"!", b"+", b"-"
_TIME = struct.Struct(">I")
_MARK_LENGTH = 1 + _TIME.size


LEASE_SECONDS = 60.0
"""Seconds after which the lease of a ledger expires if its holder does not prolong it."""


def is_lease_current(until: float, now: float) -> bool:
    """Whether a lease that ends at `until` is held.

    One that ends more than twice its length ahead was taken by a clock that was wrong.
    """
    return now < until <= now + 2 * LEASE_SECONDS


class LedgerEntry(Struct, frozen=True, gc=False):
    """A resource that the vendor holds, or may hold.

    `content` is the hash of the acknowledged body. An entry with an empty `content` is pending: a
    create was about to be sent and its answer is unknown, so the vendor must be asked. `vendor_id`
    is the vendor's id, empty if the vendor returned none; then our externalId is used as the id.
    A `content` of UNCERTAIN equals no hash, so the resource is sent again.

    In place of a hash `content` can be a mark with a time, or a mark before the hash; `lost`,
    `doubted` and `removed` make them. All have other lengths than a hash.
    """

    vendor_id: str
    content: bytes

    @classmethod
    def lost(cls, vendor_id: str, until: float) -> "LedgerEntry":
        """Return a pending entry of a create that may have its effect as late as `until`."""
        return cls(vendor_id, _mark(_LOST, until))

    @classmethod
    def doubted(cls, vendor_id: str, content: bytes, until: float) -> "LedgerEntry":
        """Return an entry of which the vendor may have copies, which it shows from `until` on."""
        return cls(vendor_id, _mark(_DOUBTED, until) + content)

    @classmethod
    def removed(cls, until: float) -> "LedgerEntry":
        """Return a pending entry of what was deleted; copies may show up as late as `until`."""
        return cls("", _mark(_REMOVED, until))

    @property
    def hash(self) -> bytes:
        """The hash of the acknowledged body, or UNCERTAIN; of a pending entry, what equals none."""
        return self.content[_MARK_LENGTH:] if self.is_doubted else self.content

    @property
    def until(self) -> float | None:
        """The time of the mark in seconds since 1970 UTC; None without one."""
        if not (self.is_doubted or len(self.content) == _MARK_LENGTH):
            return None
        return float(_TIME.unpack(self.content[1:_MARK_LENGTH])[0])

    def is_settled(self, now: float) -> bool:
        """Whether the time of the mark is over; one too far ahead is of a clock that was wrong."""
        until = self.until
        return until is None or not now < until <= now + 2 * LOOK_AFTER

    @property
    def is_pending(self) -> bool:
        """Whether it is unknown if the vendor has the resource."""
        return self.content == ASK_FIRST or self.is_lost or self.is_removed

    @property
    def is_lost(self) -> bool:
        """Whether a create was sent, or about to be, and its answer is unknown."""
        return not self.content or self._has_only(_LOST)

    @property
    def is_removed(self) -> bool:
        """Whether it was deleted, and copies of it may show up."""
        return self._has_only(_REMOVED)

    @property
    def is_doubted(self) -> bool:
        """Whether the vendor has it, but may have copies of it as well."""
        length = len(self.content) - _MARK_LENGTH
        return self.content[:1] == _DOUBTED and length in (len(UNCERTAIN), HASH_LENGTH)

    @property
    def is_acknowledged(self) -> bool:
        """Whether the vendor has acknowledged a body, and nothing else was sent since."""
        return not self.is_pending and self.hash != UNCERTAIN

    def _has_only(self, mark: bytes) -> bool:
        return len(self.content) == _MARK_LENGTH and self.content[:1] == mark


def _mark(kind: bytes, until: float) -> bytes:
    return kind + _TIME.pack(min(max(0, ceil(until)), 2**32 - 1))


RESTS_AFTER = 3
"""The number of runs with a server error after which a resource rests as a refused one does."""


class Refusal(Struct, frozen=True):
    """An operation that the vendor has refused, or answered with a server error.

    `content` is the hash of the refused body; `detail` is the vendor's message, empty if it sent
    none; `at` is the time in seconds since 1970 UTC. `errors` is in how many runs in a row it was
    answered with a server error, 0 for a refusal.
    """

    operation: OperationKind
    content: bytes
    status: int
    detail: str
    at: float
    errors: int = 0

    @property
    def stands(self) -> bool:
        """Whether the operation is not tried again for a day."""
        return self.errors == 0 or self.errors >= RESTS_AFTER


LONGEST_KEY = 200


def is_resource_key(resource_type: str, external_id: str) -> bool:
    """Whether a ledger may have an entry for a resource: a known type, an id that can be sent.

    A resource without an externalId is nobody's: an entry for it would remove what others made.
    """
    return (
        resource_type in TYPES
        and 0 < len(external_id) <= LONGEST_KEY
        and external_id.isprintable()
        and external_id.strip() == external_id
        and "/" not in external_id
    )


def check_keys(changes: Iterable["LedgerChange"]) -> None:
    """Raise UnusableKeyError if a change would add an entry or a refusal under no usable key."""
    for change in changes:
        adds = change.entry is not None or change.refusal is not None
        if adds and not is_resource_key(change.resource_type, change.external_id):
            raise UnusableKeyError(change.resource_type, change.external_id)


SHARDS = 64
"""The number of shards, by externalId, in which a ledger is stored and compared."""


def shard_of(external_id: str) -> int:
    """Return the number of the shard of a ledger that a resource belongs to."""
    return crc32(external_id.encode()) % SHARDS


class OfOtherShards:
    """The externalIds that belong to other shards than these."""

    def __init__(self, shards: Set[int]) -> None:
        self._shards = shards

    def __contains__(self, external_id: object) -> bool:
        return shard_of(str(external_id)) not in self._shards


class UnreadShard(Struct, frozen=True):
    """A shard of a ledger that was not read: its digest, and the number of entries by type.

    It has no pending entries and no refusals.
    """

    digest: bytes
    counts: dict[ResourceType, int]


def digest_of(contents: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a 16-byte digest of resources given as (externalId, content hash), in any order."""
    whole = 0
    for external_id, content in contents:
        one = blake2b(content, digest_size=16, key=external_id.encode()).digest()
        whole ^= int.from_bytes(one)
    return whole.to_bytes(16)


class Ledger:
    """One connection's entries and refusals, in memory, as the store has them.

    A store may load only some shards at first. `unread` are the others by number; a shard need
    not be read if its digest equals that of the wanted resources.
    """

    def __init__(self) -> None:
        self.entries: dict[ResourceType, dict[str, LedgerEntry]] = {t: {} for t in TYPES}
        self.refusals: dict[ResourceType, dict[str, Refusal]] = {t: {} for t in TYPES}
        self.unread: dict[int, UnreadShard] = {}

    def apply(self, changes: Iterable["LedgerChange"]) -> None:
        """Apply changes in memory; they are written to the store separately."""
        for change in changes:
            entries, refusals = self.entries[change.resource_type], self.refusals
            if change.entry is not None:
                entries[change.external_id] = change.entry
            elif change.forget:
                entries.pop(change.external_id, None)
            if change.refusal is not None:
                refusals[change.resource_type][change.external_id] = change.refusal
            else:
                refusals[change.resource_type].pop(change.external_id, None)

    def acknowledged(self, resource_type: ResourceType) -> Iterator[tuple[str, str]]:
        """Yield (externalId, vendor's id) of what the vendor has acknowledged, the latest first."""
        for external_id, entry in reversed(self.entries[resource_type].items()):
            if entry.is_acknowledged:
                yield external_id, entry.vendor_id

    def people(self) -> int:
        """Return how many User resources the vendor holds or may hold."""
        return self.count("User")

    def count(self, resource_type: ResourceType) -> int:
        """Return how many resources of a type the vendor holds or may hold."""
        elsewhere = sum(part.counts.get(resource_type, 0) for part in self.unread.values())
        return len(self.entries[resource_type]) + elsewhere

    def without(self, removed: Set[str]) -> "Ledger":
        """Return a copy, to count in, without the entries of these externalIds."""
        found = Ledger()
        found.unread, found.refusals = self.unread, self.refusals
        for kind, entries in self.entries.items():
            found.entries[kind] = {i: each for i, each in entries.items() if i not in removed}
        return found

    def looks_until(self) -> float | None:
        """Return when copies of what was deleted have shown up, if nothing else is left.

        In seconds since 1970 UTC; None if the ledger is empty or has anything else.
        """
        entries = [entry for found in self.entries.values() for entry in found.values()]
        if self.unread or not all(entry.is_removed for entry in entries):
            return None
        return max((entry.until or 0.0 for entry in entries), default=None)

    def __len__(self) -> int:
        return sum(self.count(resource_type) for resource_type in TYPES)

    def refused(self) -> Iterator[tuple[ResourceType, str, Refusal]]:
        """Yield all refusals that stand."""
        for resource_type, refusals in self.refusals.items():
            for external_id, refusal in refusals.items():
                if refusal.stands:
                    yield resource_type, external_id, refusal


class LedgerChange(Struct, frozen=True, gc=False):
    """A change to the ledger of one resource: its new entry, its removal, or a refusal.

    A change without a refusal removes an earlier refusal.
    """

    resource_type: ResourceType
    external_id: str
    entry: LedgerEntry | None = None
    forget: bool = False
    refusal: Refusal | None = None


class LedgerWriteError(Exception):
    """Writing to the ledger failed; the message says where and why."""


class UnusableKeyError(LedgerWriteError):
    """An entry without a usable externalId, or of an unknown type, was about to be saved."""

    def __init__(self, resource_type: str, external_id: str) -> None:
        super().__init__(f"no entry of a ledger can be {resource_type!r} {external_id!r}")


class LedgerRecorder(Protocol):
    """The interface to write ledgers; every store implements it."""

    def record(self, key: LedgerKey, changes: Sequence[LedgerChange], holder: str = "") -> None:
        """Save changes, all or none, if `holder` has the lease.

        Raises LedgerWriteError, and UnusableKeyError for a change that `check_keys` refuses.
        """

"""The ledger of what a vendor has acknowledged. The store keeps it; it contains no names."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Literal, Protocol
from zlib import crc32

from msgspec import Struct

from addon.ss12000.resources import TYPES, ResourceType

OperationKind = Literal["create", "update", "delete"]


class LedgerKey(Struct, frozen=True):
    """The key of a ledger. The test and live modes of a connection have separate ledgers."""

    tenant: str
    vendor: str
    mode: Literal["test", "live"]


UNCERTAIN = b"?"
"""Stored instead of a content hash when a change was about to be sent and its answer is unknown."""


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
    """

    vendor_id: str
    content: bytes

    @property
    def is_pending(self) -> bool:
        """Whether it is unknown if the vendor has the resource."""
        return not self.content


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
            if entry.content not in (b"", UNCERTAIN):
                yield external_id, entry.vendor_id

    def people(self) -> int:
        """Return how many User resources the vendor holds or may hold."""
        return self.count("User")

    def count(self, resource_type: ResourceType) -> int:
        """Return how many resources of a type the vendor holds or may hold."""
        elsewhere = sum(part.counts.get(resource_type, 0) for part in self.unread.values())
        return len(self.entries[resource_type]) + elsewhere

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

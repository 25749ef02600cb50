"""What a vendor has acknowledged, as values. The store keeps them; no names are in them."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Literal, Protocol
from zlib import crc32

from msgspec import Struct

from addon.ss12000.resources import TYPES, ResourceType

OperationKind = Literal["create", "update", "delete"]


class LedgerKey(Struct, frozen=True):
    """Whose ledger: test and live have one each."""

    tenant: str
    vendor: str
    mode: Literal["test", "live"]


UNCERTAIN = b"?"
"""Stands where a hash would: a change was about to be sent, and no answer is known."""


class LedgerEntry(Struct, frozen=True, gc=False):
    """A resource that the vendor holds, or may hold.

    `content` is the hash of what it acknowledged. An empty `content` is an intent: a create
    was about to be sent and no answer is known, so the vendor must be asked. `vendor_id` is
    the vendor's id, empty where it told none: then it goes by our externalId. A `content`
    of UNCERTAIN is like no other: whatever is wanted of the resource is sent again.
    """

    vendor_id: str
    content: bytes

    @property
    def intended(self) -> bool:
        """Whether it is not known if the vendor has it."""
        return not self.content


class Refusal(Struct, frozen=True):
    """A resource that the vendor does not take as it is.

    `content` is the hash of what was refused; `at` is when, in seconds since 1970 UTC.
    """

    operation: OperationKind
    content: bytes
    status: int
    detail: str
    at: float


SHARDS = 64
"""In how many parts a ledger is kept and compared, by externalId."""


def shard_of(external_id: str) -> int:
    """The part of a ledger that a resource belongs to."""
    return crc32(external_id.encode()) % SHARDS


class UnreadShard(Struct, frozen=True):
    """A part of a ledger that was not read: its digest, and how many entries of each type.

    Nothing in it has to be asked about or tried again.
    """

    digest: bytes
    counts: dict[ResourceType, int]


def digest_of(contents: Iterable[tuple[str, bytes]]) -> bytes:
    """What stands for resources, given as (externalId, hash of content), in any order."""
    whole = 0
    for external_id, content in contents:
        one = blake2b(content, digest_size=16, key=external_id.encode()).digest()
        whole ^= int.from_bytes(one)
    return whole.to_bytes(16)


class Ledger:
    """One connection's entries and refusals, in memory, as the store has them.

    A store may give a part of it at first: `unread` are the shards that it kept back, which
    need not be read where their digest is that of what is wanted.
    """

    def __init__(self) -> None:
        self.entries: dict[ResourceType, dict[str, LedgerEntry]] = {t: {} for t in TYPES}
        self.refusals: dict[ResourceType, dict[str, Refusal]] = {t: {} for t in TYPES}
        self.unread: dict[int, UnreadShard] = {}

    def apply(self, changes: Iterable["LedgerChange"]) -> None:
        """Make the changes that the store has been given."""
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

    def people(self) -> int:
        """How many User resources the vendor holds or may hold."""
        return self.count("User")

    def count(self, resource_type: ResourceType) -> int:
        """How many resources of a type the vendor holds or may hold."""
        elsewhere = sum(part.counts.get(resource_type, 0) for part in self.unread.values())
        return len(self.entries[resource_type]) + elsewhere

    def __len__(self) -> int:
        return sum(self.count(resource_type) for resource_type in TYPES)

    def refused(self) -> Iterator[tuple[ResourceType, str, Refusal]]:
        """All standing refusals."""
        for resource_type, refusals in self.refusals.items():
            for external_id, refusal in refusals.items():
                yield resource_type, external_id, refusal


class LedgerChange(Struct, frozen=True, gc=False):
    """One thing to remember about a resource: its new entry, that it is gone, or a refusal.

    A change without a refusal ends an earlier one.
    """

    resource_type: ResourceType
    external_id: str
    entry: LedgerEntry | None = None
    forget: bool = False
    refusal: Refusal | None = None


class LedgerWriteError(Exception):
    """What a vendor has acknowledged could not be kept; the message says where and why."""


class LedgerKeeper(Protocol):
    """What keeps ledgers; every store is one."""

    def record(self, key: LedgerKey, changes: Sequence[LedgerChange], holder: str = "") -> None:
        """Remember changes, all or none, if `holder` has the lease. Raises LedgerWriteError."""

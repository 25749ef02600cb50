"""Pack ledgers into a few compressed documents with many entries each.

A shard contains the entries and refusals whose externalIds belong to it. A change set contains the
changes of one write to the ledger. Both have ids, hashes and the vendor's messages on refusals.
"""

import zlib
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct, structs

from addon.planning.ledger import LedgerChange, LedgerEntry, Refusal
from addon.ss12000.resources import ResourceType
from addon.store.base import StoreError

MOST_BYTES = 900_000
"""The maximum size of the packed data in a document; Firestore's own limit is 1 MiB."""

CHANGES_A_DOCUMENT = 4000


class Shard(Struct, array_like=True, frozen=True):
    """The entries and refusals of one shard."""

    entries: dict[ResourceType, dict[str, LedgerEntry]] = {}
    refusals: dict[ResourceType, dict[str, Refusal]] = {}

    def changed(self, changes: Iterable[LedgerChange]) -> "Shard":
        """Return the shard after `changes`, which must belong to it."""
        entries = {kind: dict(found) for kind, found in self.entries.items()}
        refusals = {kind: dict(found) for kind, found in self.refusals.items()}
        for change in changes:
            kind, external_id = change.resource_type, change.external_id
            if change.entry is not None:
                entries.setdefault(kind, {})[external_id] = change.entry
            elif change.forget:
                entries.get(kind, {}).pop(external_id, None)
            if change.refusal is not None:
                refusals.setdefault(kind, {})[external_id] = change.refusal
            else:
                refusals.get(kind, {}).pop(external_id, None)
        return Shard(entries, refusals)

    def terse(self, longest: int) -> "Shard":
        """Return the shard with the vendor's messages cut to `longest` characters."""
        return Shard(
            self.entries,
            {
                kind: {i: structs.replace(r, detail=r.detail[:longest]) for i, r in found.items()}
                for kind, found in self.refusals.items()
            },
        )

    @property
    def settled(self) -> bool:
        """Whether it has no refusals and no pending entries."""
        return not any(self.refusals.values()) and not any(
            entry.is_pending for entries in self.entries.values() for entry in entries.values()
        )


class NotPacked(StoreError):
    """A value cannot be stored as a document."""


_shards = msgspec.msgpack.Decoder(Shard)
_changes = msgspec.msgpack.Decoder(list[LedgerChange])
_encoder = msgspec.msgpack.Encoder()


def pack_shard(shard: Shard) -> bytes:
    """Pack a shard, with the vendor's messages cut if it is too large. Raises NotPacked."""
    for longest in (None, 80, 0):
        packed = _packed(shard if longest is None else shard.terse(longest))
        if len(packed) <= MOST_BYTES:
            return packed
    raise NotPacked(f"a part of a ledger is too large for a document: {len(packed)} bytes")


def unpack_shard(packed: bytes) -> Shard:
    """Unpack a shard."""
    return _shards.decode(zlib.decompress(packed))


def pack_changes(changes: Sequence[LedgerChange]) -> list[bytes]:
    """Pack changes in order, one item for each document needed. Raises NotPacked."""
    starts = range(0, len(changes), CHANGES_A_DOCUMENT)
    return [p for n in starts for p in _halved(changes[n : n + CHANGES_A_DOCUMENT])]


def unpack_changes(packed: bytes) -> list[LedgerChange]:
    """Unpack a change set."""
    return _changes.decode(zlib.decompress(packed))


def _halved(changes: Sequence[LedgerChange]) -> list[bytes]:
    packed = _packed(changes)
    if len(packed) <= MOST_BYTES:
        return [packed]
    if len(changes) == 1:
        raise NotPacked(f"a change is too large for a document: {len(packed)} bytes")
    middle = len(changes) // 2
    return _halved(changes[:middle]) + _halved(changes[middle:])


def _packed(value: object) -> bytes:
    try:
        return zlib.compress(_encoder.encode(value), 6)
    except (TypeError, ValueError) as error:
        raise NotPacked(f"a part of a ledger cannot be kept ({error})") from None

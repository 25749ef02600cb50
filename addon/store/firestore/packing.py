"""Ledgers packed into few, small documents: many entries each, compressed.

A shard holds the entries and refusals whose externalIds fall in it. A change set is what one
write to the ledger said. Both hold ids and hashes, and the vendor's words on refusals.
"""

import zlib
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct, structs

from addon.planning.ledger import LedgerChange, LedgerEntry, Refusal
from addon.ss12000.resources import ResourceType
from addon.store.base import StoreError

MOST_BYTES = 900_000
"""What a document may hold, packed; Firestore's own limit is 1 MiB."""

CHANGES_A_DOCUMENT = 4000


class Shard(Struct, array_like=True, frozen=True):
    """The entries and refusals of one shard."""

    entries: dict[ResourceType, dict[str, LedgerEntry]] = {}
    refusals: dict[ResourceType, dict[str, Refusal]] = {}

    def changed(self, changes: Iterable[LedgerChange]) -> "Shard":
        """The shard with changes made, which must be of it."""
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
        """The shard with the vendor's words on refusals cut short."""
        return Shard(
            self.entries,
            {
                kind: {i: structs.replace(r, detail=r.detail[:longest]) for i, r in found.items()}
                for kind, found in self.refusals.items()
            },
        )

    @property
    def settled(self) -> bool:
        """Whether nothing in it has to be asked about or tried again."""
        return not any(self.refusals.values()) and not any(
            entry.is_pending for entries in self.entries.values() for entry in entries.values()
        )


class NotPacked(StoreError):
    """Something cannot be a document of the store."""


_shards = msgspec.msgpack.Decoder(Shard)
_changes = msgspec.msgpack.Decoder(list[LedgerChange])
_encoder = msgspec.msgpack.Encoder()


def pack_shard(shard: Shard) -> bytes:
    """A shard as bytes, with less of the vendor's words if need be. Raises NotPacked."""
    for longest in (None, 80, 0):
        packed = _packed(shard if longest is None else shard.terse(longest))
        if len(packed) <= MOST_BYTES:
            return packed
    raise NotPacked(f"a part of a ledger is too large for a document: {len(packed)} bytes")


def unpack_shard(packed: bytes) -> Shard:
    """A shard from bytes."""
    return _shards.decode(zlib.decompress(packed))


def pack_changes(changes: Sequence[LedgerChange]) -> list[bytes]:
    """Changes in order, as bytes for as many documents as they need. Raises NotPacked."""
    starts = range(0, len(changes), CHANGES_A_DOCUMENT)
    return [p for n in starts for p in _halved(changes[n : n + CHANGES_A_DOCUMENT])]


def unpack_changes(packed: bytes) -> list[LedgerChange]:
    """A change set from bytes."""
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

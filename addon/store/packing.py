"""Ledgers packed into few, small documents: many entries each, compressed.

A shard holds the entries and refusals whose externalIds fall in it. A change set is what one
write to the ledger said. Both hold ids and hashes, and the vendor's words on refusals.
"""

import zlib
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from addon.delivery.ledger import Change, Entry, Refusal
from addon.ss12000.resources import ResourceType
from addon.store import StoreError

MOST_BYTES = 900_000
"""What a document may hold, packed; Firestore's own limit is 1 MiB."""


class Shard(Struct, array_like=True):
    """The entries and refusals of one shard."""

    entries: dict[ResourceType, dict[str, Entry]] = {}
    refusals: dict[ResourceType, dict[str, Refusal]] = {}

    def apply(self, changes: Iterable[Change]) -> None:
        """Make the changes, which must be of this shard."""
        for change in changes:
            kind, external_id = change.resource_type, change.external_id
            if change.entry is not None:
                self.entries.setdefault(kind, {})[external_id] = change.entry
            elif change.forget:
                self.entries.get(kind, {}).pop(external_id, None)
            if change.refusal is not None:
                self.refusals.setdefault(kind, {})[external_id] = change.refusal
            else:
                self.refusals.get(kind, {}).pop(external_id, None)

    @property
    def settled(self) -> bool:
        """Whether nothing in it has to be asked about or tried again."""
        return not any(self.refusals.values()) and not any(
            entry.intended for entries in self.entries.values() for entry in entries.values()
        )


class NotPacked(StoreError):
    """Something cannot be a document of the store."""


_shards = msgspec.msgpack.Decoder(Shard)
_changes = msgspec.msgpack.Decoder(list[Change])
_encoder = msgspec.msgpack.Encoder()


def pack_shard(shard: Shard) -> bytes:
    """A shard as bytes. Raises NotPacked."""
    return _packed(shard)


def unpack_shard(packed: bytes) -> Shard:
    """A shard from bytes."""
    return _shards.decode(zlib.decompress(packed))


def pack_changes(changes: Sequence[Change]) -> bytes:
    """A change set as bytes. Raises NotPacked."""
    return _packed(changes)


def unpack_changes(packed: bytes) -> list[Change]:
    """A change set from bytes."""
    return _changes.decode(zlib.decompress(packed))


def _packed(value: object) -> bytes:
    try:
        packed = zlib.compress(_encoder.encode(value), 6)
    except (TypeError, ValueError) as error:
        raise NotPacked(f"a part of a ledger cannot be kept ({error})") from None
    if len(packed) > MOST_BYTES:
        raise NotPacked(f"a part of a ledger is too large for a document: {len(packed)} bytes")
    return packed

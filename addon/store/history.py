"""The store of what deliveries did, and the form in which each store keeps it."""

import zlib
from collections.abc import Sequence, Set
from typing import Protocol

import msgspec

from addon.planning.history import DeliveryHistory, HistoryEntry

HISTORY_KEPT = 400 * 86400.0
"""Seconds after which history is removed in any case; before that with the record of its run."""


class HistoryStore(Protocol):
    """What each delivery did to whom, by ids. Raises StoreError."""

    def add_history(self, parts: Sequence[DeliveryHistory]) -> None:
        """Save what a delivery did. It is kept as long as the record of its run."""

    def history_of_run(self, tenant: str, run: str) -> list[DeliveryHistory]:
        """Return what the deliveries of a run did, the newest first."""

    def history_about(self, tenant: str, subject: str, limit: int) -> list[DeliveryHistory]:
        """Return the newest parts that have something about a subject, the newest first.

        For subjects see `addon.planning.history`. At most `limit` parts are read.
        """

    def forget_history(self, tenant: str, people: Set[str]) -> None:
        """Remove these people, by externalId, from all history of the tenant."""


def packed_entries(history: DeliveryHistory) -> bytes:
    """Return the entries as a store keeps them."""
    return zlib.compress(msgspec.msgpack.encode(history.entries))


_DECODER = msgspec.msgpack.Decoder(tuple[HistoryEntry, ...])


def unpacked_entries(packed: bytes) -> tuple[HistoryEntry, ...]:
    """Return the entries that a store has kept."""
    return _DECODER.decode(zlib.decompress(packed))

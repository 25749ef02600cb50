"""The shards of ledgers in Firestore, with a cache for each version of a ledger."""

from collections.abc import Set
from threading import Lock

from cachetools import LRUCache
from msgspec import Struct

from addon.planning.ledger import LedgerKey, digest_of
from addon.ss12000.resources import ResourceType
from addon.store.firestore.client import Documents, FoundDocument, Path
from addon.store.firestore.connection import ShardSummary, connection_path
from addon.store.firestore.packing import Shard, unpack_shard

REMEMBERED = 256
"""The approximate number of shards kept in memory: four whole ledgers."""

Kept = tuple[FoundDocument, Shard]
"""A shard's document and its content; must not be modified."""


class _Read(Struct):
    version: int
    shards: dict[int, Kept]


class Shards:
    """The shards of all connections. Thread-safe."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._lock = Lock()
        self._read: LRUCache[LedgerKey, _Read] = LRUCache(REMEMBERED, lambda read: len(read.shards))

    def get(
        self, key: LedgerKey, version: int, numbers: Set[int], there: Set[int]
    ) -> dict[int, Kept]:
        """Return the shards `numbers` of a ledger at `version`; only those in `there` exist."""
        with self._lock:
            read = self._read.get(key)
            found = dict(read.shards) if read is not None and read.version == version else {}
        missing = sorted((numbers & there) - found.keys())
        documents = self._documents.get_all([shard_path(key, n) for n in missing])
        for n, document in zip(missing, documents, strict=True):
            packed = (document.fields or {}).get("packed")
            bare = FoundDocument(document.path, None if packed is None else {}, document.updated)
            found[n] = (bare, Shard() if packed is None else unpack_shard(packed))
        if missing:
            self._remember(key, version, found)
        for n in numbers - there:
            found[n] = (FoundDocument(shard_path(key, n), None, None), Shard())
        return {n: found[n] for n in sorted(numbers)}

    def forget(self, key: LedgerKey) -> None:
        """Remove the connection's shards from the cache."""
        with self._lock:
            self._read.pop(key, None)

    def _remember(self, key: LedgerKey, version: int, shards: dict[int, Kept]) -> None:
        with self._lock:
            self._read[key] = _Read(version, dict(shards))


def shard_path(key: LedgerKey, number: int) -> Path:
    """Return the path of a shard's document."""
    return (*connection_path(key), "shards", f"{number:02}")


def summary(shard: Shard) -> ShardSummary:
    """Return the summary of a shard for the connection's document."""
    counts: dict[ResourceType, int] = {k: len(e) for k, e in shard.entries.items() if e}
    if not shard.settled:
        return ShardSummary(None, counts)
    contents = ((i, e.content) for entries in shard.entries.values() for i, e in entries.items())
    return ShardSummary(digest_of(contents), counts)

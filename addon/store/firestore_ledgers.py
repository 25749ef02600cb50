"""Ledgers in Firestore: packed into shards, written through a journal, guarded by a lease.

A connection is one small document with what is needed to see that nothing has changed: for
each shard a digest and counts. While a run has the lease its changes go to a journal, one
document a batch; when it lets go they are packed into the shards they belong to. A journal
that was left behind by a process that died is packed by the next run to take the lease.
Every journal document is created in a transaction that reads the lease, and every shard is
written on condition that it is as it was read, so two writers cannot lose each other's entries.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence, Set
from datetime import UTC, datetime, timedelta
from threading import Lock

import msgspec
from msgspec import Struct

from addon.delivery.ledger import (
    Change,
    Key,
    Ledger,
    Unread,
    digest_of,
    shard_of,
)
from addon.ss12000.resources import ResourceType
from addon.store import LeaseLost
from addon.store.documents import Documents, Fields, Found, Overtaken, Path, Write
from addon.store.holder import is_dead
from addon.store.packing import Shard, pack_changes, pack_shard, unpack_changes, unpack_shard

CHANGES_A_DOCUMENT = 4000
JOURNAL_KEPT = timedelta(days=7)
NOBODY_KNOWN = "?"
REMEMBERED = 4
"""For how many connections the shards that were read last are kept in memory."""


class Summary(Struct, frozen=True):
    """What the connection's document says of a shard. No digest: it must always be read."""

    digest: bytes | None
    counts: dict[ResourceType, int]


class Connection(Struct, frozen=True):
    """A connection's document. `open` while a run writes; its journal begins at `journal`."""

    epoch: int = 0
    open: bool = False
    journal: int = 0
    holder: str = ""
    until: float = 0.0
    shards: dict[str, Summary] = {}

    @classmethod
    def of(cls, found: Found) -> "Connection":
        """The document as a value; a new one where there is none."""
        packed = (found.fields or {}).get("ledger")
        return cls() if packed is None else msgspec.msgpack.decode(packed, type=cls)

    def fields(self) -> Fields:
        """The value as the document's fields; those of holds and approvals are others."""
        return {"ledger": msgspec.msgpack.encode(self), "open": self.open}


class _Read(Struct):
    """The shards of a connection that were read at an epoch, and what is new since then."""

    epoch: int
    shards: dict[int, tuple[Found, Shard]]
    written: list[Change] = []
    sequence: int = 0


class Ledgers:
    """The ledgers and leases of all connections."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._lock = Lock()
        self._read: OrderedDict[Key, _Read] = OrderedDict()

    # Reading

    def part(self, key: Key, found: Found) -> Ledger:
        """The ledger without its settled shards, given the connection's document."""
        connection = Connection.of(found)
        changes = self._journal(key, connection) if connection.open else []
        touched = {shard_of(change.external_id) for change in changes}
        known = {int(n): summary for n, summary in connection.shards.items()}
        ledger = Ledger()
        ledger.unread = {
            n: Unread(s.digest, s.counts)
            for n, s in known.items()
            if s.digest is not None and n not in touched
        }
        self._fill(key, connection.epoch, ledger, known.keys() - ledger.unread.keys())
        ledger.apply(changes)
        return ledger

    def load(self, key: Key, ledger: Ledger, shards: Set[int]) -> None:
        """Read more shards into a ledger."""
        wanted = ledger.unread.keys() & shards
        if wanted:
            with self._lock:
                read = self._read.get(key)
            self._fill(key, read.epoch if read is not None else -1, ledger, wanted)
            for n in wanted:
                ledger.unread.pop(n)

    def _fill(self, key: Key, epoch: int, ledger: Ledger, shards: Set[int]) -> None:
        for shard in self._shards(key, epoch, shards).values():
            for kind, entries in shard[1].entries.items():
                ledger.entries[kind].update(entries)
            for kind, refusals in shard[1].refusals.items():
                ledger.refusals[kind].update(refusals)

    def _shards(
        self, key: Key, epoch: int, numbers: Iterable[int]
    ) -> dict[int, tuple[Found, Shard]]:
        """Shards, from memory where they were read at the same epoch."""
        wanted = sorted(numbers)
        with self._lock:
            read = self._read.get(key)
            if read is None or read.epoch != epoch:
                read = self._read[key] = _Read(epoch, {})
            self._read.move_to_end(key)
            while len(self._read) > REMEMBERED and next(iter(self._read)) != key:
                if next(iter(self._read.values())).written:
                    break  # a run is writing it: it is needed until the lease is let go of
                self._read.popitem(last=False)
        missing = [n for n in wanted if n not in read.shards]
        for n, found in zip(
            missing, self._documents.get_all([_shard(key, n) for n in missing]), strict=True
        ):
            packed = (found.fields or {}).get("packed")
            read.shards[n] = (found, Shard() if packed is None else unpack_shard(packed))
        return {n: read.shards[n] for n in wanted}

    def _journal(self, key: Key, connection: Connection) -> list[Change]:
        found = self._documents.after((*_path(key), "journal"), f"{connection.journal:010}")
        return [c for one in found if one.fields for c in unpack_changes(one.fields["packed"])]

    # Writing

    def record(self, key: Key, changes: Sequence[Change], holder: str) -> None:
        """Put changes in the journal, if `holder` has the lease. Raises LeaseLost."""
        starts = range(0, len(changes), CHANGES_A_DOCUMENT)
        packed = [pack_changes(changes[n : n + CHANGES_A_DOCUMENT]) for n in starts]
        read = self._held(key)
        expires = datetime.now(UTC) + JOURNAL_KEPT

        def write(found: Found) -> tuple[bool, list[Write]]:
            connection = Connection.of(found)
            if connection.holder != holder or read is None or read.epoch != connection.epoch:
                return False, []
            journal, absent = (*_path(key), "journal"), Found((), None, None)
            return True, [
                Write(
                    (*journal, f"{connection.epoch:010}-{read.sequence + n:06}"),
                    {"packed": part, "expires": expires},
                    known=absent,
                )
                for n, part in enumerate(packed)
            ]

        try:
            ours = self._documents.transact(_path(key), write)
        except Overtaken:
            ours = False
        if not ours or read is None:
            raise LeaseLost(key)
        read.sequence += len(packed)
        read.written.extend(changes)

    def acquire(self, key: Key, holder: str, until: float, now: float) -> str | None:
        """Take the lease or put off its end; see `Store.acquire`."""

        def take(found: Found) -> tuple[str | tuple[Connection, Connection], list[Write]]:
            before = Connection.of(found)
            free = not before.holder or before.until <= now or is_dead(before.holder)
            if before.holder != holder and not free:
                return before.holder, []
            ours = before.holder == holder
            after = Connection(
                epoch=before.epoch if ours else before.epoch + 1,
                open=True,
                journal=before.journal if before.open else before.epoch + 1,
                holder=holder,
                until=until,
                shards=before.shards,
            )
            return (before, after), [Write(_path(key), after.fields(), merge=True)]

        seen = take(self._documents.get(_path(key)))[0]
        if isinstance(seen, str):
            return seen  # without a transaction, in which many starters would hinder each other
        try:
            taken = self._documents.transact(_path(key), take)
        except Overtaken:
            return "|".join((NOBODY_KNOWN,) * 4)
        if isinstance(taken, str):
            return taken
        before, after = taken
        if before.holder != holder:
            self._begin(key, before, after)
        return None

    def _begin(self, key: Key, before: Connection, after: Connection) -> None:
        """What a new holder does first: pack what a process that died has left behind."""
        with self._lock:
            read = self._read.get(key)
            if read is not None and read.epoch == before.epoch and not before.open:
                self._read[key] = _Read(after.epoch, read.shards)
            else:
                self._read[key] = _Read(after.epoch, {})
        if before.open:
            self._pack(key, after, self._journal(key, before), after.holder, after.until)

    def release(self, key: Key, holder: str) -> None:
        """Pack what was written and let go of the lease, if it is still `holder`'s."""
        found = self._documents.get(_path(key))
        connection = Connection.of(found)
        read = self._held(key)
        if connection.holder != holder or read is None or read.epoch != connection.epoch:
            return
        self._pack(key, connection, read.written, "", 0.0)
        with self._lock:
            self._read.pop(key, None)

    def _pack(
        self, key: Key, connection: Connection, changes: Sequence[Change], holder: str, until: float
    ) -> None:
        """Write the changed shards, then the connection's document; its journal ends there."""
        by_shard: dict[int, list[Change]] = {}
        for change in changes:
            by_shard.setdefault(shard_of(change.external_id), []).append(change)
        shards = self._shards(key, connection.epoch, by_shard)
        writes = []
        summaries = dict(connection.shards)
        for n, (found, shard) in shards.items():
            shard.apply(by_shard[n])
            writes.append(Write(_shard(key, n), {"packed": pack_shard(shard)}, known=found))
            summaries[str(n)] = _summary(shard)
        after = Connection(
            epoch=connection.epoch,
            open=bool(holder),
            journal=connection.epoch,
            holder=holder,
            until=until,
            shards=summaries,
        )

        def finish(found: Found) -> tuple[bool, list[Write]]:
            ours = Connection.of(found).epoch == connection.epoch
            return ours, [Write(_path(key), after.fields(), merge=True)] if ours else []

        try:
            self._documents.write(writes)
        except Overtaken:
            raise LeaseLost(key) from None
        if not self._documents.transact(_path(key), finish):
            raise LeaseLost(key)
        with self._lock:
            if holder:
                self._read[key] = _Read(connection.epoch, {})

    def _held(self, key: Key) -> _Read | None:
        with self._lock:
            return self._read.get(key)


def _path(key: Key) -> Path:
    return ("tenants", key.tenant, "connections", f"{key.vendor}.{key.mode}")


def _shard(key: Key, number: int) -> Path:
    return (*_path(key), "shards", f"{number:02}")


def _summary(shard: Shard) -> Summary:
    counts: dict[ResourceType, int] = {k: len(e) for k, e in shard.entries.items() if e}
    if not shard.settled:
        return Summary(None, counts)
    contents = ((i, e.content) for entries in shard.entries.values() for i, e in entries.items())
    return Summary(digest_of(contents), counts)


def connection_path(key: Key) -> Path:
    """Where a connection's document is."""
    return _path(key)

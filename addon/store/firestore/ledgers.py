"""Ledgers in Firestore: packed into shards, written through a journal, guarded by a lease.

A connection is one small document that suffices to check that nothing has changed: it has a digest
and counts for each shard. While a run has the lease its changes are written to a journal, one
document per batch; when it releases the lease they are packed into their shards. The journal of a
process that died is packed by the next run that takes the lease.

Two writers cannot lose each other's entries: shards are only written in a commit that also writes
the connection's document on the condition that it is unchanged since it was read, and a run that
takes over a lease seals its journal. No transaction waits for another.
"""

import random
import time
from collections.abc import Sequence, Set
from contextlib import suppress
from threading import Lock
from time import monotonic
from uuid import uuid4

from msgspec import Struct, field

from addon.planning.ledger import Ledger, LedgerChange, LedgerKey, UnreadShard, shard_of
from addon.store.base import LeaseLost, StoreError
from addon.store.firestore.client import (
    ATTEMPTS,
    Documents,
    DocumentWrite,
    Fields,
    FoundDocument,
    PreconditionFailed,
    parts,
)
from addon.store.firestore.connection import ConnectionDocument, ShardSummary, connection_path
from addon.store.firestore.journal import LedgerJournal, changes_of, own_pages
from addon.store.firestore.packing import pack_shard
from addon.store.firestore.shards import Shards, shard_path, summary
from addon.store.process_identity import process_holder

FRESH = 2.0
"""Seconds for which a connection's document is as it was when its lease was taken."""
LATE = 60.0
"""Seconds after the end of a lease from which `tidy` considers its holder dead."""

NOBODY_KNOWN = "?|?|?|?"
"""The holder of a lease that another has, when it is unknown who."""


class _PartialLedger(Ledger):
    """A ledger returned by `part`, with the version and existing shards of its connection."""

    def __init__(self, connection: ConnectionDocument) -> None:
        super().__init__()
        self.version = connection.version
        self.existing_shards = _shard_numbers(connection)


class _HeldLease(Struct):
    """A lease that this process has taken, and the changes written under it.

    `found` is the connection's document as it was last written. `number` is the number of the
    next journal page. `sure` is whether `written` is all that is in the journal, which is unknown
    after a failed write. `over` is whether the lease has ended, `trusted` whether the ledger is
    the vendor's again after it was restored. `fresh` is the document as it was when the lease was
    taken, at a time of `time.monotonic`, until it is used. `fields` are written with the release.
    """

    holder: str
    epoch: int
    found: FoundDocument
    written: list[LedgerChange] = field(default_factory=list)
    number: int = 0
    sure: bool = True
    over: bool = False
    trusted: bool = False
    fresh: tuple[FoundDocument, float] | None = None
    fields: Fields = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)


class Ledgers:
    """The ledgers and leases of all connections. Thread-safe."""

    def __init__(self, documents: Documents, database: str) -> None:
        self._documents = documents
        self._database = database
        self._shards = Shards(documents)
        self._journals = LedgerJournal(documents)
        self._leases: dict[tuple[LedgerKey, str], _HeldLease] = {}

    # Reading

    def part(self, key: LedgerKey, found: FoundDocument) -> Ledger:
        """Return the ledger without its settled shards; `found` is the connection's document."""
        connection, changes = self._unpacked(key, found)
        touched = {shard_of(change.external_id) for change in changes}
        ledger = _PartialLedger(connection)
        always = set(touched)
        for name, said in connection.shards.items():
            n = int(name)
            if said.digest is None:
                always.add(n)
            elif said.counts and n not in touched:
                ledger.unread[n] = UnreadShard(said.digest, said.counts)
        self._fill(key, ledger, always)
        ledger.apply(changes)
        return ledger

    def load(self, key: LedgerKey, ledger: Ledger, shards: Set[int]) -> None:
        """Read more shards into a ledger returned by `part`."""
        wanted = ledger.unread.keys() & shards
        if wanted and isinstance(ledger, _PartialLedger):
            self._fill(key, ledger, wanted)
            for n in wanted:
                ledger.unread.pop(n)

    def _fill(self, key: LedgerKey, ledger: _PartialLedger, shards: Set[int]) -> None:
        for _, shard in self._shards.get(
            key, ledger.version, shards, ledger.existing_shards
        ).values():
            for kind, entries in shard.entries.items():
                ledger.entries[kind].update(entries)
            for kind, refusals in shard.refusals.items():
                ledger.refusals[kind].update(refusals)

    def _unpacked(
        self, key: LedgerKey, found: FoundDocument
    ) -> tuple[ConnectionDocument, list[LedgerChange]]:
        """Return a connection's document, and the changes that may not be in its shards yet."""
        for _ in range(ATTEMPTS):
            connection = ConnectionDocument.of(found)
            if not connection.open:
                return connection, []
            lease = self._leases.get((key, connection.holder))
            if lease is not None and lease.sure and lease.epoch == connection.journal:
                return connection, list(lease.written)
            pages = self._journals.read(key, connection.journal)
            again = self._documents.get(connection_path(key))
            if ConnectionDocument.of(again).version == connection.version:
                return connection, changes_of(pages)
            found = again  # the journal was packed meanwhile, and its pages are being removed
        raise StoreError(f"the ledger of {key.tenant} at {key.vendor} changes too fast to read")

    def tidy(self, key: LedgerKey, found: FoundDocument) -> FoundDocument:
        """Pack the journal of a run that died, so that not every later read must read it.

        Takes and returns the connection's document.
        """
        connection, now = ConnectionDocument.of(found), time.time()
        if not connection.open or not connection.is_free(now, LATE):
            return found
        own = process_holder(uuid4().hex)
        if self.acquire(key, own, now + LATE, now) is None:
            self.release(key, own)
        return self._documents.get(connection_path(key))

    # Leases

    def acquire(self, key: LedgerKey, holder: str, until: float, now: float) -> str | None:
        """Take or prolong the lease; see `Store.acquire`."""
        lease = self._leases.get((key, holder))
        if lease is not None:
            return self._prolong(key, lease, until)
        recalled = self._documents.recall(connection_path(key))
        for attempt in range(ATTEMPTS + 1):
            seen, recalled = recalled, None
            found = seen or self._documents.get(connection_path(key))
            before = ConnectionDocument.of(found)
            if before.holder != holder and not before.is_free(now):
                if seen is not None:
                    continue  # it may have been released since
                return before.holder
            after = before.taken(holder, until)
            if before.is_from(self._database):
                after = after.trusted(self._database)
            try:
                lease = _HeldLease(holder, after.epoch, self._put(key, found, after))
            except PreconditionFailed:
                time.sleep(random.uniform(0, 0.01 * 2**attempt))
                continue
            if not before.open:
                lease.fresh = lease.found, monotonic()
            self._take_over(key, lease, after)
            self._leases[key, holder] = lease
            return None
        return NOBODY_KNOWN

    def just_taken(self, key: LedgerKey) -> FoundDocument | None:
        """Return the connection's document if this process took its lease just now, once.

        It was written on condition that it was as it had been read.
        """
        for (leased, _), lease in list(self._leases.items()):
            if leased == key and lease.fresh is not None:
                (found, at), lease.fresh = lease.fresh, None
                if monotonic() - at < FRESH:
                    return found
        return None

    def set_fields(self, key: LedgerKey, fields: Fields, with_release: bool) -> None:
        """Write other fields of a connection's document.

        They are written by the lease that this process has, if it has one, so that its next write
        of the document is not refused; those `with_release` when that ends.
        """
        lease = next((lease for (leased, _), lease in self._leases.items() if leased == key), None)
        if lease is not None:
            with lease.lock:
                if with_release and not lease.over:
                    lease.fields |= fields
                    return
                with suppress(PreconditionFailed):
                    own = DocumentWrite(connection_path(key), fields, known=lease.found)
                    lease.found = self._documents.commit([own])[-1]
                    return
        self._documents.write([DocumentWrite(connection_path(key), fields, merge=True)])

    def is_restored(self, found: FoundDocument) -> bool:
        """Whether a connection's document was restored from another database."""
        return not ConnectionDocument.of(found).is_from(self._database)

    def trust(self, key: LedgerKey, holder: str) -> None:
        """Have the ledger be this database's when `holder` releases the lease."""
        lease = self._leases.get((key, holder))
        if lease is not None:
            lease.trusted = True

    def _prolong(self, key: LedgerKey, lease: _HeldLease, until: float) -> str | None:
        """Prolong a lease that was taken by this process. A lost lease is not taken again."""
        with lease.lock:
            for _ in range(ATTEMPTS):
                if lease.over:
                    break
                known = ConnectionDocument.of(lease.found)
                try:
                    lease.found = self._put(key, lease.found, known.taken(lease.holder, until))
                except PreconditionFailed:
                    self._refetch(key, lease)
                else:
                    return None
        return ConnectionDocument.of(lease.found).holder or NOBODY_KNOWN

    def _refetch(self, key: LedgerKey, lease: _HeldLease) -> None:
        """Read the connection's document again and update `lease.over`."""
        lease.found = self._documents.get(connection_path(key))
        connection = ConnectionDocument.of(lease.found)
        lease.over = connection.epoch != lease.epoch or connection.holder != lease.holder

    def _take_over(self, key: LedgerKey, lease: _HeldLease, connection: ConnectionDocument) -> None:
        """Seal and pack the journal that a dead process left, so that it can write no more."""
        if connection.journal < connection.epoch:
            pages = self._journals.seal(key, connection.journal, connection.epoch)
            self._pack(key, lease, changes_of(pages))
            self._journals.drop(key, pages)

    def release(self, key: LedgerKey, holder: str) -> None:
        """Pack the changes and release the lease if `holder` still has it."""
        lease = self._leases.pop((key, holder), None)
        if lease is None:
            self._release_foreign(key, holder)
            return
        with lease.lock, suppress(LeaseLost):  # the run that took it over has packed the journal
            if lease.over:
                return
            lease.over = True
            pages, changes = own_pages(lease.epoch, lease.number), lease.written
            if not lease.sure:
                pages = self._journals.read(key, lease.epoch)
                changes = changes_of(pages)
            self._pack(key, lease, changes, done=True)
            self._journals.drop(key, pages)

    def _release_foreign(self, key: LedgerKey, holder: str) -> None:
        """Release a lease that another process took; its changes stay in the journal."""
        for _ in range(ATTEMPTS):
            found = self._documents.get(connection_path(key))
            connection = ConnectionDocument.of(found)
            if connection.holder != holder:
                return
            with suppress(PreconditionFailed):
                self._put(key, found, connection.release())
                return

    # Writing

    def record(self, key: LedgerKey, changes: Sequence[LedgerChange], holder: str) -> None:
        """Write changes to the journal if `holder` has the lease. Raises LeaseLost."""
        lease = self._leases.get((key, holder))
        if lease is None:
            raise LeaseLost(key)
        with lease.lock:
            if lease.over:
                raise LeaseLost(key)
            sure, lease.sure = lease.sure, False
            lease.number = self._journals.append(key, lease.epoch, lease.number, changes)
            lease.written.extend(changes)
            lease.sure = sure

    def _pack(
        self, key: LedgerKey, lease: _HeldLease, changes: Sequence[LedgerChange], done: bool = False
    ) -> None:
        """Write the changed shards; with `done`, also release the lease. Raises LeaseLost."""
        for _ in range(ATTEMPTS):
            try:
                self._pack_once(key, lease, changes, done)
            except PreconditionFailed:
                self._shards.forget(key)
                self._refetch(key, lease)
                connection = ConnectionDocument.of(lease.found)
                if connection.epoch == lease.epoch and connection.holder == lease.holder:
                    lease.over = done
                    continue  # a hold was set, or a commit succeeded although it seemed to fail
                if done and connection.epoch == lease.epoch and not connection.open:
                    return  # the commit that released it succeeded although it seemed to fail
                raise LeaseLost(key) from None
            self._shards.forget(key)
            return
        raise LeaseLost(key)

    def _pack_once(
        self, key: LedgerKey, lease: _HeldLease, changes: Sequence[LedgerChange], done: bool
    ) -> None:
        connection = ConnectionDocument.of(lease.found)
        by_shard: dict[int, list[LedgerChange]] = {}
        for change in changes:
            by_shard.setdefault(shard_of(change.external_id), []).append(change)
        kept = self._shards.get(
            key, connection.version, by_shard.keys(), _shard_numbers(connection)
        )
        summaries: dict[str, ShardSummary] = {}
        writes = []
        for n, (found, shard) in kept.items():
            changed = shard.changed(by_shard[n])
            summaries[f"{n}"] = summary(changed)
            writes.append(
                DocumentWrite(shard_path(key, n), {"packed": pack_shard(changed)}, known=found)
            )
        commits = list(parts(writes)) or [[]]
        for part in commits:
            last = part is commits[-1]
            written = {f"{int(w.path[-1])}": summaries[f"{int(w.path[-1])}"] for w in part}
            connection = connection.packed(written, whole=last)
            if last and done:
                connection = connection.closed()
                if lease.trusted:
                    connection = connection.trusted(self._database)
            more = lease.fields if last and done else {}
            lease.found = self._put(key, lease.found, connection, part, more)

    def _put(
        self,
        key: LedgerKey,
        known: FoundDocument,
        connection: ConnectionDocument,
        shards: Sequence[DocumentWrite] = (),
        more: Fields | None = None,
    ) -> FoundDocument:
        """Write shards and the connection's document, with `more` fields, if that is still `known`.

        Raises PreconditionFailed.
        """
        fields = {**(more or {}), **connection.fields()}
        own = DocumentWrite(connection_path(key), fields, known=known)
        return self._documents.commit([*shards, own])[-1]


def _shard_numbers(connection: ConnectionDocument) -> set[int]:
    return {int(n) for n in connection.shards}

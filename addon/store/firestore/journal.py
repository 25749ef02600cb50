"""The journal of a connection in Firestore: what a run has learned, until it is in the shards.

A page is a document, named by the epoch of the lease and a running number. Pages are only ever
created, never changed, so a page that exists already is how a run learns that it has been taken
over: whoever takes over an epoch creates the next page of it as a seal.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from addon.planning.ledger import LedgerChange, LedgerKey
from addon.store.base import LeaseLost, StoreError
from addon.store.firestore.client import (
    ATTEMPTS,
    Documents,
    DocumentWrite,
    Fields,
    FoundDocument,
    Path,
    PreconditionFailed,
)
from addon.store.firestore.connection import connection_path
from addon.store.firestore.packing import pack_changes, unpack_changes

KEPT = timedelta(days=400)
"""How long a page outlives a run that died and that no other has followed."""

SEAL_KEPT = timedelta(days=7)
"""How long a run may sleep and still find out that it has been taken over."""


class JournalPage(Struct, frozen=True):
    """A page of the journal, `packed` None for a seal.

    What was recorded at once begins at page `batch` and has `parts` pages; without all of
    them it was not recorded.
    """

    epoch: int
    number: int
    packed: bytes | None
    batch: int
    parts: int

    @classmethod
    def of(cls, found: FoundDocument) -> "JournalPage":
        """The page that a document is."""
        epoch, _, number = found.path[-1].partition("-")
        fields = found.fields or {}
        return cls(
            epoch=int(epoch),
            number=int(number),
            packed=fields.get("packed"),
            batch=fields.get("batch", 0),
            parts=fields.get("parts", 0),
        )


class LedgerJournal:
    """The journals of all connections."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def read(self, key: LedgerKey, epoch: int) -> list[JournalPage]:
        """The pages of an epoch and those after it, in order."""
        found = self._documents.after(_pages(key), f"{epoch:010}")
        return [JournalPage.of(one) for one in found]

    def append(
        self, key: LedgerKey, epoch: int, number: int, changes: Sequence[LedgerChange]
    ) -> int:
        """Record changes from page `number` on; the number that is next.

        Raises LeaseLost when the epoch is sealed, NotPacked, StoreError.
        """
        packed = pack_changes(changes)
        for _ in range(ATTEMPTS):
            writes = [
                _page(key, epoch, number + n, packed=part, batch=number, parts=len(packed))
                for n, part in enumerate(packed)
            ]
            try:
                self._documents.write(writes)
            except PreconditionFailed:
                number = self._after_own(key, epoch)
            else:
                return number + len(packed)
        raise StoreError(f"the journal of {key.tenant} at {key.vendor} could not be written")

    def seal(self, key: LedgerKey, first: int, end: int) -> list[JournalPage]:
        """The pages of the epochs from `first` to before `end`, to which none can be added."""
        for _ in range(ATTEMPTS):
            pages = [page for page in self.read(key, first) if page.epoch < end]
            sealed = {page.epoch for page in pages if page.packed is None}
            after = {page.epoch: page.number + 1 for page in pages}
            seals = [
                _page(key, epoch, after.get(epoch, 0), kept=SEAL_KEPT)
                for epoch in range(first, end)
                if epoch not in sealed
            ]
            try:
                self._documents.write(seals)
            except PreconditionFailed:
                continue  # the run that is taken over has just written a page
            return pages
        raise StoreError(f"the journal of {key.tenant} at {key.vendor} could not be sealed")

    def drop(self, key: LedgerKey, pages: Iterable[JournalPage]) -> None:
        """Remove pages whose changes are in the shards; what cannot be is left to expire."""
        gone = [_place(key, p.epoch, p.number) for p in pages if p.packed is not None]
        with suppress(StoreError):
            self._documents.delete(gone)

    def _after_own(self, key: LedgerKey, epoch: int) -> int:
        """The number after the last page of an epoch, which only its holder and a seal write."""
        own = [page for page in self.read(key, epoch) if page.epoch == epoch]
        if any(page.packed is None for page in own):
            raise LeaseLost(key)
        return max((page.number + 1 for page in own), default=0)


def changes_of(pages: Sequence[JournalPage]) -> list[LedgerChange]:
    """What the pages say, without what was not recorded whole."""
    batches: dict[tuple[int, int], list[JournalPage]] = {}
    for page in pages:
        if page.packed is not None:
            batches.setdefault((page.epoch, page.batch), []).append(page)
    return [
        change
        for batch in batches.values()
        if len(batch) == batch[0].parts
        for page in batch
        for change in unpack_changes(page.packed or b"")
    ]


def own_pages(epoch: int, end: int) -> list[JournalPage]:
    """The first `end` pages of an epoch, to be dropped."""
    return [JournalPage(epoch, number, b"", 0, 0) for number in range(end)]


def _pages(key: LedgerKey) -> Path:
    return (*connection_path(key), "journal")


def _place(key: LedgerKey, epoch: int, number: int) -> Path:
    return (*_pages(key), f"{epoch:010}-{number:06}")


def _page(
    key: LedgerKey, epoch: int, number: int, kept: timedelta = KEPT, **fields: object
) -> DocumentWrite:
    path = _place(key, epoch, number)
    whole: Fields = {**fields, "expires": datetime.now(UTC) + kept}
    return DocumentWrite(path, whole, known=FoundDocument(path, None, None))

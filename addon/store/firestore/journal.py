"""The journal of a connection in Firestore: a run's changes until they are in the shards.

A page is a document, named by the epoch of the lease and a sequence number. Pages are only created,
never changed. A run that takes over the lease creates the next page of the earlier epoch as a
seal; the earlier run finds that page existing and learns that it has been taken over.
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
"""How long a page is kept if its run died and no other run follows."""

SEAL_KEPT = timedelta(days=7)
"""How long a seal is kept, for a suspended run to learn that it has been taken over."""


class JournalPage(Struct, frozen=True):
    """A page of the journal; `packed` is None for a seal.

    The batch that the page belongs to starts at page `batch` and has `parts` pages. An incomplete
    batch counts as not recorded.
    """

    epoch: int
    number: int
    packed: bytes | None
    batch: int
    parts: int

    @classmethod
    def of(cls, found: FoundDocument) -> "JournalPage":
        """Return the page from its document."""
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
        """Return the pages of an epoch and of later epochs, in order."""
        found = self._documents.after(_pages(key), f"{epoch:010}")
        return [JournalPage.of(one) for one in found]

    def append(
        self, key: LedgerKey, epoch: int, number: int, changes: Sequence[LedgerChange]
    ) -> int:
        """Record changes from page `number` on; return the next page number.

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
        """Seal the epochs from `first` to before `end`, and return their pages."""
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
                continue  # the run whose lease was taken over has just written a page
            return pages
        raise StoreError(f"the journal of {key.tenant} at {key.vendor} could not be sealed")

    def drop(self, key: LedgerKey, pages: Iterable[JournalPage]) -> None:
        """Remove pages whose changes are in the shards; after an error they remain and expire."""
        gone = [_place(key, p.epoch, p.number) for p in pages if p.packed is not None]
        with suppress(StoreError):
            self._documents.delete(gone)

    def _after_own(self, key: LedgerKey, epoch: int) -> int:
        """Return the number after the last page of an epoch. Raises LeaseLost if it is sealed.

        Apart from a seal, only the holder of the epoch writes its pages.
        """
        own = [page for page in self.read(key, epoch) if page.epoch == epoch]
        if any(page.packed is None for page in own):
            raise LeaseLost(key)
        return max((page.number + 1 for page in own), default=0)


def changes_of(pages: Sequence[JournalPage]) -> list[LedgerChange]:
    """Return the changes in the pages, without incomplete batches."""
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
    """Return the first `end` pages of an epoch, for `LedgerJournal.drop`."""
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

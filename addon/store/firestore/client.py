"""The only access to Firestore, where every document read and written is counted."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from cachetools import TTLCache
from google.api_core.exceptions import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    GoogleAPICallError,
    NotFound,
    RetryError,
)
from google.auth.exceptions import GoogleAuthError
from google.cloud import firestore
from msgspec import Struct

from addon.store.base import StoreError

T = TypeVar("T")
Path = tuple[str, ...]
Fields = dict[str, Any]

ATTEMPTS = 5
"""How often a commit is tried when it is aborted because of concurrent writes."""

MOST_WRITES = 400
MOST_BYTES = 3_000_000
"""The limits of one commit. Firestore's own limits are 500 writes and 10 MiB; gRPC's default limit
is 4 MiB."""

PART = 500_000
"""The size in bytes of one part of a value that is split; Firestore's limit is 1 MiB a document."""


REMEMBERED = 60.0
"""Seconds for which a document is remembered as it was last seen."""
REMEMBERED_BYTES = 4_000_000
TOP = 4
"""How many names the path of a document right below a tenant has."""


class PreconditionFailed(StoreError):
    """A document has changed since it was read, or exists where it must not."""


class FoundDocument(Struct, frozen=True):
    """A document as it was read; `fields` is None if it does not exist.

    `updated` and `read` are Firestore's own times, of the last write and of the answer.
    """

    path: Path
    fields: Fields | None
    updated: datetime | None
    read: datetime | None = None

    @property
    def age(self) -> float | None:
        """Seconds from the last write to the answer, by Firestore's own clock; None if unknown."""
        if self.updated is None or self.read is None:
            return None
        return (self.read - self.updated).total_seconds()


class DocumentWrite(Struct, frozen=True):
    """A write of a whole document or, with `merge`, of the given fields.

    With `known`, the given fields are written only if the document is still as it was read; if it
    did not exist, it is created. With `exists`, they are written only if the document exists.
    """

    path: Path
    fields: Fields
    merge: bool = False
    known: FoundDocument | None = None
    exists: bool = False

    @property
    def size(self) -> int:
        """The approximate size in bytes."""
        return 200 + sum(len(v) for v in self.fields.values() if isinstance(v, bytes | str))


class Meter:
    """Counts documents read, written and removed, as Google counts them. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reads = 0
        self.writes = 0
        self.deletes = 0

    def add(self, reads: int = 0, writes: int = 0, deletes: int = 0) -> None:
        """Add to the counts."""
        with self._lock:
            self.reads += reads
            self.writes += writes
            self.deletes += deletes


class Documents:
    """The documents of one database. Raises StoreError when it cannot be used."""

    def __init__(self, client: firestore.Client, meter: Meter) -> None:
        self._client = client
        self._meter = meter
        self._lock = threading.Lock()
        self._seen: TTLCache[Path, FoundDocument] = TTLCache(
            REMEMBERED_BYTES, REMEMBERED, getsizeof=_size
        )

    def recall(self, path: Path) -> FoundDocument | None:
        """Return a document as this process last saw it, once; others may have changed it since.

        It saves a read before a write that is made only if the document is still so.
        """
        with self._lock:
            return self._seen.pop(path, None)

    def _remember(self, found: FoundDocument) -> None:
        """Remember a document right below a tenant, or forget it if it does not exist."""
        with self._lock:
            self._seen.pop(found.path, None)
            if len(found.path) == TOP and found.fields is not None:
                with suppress(ValueError):  # it is too large
                    self._seen[found.path] = found

    def get(self, path: Path) -> FoundDocument:
        """Return a document."""
        return self.get_all([path])[0]

    def get_all(self, paths: Sequence[Path]) -> list[FoundDocument]:
        """Return documents in the order of `paths`."""
        if not paths:
            return []
        references = [self._client.document(*path) for path in paths]
        snapshots = self._try(lambda: list(self._client.get_all(references)))
        self._meter.add(reads=len(paths))
        by_path = {snapshot.reference.path: snapshot for snapshot in snapshots}
        found = [_found(path, by_path["/".join(path)]) for path in paths]
        for one in found:
            self._remember(one)
        return found

    def query(
        self,
        collection: Path,
        where: Sequence[tuple[str, str, object]] = (),
        order: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[FoundDocument]:
        """Return documents of a collection. An empty result counts as one read, as for Google."""
        query: Any = self._client.collection(*collection)
        for name, operator, value in where:
            query = query.where(filter=firestore.FieldFilter(name, operator, value))
        if order is not None:
            direction = firestore.Query.DESCENDING if descending else firestore.Query.ASCENDING
            query = query.order_by(order, direction=direction)
        if limit is not None:
            query = query.limit(limit)
        if fields is not None:
            query = query.select(list(fields))
        snapshots = self._try(lambda: list(query.stream()))
        self._meter.add(reads=max(1, len(snapshots)))
        return [_found((*collection, snapshot.id), snapshot) for snapshot in snapshots]

    def after(self, collection: Path, first: str) -> list[FoundDocument]:
        """Return the documents of a collection whose names are `first` or after it, in order."""
        start = self._client.collection(*collection).document(first)
        query: Any = (
            self._client.collection(*collection).order_by("__name__").start_at({"__name__": start})
        )
        snapshots = self._try(lambda: list(query.stream()))
        self._meter.add(reads=max(1, len(snapshots)))
        return [_found((*collection, snapshot.id), snapshot) for snapshot in snapshots]

    def expired(
        self, group: str, field: str, operator: str, bound: datetime | float
    ) -> list[FoundDocument]:
        """Return some documents of a collection group of which `field` compares so with `bound`.

        What does not expire is not among them. They have only the field `expires` and are meant
        for `delete_known`. The list is empty when none are left.
        """
        query: Any = (
            self._client.collection_group(group)
            .where(filter=firestore.FieldFilter(field, operator, bound))
            .limit(MOST_WRITES)
            .select(["expires"])
        )
        try:
            snapshots = self._try(lambda: list(query.stream()))
        except PreconditionFailed:
            raise StoreError(
                f"Firestore has no index of `{field}` in the collection group {group}: make it "
                "as docs/deploy.md says under Firestore."
            ) from None
        self._meter.add(reads=max(1, len(snapshots)))
        found = [_found(tuple(one.reference.path.split("/")), one) for one in snapshots]
        return [one for one in found if one.fields and one.fields["expires"] is not None]

    def collections_below(self, document: Path) -> list[str]:
        """Return the names of the collections below a document, whether that exists or not."""
        found = self._try(lambda: list(self._client.document(*document).collections()))
        return sorted(collection.id for collection in found)

    def below(self, collection: Path) -> list[Path]:
        """Return the paths of all documents of a collection and below them, at any depth.

        Also of those whose parent does not exist. Parents come before what is below them.
        """
        query: Any = self._client.collection(*collection).recursive().select(["__name__"])
        snapshots = self._try(lambda: list(query.stream()))
        self._meter.add(reads=max(1, len(snapshots)))
        return sorted(tuple(one.reference.path.split("/")) for one in snapshots)

    def write(self, writes: Iterable[DocumentWrite]) -> None:
        """Write documents in as many commits as their size requires; each commit is atomic.

        Raises PreconditionFailed if a document differs from `known`.
        """
        for part in parts(writes):
            self.commit(part)

    def commit(
        self, writes: Sequence[DocumentWrite], gone: Sequence[Path] = ()
    ) -> list[FoundDocument]:
        """Write documents and remove those in `gone`, in one atomic commit.

        Return the written documents, for use as `known` in a later write. Raises
        PreconditionFailed if a document differs from `known`; then nothing was written, unless an
        earlier attempt of the same commit succeeded but its response was lost.
        """

        def once() -> Sequence[Any]:
            batch = self._client.batch()
            for one in writes:
                self._put(batch, one)
            for path in gone:
                batch.delete(self._client.document(*path))
            results: Sequence[Any] = batch.commit()
            return results

        for path in (*(one.path for one in writes), *gone):
            self.recall(path)
        results = self._try(lambda: _unless_aborted(once))
        self._meter.add(writes=len(writes), deletes=len(gone))
        found = []
        for one, result in zip(writes, results, strict=False):
            before = None if one.known is None else one.known.fields
            fields = one.fields if before is None else {**before, **one.fields}
            found.append(FoundDocument(one.path, fields, result.update_time))
            if before is not None:
                self._remember(found[-1])
        return found

    def delete(self, paths: Sequence[Path]) -> None:
        """Remove documents."""
        for start in range(0, len(paths), MOST_WRITES):
            self.commit([], gone=paths[start : start + MOST_WRITES])

    def delete_known(self, found: Sequence[FoundDocument]) -> int:
        """Remove those documents that are still as they were read; return how many.

        They are removed in one commit or, if one of them has changed, one by one.
        """

        def once(some: Sequence[FoundDocument]) -> None:
            batch = self._client.batch()
            for one in some:
                option = self._client.write_option(last_update_time=one.updated)
                batch.delete(self._client.document(*one.path), option=option)
            batch.commit()

        def remove(some: Sequence[FoundDocument]) -> int:
            self._try(lambda: _unless_aborted(lambda: once(some)))
            self._meter.add(deletes=len(some))
            return len(some)

        try:
            return remove(found)
        except PreconditionFailed:
            removed = 0
            for one in found if len(found) > 1 else ():
                with suppress(PreconditionFailed):
                    removed += remove([one])
            return removed

    def change(self, path: Path, change: Callable[[FoundDocument], tuple[T, Fields | None]]) -> T:
        """Read a document, and write the fields that `change` returns for it, if any.

        Return the result of `change`. It is called again after a concurrent write, so it must be
        pure. A document that this process has just seen is not read before it is written. Raises
        PreconditionFailed after ATTEMPTS concurrent writes.
        """
        recalled = self.recall(path)
        for attempt in range(1, ATTEMPTS + 2):
            known, recalled = recalled, None
            found = known or self.get(path)
            result, fields = change(found)
            if fields is None and known is not None:
                continue  # nothing is written, so that it must be seen as it is now
            if fields is None:
                return result
            try:
                self.commit([DocumentWrite(path, fields, known=found)])
            except PreconditionFailed:
                time.sleep(random.uniform(0, 0.01 * 2**attempt))
            else:
                return result
        raise PreconditionFailed("others were faster, again and again")

    def _put(self, batch: Any, write: DocumentWrite) -> None:
        reference = self._client.document(*write.path)
        if write.exists:
            batch.update(reference, write.fields)
        elif write.known is None:
            batch.set(reference, write.fields, merge=write.merge)
        elif write.known.fields is None:
            batch.create(reference, write.fields)
        else:
            option = self._client.write_option(last_update_time=write.known.updated)
            batch.update(reference, write.fields, option=option)

    def _try(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (AlreadyExists, FailedPrecondition, NotFound, Aborted) as error:
            raise PreconditionFailed(
                f"a document has been changed ({type(error).__name__})"
            ) from None
        except (GoogleAPICallError, RetryError, GoogleAuthError, ValueError) as error:
            cause = getattr(error, "cause", None) or error
            raise StoreError(
                f"Firestore project {self._client.project} cannot be used "
                f"({type(cause).__name__}). See that the database exists and that the service "
                "account has the role Cloud Datastore User."
            ) from None


def _size(found: FoundDocument) -> int:
    fields = found.fields or {}
    return 1000 + sum(len(v) for v in fields.values() if isinstance(v, bytes | str))


def _found(path: Path, snapshot: Any) -> FoundDocument:
    fields: Mapping[str, Any] | None = snapshot.to_dict() if snapshot.exists else None
    fields = None if fields is None else dict(fields)
    return FoundDocument(path, fields, snapshot.update_time, snapshot.read_time)


def _unless_aborted(work: Callable[[], T]) -> T:
    """Return the result of `work`; retry a few times if others write the same documents."""
    for attempt in range(1, ATTEMPTS):
        try:
            return work()
        except Aborted:
            time.sleep(random.uniform(0, 0.05 * 2**attempt))
    return work()


def parts(writes: Iterable[DocumentWrite]) -> Iterator[list[DocumentWrite]]:
    """Yield the writes in groups that fit in a commit."""
    part: list[DocumentWrite] = []
    size = 0
    for one in writes:
        if part and (len(part) >= MOST_WRITES or size + one.size > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(one)
        size += one.size
    if part:
        yield part

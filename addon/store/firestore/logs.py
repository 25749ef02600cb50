"""The audit log and the access log in Firestore: one document per entry, which is never changed."""

import zlib
from datetime import UTC, datetime
from typing import Generic, TypeVar

import msgspec

from addon.store.base import AUDIT_KEPT, StoreError
from addon.store.firestore.client import (
    Documents,
    DocumentWrite,
    FoundDocument,
    Path,
    PreconditionFailed,
)
from addon.store.records import AccessEntry, AuditEntry

T = TypeVar("T", bound=AuditEntry | AccessEntry)


class EntryLog(Generic[T]):
    """The logs of one kind of all tenants: entries of one type, in one collection a tenant."""

    def __init__(self, documents: Documents, collection: str, kind: type[T]) -> None:
        self._documents = documents
        self._collection = collection
        self._kind: type[T] = kind

    def append(self, tenant: str, entry: T) -> None:
        """Write an entry. Raises StoreError if another entry has its id."""
        try:
            self._documents.commit([self.new(tenant, entry)])
        except PreconditionFailed:
            self.check(tenant, entry)

    def new(self, tenant: str, entry: T) -> DocumentWrite:
        """Return the write of a new entry, to be committed together with the change."""
        path = self._path(tenant, entry.id)
        fields = {
            "id": entry.id,
            "packed": zlib.compress(msgspec.json.encode(entry)),
            "expires": datetime.fromtimestamp(entry.at + AUDIT_KEPT, UTC),
        }
        return DocumentWrite(path, fields, known=FoundDocument(path, None, None))

    def check(self, tenant: str, entry: T) -> bool:
        """Whether the entry is in the log. Raises StoreError if another entry has its id."""
        fields = self._documents.get(self._path(tenant, entry.id)).fields
        if fields is None:
            return False
        if self._entry(fields["packed"]) != entry:
            raise StoreError(f"the log of {tenant} has another entry {entry.id}: try once more")
        return True

    def entries(self, tenant: str, limit: int, before: str | None) -> list[T]:
        """Return up to `limit` entries with ids before `before`, newest first."""
        found = self._documents.query(
            ("tenants", tenant, self._collection),
            where=[] if before is None else [("id", "<", before)],
            order="id",
            descending=True,
            limit=limit,
        )
        return [self._entry(one.fields["packed"]) for one in found if one.fields is not None]

    def _path(self, tenant: str, entry_id: str) -> Path:
        return ("tenants", tenant, self._collection, entry_id)

    def _entry(self, packed: bytes) -> T:
        entry: T = msgspec.json.decode(zlib.decompress(packed), type=self._kind)
        return entry

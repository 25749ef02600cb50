"""The log of changes in Firestore: a document an entry, created and never changed."""

import zlib
from datetime import UTC, datetime

import msgspec

from addon.store.base import AUDIT_KEPT, StoreError
from addon.store.firestore.client import (
    Documents,
    DocumentWrite,
    FoundDocument,
    Path,
    PreconditionFailed,
)
from addon.store.records import AuditEntry


class AuditLog:
    """The logs of all tenants."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def append(self, tenant: str, entry: AuditEntry) -> None:
        """Write an entry. Raises StoreError when there is another with its id."""
        try:
            self._documents.commit([self.new(tenant, entry)])
        except PreconditionFailed:
            self.check(tenant, entry)

    def new(self, tenant: str, entry: AuditEntry) -> DocumentWrite:
        """The entry as a document that must be new, to be committed with what was changed."""
        path = _path(tenant, entry.id)
        fields = {
            "id": entry.id,
            "packed": zlib.compress(msgspec.json.encode(entry)),
            "expires": datetime.fromtimestamp(entry.at + AUDIT_KEPT, UTC),
        }
        return DocumentWrite(path, fields, known=FoundDocument(path, None, None))

    def check(self, tenant: str, entry: AuditEntry) -> bool:
        """Whether the entry is in the log. Raises StoreError when another has its id."""
        fields = self._documents.get(_path(tenant, entry.id)).fields
        if fields is None:
            return False
        if _entry(fields["packed"]) != entry:
            raise StoreError(f"the log of {tenant} has another entry {entry.id}: try once more")
        return True

    def entries(self, tenant: str, limit: int, before: str | None) -> list[AuditEntry]:
        """The newest entries of those with ids before `before`, the newest first."""
        found = self._documents.query(
            ("tenants", tenant, "log"),
            where=[] if before is None else [("id", "<", before)],
            order="id",
            descending=True,
            limit=limit,
        )
        return [_entry(one.fields["packed"]) for one in found if one.fields is not None]


def _path(tenant: str, entry_id: str) -> Path:
    return ("tenants", tenant, "log", entry_id)


def _entry(packed: bytes) -> AuditEntry:
    return msgspec.json.decode(zlib.decompress(packed), type=AuditEntry)

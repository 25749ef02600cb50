"""The audit log in Firestore: one document per entry, which is never changed."""

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
    """The audit logs of all tenants."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def append(self, tenant: str, entry: AuditEntry) -> None:
        """Write an entry. Raises StoreError if another entry has its id."""
        try:
            self._documents.commit([self.new(tenant, entry)])
        except PreconditionFailed:
            self.check(tenant, entry)

    def new(self, tenant: str, entry: AuditEntry) -> DocumentWrite:
        """Return the write of a new entry, to be committed together with the change."""
        path = _path(tenant, entry.id)
        fields = {
            "id": entry.id,
            "packed": zlib.compress(msgspec.json.encode(entry)),
            "expires": datetime.fromtimestamp(entry.at + AUDIT_KEPT, UTC),
        }
        return DocumentWrite(path, fields, known=FoundDocument(path, None, None))

    def check(self, tenant: str, entry: AuditEntry) -> bool:
        """Whether the entry is in the log. Raises StoreError if another entry has its id."""
        fields = self._documents.get(_path(tenant, entry.id)).fields
        if fields is None:
            return False
        if _entry(fields["packed"]) != entry:
            raise StoreError(f"the log of {tenant} has another entry {entry.id}: try once more")
        return True

    def entries(self, tenant: str, limit: int, before: str | None) -> list[AuditEntry]:
        """Return up to `limit` entries with ids before `before`, newest first."""
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

"""Snapshots in Firestore: a document with the vendors that still need it, and parts below it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from addon.store.firestore.client import PART, Documents, DocumentWrite, Fields, FoundDocument, Path
from addon.store.records import is_kept


class Snapshots:
    """The snapshots of all tenants."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def save(
        self,
        tenant: str,
        run: str,
        packed: bytes,
        vendors: Sequence[str],
        now: float,
        expires: float,
    ) -> None:
        """Save a run's snapshot until all `vendors` have been delivered to, or it expires."""
        path, until = _path(tenant, run), datetime.fromtimestamp(expires, UTC)
        times: Fields = {"saved": now, "expires": until}
        cut = [packed[start : start + PART] for start in range(0, len(packed), PART)]
        writes = [
            DocumentWrite((*path, "parts", f"{n:03}"), {"packed": part, **times})
            for n, part in enumerate(cut)
        ]
        fields = {"vendors": list(vendors), "parts": len(cut), **times}
        self._documents.write([*writes, DocumentWrite(path, fields)])

    def get(self, tenant: str, run: str, now: float) -> bytes | None:
        """Return a run's snapshot, or None if it has expired or is no longer needed."""
        path = _path(tenant, run)
        fields = self._documents.get(path).fields
        if fields is None:
            return None
        if not is_kept(fields.get("saved", 0.0), fields["expires"].timestamp(), now):
            return None
        names = [(*path, "parts", f"{n:03}") for n in range(fields["parts"])]
        parts = [part.fields for part in self._documents.get_all(names)]
        if not all(parts):
            return None
        return b"".join(part["packed"] for part in parts if part is not None)

    def done_with(self, tenant: str, run: str, vendor: str) -> None:
        """Record that a vendor has been delivered to; after the last, remove the snapshot."""
        path = _path(tenant, run)

        def remove_vendor(found: FoundDocument) -> tuple[int, Fields | None]:
            fields = found.fields
            if fields is None:
                return 0, None
            left = [name for name in fields["vendors"] if name != vendor]
            return (0 if left else fields["parts"]), {"vendors": left}

        parts = self._documents.change(path, remove_vendor)
        if parts:
            names = [(*path, "parts", f"{n:03}") for n in range(parts)]
            self._documents.delete([path, *names])


def _path(tenant: str, run: str) -> Path:
    return ("tenants", tenant, "snapshots", run)

"""Holds and approvals in Firestore: in parts, since those of a large school exceed one document."""

import zlib
from contextlib import suppress
from typing import TypeVar

import msgspec

from addon.planning.ledger import LedgerKey
from addon.planning.limits import Approval, Hold
from addon.store.firestore.client import (
    ATTEMPTS,
    PART,
    Documents,
    DocumentWrite,
    FoundDocument,
    Path,
)
from addon.store.firestore.connection import connection_path

T = TypeVar("T", Hold, Approval)


class FirestoreHolds:
    """The holds and approvals of all connections, whose documents count their parts."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def get(self, key: LedgerKey, found: FoundDocument, name: str, kind: type[T]) -> T | None:
        """Return what the connection's document `found` refers to by `name`, or None."""
        for _ in range(ATTEMPTS):
            count = (found.fields or {}).get(name, 0)
            if not count:
                break
            parts = self._documents.get_all([_part(key, name, n) for n in range(count)])
            packed = b"".join(part.fields["packed"] for part in parts if part.fields)
            with suppress(zlib.error, msgspec.DecodeError):
                return msgspec.msgpack.decode(zlib.decompress(packed), type=kind)
            found = self._documents.get(connection_path(key))  # it is being replaced
        return None

    def replace(self, key: LedgerKey, name: str, value: Hold | Approval | None) -> None:
        """Save a value in place of any earlier one, or remove it if None."""
        packed = b"" if value is None else zlib.compress(msgspec.msgpack.encode(value))
        cut = [packed[start : start + PART] for start in range(0, len(packed), PART)]
        before = (self._documents.get(connection_path(key)).fields or {}).get(name, 0)
        writes = [
            DocumentWrite(_part(key, name, n), {"packed": part}) for n, part in enumerate(cut)
        ]
        count = DocumentWrite(connection_path(key), {name: len(cut)}, merge=True)
        gone = [_part(key, name, n) for n in range(len(cut), before)]
        self._documents.commit([*writes, count], gone=gone)


def _part(key: LedgerKey, name: str, number: int) -> Path:
    return (*connection_path(key), "holds", f"{name}-{number:03}")

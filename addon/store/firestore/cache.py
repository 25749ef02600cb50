"""Cached items in Firestore: one document per item, and parts below it for large items.

The names of an item's parts contain the generation of the write. They are written before the
document refers to them, and the parts of the replaced item are removed afterwards. A concurrent
read therefore returns one of the two items whole, or finds parts missing and reads again.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote
from uuid import uuid4

from msgspec import Struct

from addon.age import AHEAD
from addon.store.base import StoreError
from addon.store.firestore.client import (
    ATTEMPTS,
    PART,
    Documents,
    DocumentWrite,
    Fields,
    FoundDocument,
    Path,
)
from addon.store.records import CachedItem, Namespace, is_kept

LONGEST_NAME = 1000
"""The maximum bytes of an escaped name; longer names are hashed. Firestore allows 1500 in an id."""

EXPIRING = ("papers", "snapshots", "parts")
"""Collection groups with indexes of `expires` and `saved`; documents come before their parts."""


class _Replaced(Struct, frozen=True):
    """Whether an item was replaced, and the parts that are now unused."""

    done: bool
    unused: tuple[Path, ...]


class FirestoreCache:
    """The cached items of all namespaces."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def put(self, namespace: Namespace, item: CachedItem, replace: bool, now: float) -> bool:
        """Save an item; without `replace`, only if there is none that has not expired.

        Return whether it was saved. Raises PreconditionFailed after too many concurrent writes.
        """
        path = _path(namespace, item.name)
        if not replace and _is_valid(self._documents.get(path), now):
            return False
        generation = uuid4().hex
        fields, parts = _cut(path, generation, namespace, item)
        own = tuple(part.path for part in parts)

        def replace_item(found: FoundDocument) -> tuple[_Replaced, Fields | None]:
            there = found.fields or {}
            if there.get("generation") == generation:
                return _Replaced(True, ()), None  # the commit succeeded although it seemed to fail
            if not replace and _is_valid(found, now):
                return _Replaced(False, own), None
            return _Replaced(True, _parts(found)), fields

        try:
            self._documents.write(parts)
            replaced = self._documents.change(path, replace_item)
        except StoreError:
            self._remove(own)
            raise
        self._remove(replaced.unused)
        return replaced.done

    def get(self, namespace: Namespace, name: str, now: float) -> CachedItem | None:
        """Return an item, or None. Raises StoreError if it is replaced too often to be read."""
        path = _path(namespace, name)
        found = self._documents.get(path)
        for _ in range(ATTEMPTS):
            fields = found.fields
            if fields is None or not _is_valid(found, now):
                return None
            parts = [part.fields for part in self._documents.get_all(_parts(found))]
            if all(part is not None for part in parts):
                data = b"".join([fields["packed"], *(part["packed"] for part in parts if part)])
                expires = fields["expires"]
                until = None if expires is None else expires.timestamp()
                return CachedItem(name, data, fields["saved"], until, found.age)
            before, found = found, self._documents.get(path)
            if found.updated == before.updated:
                return None  # Firestore has begun to remove it
        raise StoreError(
            f"a cached item ({namespace.kind}) was replaced again and again while it was read"
        )

    def list_names(self, namespace: Namespace, now: float) -> list[str]:
        """Return the names of items in a namespace that have not expired, sorted."""
        found = self._documents.query(
            _collection(namespace),
            where=[("kind", "==", namespace.kind)],
            fields=["name", "saved", "expires"],
        )
        return sorted(one.fields["name"] for one in found if one.fields and _is_valid(one, now))

    def delete(self, namespace: Namespace, name: str) -> None:
        """Remove an item if it exists."""
        path = _path(namespace, name)
        for _ in range(ATTEMPTS):
            found = self._documents.get(path)
            if found.fields is None:
                return
            if self._documents.delete_known([found]):
                self._documents.delete(_parts(found))
                return
        raise StoreError(f"a cached item ({namespace.kind}) was replaced again and again")

    def delete_expired(self, now: float) -> int:
        """Remove expired items and snapshots, and unused parts; return how many without parts."""
        removed = 0
        for group in EXPIRING:
            for field, operator, bound in (
                ("expires", "<=", datetime.fromtimestamp(now, UTC)),
                ("saved", ">", now + AHEAD),
            ):
                while found := self._documents.expired(group, field, operator, bound):
                    gone = self._documents.delete_known(found)
                    removed += 0 if group == "parts" else gone
                    if not gone:
                        break  # others have changed or removed them all
        return removed

    def _remove(self, paths: Iterable[Path]) -> None:
        """Remove unused parts; after an error they remain until they expire."""
        with suppress(StoreError):
            self._documents.delete(tuple(paths))


def _collection(namespace: Namespace) -> Path:
    return ("tenants", namespace.tenant, "papers") if namespace.tenant else ("papers",)


def _path(namespace: Namespace, name: str) -> Path:
    escaped = quote(name, safe="")
    if len(escaped) > LONGEST_NAME:
        escaped = f"%{sha256(name.encode()).hexdigest()}"  # cannot equal an escaped name
    return (*_collection(namespace), f"{namespace.kind}.{escaped}")


def _cut(
    path: Path, generation: str, namespace: Namespace, item: CachedItem
) -> tuple[Fields, list[DocumentWrite]]:
    """Return the fields of the item's document, and its parts if it is too large for that."""
    data = item.data
    until = None if item.expires is None else datetime.fromtimestamp(item.expires, UTC)
    cut = [data[n : n + PART] for n in range(0, len(data), PART)] if len(data) > PART else []
    fields = {
        "kind": namespace.kind,
        "name": item.name,
        "saved": item.saved,
        "expires": until,
        "generation": generation,
        "parts": len(cut),
        "packed": b"" if cut else data,
    }
    names = _names(path, generation, len(cut))
    parts = [
        DocumentWrite(name, {"packed": part, "saved": item.saved, "expires": until})
        for name, part in zip(names, cut, strict=True)
    ]
    return fields, parts


def _names(path: Path, generation: str, count: int) -> list[Path]:
    return [(*path, "parts", f"{generation}-{n:04}") for n in range(count)]


def _parts(found: FoundDocument) -> tuple[Path, ...]:
    """Return the paths of the parts that an item's document refers to."""
    fields = found.fields or {}
    return tuple(_names(found.path, fields.get("generation", ""), fields.get("parts", 0)))


def _is_valid(found: FoundDocument, now: float) -> bool:
    """Whether the item exists and has not expired."""
    if found.fields is None:
        return False
    expires: datetime | None = found.fields["expires"]
    until = None if expires is None else expires.timestamp()
    return is_kept(found.fields.get("saved", 0.0), until, now)

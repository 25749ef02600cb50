"""Cached items in Firestore: a document each, and what does not fit there in parts below it.

The parts of an item are named by the generation it was written in, and are there before its
document names them; those of the one it took the place of are removed afterwards. So whoever
reads has one of the two whole, or finds parts gone and reads the document again.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote
from uuid import uuid4

from msgspec import Struct

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
from addon.store.records import CachedItem, Namespace

LONGEST_NAME = 1000
"""Bytes of an escaped name; a longer one is told by its digest. Firestore's ids have 1500."""

SWEPT = ("papers", "snapshots", "parts")
"""Collection groups with an index of `expires`, those whose documents name parts before these."""


class _Taken(Struct, frozen=True):
    """Whether an item was replaced, and the parts that are of no use now."""

    done: bool
    useless: tuple[Path, ...]


class FirestoreCache:
    """The items of all namespaces."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def put(self, namespace: Namespace, item: CachedItem, replace: bool, now: float) -> bool:
        """Keep an item; without `replace`, only where there is none that has not expired.

        Whether it was kept. Raises PreconditionFailed when others take its place again and again.
        """
        path = _path(namespace, item.name)
        if not replace and _is_valid(self._documents.get(path), now):
            return False
        generation = uuid4().hex
        fields, parts = _cut(path, generation, namespace, item)
        own = tuple(part.path for part in parts)

        def take(found: FoundDocument) -> tuple[_Taken, Fields | None]:
            there = found.fields or {}
            if there.get("generation") == generation:
                return _Taken(True, ()), None  # written in a commit that we took for failed
            if not replace and _is_valid(found, now):
                return _Taken(False, own), None
            return _Taken(True, _parts(found)), fields

        try:
            self._documents.write(parts)
            taken = self._documents.change(path, take)
        except StoreError:
            self._remove(own)
            raise
        self._remove(taken.useless)
        return taken.done

    def get(self, namespace: Namespace, name: str, now: float) -> CachedItem | None:
        """An item, or None. Raises StoreError when it is replaced too often to be read."""
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
                return CachedItem(
                    name, data, fields["saved"], None if expires is None else expires.timestamp()
                )
            before, found = found, self._documents.get(path)
            if found == before:
                return None  # Firestore has begun to remove it
        raise StoreError(
            f"a cached item ({namespace.kind}) was replaced again and again while it was read"
        )

    def names(self, namespace: Namespace, now: float) -> list[str]:
        """The names in a namespace that have not expired, sorted."""
        found = self._documents.query(
            _collection(namespace),
            where=[("kind", "==", namespace.kind)],
            fields=["name", "expires"],
        )
        return sorted(one.fields["name"] for one in found if one.fields and _is_valid(one, now))

    def remove(self, namespace: Namespace, name: str) -> None:
        """Remove an item, if there is one."""
        path = _path(namespace, name)
        for _ in range(ATTEMPTS):
            found = self._documents.get(path)
            if found.fields is None:
                return
            if self._documents.delete_known([found]):
                self._documents.delete(_parts(found))
                return
        raise StoreError(f"a cached item ({namespace.kind}) was replaced again and again")

    def sweep(self, now: float) -> int:
        """Remove the items and snapshots that have expired, and parts left over; how many."""
        at, removed = datetime.fromtimestamp(now, UTC), 0
        for group in SWEPT:
            while found := self._documents.expired(group, at):
                gone = self._documents.delete_known(found)
                removed += 0 if group == "parts" else gone
                if not gone:
                    break  # others have changed or removed them all
        return removed

    def _remove(self, paths: Iterable[Path]) -> None:
        """Remove parts that nothing names; those that cannot be now are swept when they expire."""
        with suppress(StoreError):
            self._documents.delete(tuple(paths))


def _collection(namespace: Namespace) -> Path:
    return ("tenants", namespace.tenant, "papers") if namespace.tenant else ("papers",)


def _path(namespace: Namespace, name: str) -> Path:
    escaped = quote(name, safe="")
    if len(escaped) > LONGEST_NAME:
        escaped = f"%{sha256(name.encode()).hexdigest()}"  # no escaped name is like that
    return (*_collection(namespace), f"{namespace.kind}.{escaped}")


def _cut(
    path: Path, generation: str, namespace: Namespace, item: CachedItem
) -> tuple[Fields, list[DocumentWrite]]:
    """The item's document, and its parts, none when the document holds it all."""
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
        DocumentWrite(name, {"packed": part, "expires": until})
        for name, part in zip(names, cut, strict=True)
    ]
    return fields, parts


def _names(path: Path, generation: str, count: int) -> list[Path]:
    return [(*path, "parts", f"{generation}-{n:04}") for n in range(count)]


def _parts(found: FoundDocument) -> tuple[Path, ...]:
    """The parts that an item's document names."""
    fields = found.fields or {}
    return tuple(_names(found.path, fields.get("generation", ""), fields.get("parts", 0)))


def _is_valid(found: FoundDocument, now: float) -> bool:
    """Whether it is there and has not expired."""
    if found.fields is None:
        return False
    expires: datetime | None = found.fields["expires"]
    return expires is None or expires.timestamp() > now

"""Who is protected, in Firestore: one document a tenant, changed by compare-and-swap."""

import zlib
from collections.abc import Callable

import msgspec

from addon.planning.protected_set import ProtectedSet
from addon.store.firestore.client import Documents, Fields, FoundDocument, Path


class FirestoreProtected:
    """The protected sets of all tenants. See `addon.store.base.ProtectedStore`."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def get(self, tenant: str) -> ProtectedSet | None:
        """Return the tenant's set, or None."""
        return _unpacked(self._documents.get(_path(tenant)))

    def update(
        self, tenant: str, change: Callable[[ProtectedSet | None], ProtectedSet]
    ) -> ProtectedSet:
        """Replace the set by the result of `change`, unless it stays the same; return it."""

        def replace(found: FoundDocument) -> tuple[ProtectedSet, Fields | None]:
            known = _unpacked(found)
            after = change(known)
            if after == (known or ProtectedSet()):
                return after, None
            return after, {"packed": zlib.compress(msgspec.msgpack.encode(after), 9)}

        return self._documents.change(_path(tenant), replace)


def _path(tenant: str) -> Path:
    return ("tenants", tenant, "protected", "people")


def _unpacked(found: FoundDocument) -> ProtectedSet | None:
    if found.fields is None:
        return None
    return msgspec.msgpack.decode(zlib.decompress(found.fields["packed"]), type=ProtectedSet)

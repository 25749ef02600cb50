"""What is known of licences, in Firestore: one document a tenant, changed by compare-and-swap."""

from collections.abc import Callable

import msgspec

from addon.store.firestore.client import Documents, Fields, FoundDocument, Path
from addon.tenants.licence import LicenceRecord


class FirestoreLicences:
    """The licence records of all tenants. See `addon.store.base.LicenceStore`."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def get(self, tenant: str) -> LicenceRecord:
        """Return the tenant's record, an empty one if there is none."""
        return _unpacked(self._documents.get(_path(tenant)))

    def update(
        self, tenant: str, change: Callable[[LicenceRecord], LicenceRecord]
    ) -> LicenceRecord:
        """Replace the record by the result of `change`, unless it stays the same; return it."""

        def replace(found: FoundDocument) -> tuple[LicenceRecord, Fields | None]:
            known = _unpacked(found)
            after = change(known)
            return after, None if after == known else {"packed": msgspec.json.encode(after)}

        return self._documents.change(_path(tenant), replace)


def _path(tenant: str) -> Path:
    return ("tenants", tenant, "licence", "record")


def _unpacked(found: FoundDocument) -> LicenceRecord:
    if found.fields is None:
        return LicenceRecord()
    return msgspec.json.decode(found.fields["packed"], type=LicenceRecord)

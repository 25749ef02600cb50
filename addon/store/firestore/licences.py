"""What is known of each tenant's Marketplace licence, in Firestore.

It is in the document of the tenant, so that what reads that needs no other read.
"""

from collections.abc import Callable

import msgspec

from addon.store.firestore.client import Documents, Fields, FoundDocument
from addon.tenants.licence import LicenceRecord


class FirestoreLicences:
    """The licences of all tenants. See `addon.store.base.LicenceStore`."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def with_document(self, tenant: str) -> tuple[bytes | None, LicenceRecord]:
        """Return the tenant's document, or None, and its record."""
        found = self._documents.get(("tenants", tenant))
        document = None if found.fields is None else bytes(found.fields["document"])
        return document, unpacked_licence(found)

    def update(
        self, tenant: str, change: Callable[[LicenceRecord], LicenceRecord]
    ) -> LicenceRecord:
        """Replace the record by the result of `change`, unless it stays the same; return it."""

        def replace(found: FoundDocument) -> tuple[LicenceRecord, Fields | None]:
            known = unpacked_licence(found)
            after = change(known)
            kept = found.fields is None or after == known  # a deleted tenant gets no document
            return after, None if kept else {"licence": msgspec.json.encode(after)}

        return self._documents.change(("tenants", tenant), replace)


def unpacked_licence(found: FoundDocument) -> LicenceRecord:
    """Return the record in a tenant's document, an empty one if there is none."""
    packed = (found.fields or {}).get("licence")
    return LicenceRecord() if packed is None else msgspec.json.decode(packed, type=LicenceRecord)

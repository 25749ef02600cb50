"""What deliveries did, in Firestore: a document a part, found by the ids that it names."""

from collections.abc import Sequence, Set
from datetime import UTC, datetime

from addon.planning.history import DeliveryHistory, subject_of
from addon.store.base import StoreError
from addon.store.firestore.client import (
    ATTEMPTS,
    Documents,
    DocumentWrite,
    FoundDocument,
    Path,
)
from addon.store.history import HISTORY_KEPT, packed_entries, unpacked_entries

MOST_PARTS = 100
"""How many parts of one person's history are looked for at once when they are removed."""


class FirestoreHistory:
    """The history of all tenants. See `addon.store.history.HistoryStore`."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def add(self, parts: Sequence[DeliveryHistory]) -> None:
        """Save what a delivery did."""
        self._documents.write(_write(part) for part in parts)

    def of_run(self, tenant: str, run: str) -> list[DeliveryHistory]:
        """Return what the deliveries of a run did, the newest first."""
        return self._found(tenant, ("run", "==", run), None)

    def about(self, tenant: str, subject: str, limit: int) -> list[DeliveryHistory]:
        """Return the newest parts that have something about a subject."""
        return self._found(tenant, ("subjects", "array_contains", subject), limit)

    def forget(self, tenant: str, people: Set[str]) -> None:
        """Remove these people from all history of the tenant."""
        for person in sorted(people):
            subject = subject_of(person)
            for _ in range(ATTEMPTS):
                parts = self.about(tenant, subject, MOST_PARTS)
                if not parts:
                    break
                for part in parts:
                    self._rewrite(part, people, subject)
            else:
                raise StoreError(f"the history of {tenant} is changed again and again")

    def _rewrite(self, part: DeliveryHistory, people: Set[str], subject: str) -> None:
        """Write a part without these people, and so that it is not found by the subject."""
        left = part.without(people)
        if not left.entries:
            self._documents.delete([_path(part)])
            return
        write = _write(left)
        subjects = [each for each in write.fields["subjects"] if each != subject]
        fields = {**write.fields, "subjects": subjects}
        self._documents.commit([DocumentWrite(write.path, fields)])

    def _found(
        self, tenant: str, where: tuple[str, str, str], limit: int | None
    ) -> list[DeliveryHistory]:
        """Return the parts that are so, in the order of their ids: the newest first."""
        collection = ("tenants", tenant, "history")
        found = self._documents.query(collection, where=[where], order="__name__", limit=limit)
        return [_part(tenant, each) for each in found]


def _path(part: DeliveryHistory) -> Path:
    return ("tenants", part.tenant, "history", part.id)


def _write(part: DeliveryHistory) -> DocumentWrite:
    fields = {
        "run": part.run,
        "at": part.at,
        "vendor": part.vendor,
        "mode": part.mode,
        "subjects": sorted(part.subjects),
        "packed": packed_entries(part),
        "expires": datetime.fromtimestamp(part.at + HISTORY_KEPT, UTC),
    }
    return DocumentWrite(_path(part), fields)


def _part(tenant: str, found: FoundDocument) -> DeliveryHistory:
    fields = found.fields or {}
    return DeliveryHistory(
        id=found.path[-1],
        tenant=tenant,
        run=fields["run"],
        at=fields["at"],
        vendor=fields["vendor"],
        mode=fields["mode"],
        entries=unpacked_entries(fields["packed"]),
    )

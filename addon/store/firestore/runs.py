"""Records of runs in Firestore: one document each."""

import zlib
from datetime import UTC, datetime, timedelta

import msgspec
from google.cloud import firestore

from addon.store.base import RUNS_KEPT
from addon.store.firestore.client import (
    Documents,
    DocumentWrite,
    FoundDocument,
    PreconditionFailed,
)
from addon.store.records import RunRecord

RUN_KEPT = timedelta(days=400)
ORDER = "started"
"""The field by which runs are sorted: when Firestore, by its own clock, first saved the record.

Records of earlier versions have a number there, which Firestore sorts before every time.
"""


class FirestoreRuns:
    """The runs of all tenants. See `addon.store.base.RunStore`."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def save(self, run: RunRecord) -> None:
        """Save a new or changed run."""
        path = ("tenants", run.tenant, "runs", run.id)
        fields = {
            "status": run.status,
            "packed": zlib.compress(msgspec.json.encode(run)),
            "expires": datetime.fromtimestamp(run.started, UTC) + RUN_KEPT,
        }
        change = DocumentWrite(path, fields, exists=True)
        first = {**fields, ORDER: firestore.SERVER_TIMESTAMP}
        new = DocumentWrite(path, first, known=FoundDocument(path, None, None))
        attempts = [new, change] if run.status == "running" else [change, new]
        try:
            self._documents.commit(attempts[:1])
        except PreconditionFailed:
            self._documents.commit(attempts[1:])

    def running(self, tenant: str) -> list[RunRecord]:
        """Return the tenant's runs that have not ended."""
        found = self._documents.query(
            ("tenants", tenant, "runs"), where=[("status", "==", "running")]
        )
        return [_run(one) for one in found]

    def newest(self, tenant: str, limit: int) -> list[RunRecord]:
        """Return the tenant's runs, the one that was first saved last before the others."""
        found = self._documents.query(
            ("tenants", tenant, "runs"),
            order=ORDER,
            descending=True,
            limit=min(limit, RUNS_KEPT),
        )
        return [_run(one) for one in found]


def _run(found: FoundDocument) -> RunRecord:
    fields = found.fields or {}
    return msgspec.json.decode(zlib.decompress(fields["packed"]), type=RunRecord)

"""firestore.indexes.json, held to what the Firestore store really writes."""

import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from google.cloud import firestore

from addon.directory.push_state import PushState
from addon.planning.history import DeliveryHistory, HistoryEntry
from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey
from addon.planning.limits import Hold
from addon.planning.protected_set import ProtectedSet
from addon.store.firestore.cache import EXPIRING
from addon.store.firestore.client import PART
from addon.store.firestore.store import FirestoreStore
from addon.store.records import (
    AccessEntry,
    AuditEntry,
    Namespace,
    RunRecord,
    SessionRecord,
    StoredTask,
)
from addon.tenants.licence import LicenceRecord
from tests.support.emulator import HOST

ROOT = Path(__file__).parents[2]
WHOLE, CUT_OFF = LedgerKey("C1", "binogi", "live"), LedgerKey("C1", "ne", "live")


def written(collections: Any) -> Iterator[tuple[str, str, object]]:
    """Each field of each document, with its collection group."""
    for collection in collections:
        for reference in collection.list_documents():
            for name, value in (reference.get().to_dict() or {}).items():
                yield collection.id, name, value
            yield from written(reference.collections())


@pytest.fixture
def fields(project: str) -> list[tuple[str, str, object]]:
    store = FirestoreStore(project, emulator=os.environ[HOST])
    now = time.time()
    store.save_tenant("C1", b"{}")
    store.save_run(RunRecord("r1", "C1", now, "running"))
    entry = HistoryEntry("User", "u1", "create", person="u1")
    store.add_history([DeliveryHistory("h1", "C1", "r1", now, "binogi", "live", (entry,))])
    store.save_snapshot("C1", "r1", b"packed", ["binogi"], now, now + 60)
    store.put(Namespace("reading", "C1"), "small", b"packed", now, now + 60)
    store.put(Namespace("register"), "large", b"packed" * PART, now, now + 60)
    store.append_audit("C1", AuditEntry("e1", now, "rektor@example.se", "unit.saved"))
    store.append_access("C1", AccessEntry("e1", now, "1", "sign-in"))
    store.save_session("C1", SessionRecord("s1", "1", "a@example.se", "", True, now, now))
    store.update_licence("C1", lambda known: LicenceRecord(domains=("example.se",)))
    store.bind_administrator("C1", "a@example.se", "1")
    store.save_task(StoredTask("t1", "runs", "/tasks/run", {}, now, now))
    store.update_protected_set("C1", lambda known: ProtectedSet(frozenset({"1"})))
    store.update_push_state("C1", lambda known: PushState(due=now))
    store.set_hold(WHOLE, Hold(("u1",), 20, "many", {}, {}, now, False))
    store.record(WHOLE, [LedgerChange("User", "u1", LedgerEntry("v1", b"0123456789abcdef"))])
    store.acquire(CUT_OFF, "holder", now + 60, now)
    store.record(
        CUT_OFF, [LedgerChange("User", "u1", LedgerEntry("v1", b"0123456789abcdef"))], "holder"
    )
    found = list(written(firestore.Client(project=project).collections()))
    store.close()
    return found


def overrides() -> list[dict[str, Any]]:
    whole = json.loads((ROOT / "firestore.indexes.json").read_text())
    assert whole["indexes"] == [], "no query needs more than what Firestore makes by itself"
    return whole["fieldOverrides"]


def test_all_that_expires_is_removed_by_firestore(fields):
    expiring = {(group, name) for group, name, value in fields if name == "expires"}
    assert all(isinstance(value, datetime) for _, name, value in fields if name == "expires")
    kept = {(o["collectionGroup"], o["fieldPath"]) for o in overrides() if o.get("ttl")}
    assert expiring == kept


def test_nothing_that_is_packed_is_indexed(fields):
    packed = {(group, name) for group, name, value in fields if isinstance(value, bytes)}
    expiring = {(group, name) for group, name, value in fields if name == "expires"}
    without = {(o["collectionGroup"], o["fieldPath"]) for o in overrides() if not o["indexes"]}
    assert without == (packed | expiring) - {(group, "expires") for group in EXPIRING}


def test_what_is_swept_is_found_across_tenants():
    found = {(o["collectionGroup"], o["fieldPath"]): o["indexes"] for o in overrides()}
    index = {"order": "ASCENDING", "queryScope": "COLLECTION_GROUP"}
    indexed = {place: indexes for place, indexes in found.items() if indexes}
    named = {"arrayConfig": "CONTAINS", "queryScope": "COLLECTION"}
    assert indexed.pop(("history", "subjects")) == [named]
    assert indexed == {(g, name): [index] for g in EXPIRING for name in ("expires", "saved")}

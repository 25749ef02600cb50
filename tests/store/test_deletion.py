"""What is removed of a tenant, and that nothing of another is."""

import os
import random
import sqlite3
import time
import zlib
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from addon.directory.push_state import PushState
from addon.planning.history import DeliveryHistory, HistoryEntry, subject_of
from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey, Refusal
from addon.planning.limits import Approval, Hold
from addon.planning.protected_set import ProtectedSet
from addon.planning.recent_removals import RecentRemovals
from addon.ss12000.ids import Ids
from addon.store.base import Store, TenantBusyError
from addon.store.firestore.store import FirestoreStore
from addon.store.process_identity import process_holder
from addon.store.records import (
    AccessEntry,
    AuditEntry,
    Namespace,
    RunRecord,
    SessionRecord,
    StoredTask,
)
from addon.store.sqlite.store import SQLiteStore
from addon.tenants.licence import LicenceRecord
from tests.support.emulator import HOST

NOW = time.time()
LATER = NOW + 3600
NAMES = [f"Sigbritt{n} Äppelqvist{n}" for n in range(3000)]
PACKED = zlib.compress(msgspec.msgpack.encode(NAMES), 1)
"""Names as they are stored, packed: some fifteen kilobytes in one item."""
SMALL = random.Random(1).randbytes(900)
"""An item that shares its page with others."""


def fill(store: Store, tenant: str) -> None:
    """Give a tenant something of every kind that a store has."""
    entry = AuditEntry("20260101T000000Z-000000", NOW, "chef@edu.storvik.se", "unit.saved", "1")
    assert store.replace_tenant(tenant, b'{"name": "Storvik"}', None, entry)
    store.update_protected_set(tenant, lambda known: ProtectedSet(frozenset({"17"})))
    store.update_licence(tenant, lambda known: LicenceRecord(("storvik.se",)))
    for vendor, mode in (("all", "live"), ("all", "test"), ("gone", "live")):
        key = LedgerKey(tenant, vendor, mode)
        refused = LedgerChange("Activity", "a1", refusal=Refusal("create", b"h", 400, "no", NOW))
        held = [LedgerChange("User", f"u{n}", LedgerEntry("v", b"0" * 16)) for n in range(70)]
        store.record(key, [*held, refused])
        store.set_hold(key, Hold(("u1",), 70, "too many", {}))
        store.set_approval(key, Approval(frozenset({"u1"}), at=NOW))
        store.set_recent_removals(key, RecentRemovals())
    store.append_access(tenant, AccessEntry("20260101T000000Z-000000", NOW, "1", "sign-in"))
    store.save_session(tenant, SessionRecord("s1", "1", "chef@edu.storvik.se", "", True, NOW, NOW))
    store.bind_administrator(tenant, "chef@edu.storvik.se", "1")
    store.save_run(RunRecord("r1", tenant, NOW, "done", NOW, b"{}"))
    entry = HistoryEntry("User", Ids(tenant).user("17"), "create", person=Ids(tenant).user("17"))
    store.add_history([DeliveryHistory("h1", tenant, "r1", NOW, "all", "live", (entry,))])
    store.save_snapshot(tenant, "r1", PACKED, ["all"], NOW, LATER)
    store.put(Namespace("reading", tenant), "directory", PACKED, NOW, LATER)
    for n in range(40):
        store.put(Namespace("search", tenant), f"s{n}", SMALL, NOW, LATER)
    store.put(Namespace("notices", tenant), "all.live", b"{}", NOW, LATER)
    store.put(Namespace("origin", tenant), "origin", b"marketplace", NOW)
    payload = {"tenant": tenant, "vendor": "all"}
    store.save_task(StoredTask(f"t-{tenant}", "runs", "/tasks/run", payload, NOW, NOW))


def is_empty(store: Store, tenant: str) -> bool:
    kinds = ("reading", "search", "notices", "origin")
    return not (
        store.tenant(tenant)
        or tenant in store.tenants()
        or store.ledgers(tenant)
        or store.runs(tenant)
        or store.history_of_run(tenant, "r1")
        or store.history_about(tenant, subject_of(Ids(tenant).user("17")), 1)
        or store.audit_entries(tenant)
        or store.access_entries(tenant)
        or store.protected_set(tenant)
        or store.licence(tenant) != LicenceRecord()
        or store.authentication(tenant, "s1").session
        or store.authentication(tenant, "s1").accounts
        or store.snapshot(tenant, "r1", NOW)
        or any(store.list_names(Namespace(kind, tenant), NOW) for kind in kinds)
        or any(task.payload["tenant"] == tenant for task in store.tasks())
        or any(store.hold(LedgerKey(tenant, v, "live")) for v in ("all", "gone"))
        or any(store.approval(LedgerKey(tenant, v, "live")) for v in ("all", "gone"))
    )


def documents(project: str) -> list[str]:
    """Every document of the emulator's database as text: its path and its fields."""
    store = FirestoreStore(project, emulator=os.environ[HOST])
    found = []
    for collection in store._client.collections():
        for one in collection.recursive().stream():
            found.append(f"{one.reference.path} {one.to_dict()}")
    store.close()
    return found


def test_everything_of_a_deleted_tenant_is_gone_and_another_has_what_it_had(open_store):
    store = open_store()
    fill(store, "C0storvik")
    fill(store, "C0annanstad")
    store.delete_tenant("C0storvik", NOW)
    again = open_store()
    assert is_empty(again, "C0storvik")
    assert [count for _, count, _ in again.ledgers("C0annanstad")] == [70, 70, 70]
    assert again.tenant("C0annanstad")
    assert again.audit_entries("C0annanstad")
    assert again.snapshot("C0annanstad", "r1", NOW) == PACKED
    assert len(again.list_names(Namespace("search", "C0annanstad"), NOW)) == 40
    assert [task.payload["tenant"] for task in again.tasks()] == ["C0annanstad"]


def test_deleting_twice_or_what_is_not_there_does_nothing(store):
    fill(store, "C1")
    for _ in range(2):
        store.delete_tenant("C1", NOW)
    store.delete_tenant("C2", NOW)
    assert is_empty(store, "C1")


def test_a_deletion_that_was_cut_off_is_completed_by_the_next(store, monkeypatch):
    fill(store, "C1")
    if isinstance(store, FirestoreStore):
        monkeypatch.setattr(store._documents, "below", lambda collection: 1 / 0)
    else:
        monkeypatch.setattr(store, "_rewrite", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.delete_tenant("C1", NOW)
    monkeypatch.undo()
    store.delete_tenant("C1", NOW)
    assert is_empty(store, "C1")


def test_a_tenant_is_not_deleted_while_a_run_delivers(store):
    fill(store, "C1")
    key, holder = LedgerKey("C1", "all", "live"), process_holder("run")
    assert store.acquire(key, holder, time.time() + 60, time.time()) is None
    with pytest.raises(TenantBusyError, match="all"):
        store.delete_tenant("C1", time.time())
    assert store.tenant("C1")
    store.release(key, holder)
    store.delete_tenant("C1", time.time())
    assert is_empty(store, "C1")


def test_a_deleted_tenant_can_begin_again(store):
    fill(store, "C1")
    store.delete_tenant("C1", NOW)
    fill(store, "C1")
    assert [count for _, count, _ in store.ledgers("C1")] == [70, 70, 70]


def test_what_was_read_is_erased_and_the_rest_stays(open_store):
    store = open_store()
    fill(store, "C1")
    fill(store, "C2")
    store.erase_items("C1", {"notices", "origin"})
    assert store.snapshot("C1", "r1", NOW) is None
    assert store.list_names(Namespace("reading", "C1"), NOW) == []
    assert store.list_names(Namespace("search", "C1"), NOW) == []
    assert store.list_names(Namespace("notices", "C1"), NOW) == ["all.live"]
    assert store.list_names(Namespace("origin", "C1"), NOW) == ["origin"]
    assert [count for _, count, _ in store.ledgers("C1")] == [70, 70, 70]
    assert store.snapshot("C2", "r1", NOW) == PACKED
    assert open_store().get(Namespace("reading", "C2"), "directory", NOW).data == PACKED


def test_no_row_of_a_deleted_tenant_is_in_any_table(tmp_path):
    store = SQLiteStore(tmp_path / "skolsynk.db")
    fill(store, "C0storvik")
    assert store.acquire(LedgerKey("C0storvik", "all", "live"), "r1", NOW - 1, NOW - 60) is None
    store.update_push_state("C0storvik", lambda known: PushState(due=NOW))
    filled = _rows(tmp_path / "skolsynk.db")
    assert all(filled.values()), filled
    store.delete_tenant("C0storvik", NOW)
    left = _rows(tmp_path / "skolsynk.db")
    assert {table for table, count in left.items() if count} == {"stamp"}  # which is the file's
    store.close()


def _rows(file: Path) -> dict[str, int]:
    """How many rows each table of a store's file has."""
    with closing(sqlite3.connect(file)) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for (t,) in tables}


def test_no_document_in_firestore_mentions_a_deleted_tenant(project):
    store = FirestoreStore(project, emulator=os.environ[HOST])
    fill(store, "C0storvik")
    fill(store, "C0annanstad")
    big = zlib.compress(random.Random(2).randbytes(1_200_000), 0)  # in parts of their own
    store.put(Namespace("reading", "C0storvik"), "directory", big, NOW, LATER)
    store._documents.delete([("tenants", "C0storvik", "papers", "reading.directory")])
    assert sum("C0storvik" in each for each in documents(project)) > 200
    store.delete_tenant("C0storvik", NOW)
    store.close()
    left = documents(project)
    assert [each for each in left if "C0storvik" in each] == []
    assert len(left) > 200


# The bytes of SQLite's files


def traces(path: Path, blob: bytes) -> int:
    """How many pieces of 16 bytes of a blob are in the store's file or in what is beside it."""
    files = [each.read_bytes() for each in path.parent.iterdir() if path.name in each.name]
    pieces = [blob[n : n + 16] for n in range(0, len(blob) - 16, 16)]
    return sum(any(piece in data for data in files) for piece in pieces)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "skolsynk.db"


def rewritten(store: Store) -> None:
    """Replace and move rows until pages have been split and joined."""
    generator = random.Random(3)
    for n in range(60):
        for tenant in ("C1", "C2"):
            other = generator.randbytes(generator.randrange(100, 9000))
            store.put(Namespace("search", tenant), f"x{n % 17}", other, NOW, LATER)
        if n % 3 == 0:
            store.put(Namespace("reading", "C1"), "directory", PACKED, NOW, LATER)
            store.put(Namespace("search", "C1"), f"s{n}", SMALL, NOW, LATER)


@pytest.mark.parametrize("how", ["erased", "deleted"])
def test_the_files_bytes_have_no_name_of_a_tenant_that_left(file, how):
    store, reader = SQLiteStore(file), SQLiteStore(file)
    fill(store, "C1")
    rewritten(store)
    reader.tenant("C1")  # keeps a connection open, so that the journal stays
    assert traces(file, PACKED) > 500
    assert traces(file, SMALL) > 50
    if how == "erased":
        store.erase_items("C1", {"notices"})
    else:
        store.delete_tenant("C1", NOW)
    assert traces(file, PACKED) == traces(file, SMALL) == 0
    if how == "deleted":
        assert traces(file, b"chef@edu.storvik.se--") == 0
    store.close()
    reader.close()


def test_the_files_bytes_have_nothing_of_what_expired_or_was_no_longer_needed(file):
    store, reader = SQLiteStore(file), SQLiteStore(file)
    fill(store, "C1")
    reader.tenant("C1")
    store.done_with_snapshot("C1", "r1", "all")
    store.delete(Namespace("reading", "C1"), "directory")
    assert traces(file, PACKED) == 0
    store.put(Namespace("reading", "C1"), "directory", PACKED, NOW, LATER)
    store.save_snapshot("C1", "r2", PACKED, ["all"], NOW, LATER)
    store.delete_expired(LATER + 1)
    assert traces(file, PACKED) == traces(file, SMALL) == 0
    store.close()
    reader.close()


def test_the_files_bytes_have_nothing_of_what_was_replaced_when_the_next_sweep_is_over(file):
    store, reader = SQLiteStore(file), SQLiteStore(file)
    store.put(Namespace("reading", "C1"), "directory", PACKED, NOW, LATER)
    reader.tenant("C1")
    store.put(Namespace("reading", "C1"), "directory", b"another", NOW, LATER)
    assert store.delete_expired(NOW) == 0
    assert traces(file, PACKED) == 0
    store.close()
    reader.close()


def test_a_file_of_an_earlier_version_is_rewritten_without_what_it_deleted(file, monkeypatch):
    from addon.store.sqlite import database

    with monkeypatch.context() as earlier:
        earlier.setattr(database, "MIGRATIONS", database.MIGRATIONS[:7])
        old = SQLiteStore(file)
        with old._outside_transaction() as db:
            db.execute("PRAGMA secure_delete = OFF")
        old.put(Namespace("reading", "C1"), "directory", PACKED, NOW, LATER)
        old.delete(Namespace("reading", "C1"), "directory")
        old.close()
    assert traces(file, PACKED) > 500
    SQLiteStore(file).close()
    assert traces(file, PACKED) == 0


def test_a_reader_that_is_in_the_way_puts_off_the_emptying_and_breaks_nothing(file, monkeypatch):
    monkeypatch.setattr("addon.store.sqlite.database.REWRITE_SECONDS", 0.01)
    store, reader = SQLiteStore(file), SQLiteStore(file)
    fill(store, "C1")
    with reader._reading() as db:
        db.execute("SELECT count(*) FROM papers").fetchone()
        store.delete_tenant("C1", NOW)
        assert store.tenant("C1") is None
    store.delete_expired(NOW)
    assert traces(file, PACKED) == 0
    store.close()
    reader.close()

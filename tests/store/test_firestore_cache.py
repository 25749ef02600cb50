"""The cache in Firestore: items in parts, what deleting expired ones costs, writers that die."""

import os

import pytest
from google.cloud import firestore
from msgspec.structs import replace

from addon.store.base import StoreError
from addon.store.firestore.client import PART, DocumentWrite, PreconditionFailed
from addon.store.firestore.store import FirestoreStore
from addon.store.records import AuditEntry, Namespace
from bench.firestore_count import Counted
from tests.support.emulator import HOST

READING = Namespace("reading", "C1")
NOW = 1_800_000_000.0
LATER = NOW + 3600
LARGE = bytes(range(256)) * 8000
ENTRY = AuditEntry("20270115T080000Z-a1b2c3", NOW, "command line", "document.imported")


class Killed(BaseException):
    """The process is no more."""


@pytest.fixture
def store(project):
    store = FirestoreStore(project, emulator=os.environ[HOST])
    yield store
    store.close()


@pytest.fixture
def parts(project):
    """How many parts there are, of all cached items and snapshots."""
    client = firestore.Client(project=project)
    yield lambda: len(list(client.collection_group("parts").stream()))
    client.close()


def pieces(data: bytes) -> int:
    return -(-len(data) // PART)


def test_a_small_item_is_one_document(store, parts):
    store.put(READING, "directory", b"x" * PART, NOW, LATER)
    assert parts() == 0
    counted = Counted(store)
    store.get(READING, "directory", NOW)
    assert counted.take().reads == 1


def test_an_item_says_how_old_it_is_by_the_clock_of_firestore(store):
    """So a clock of ours that has jumped ahead since it was saved is known by it."""
    store.put(READING, "directory", b"x", NOW, LATER)
    item = store.get(READING, "directory", NOW + 1800)
    assert 0 <= item.age < 120
    assert 1800 - 120 < item.jumped(NOW + 1800) <= 1800
    assert item.jumped(NOW + 10) == 0


def test_the_parts_of_what_was_replaced_discarded_and_swept_are_removed(store, parts):
    store.put(READING, "directory", LARGE, NOW, LATER)
    store.put(READING, "directory", LARGE[:-PART], NOW, LATER)
    assert parts() == pieces(LARGE[:-PART])
    store.put(READING, "directory", b"small", NOW, LATER)
    assert parts() == 0
    store.put(READING, "directory", LARGE, NOW, LATER)
    store.delete(READING, "directory")
    assert parts() == 0
    store.put(READING, "directory", LARGE, NOW, LATER)
    assert not store.put_if_absent(READING, "directory", LARGE, NOW, LATER)
    assert parts() == pieces(LARGE)
    store.delete_expired(LATER)
    assert parts() == 0


def test_who_puts_an_absent_item_second_leaves_no_parts(store, parts, monkeypatch):
    change = store._documents.change

    def late(path, take):
        monkeypatch.undo()
        assert store.put_if_absent(READING, "directory", b"first", NOW, LATER)
        return change(path, take)

    monkeypatch.setattr(store._documents, "change", late)
    assert not store.put_if_absent(READING, "directory", LARGE, NOW, LATER)
    assert store.get(READING, "directory", NOW).data == b"first"
    assert parts() == 0


def test_a_writer_that_dies_leaves_the_earlier_item_and_parts_that_are_deleted(
    store, parts, monkeypatch
):
    store.put(READING, "directory", b"before", NOW, LATER + 60)

    def die(path, take):
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(store._documents, "change", die)
        store.put(READING, "directory", LARGE, NOW, LATER)
    assert store.get(READING, "directory", NOW).data == b"before"
    assert parts() == pieces(LARGE)
    assert store.delete_expired(LATER) == 0
    assert parts() == 0
    assert store.get(READING, "directory", LATER).data == b"before"


def test_a_writer_that_fails_leaves_the_earlier_item_and_no_parts(store, parts, monkeypatch):
    store.put(READING, "directory", b"before", NOW, LATER)

    def fail(path, take):
        raise StoreError("unreachable")

    with monkeypatch.context() as patched, pytest.raises(StoreError):
        patched.setattr(store._documents, "change", fail)
        store.put(READING, "directory", LARGE, NOW, LATER)
    assert store.get(READING, "directory", NOW).data == b"before"
    assert parts() == 0


def test_a_reader_between_two_items_gets_the_later_one(store, monkeypatch):
    store.put(READING, "directory", LARGE, NOW, LATER)
    get_all = store._documents.get_all

    def late(paths):
        if len(paths) > 1:  # the parts: they are replaced before they are read
            monkeypatch.undo()
            store.put(READING, "directory", LARGE[::-1], NOW, LATER)
        return get_all(paths)

    monkeypatch.setattr(store._documents, "get_all", late)
    assert store.get(READING, "directory", NOW).data == LARGE[::-1]


def test_an_item_that_firestore_has_begun_to_remove_is_none(store):
    store.put(READING, "directory", LARGE, NOW, LATER)
    documents = store._documents
    [found] = documents.query(("tenants", "C1", "papers"))
    name = f"{found.fields['generation']}-0001"
    documents.delete([(*found.path, "parts", name)])
    assert store.get(READING, "directory", NOW) is None


def test_a_sweep_with_nothing_to_remove_costs_six_reads(store):
    for n in range(20):
        store.put(READING, f"{n}", b"packed", NOW, LATER)
    counted = Counted(store)
    assert store.delete_expired(LATER - 1) == 0
    cost = counted.take()
    assert (cost.reads, cost.writes, cost.deletes) == (6, 0, 0)


def test_an_item_that_is_put_again_while_expired_ones_are_deleted_stays(store, monkeypatch):
    for name in ("one", "two"):
        store.put(READING, name, b"old", NOW, LATER)
    expired = store._documents.expired

    def late(*asked):
        found = expired(*asked)
        monkeypatch.undo()
        store.put(READING, "two", b"new", LATER, LATER + 60)
        return found

    monkeypatch.setattr(store._documents, "expired", late)
    assert store.delete_expired(LATER) == 1
    assert store.get(READING, "two", LATER).data == b"new"
    assert store.list_names(READING, LATER) == ["two"]


def test_a_sweep_without_its_index_says_what_to_do(store, monkeypatch):
    def lacking(work):
        raise PreconditionFailed("a document has been changed (FailedPrecondition)")

    monkeypatch.setattr(store._documents, "_try", lacking)
    with pytest.raises(StoreError, match=r"collection group papers: .*docs/deploy\.md"):
        store.delete_expired(NOW)


@pytest.mark.parametrize("with_entry", [ENTRY, None], ids=["with entry", "without"])
def test_a_document_whose_commit_was_taken_for_failed_was_saved(store, monkeypatch, with_entry):
    """The client tries a commit again whose answer was lost, and has then overtaken itself."""
    commit = store._documents.commit

    def lost(writes, gone=()):
        monkeypatch.undo()
        commit(writes, gone)
        return commit(writes, gone)

    monkeypatch.setattr(store._documents, "commit", lost)
    assert store.replace_tenant("C1", b"new", None, with_entry)
    assert store.tenant("C1") == b"new"
    assert store.audit_entries("C1") == ([] if with_entry is None else [ENTRY])


def test_an_absent_item_whose_commit_was_taken_for_failed_was_put(store, monkeypatch):
    commit = store._documents.commit

    def lost(writes, gone=()):
        monkeypatch.undo()
        commit(writes, gone)
        return commit(writes, gone)

    monkeypatch.setattr(store._documents, "commit", lost)
    assert store.put_if_absent(READING, "turn", b"first", NOW, LATER)


def test_an_entry_whose_commit_was_taken_for_failed_was_written(store):
    store.append_audit("C1", ENTRY)
    store.append_audit("C1", ENTRY)
    with pytest.raises(StoreError, match="another entry"):
        store.append_audit("C1", replace(ENTRY, what="unit.saved"))


def test_the_document_is_saved_also_when_another_wrote_the_same_in_between(store, monkeypatch):
    store.save_tenant("C1", b"old")
    commit = store._documents.commit

    def late(writes, gone=()):
        monkeypatch.undo()
        commit([DocumentWrite(("tenants", "C1"), {"document": b"old"}, merge=True)])
        commit([DocumentWrite(("tenants", "C1"), {"note": 1}, merge=True)])
        return commit(writes, gone)

    monkeypatch.setattr(store._documents, "commit", late)
    assert store.replace_tenant("C1", b"new", b"old", ENTRY)
    assert store.audit_entries("C1") == [ENTRY]

"""Cached items, the log of changes and a document that two would change, of every store."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random

import pytest
from msgspec.structs import replace

from addon.store.base import AUDIT_KEPT, StoreError
from addon.store.ids import new_run_id
from addon.store.records import AuditEntry, CachedItem, Namespace
from addon.tenants.diff import Changed

READING = Namespace("reading", "C1")
REGISTER = Namespace("register")
OTHERS = [
    Namespace("reading", "C2"),
    Namespace("progress", "C1"),
    Namespace("reading"),
    Namespace("read", "C1"),
]
NOW = 1_800_000_000.0
LATER = NOW + 3600
ENTRY = AuditEntry(
    "20270115T080000Z-a1b2c3",
    NOW,
    "admin@storkoping.example",
    "unit.saved",
    "12345678",
    (Changed("schoolUnits[12345678].students.orgUnits", None, '["/Elever/Åsen"]'),),
)


def entry(n: int) -> AuditEntry:
    return replace(ENTRY, id=f"20270115T08{n:04}Z-a1b2c3", at=NOW + n)


def large(seed: int, megabytes: float = 3) -> bytes:
    return Random(seed).randbytes(int(megabytes * 1_000_000))


def together(*works):
    """What each gives; they begin at once, in threads of their own."""
    ready = threading.Barrier(len(works))

    def begin(work):
        ready.wait(30)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [done.result() for done in [pool.submit(begin, work) for work in works]]


# Documents that two would change


def test_a_document_takes_the_place_of_the_one_that_was_read(store, open_store):
    assert store.replace_tenant("C1", b"first", None)
    assert store.replace_tenant("C1", b"second", b"first")
    assert open_store().tenant("C1") == b"second"
    assert store.tenants() == ["C1"]


@pytest.mark.parametrize("was", [None, b"", b"old", b"news"])
def test_who_read_another_document_is_reported_and_writes_nothing(store, was):
    store.save_tenant("C1", b"new")
    assert not store.replace_tenant("C1", b"mine", was, ENTRY)
    assert store.tenant("C1") == b"new"
    assert store.audit_entries("C1") == []


def test_a_deleted_tenant_is_not_created_again(store):
    assert not store.replace_tenant("C1", b"mine", b"old", ENTRY)
    assert store.tenants() == []
    assert store.audit_entries("C1") == []


def test_a_document_that_was_imported_meanwhile_stays(store):
    store.replace_tenant("C1", b"first", None)
    store.save_tenant("C1", b"imported")
    assert not store.replace_tenant("C1", b"second", b"first")
    assert store.replace_tenant("C1", b"second", b"imported")


def test_a_change_and_its_entry_are_written_together(store, open_store):
    assert store.replace_tenant("C1", b"new", None, ENTRY)
    assert open_store().tenant("C1") == b"new"
    assert open_store().audit_entries("C1") == [ENTRY]


def test_a_document_whose_entry_cannot_be_written_stays_as_it_was(store):
    store.save_tenant("C1", b"old")
    store.append_audit("C1", replace(ENTRY, who="other@storkoping.example"))
    with pytest.raises(StoreError, match=ENTRY.id):
        store.replace_tenant("C1", b"new", b"old", ENTRY)
    assert store.tenant("C1") == b"old"
    assert [one.who for one in store.audit_entries("C1")] == ["other@storkoping.example"]
    assert store.replace_tenant("C1", b"new", b"old", entry(1))


@pytest.mark.parametrize("was", [None, b"old"])
def test_of_two_who_save_at_once_one_wins_and_the_other_is_reported(store, open_store, was):
    stores = store, open_store()
    for n in range(8):
        tenant = f"C{n}"
        if was is not None:
            store.save_tenant(tenant, was)
        works = [
            lambda i=i, tenant=tenant, n=n: stores[i % 2].replace_tenant(
                tenant, b"by %d" % i, was, entry(10 * n + i)
            )
            for i in range(4)
        ]
        saved = together(*works)
        assert saved.count(True) == 1
        winner = saved.index(True)
        assert store.tenant(tenant) == b"by %d" % winner
        assert store.audit_entries(tenant) == [entry(10 * n + winner)]


# The log of changes


def test_an_entry_is_kept_as_it_is(store, open_store):
    store.append_audit("C1", ENTRY)
    assert open_store().audit_entries("C1") == [ENTRY]


def test_entries_are_the_newest_first_page_by_page(store):
    for n in Random(1).sample(range(60), 60):
        store.append_audit("C1", entry(n))
    newest_first = [entry(n) for n in reversed(range(60))]
    assert store.audit_entries("C1") == newest_first[:50]
    pages, before = [], None
    while page := store.audit_entries("C1", limit=25, before=before):
        pages.append(page)
        before = page[-1].id
    assert pages == [newest_first[:25], newest_first[25:50], newest_first[50:]]


def test_entries_with_ids_like_those_of_runs_sort_by_time(store):
    ids = [new_run_id(NOW + n * 40_000) for n in range(5)]
    for one in ids:
        store.append_audit("C1", replace(ENTRY, id=one))
    assert [found.id for found in store.audit_entries("C1")] == ids[::-1]


def test_promise_6_the_log_of_another_tenant_is_another(store):
    store.append_audit("C2", ENTRY)
    assert store.audit_entries("C1") == []
    store.append_audit("C1", replace(ENTRY, who="other@example.se"))
    assert store.audit_entries("C2") == [ENTRY]


def test_an_entry_is_never_changed(store):
    store.append_audit("C1", ENTRY)
    with pytest.raises(StoreError, match=ENTRY.id):
        store.append_audit("C1", replace(ENTRY, what="hold.approved"))
    assert store.audit_entries("C1") == [ENTRY]


def test_a_large_change_is_kept_whole(store):
    before, after = '{"name": "Åsen"}' * 60_000, '{"name": "Ängen"}' * 60_000
    one = replace(ENTRY, changes=(Changed("document", before, after),))
    store.append_audit("C1", one)
    assert store.audit_entries("C1") == [one]


# Cache


def item_of(store, *about):
    """An item as it was put, without how old it is by the store's own clock."""
    return replace(store.get(*about), age=None)


def test_an_item_is_kept_as_it_is(store, open_store):
    store.put(READING, "directory", b"\x00\xff packed", NOW, LATER)
    item = CachedItem("directory", b"\x00\xff packed", NOW, LATER)
    assert item_of(store, READING, "directory", NOW) == item
    assert item_of(open_store(), READING, "directory", NOW) == item


def test_an_item_that_was_never_put_is_none(store):
    assert store.get(READING, "directory", NOW) is None
    assert store.list_names(READING, NOW) == []
    store.delete(READING, "directory")


SIZES = [0, 1, 500_000, 500_001, 3_000_000]


@pytest.mark.parametrize("size", SIZES)
def test_an_item_of_any_size_is_kept_whole(store, open_store, size):
    data = Random(size).randbytes(size)
    store.put(READING, "directory", data, NOW, LATER)
    assert item_of(open_store(), READING, "directory", NOW) == CachedItem(
        "directory", data, NOW, LATER
    )


@pytest.mark.parametrize("sizes", [(1, 3), (3, 1), (3, 0.1), (0.1, 3), (2, 2)])
def test_an_item_replaces_the_earlier_one(store, sizes):
    for n, megabytes in enumerate(sizes):
        store.put(READING, "directory", large(n, megabytes), NOW + n, LATER + n)
    item = CachedItem("directory", large(1, sizes[1]), NOW + 1, LATER + 1)
    assert item_of(store, READING, "directory", NOW) == item
    assert store.list_names(READING, NOW) == ["directory"]


def test_an_item_expires(store):
    store.put(READING, "directory", b"packed", NOW, LATER)
    assert store.get(READING, "directory", LATER - 0.5) is not None
    assert store.get(READING, "directory", LATER) is None
    assert store.list_names(READING, LATER - 0.5) == ["directory"]
    assert store.list_names(READING, LATER) == []


def test_an_item_without_an_expiry_stays(store):
    store.put(REGISTER, "units", b"packed", NOW)
    store.delete_expired(NOW + 1e8)
    assert item_of(store, REGISTER, "units", NOW + 1e8) == CachedItem("units", b"packed", NOW)
    assert store.list_names(REGISTER, NOW + 1e8) == ["units"]


def test_an_item_that_is_put_again_without_an_expiry_stays(store):
    store.put(READING, "directory", b"packed", NOW, LATER)
    store.put(READING, "directory", b"packed", NOW)
    assert store.delete_expired(LATER) == 0
    assert item_of(store, READING, "directory", LATER) == CachedItem("directory", b"packed", NOW)


def test_a_deleted_item_is_gone_and_the_others_stay(store):
    for name in ("one", "two"):
        store.put(READING, name, large(1, 1), NOW, LATER)
    store.delete(READING, "one")
    assert store.get(READING, "one", NOW) is None
    assert store.get(READING, "two", NOW) is not None
    assert store.list_names(READING, NOW) == ["two"]


@pytest.mark.parametrize("other", OTHERS, ids=repr)
def test_promise_6_items_of_other_namespaces_are_others(store, other):
    store.put(READING, "directory", b"ours", NOW, LATER)
    assert store.get(other, "directory", NOW) is None
    assert store.list_names(other, NOW) == []
    assert store.put_if_absent(other, "directory", b"theirs", NOW, LATER)
    store.delete(other, "directory")
    assert item_of(store, READING, "directory", NOW) == CachedItem("directory", b"ours", NOW, LATER)
    assert store.list_names(READING, NOW) == ["directory"]


NAMES = [
    "",
    ".",
    "..",
    "__all__",
    "a/b",
    "a%2Fb",
    "/Elever/Åsen/7 A",
    "a.b",
    "na\u0000me",
    "😀",
    "å" * 2000,
    "å" * 1999,
]


def test_an_item_may_have_any_name(store):
    for n, name in enumerate(NAMES):
        store.put(READING, name, b"%d" % n, NOW, LATER)
    assert [store.get(READING, name, NOW).data for name in NAMES] == [
        b"%d" % n for n in range(len(NAMES))
    ]
    assert store.list_names(READING, NOW) == sorted(NAMES)
    for name in NAMES:
        store.delete(READING, name)
    assert store.list_names(READING, NOW) == []


# Cache that must be new


def test_an_item_is_put_if_absent_only_where_there_is_none(store):
    assert store.put_if_absent(READING, "turn", b"first", NOW, LATER)
    assert not store.put_if_absent(READING, "turn", b"second", NOW, LATER)
    assert item_of(store, READING, "turn", NOW) == CachedItem("turn", b"first", NOW, LATER)


def test_an_item_put_if_absent_replaces_one_that_has_expired(store):
    store.put_if_absent(READING, "turn", large(1, 1), NOW, LATER)
    assert store.put_if_absent(READING, "turn", b"second", LATER, LATER + 60)
    assert item_of(store, READING, "turn", LATER) == CachedItem(
        "turn", b"second", LATER, LATER + 60
    )


@pytest.mark.parametrize("there", ["none", "expired"])
@pytest.mark.parametrize("size", [10, 600_000])
def test_of_many_who_put_an_absent_item_at_once_one_does(store, open_store, there, size):
    stores = store, open_store()
    for n in range(5):
        name = f"turn {n}"
        if there == "expired":
            store.put(READING, name, b"before", NOW - 60, NOW)
        works = [
            lambda i=i, name=name: stores[i % 2].put_if_absent(
                READING, name, b"%d" % i * size, NOW, LATER
            )
            for i in range(4)
        ]
        kept = together(*works)
        assert kept.count(True) == 1
        winner = b"%d" % kept.index(True) * size
        assert item_of(store, READING, name, NOW) == CachedItem(name, winner, NOW, LATER)


# Cache that are read while they are replaced


def test_who_reads_while_an_item_is_replaced_gets_one_of_them_whole(store, open_store):
    writer, reader = store, open_store()
    versions = [large(1), large(2, 1.2), b"small", large(3)]
    writer.put(READING, "directory", versions[0], NOW, LATER)

    def write() -> None:
        for n in range(12):
            writer.put(READING, "directory", versions[n % 4], NOW, LATER)

    with ThreadPoolExecutor(1) as pool:
        writing, times = pool.submit(write), 0
        while not writing.done() or not times:
            found = reader.get(READING, "directory", NOW)
            assert found is not None
            assert found.data in versions
            times += 1
        writing.result()


def test_of_many_who_put_an_item_at_once_one_is_last_and_whole(store, open_store):
    stores, versions = (store, open_store()), [large(n, 1.1) for n in range(4)]

    def keep(n: int) -> None:
        with suppress(StoreError):  # others were faster, again and again
            stores[n % 2].put(READING, "directory", versions[n], NOW, LATER)

    together(*[lambda n=n: keep(n) for n in range(4)])
    assert store.get(READING, "directory", NOW).data in versions


# What has expired


def test_a_sweep_removes_what_has_expired_of_all_tenants_and_nothing_else(store):
    for namespace in (READING, *OTHERS):
        store.put(namespace, "old", large(1, 1), NOW, LATER)
        store.put(namespace, "new", large(2, 1), NOW, LATER + 1)
    store.save_snapshot("C1", "r1", b"packed", ["binogi"], NOW, LATER)
    store.save_snapshot("C2", "r2", large(1, 1), ["binogi"], NOW, LATER)
    store.save_snapshot("C2", "r3", large(2, 1), ["binogi"], NOW, LATER + 1)
    assert store.delete_expired(LATER - 1) == 0
    assert store.delete_expired(LATER) == 5 + 2
    assert store.delete_expired(LATER) == 0
    for namespace in (READING, *OTHERS):
        assert store.get(namespace, "old", NOW) is None, "it is gone, not only out of date"
        assert store.get(namespace, "new", NOW).data == large(2, 1)
    assert store.snapshot("C2", "r2", NOW) is None
    assert store.snapshot("C2", "r3", NOW) == large(2, 1)


def test_what_expires_and_was_saved_in_the_future_is_none_and_is_swept(store):
    """A clock that was a year ahead keeps nothing for a year; what never expires stays."""
    ahead = NOW + 365 * 86400.0
    store.put(READING, "state", b"old", ahead, ahead + 60)
    store.put(READING, "for good", large(1, 1), ahead)
    store.save_snapshot("C1", "r1", large(1, 1), ["binogi"], ahead, ahead + 60)
    assert store.get(READING, "state", NOW) is None
    assert store.snapshot("C1", "r1", NOW) is None
    assert store.list_names(READING, NOW) == ["for good"]
    assert store.put_if_absent(READING, "state", b"new", NOW, LATER)
    assert store.get(READING, "state", NOW).data == b"new"
    store.put(READING, "other", b"old", ahead, ahead + 60)
    assert store.delete_expired(NOW) == 2
    assert store.get(READING, "other", ahead) is None, "it is gone, not only out of date"
    assert store.get(READING, "for good", NOW).data == large(1, 1)


def test_a_clock_that_is_a_minute_ahead_is_no_trouble(store):
    store.put(READING, "state", b"kept", NOW + 60, LATER)
    store.save_snapshot("C1", "r1", b"packed", ["binogi"], NOW + 60, LATER)
    assert store.delete_expired(NOW) == 0
    assert store.get(READING, "state", NOW).data == b"kept"
    assert store.snapshot("C1", "r1", NOW) == b"packed"


def test_two_who_sweep_at_once_remove_each_once(store, open_store):
    other = open_store()
    for n in range(30):
        store.put(READING, f"{n}", b"packed", NOW, LATER)
    assert (
        sum(together(lambda: store.delete_expired(LATER), lambda: other.delete_expired(LATER)))
        == 30
    )
    assert store.list_names(READING, NOW) == []


def test_entries_of_the_last_three_years_stay(store):
    store.append_audit("C1", replace(ENTRY, id="2024", at=NOW - AUDIT_KEPT))
    store.append_audit("C1", replace(ENTRY, id="2027"))
    assert [one.id for one in store.audit_entries("C1")] == ["2027", "2024"]

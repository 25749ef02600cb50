"""Who is protected, in every store: no change is lost, and nothing is written for nothing."""

from concurrent.futures import ThreadPoolExecutor

from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey
from addon.planning.protected_set import (
    ProtectedSet,
    RemovalOutcome,
    released,
    with_protected,
)
from addon.settings import Settings, SqliteAddress
from addon.ss12000.ids import Ids
from addon.sync.context import SyncContext
from addon.sync.protected_removal import remove_protected_everywhere

WHOLE = ProtectedSet(
    ids=frozenset({"1", "2"}),
    ended={"3": 1.5},
    gone=frozenset({"4"}),
    pending=frozenset({"5", "6"}),
    pending_limit=3,
    receded=frozenset({"5"}),
    confirmed=frozenset({"6"}),
    people=100,
    updated=2.5,
    units=frozenset({"12345678", "12345679"}),
    cleared={"all.live": "hash"},
    removals={"all.live": RemovalOutcome(3.5, 1, 2, "503")},
)


def test_a_tenant_of_whom_nobody_was_protected_has_none(store):
    assert store.protected_set("C1") is None
    assert store.update_protected_set("C1", lambda known: known or ProtectedSet()) == ProtectedSet()
    assert store.protected_set("C1") is None


def test_it_is_kept_whole_and_apart_from_other_tenants(open_store):
    assert open_store().update_protected_set("C1", lambda known: WHOLE) == WHOLE
    assert open_store().protected_set("C1") == WHOLE
    assert open_store().protected_set("C2") is None


def test_a_set_that_stays_the_same_is_not_written(store):
    store.update_protected_set("C1", lambda known: WHOLE)
    before = store.cost()[1]
    store.update_protected_set("C1", lambda known: known or ProtectedSet())
    assert store.cost()[1] - before in (0, 1)  # SQLite counts a transaction


def test_of_changes_at_once_none_is_lost(open_store):
    stores = [open_store() for _ in range(4)]

    def protect(n: int) -> None:
        stores[n].update_protected_set("C1", lambda known: with_protected(known, {str(n)}))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(protect, range(4)))
    found = stores[0].protected_set("C1")
    assert found is not None
    assert found.ids == {"0", "1", "2", "3"}


def test_a_change_begins_from_what_is_stored(store):
    store.update_protected_set("C1", lambda known: WHOLE)
    after = store.update_protected_set("C1", lambda known: released(known or WHOLE, {"3"}))
    assert after.ended == {}
    assert store.protected_set("C1") == after


def test_a_municipality_whose_people_all_became_protected_fits(store):
    many = ProtectedSet(pending=frozenset(str(10**20 + n * 7_919_191) for n in range(60_000)))
    store.update_protected_set("C1", lambda known: many)
    assert store.protected_set("C1") == many


def test_the_removal_finds_people_in_the_ledger_of_every_store(store, tmp_path):
    """Where nobody is configured to remove them, they are counted as left until they are gone."""
    store.save_tenant("C1", b'{"customerId": "C1", "organisation": {"name": "Storvik"}}')
    known = ProtectedSet(frozenset({"1", "2"}), units=frozenset({"12345678"}))
    store.update_protected_set("C1", lambda _: known)
    key, who = LedgerKey("C1", "all", "live"), Ids("C1").user("1")
    entries = [LedgerEntry("", b"0123456789abcdef")] * 2
    changes = [LedgerChange("User", i, e) for i, e in zip((who, "other"), entries, strict=True)]
    store.record(key, changes)
    context = SyncContext(
        Settings(SqliteAddress(tmp_path / "x.db"), {}), store, lambda tenant: None
    )
    (found,) = remove_protected_everywhere(context, "C1")
    assert (found.outcome.removed, found.outcome.left) == (0, 1)
    assert "all is not among the vendor profiles" in found.outcome.problem
    store.record(key, [LedgerChange("User", who, forget=True)])
    assert remove_protected_everywhere(context, "C1") == ()
    before = store.cost()
    assert remove_protected_everywhere(context, "C1") == ()
    after = store.cost()
    assert after[0] - before[0] <= 5  # who is protected, the document, ledgers, and whether changed
    assert after[1] == before[1]

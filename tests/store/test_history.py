"""What every store promises of the history of deliveries: found by ids, kept as long as runs."""

import pytest
from msgspec.structs import replace

from addon.planning.history import (
    DeliveryHistory,
    HistoryEntry,
    history_id,
    subject_of,
    subject_of_unit,
)
from addon.ss12000.ids import Ids
from addon.store import base
from addon.store.history import HISTORY_KEPT
from addon.store.records import RunRecord
from addon.store.sqlite.store import SQLiteStore

IDS = Ids("C1")
ANN, BO = IDS.user("1"), IDS.user("2")
CLASS = IDS.of_group("12345678", "orgUnit", "o1")[0]
NOW = 1_800_000_000.0


def history(*entries: HistoryEntry, at: float = NOW, run: str = "r1", tenant: str = "C1"):
    id = history_id(at, run, "all", "live", 0)
    return DeliveryHistory(id, tenant, run, at, "all", "live", entries)


CREATED = HistoryEntry("User", ANN, "create", person=ANN, units=("12345678",))
REMOVED = HistoryEntry("User", BO, "delete", "refused", BO, ("12345678",), "suspended")
CHANGED = HistoryEntry(
    "StudentGroup", CLASS, "update", units=("12345678",), changed=("members",), joined=(ANN, BO)
)


def test_what_a_run_did_is_found_by_the_run_and_by_whom_it_concerns(store):
    first, second = history(CREATED, CHANGED), history(REMOVED, at=NOW + 60, run="r2")
    store.add_history([first])
    store.add_history([second, history(CREATED, tenant="C2")])
    assert store.history_of_run("C1", "r1") == [first]
    assert store.history_of_run("C1", "r3") == []
    assert store.history_about("C1", subject_of(ANN), 10) == [first]
    assert store.history_about("C1", subject_of(BO), 10) == [second, first]
    assert store.history_about("C1", subject_of(BO), 1) == [second]
    assert store.history_about("C1", subject_of_unit("12345678"), 10) == [second, first]
    assert store.history_about("C1", subject_of(IDS.user("3")), 10) == []


def test_it_is_found_by_another_process(open_store):
    open_store().add_history([history(CREATED)])
    assert open_store().history_about("C1", subject_of(ANN), 1) == [history(CREATED)]


def test_saving_the_same_part_twice_is_saving_it_once(store):
    store.add_history([history(CREATED)])
    store.add_history([history(CREATED)])
    store.add_history([])
    assert store.history_of_run("C1", "r1") == [history(CREATED)]
    assert store.history_about("C1", subject_of(ANN), 10) == [history(CREATED)]


def test_a_person_is_removed_from_all_history_and_others_stay(store):
    store.add_history([history(CREATED, CHANGED), history(CREATED, at=NOW - 60, run="r0")])
    store.add_history([history(CREATED, tenant="C2")])
    store.forget_history("C1", {ANN, IDS.user("unknown")})
    assert store.history_about("C1", subject_of(ANN), 10) == []
    assert store.history_of_run("C1", "r0") == []
    left = replace(CHANGED, joined=(BO,))
    assert store.history_of_run("C1", "r1") == [history(left)]
    assert store.history_about("C1", subject_of(BO), 10) == [history(left)]
    assert store.history_of_run("C2", "r1") == [history(CREATED, tenant="C2")]


def test_one_delivery_is_one_write_however_many_it_concerns(store):
    people = [IDS.user(str(n)) for n in range(1500)]
    whole = history(*(HistoryEntry("User", each, "create", person=each) for each in people))
    before = store.cost()[1]
    store.add_history([whole])
    assert store.cost()[1] == before + 1
    assert store.history_about("C1", subject_of(people[700]), 5) == [whole]


@pytest.fixture
def sqlite(tmp_path):
    store = SQLiteStore(tmp_path / "skolsynk.db")
    yield store
    store.close()


def test_it_goes_with_the_record_of_its_run(sqlite, monkeypatch):
    monkeypatch.setattr("addon.store.sqlite.store.RUNS_KEPT", 2)
    for n in range(4):
        sqlite.save_run(RunRecord(f"r{n}", "C1", NOW + n, "running"))
        sqlite.add_history([history(CREATED, at=NOW + n, run=f"r{n}")])
    sqlite.save_run(RunRecord("r3", "C1", NOW + 3, "done"))
    assert [run.id for run in sqlite.runs("C1")] == ["r3", "r2"]
    found = sqlite.history_about("C1", subject_of(ANN), 10)
    assert [each.run for each in found] == ["r3", "r2"]
    assert base.RUNS_KEPT == 1000


def test_old_history_is_swept_where_no_run_follows(sqlite):
    sqlite.add_history([history(CREATED), history(REMOVED, at=NOW + 60, run="r2")])
    sqlite.delete_expired(NOW + HISTORY_KEPT + 30)
    assert sqlite.history_of_run("C1", "r1") == []
    assert sqlite.history_about("C1", subject_of(BO), 10) != []

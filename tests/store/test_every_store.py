"""What `addon.store.base.Store` promises, of every store (see conftest.py)."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from addon.planning.ledger import (
    Ledger,
    LedgerChange,
    LedgerEntry,
    LedgerKey,
    LedgerWriteError,
    Refusal,
)
from addon.planning.limits import Approval, Hold
from addon.planning.recent_removals import RecentRemovals
from addon.store.base import LeaseLost, StoreError
from addon.store.firestore.store import FirestoreStore
from addon.store.process_identity import process_holder
from addon.store.records import RunRecord

ROOT = Path(__file__).parents[2]
KEY = LedgerKey("C1", "binogi", "live")
OTHERS = [
    LedgerKey("C1", "binogi", "test"),
    LedgerKey("C1", "gleerups", "live"),
    LedgerKey("C2", "binogi", "live"),
]
HELD = LedgerEntry("v1", b"0123456789abcdef")
INTENT = LedgerEntry("", b"")
REFUSAL = Refusal("create", b"\x00\xff", 422, "ogiltig e-postadress", 1_800_000_000.5)
HOLD = Hold(
    people=("u1", "u2"),
    held=20,
    reason="för många",
    operations={"create": {}, "delete": {"User": 2}},
    changes={"User": -2},
    at=1.5,
    withdrawal=True,
    others={"StudentGroup": ("g1", "g2")},
)
APPROVAL = HOLD.approval(at=1_700_000_000.0)
RUN = RunRecord("20260817T070000Z-a1b2c3", "C1", 1_800_000_000.25, "running")


def contents(ledger: Ledger) -> dict:
    return {"entries": ledger.entries, "refusals": ledger.refusals}


def recorded(*changes: LedgerChange) -> dict:
    ledger = Ledger()
    ledger.apply(changes)
    return contents(ledger)


# Tenants


def test_an_unknown_tenant_is_none(store):
    assert store.tenant("C1") is None
    assert store.tenants() == []


def test_a_tenants_document_is_kept_as_it_was_given(store, open_store):
    document = '{\r\n  "customerId": "C1",  "name": "Å\u0000"}'.encode()
    store.save_tenant("C1", document)
    assert store.tenant("C1") == document
    assert open_store().tenant("C1") == document


def test_a_new_document_takes_the_place_of_the_old(store):
    store.save_tenant("C1", b"old")
    store.save_tenant("C1", b"new")
    assert store.tenant("C1") == b"new"
    assert store.tenants() == ["C1"]


def test_a_new_document_leaves_the_ledgers(store):
    store.save_tenant("C1", b"old")
    store.record(KEY, [LedgerChange("User", "u1", HELD)])
    store.save_tenant("C1", b"new")
    assert contents(store.ledger(KEY)) == recorded(LedgerChange("User", "u1", HELD))


def test_tenants_are_sorted(store):
    for customer in ("C3", "C1", "C2"):
        store.save_tenant(customer, b"{}")
    assert store.tenants() == ["C1", "C2", "C3"]


# Ledgers


def test_a_ledger_is_empty_when_nothing_was_sent_yet(store):
    assert contents(store.ledger(KEY)) == recorded()


STEPS = [
    [
        LedgerChange("User", "u1", INTENT),
        LedgerChange("User", "u2", INTENT),
        LedgerChange("Employment", "u1", HELD),
    ],
    [LedgerChange("User", "u1", HELD), LedgerChange("User", "u2", forget=True, refusal=REFUSAL)],
    [LedgerChange("User", "u1", refusal=replace(REFUSAL, operation="update"))],
    [LedgerChange("User", "u2", HELD), LedgerChange("User", "unknown", forget=True)],
    [
        LedgerChange("User", "u1", LedgerEntry("", b"new content")),
        LedgerChange("User", "u2", forget=True),
    ],
    [
        LedgerChange("User", "u1", HELD),
        LedgerChange("User", "u1", forget=True),
        LedgerChange("User", "u1", INTENT),
    ],
]


@pytest.mark.parametrize("steps", range(len(STEPS) + 1))
def test_promise_2_the_store_remembers_what_the_ledger_in_memory_does(store, open_store, steps):
    remembered = Ledger()
    for changes in STEPS[:steps]:
        store.record(KEY, changes)
        remembered.apply(changes)
    assert contents(store.ledger(KEY)) == contents(remembered)
    assert contents(open_store().ledger(KEY)) == contents(remembered)


def test_recording_nothing_is_nothing(store):
    store.record(KEY, [])
    assert store.ledgers("C1") == []


def test_promise_6_ledgers_of_other_tenants_vendors_and_modes_are_others(store):
    store.record(
        KEY, [LedgerChange("User", "u1", HELD), LedgerChange("User", "u2", refusal=REFUSAL)]
    )
    for other in OTHERS:
        assert contents(store.ledger(other)) == recorded()
        store.record(
            other, [LedgerChange("User", "u1", forget=True), LedgerChange("User", "u2", HELD)]
        )
    assert contents(store.ledger(KEY)) == recorded(
        LedgerChange("User", "u1", HELD), LedgerChange("User", "u2", refusal=REFUSAL)
    )


def test_the_ledgers_of_a_tenant_are_those_with_something_in_them(store):
    store.record(KEY, [LedgerChange("User", "u1", HELD), LedgerChange("Activity", "a1", INTENT)])
    store.record(OTHERS[0], [LedgerChange("User", "u1", refusal=REFUSAL)])
    store.record(OTHERS[1], [LedgerChange("User", "u1", HELD)])
    store.record(OTHERS[1], [LedgerChange("User", "u1", forget=True)])
    store.record(OTHERS[2], [LedgerChange("User", "u1", HELD)])
    assert sorted(store.ledgers("C1"), key=repr) == [(KEY, 2, 0), (OTHERS[0], 0, 1)]
    assert store.ledgers("C3") == []


def test_a_ledger_is_a_copy(store):
    store.ledger(KEY).apply([LedgerChange("User", "u1", HELD)])
    assert contents(store.ledger(KEY)) == recorded()


def test_promise_2_a_record_is_whole_or_not_at_all(store):
    store.record(KEY, [LedgerChange("User", "u1", HELD)])
    broken = LedgerChange("User", "u3", LedgerEntry("v3", object()))
    with pytest.raises(LedgerWriteError):
        store.record(
            KEY, [LedgerChange("User", "u1", forget=True), LedgerChange("User", "u2", HELD), broken]
        )
    assert contents(store.ledger(KEY)) == recorded(LedgerChange("User", "u1", HELD))
    store.record(KEY, [LedgerChange("User", "u2", HELD)])
    assert len(store.ledger(KEY)) == 2


def test_promise_2_threads_that_write_one_ledger_lose_nothing(store):
    def write(thread: int) -> None:
        for n in range(25):
            store.record(KEY, [LedgerChange("User", f"{thread}-{n}-{i}", HELD) for i in range(4)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(store.ledger(KEY)) == 4 * 25 * 4


def test_a_large_ledger_is_kept_whole(store):
    changes = [
        LedgerChange("User", f"u{n:06}", LedgerEntry(f"v{n}", b"0123456789abcdef"))
        for n in range(60000)
    ]
    changes += [LedgerChange("StudentGroup", f"g{n}", HELD) for n in range(4000)]
    store.record(KEY, changes)
    ledger = store.ledger(KEY)
    assert len(ledger) == 64_000
    assert ledger.people() == 60_000
    assert ledger.entries["User"]["u012345"] == LedgerEntry("v12345", b"0123456789abcdef")


# Holds and approvals


def test_a_hold_is_kept_until_it_is_ended(store, open_store):
    assert store.hold(KEY) is None
    store.set_hold(KEY, HOLD)
    assert store.hold(KEY) == HOLD
    assert open_store().hold(KEY) == HOLD
    store.set_hold(KEY, None)
    assert store.hold(KEY) is None


def test_a_hold_takes_the_place_of_an_earlier_one(store):
    store.set_hold(KEY, HOLD)
    later = replace(HOLD, people=("u3",), at=2.0, withdrawal=False)
    store.set_hold(KEY, later)
    assert store.hold(KEY) == later


def test_an_approval_is_kept_until_it_is_ended(store, open_store):
    assert store.approval(KEY) is None
    store.set_approval(KEY, APPROVAL)
    assert open_store().approval(KEY) == APPROVAL
    later = Approval(frozenset({"u2"}), {"User": -1})
    store.set_approval(KEY, later)
    assert store.approval(KEY) == later
    in_advance = replace(later, until=1_900_000_000.0, by="it@edu.storvik.se")
    store.set_approval(KEY, in_advance)
    assert open_store().approval(KEY) == in_advance
    store.set_approval(KEY, None)
    assert store.approval(KEY) is None


def test_an_approval_of_nothing_is_an_approval(store):
    store.set_approval(KEY, Approval())
    assert store.approval(KEY) == Approval()


def test_recent_removals_are_kept_beside_the_rest_of_the_state(store, open_store):
    assert store.connection_state(KEY).recent == RecentRemovals()
    store.set_hold(KEY, HOLD)
    recent = RecentRemovals().adding(1.5, {"User": ["u1", "u2"], "StudentGroup": ["g"]}, {})
    store.set_recent_removals(KEY, recent)
    for again in (store, open_store()):
        state = again.connection_state(KEY)
        assert (state.recent, state.hold, len(state.ledger)) == (recent, HOLD, 0)
    store.set_recent_removals(KEY, RecentRemovals())
    assert store.connection_state(KEY).recent == RecentRemovals()
    assert store.hold(KEY) == HOLD


def test_whether_unexplained_removals_wait_is_kept_beside_the_rest_of_the_state(store, open_store):
    assert not store.connection_state(KEY).unexplained
    store.set_hold(KEY, HOLD)
    store.set_unexplained(KEY, True)
    for again in (store, open_store()):
        state = again.connection_state(KEY)
        assert (state.unexplained, state.hold, len(state.ledger)) == (True, HOLD, 0)
    store.set_unexplained(KEY, False)
    assert not store.connection_state(KEY).unexplained


def test_the_reading_that_was_delivered_last_is_kept_beside_the_rest_of_the_state(
    store, open_store
):
    assert store.connection_state(KEY).delivered == 0.0
    store.set_hold(KEY, HOLD)
    store.set_delivered(KEY, 1_700_000_000.001)
    for again in (store, open_store()):
        state = again.connection_state(KEY)
        assert (state.delivered, state.hold, len(state.ledger)) == (1_700_000_000.001, HOLD, 0)


def test_recent_removals_may_be_saved_while_a_run_writes_the_ledger(store, open_store):
    assert store.acquire(KEY, "run", until=60, now=0) is None
    store.record(KEY, [LedgerChange("User", "u1", LedgerEntry("", b"hash"))], "run")
    recent = RecentRemovals().adding(1.5, {"User": ["u2"]}, {})
    store.set_recent_removals(KEY, recent)
    store.record(KEY, [LedgerChange("User", "u3", LedgerEntry("", b"hash"))], "run")
    store.release(KEY, "run")
    state = open_store().connection_state(KEY)
    assert (state.recent, state.ledger.people()) == (recent, 2)


def test_hold_approval_and_ledger_of_a_connection_leave_each_other_alone(store):
    store.set_hold(KEY, HOLD)
    store.set_approval(KEY, APPROVAL)
    store.record(KEY, [LedgerChange("User", "u1", HELD)])
    store.set_hold(KEY, HOLD)
    assert store.approval(KEY) == APPROVAL
    store.set_hold(KEY, None)
    store.set_approval(KEY, None)
    assert contents(store.ledger(KEY)) == recorded(LedgerChange("User", "u1", HELD))


def test_promise_6_holds_and_approvals_of_other_connections_are_others(store):
    store.set_hold(KEY, HOLD)
    store.set_approval(KEY, APPROVAL)
    for other in OTHERS:
        assert store.hold(other) is None
        assert store.approval(other) is None


# Leases


def test_a_lease_is_its_holders_until_it_is_let_go_of(store, open_store):
    assert store.acquire(KEY, "one", until=60, now=0) is None
    assert open_store().acquire(KEY, "two", until=61, now=1) == "one"
    store.release(KEY, "one")
    assert open_store().acquire(KEY, "two", until=62, now=2) is None


def test_a_lease_is_free_when_its_time_is_out(store):
    store.acquire(KEY, "one", until=60, now=0)
    assert store.acquire(KEY, "two", until=119.5, now=59.5) == "one"
    assert store.acquire(KEY, "two", until=120, now=60) is None
    assert store.acquire(KEY, "one", until=121, now=61) == "two"


def test_a_lease_that_ends_far_ahead_is_none(store, open_store):
    """It was taken by a clock that was wrong."""
    store.acquire(KEY, "one", until=10_060, now=10_000)
    assert open_store().acquire(KEY, "two", until=10_001, now=9_941) == "one"
    assert open_store().acquire(KEY, "two", until=160, now=100) is None
    assert store.acquire(KEY, "one", until=10_075, now=10_015) == "two"


def test_a_holder_puts_off_the_end_of_its_lease(store):
    store.acquire(KEY, "one", until=60, now=0)
    assert store.acquire(KEY, "one", until=75, now=15) is None
    assert store.acquire(KEY, "two", until=121, now=61) == "one"


def test_nobody_lets_go_of_the_lease_of_another(store):
    store.acquire(KEY, "one", until=60, now=0)
    store.release(KEY, "two")
    assert store.acquire(KEY, "two", until=60, now=0) == "one"


def test_letting_go_of_what_nobody_has_is_nothing(store):
    store.release(KEY, "one")
    assert store.acquire(KEY, "two", until=60, now=0) is None


def test_promise_6_the_leases_of_other_connections_are_others(store):
    store.acquire(KEY, "one", until=60, now=0)
    for other in OTHERS:
        assert store.acquire(other, "two", until=60, now=0) is None


def test_a_process_that_lives_keeps_its_lease(store):
    alive = process_holder("run")
    store.acquire(KEY, alive, until=60, now=0)
    assert store.acquire(KEY, "two", until=60, now=0) == alive


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_lease_is_free_when_its_holders_process_has_died(store):
    code = "from addon.store.process_identity import process_holder as h; print(h('run'), end='')"
    dead = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    store.acquire(KEY, dead, until=60, now=0)
    assert store.acquire(KEY, "two", until=60, now=0) is None


def test_only_one_of_many_gets_the_lease(store):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: store.acquire(KEY, f"run{n}", 60, 0), range(8)))
    assert answers.count(None) == 1
    winner = f"run{answers.index(None)}"
    assert {answer for answer in answers if answer is not None} == {winner}


def test_promise_2_who_holds_the_lease_may_record(store):
    store.acquire(KEY, "one", until=60, now=0)
    store.record(KEY, [LedgerChange("User", "u1", HELD)], "one")
    assert contents(store.ledger(KEY)) == recorded(LedgerChange("User", "u1", HELD))


@pytest.mark.parametrize("holds", ["nobody", "another", "let go"])
def test_who_has_lost_the_lease_records_nothing(store, holds):
    if holds == "another":
        store.acquire(KEY, "two", until=60, now=0)
    if holds == "let go":
        store.acquire(KEY, "one", until=60, now=0)
        store.release(KEY, "one")
    store.acquire(OTHERS[0], "one", until=60, now=0)
    with pytest.raises(LeaseLost):
        store.record(KEY, [LedgerChange("User", "u1", HELD)], "one")
    assert contents(store.ledger(KEY)) == recorded()


# Runs


def test_a_run_is_kept_as_it_is(store, open_store):
    store.save_run(RUN)
    assert open_store().runs("C1") == [RUN]


def test_a_run_that_goes_on_is_changed_and_stays_one(store):
    store.save_run(RUN)
    done = replace(RUN, status="done", finished=RUN.started + 2, report=b'{"\xc3\xa5": 1}')
    store.save_run(done)
    assert store.runs("C1") == [done]


def test_runs_are_the_newest_first_and_no_more_than_asked_for(store):
    runs = [replace(RUN, id=f"r{n}", started=float(n)) for n in range(60)]
    for run in runs:
        store.save_run(run)
    newest_first = runs[::-1]
    assert store.runs("C1") == newest_first[:50]
    assert store.runs("C1", limit=2) == newest_first[:2]
    assert store.runs("C1", limit=100) == newest_first


def test_runs_keep_their_order_when_a_clock_was_ahead_and_is_set_right(store, open_store):
    """The latest run is the one that was saved last, whatever its clock said."""
    for name, year in (("ahead", 365), ("right", 0), ("next", 1)):
        store.save_run(replace(RUN, id=name, started=RUN.started + year * 86400.0))
    store.save_run(replace(RUN, id="ahead", status="done", started=RUN.started + 365 * 86400.0))
    assert [run.id for run in open_store().runs("C1")] == ["next", "right", "ahead"]


def test_runs_that_were_first_saved_at_their_end_have_an_order_too(store):
    for name in "bca":
        store.save_run(replace(RUN, id=name, status="done"))
    assert [run.id for run in store.runs("C1")] == ["a", "c", "b"]


def test_the_oldest_runs_go_also_when_their_clock_was_ahead(store, monkeypatch):
    if isinstance(store, FirestoreStore):
        pytest.skip("Firestore itself removes runs, by their time")
    monkeypatch.setattr("addon.store.sqlite.store.RUNS_KEPT", 2)
    for n, name in enumerate("cba"):
        store.save_run(replace(RUN, id=name, started=RUN.started - n * 86400.0))
    assert [run.id for run in store.runs("C1")] == ["a", "b"]


def test_promise_6_runs_of_other_tenants_are_others(store):
    store.save_run(replace(RUN, id="other", tenant="C2"))
    assert store.runs("C1") == []
    assert [run.id for run in store.runs("C2")] == ["other"]


def test_a_store_error_is_a_ledger_that_was_not_kept():
    """So that a delivery, which knows no stores, stops at it."""
    assert issubclass(StoreError, LedgerWriteError)

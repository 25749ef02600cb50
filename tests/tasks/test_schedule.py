"""Each tenant once a window, spread over it, and no doubles."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.store.base import StoreError
from addon.store.records import Namespace
from addon.store.sqlite.store import SQLiteStore
from addon.sync.run_records import start_run
from addon.tasks.base import Task, TaskQueueError
from addon.tasks.schedule import (
    HOUR,
    EnqueueCounts,
    PeriodicTasks,
    RunWindow,
    Scheduler,
    enqueue_runs,
    is_due,
    nearest_window,
    run_of,
    window_at,
)
from addon.tenants.model import Organisation, Tenant
from addon.tenants.model import Schedule as Schedule_

NOON = 1_700_006_400.0 - 1_700_006_400.0 % 86400 + 12 * 3600
TENANTS = [f"C{n:04}" for n in range(1000)]


class Taking:
    """A queue that takes each name once, and those of `broken` tenants never."""

    def __init__(self, broken: tuple[str, ...] = ()) -> None:
        self.tasks: dict[str, Task] = {}
        self._broken = broken

    def enqueue(self, task: Task) -> bool:
        if task.payload["tenant"] in self._broken:
            raise TaskQueueError("it is broken")
        new = task.name not in self.tasks
        self.tasks[task.name] = task
        return new


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "skolsynk.db")
    for tenant in ("C1", "C2"):
        store.save_tenant(tenant, b"{}")
    yield store
    store.close()


def test_tenants_are_spread_evenly_over_the_window() -> None:
    window = window_at(NOON, 1)
    turns = [window.due_at(tenant) - NOON for tenant in TENANTS]
    assert all(0 <= turn < 3600 for turn in turns)
    tenths = [sum(1 for turn in turns if n <= turn / 360 < n + 1) for n in range(10)]
    assert all(70 <= tenth <= 130 for tenth in tenths), tenths


def test_a_tenants_turn_is_as_far_into_every_window() -> None:
    first, second = window_at(NOON, 2), window_at(NOON + 7200, 2)
    assert second.due_at("C1") - first.due_at("C1") == 7200


def test_windows_follow_each_other_without_a_gap() -> None:
    window = window_at(NOON, 4)
    assert window == RunWindow(window.number, 4 * 3600.0)
    assert window.starts == NOON
    assert window_at(window.ends - 0.01, 4) == window
    assert window_at(window.ends, 4).number == window.number + 1


@pytest.mark.parametrize("early", [-900.0, -0.5, 0.0, 0.5, 900.0])
def test_a_cron_call_a_little_early_or_late_is_for_the_same_window(early: float) -> None:
    assert nearest_window(NOON + early, 1) == window_at(NOON, 1)


def test_a_second_call_makes_no_doubles_and_the_next_window_is_new() -> None:
    queue = Taking()
    assert enqueue_runs(TENANTS, queue, window_at(NOON, 1)) == EnqueueCounts(1000, 1000, 0)
    assert enqueue_runs(TENANTS, queue, window_at(NOON + 60, 1)) == EnqueueCounts(1000, 0, 0)
    assert enqueue_runs(TENANTS, queue, window_at(NOON + 3600, 1)) == EnqueueCounts(1000, 1000, 0)


def test_the_same_number_of_another_schedule_is_another_window() -> None:
    assert run_of("C1", RunWindow(5, 3600)).name != run_of("C1", RunWindow(5, 7200)).name


def test_one_tenants_trouble_is_not_the_others(caplog: pytest.LogCaptureFixture) -> None:
    queue = Taking(broken=("C0001",))
    assert enqueue_runs(TENANTS[:5], queue, window_at(NOON, 1)) == EnqueueCounts(5, 4, 1)
    assert "it is broken" in caplog.text


def test_a_payload_holds_ids_only() -> None:
    task = run_of("C1", window_at(NOON, 1))
    assert task.payload == {"tenant": "C1", "window": str(window_at(NOON, 1).number)}


def test_the_schedule_enqueues_each_window_once_and_new_tenants_when_they_come(
    store: SQLiteStore,
) -> None:
    now, queue = NOON, Taking()
    schedule = Scheduler(lambda: store, lambda: queue, 1, lambda: now)
    schedule.tick()
    assert len(queue.tasks) == 2
    store.save_tenant("C3", b"{}")
    schedule.tick()
    assert {task.payload["tenant"] for task in queue.tasks.values()} == {"C1", "C2", "C3"}
    now += 3600
    schedule.tick()
    assert len(queue.tasks) == 6


def test_the_schedule_removes_what_has_expired_every_ten_minutes(store: SQLiteStore) -> None:
    now, namespace = NOON, Namespace("reading", "C1")
    schedule = Scheduler(lambda: store, Taking, 1, lambda: now)
    for at, found in ((0, 0), (60, 1), (599, 1), (600, 0), (660, 1), (1200, 0)):
        store.put(namespace, "directory", b"packed", NOON - 60, NOON - 30)
        now = NOON + at
        schedule.tick()
        assert store.delete_expired(now) == found, at


def test_after_a_restart_who_has_run_in_this_window_waits_for_the_next(store: SQLiteStore) -> None:
    start_run(store, "C1", NOON + 60)
    start_run(store, "C2", NOON - 60)
    now, queue = NOON + 1800, Taking()
    schedule = Scheduler(lambda: store, lambda: queue, 1, lambda: now)
    schedule.tick()
    assert [task.payload["tenant"] for task in queue.tasks.values()] == ["C2"]
    now = NOON + 3600
    schedule.tick()
    assert len(queue.tasks) == 3


def wanting(hours: int | None) -> Tenant:
    return Tenant(
        customer_id="C1", organisation=Organisation(name="x"), schedule=Schedule_(hours=hours)
    )


@pytest.mark.parametrize("of_installation", [1, 2, 3, 5, 6, 24])
@pytest.mark.parametrize("hours", [1, 2, 3, 4, 6, 8, 12, 24])
def test_a_tenant_runs_in_the_first_window_of_each_of_its_own_intervals(
    of_installation: int, hours: int
) -> None:
    tenant = wanting(hours)
    first = window_at(NOON, of_installation).number
    windows = range(first, first + 7 * 24)
    begins = [n * of_installation for n in windows if is_due(tenant, str(n), of_installation)]
    intervals = [begin // max(hours, 1) for begin in begins]
    if hours <= of_installation:
        assert len(begins) == len(windows)
    else:
        assert len(set(intervals)) == len(intervals)
        assert intervals == list(range(intervals[0], intervals[-1] + 1))


def test_a_tenant_without_hours_of_its_own_runs_in_every_window() -> None:
    assert all(is_due(wanting(None), str(n), 1) for n in range(24))


def test_a_run_once_a_day_is_at_midnight_utc() -> None:
    midnight = window_at(NOON - 12 * 3600, 1).number
    turns = [n for n in range(midnight, midnight + 24) if is_due(wanting(24), str(n), 1)]
    assert turns == [midnight]


def test_protected_people_are_removed_each_hour_on_one_machine(store: SQLiteStore) -> None:
    now, queue = NOON, Taking()
    removals = PeriodicTasks(lambda: store, lambda: queue, lambda: now)
    removals.tick()
    removals.tick()
    assert {task.path for task in queue.tasks.values()} == {"/tasks/protect"}
    assert sorted(task.payload["tenant"] for task in queue.tasks.values()) == ["C1", "C2"]
    now += HOUR
    removals.tick()
    assert len(queue.tasks) == 4


def test_removals_that_were_not_enqueued_are_the_next_time(store: SQLiteStore) -> None:
    queues = [Taking(broken=("C1",)), Taking()]
    removals = PeriodicTasks(lambda: store, lambda: queues[0], lambda: NOON)
    removals.tick()
    assert len(queues[0].tasks) == 1
    queues.reverse()
    removals.tick()
    assert len(queues[0].tasks) == 2


def test_a_store_that_fails_stops_no_schedule() -> None:
    def unavailable() -> SQLiteStore:
        raise StoreError("full")

    PeriodicTasks(unavailable, Taking, lambda: NOON).tick()

"""The queue in the process: once each, in turn, again after trouble, and nothing lost."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from addon.store.base import StoreError
from addon.store.records import StoredTask
from addon.store.sqlite.store import SQLiteStore
from addon.tasks.base import Task, TaskQueueError
from addon.tasks.local import REMEMBERED, Backoff, LocalTaskQueue

SECONDS = 60.0
QUICK = Backoff(first=0.001, longest=0.004, tries=4)


class Doer:
    """Does tasks, and can be waited for; `outcome` says whether one succeeds."""

    def __init__(self, outcome: Callable[[str, int], bool] = lambda name, tried: True) -> None:
        self.done: list[str] = []
        self.at_once: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.changed = threading.Condition()
        self._outcome = outcome

    def __call__(self, path: str, payload: dict[str, str]) -> bool:
        name, queue = payload["name"], payload["queue"]
        with self.changed:
            now = self.at_once[queue] = self.at_once.get(queue, 0) + 1
            self.most[queue] = max(now, self.most.get(queue, 0))
        try:
            return self._outcome(name, self.done.count(name))
        finally:
            with self.changed:
                self.at_once[queue] -= 1
                self.done.append(name)
                self.changed.notify_all()

    def until(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.done) >= count, SECONDS), self.done


def task(name: str, queue: str = "runs", due: float = 0.0) -> Task:
    return Task(queue, name, "/tasks/run", {"name": name, "queue": queue}, due)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "skolsynk.db")
    yield store
    store.close()


@pytest.fixture
def made(store: SQLiteStore) -> Iterator[Callable[..., LocalTaskQueue]]:
    queues: list[LocalTaskQueue] = []

    def make(**given: Any) -> LocalTaskQueue:
        queues.append(LocalTaskQueue(lambda: store, **{"backoff": QUICK, **given}))
        return queues[-1]

    yield make
    for queue in queues:
        queue.stop()


def settled(queue: LocalTaskQueue, store: SQLiteStore) -> None:
    """Wait until the queue is empty, in memory and in the store."""
    end = time.monotonic() + SECONDS
    while queue.waiting or store.tasks():
        assert time.monotonic() < end, store.tasks()
        time.sleep(0.002)


def test_tasks_wait_in_the_store_until_they_are_done(
    made: Callable[..., LocalTaskQueue], store: SQLiteStore
) -> None:
    queue, doer = made(clock=lambda: 1000.0), Doer()
    assert queue.enqueue(task("a", due=5.0))
    assert store.tasks() == [
        StoredTask("a", "runs", "/tasks/run", {"name": "a", "queue": "runs"}, 5.0, 1000.0)
    ]
    queue.start(doer)
    settled(queue, store)
    assert doer.done == ["a"]


def test_a_name_is_taken_once_while_it_waits_and_for_an_hour_after(
    made: Callable[..., LocalTaskQueue], store: SQLiteStore
) -> None:
    now = 1000.0
    queue, doer = made(clock=lambda: now), Doer()
    assert queue.enqueue(task("a"))
    assert not queue.enqueue(task("a"))
    queue.start(doer)
    settled(queue, store)
    assert not queue.enqueue(task("a"))
    now += REMEMBERED + 1
    assert queue.enqueue(task("a"))
    doer.until(2)


def test_what_is_due_first_comes_first_and_what_came_first_of_those(
    made: Callable[..., LocalTaskQueue], store: SQLiteStore
) -> None:
    queue, doer = made(), Doer()
    for name, due in (("c", 3.0), ("a", 1.0), ("d", 3.0), ("b", 2.0)):
        queue.enqueue(task(name, due=due))
    queue.start(doer)
    settled(queue, store)
    assert doer.done == ["a", "b", "c", "d"]


def test_a_task_waits_until_it_is_due(
    made: Callable[..., LocalTaskQueue], store: SQLiteStore
) -> None:
    queue, began = made(), time.time()
    times: list[float] = []
    queue.start(lambda path, payload: times.append(time.time()) or True)
    queue.enqueue(task("later", due=began + 0.1))
    settled(queue, store)
    assert times[0] >= began + 0.1


@pytest.mark.parametrize("restarted", [False, True])
def test_a_task_of_a_clock_that_was_ahead_does_not_wait_until_then(
    made: Callable[..., LocalTaskQueue], store: SQLiteStore, restarted: bool
) -> None:
    now = 1000.0 + 365 * 86400
    queue, doer = made(clock=lambda: now), Doer()
    queue.enqueue(task("a", due=now + 60))
    now = 1000.0
    if restarted:
        queue = made(clock=lambda: now)
    queue.start(doer)
    settled(queue, store)
    assert doer.done == ["a"]


def test_one_at_a_time_of_each_queue_and_queues_side_by_side(
    made: Callable[..., LocalTaskQueue], store: SQLiteStore
) -> None:
    both = threading.Barrier(2, timeout=SECONDS)
    doer = Doer(lambda name, tried: both.wait() >= 0)
    queue = made().start(doer)
    for n in range(5):
        queue.enqueue(task(f"a{n}", "deliver-a"))
        queue.enqueue(task(f"b{n}", "deliver-b"))
    settled(queue, store)
    assert doer.most == {"deliver-a": 1, "deliver-b": 1}


def test_what_fails_is_tried_again_while_others_go_on(
    made: Callable[..., LocalTaskQueue], store: SQLiteStore
) -> None:
    doer = Doer(lambda name, tried: name != "bad" or tried == 2)
    queue = made()
    queue.enqueue(task("bad"))
    queue.enqueue(task("good"))
    queue.start(doer)
    settled(queue, store)
    assert doer.done.count("bad") == 3
    assert doer.done.index("good") < 3


def test_what_never_succeeds_is_given_up_and_logged(
    made: Callable[..., LocalTaskQueue], store: SQLiteStore, caplog: pytest.LogCaptureFixture
) -> None:
    doer = Doer(lambda name, tried: False)
    queue = made().start(doer)
    queue.enqueue(task("bad"))
    settled(queue, store)
    assert doer.done == ["bad"] * QUICK.tries
    assert "given up after 4 tries" in caplog.text


def test_an_error_in_a_task_does_not_end_the_queue(
    made: Callable[..., LocalTaskQueue], store: SQLiteStore
) -> None:
    def do(name: str, tried: int) -> bool:
        if name == "bad":
            raise RuntimeError("a name that must not be logged")
        return True

    doer = Doer(do)
    queue = made().start(doer)
    queue.enqueue(task("bad"))
    queue.enqueue(task("good"))
    settled(queue, store)
    assert "good" in doer.done


def test_a_restart_goes_on_with_what_was_left(
    made: Callable[..., LocalTaskQueue], store: SQLiteStore
) -> None:
    stuck = threading.Event()
    first = made().start(lambda path, payload: stuck.wait(SECONDS))
    for name in ("under way", "waiting"):
        first.enqueue(task(name))
    second, doer = made(), Doer()  # as a process would find it after the first was killed
    second.start(doer)
    settled(second, store)
    assert doer.done == ["under way", "waiting"]
    stuck.set()


def test_a_name_that_an_earlier_process_left_is_not_taken_again(
    made: Callable[..., LocalTaskQueue],
) -> None:
    made().enqueue(task("a"))
    assert not made().enqueue(task("a"))


def test_a_store_that_fails_takes_no_task() -> None:
    def store() -> SQLiteStore:
        raise StoreError("the disk is full")

    with pytest.raises(TaskQueueError, match="the disk is full"):
        LocalTaskQueue(store).enqueue(task("a"))


def test_after_the_stop_nothing_is_begun(
    made: Callable[..., LocalTaskQueue], store: SQLiteStore
) -> None:
    queue, doer = made(), Doer()
    queue.start(doer)
    queue.enqueue(task("a"))
    settled(queue, store)
    queue.stop()
    queue.enqueue(task("b"))
    assert doer.done == ["a"]
    assert [left.name for left in store.tasks()] == ["b"]


def test_each_wait_is_twice_the_last_up_to_a_bound() -> None:
    backoff = Backoff(first=5, longest=300)
    assert [backoff.wait(n) for n in range(1, 9)] == [5, 10, 20, 40, 80, 160, 300, 300]

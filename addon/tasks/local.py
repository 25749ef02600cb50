"""The task queue of one machine: carries out tasks in this process, with one thread per queue.

Tasks are stored until they are done, so a killed process loses none. Only one process may use a
store in this way.
"""

import heapq
import logging
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Self

from msgspec import Struct, structs

from addon.age import is_future
from addon.store.base import StoreError, TaskStore
from addon.store.records import StoredTask
from addon.tasks.base import Task, TaskQueueError
from addon.text import counted

log = logging.getLogger(__name__)

REMEMBERED = 3600.0
"""Seconds during which a task with the name of a finished one is not accepted."""
ENDS_WITHIN = 3.0
"""Seconds that `stop` waits for running tasks; interrupted tasks start again at the next start."""
LONGEST_WAIT = 60.0
"""Seconds after which the clock is read again, because it may have been set."""

Do = Callable[[str, dict[str, str]], bool]
"""Carries out the task of a path with a payload; returns False if it must be retried."""


class Backoff(Struct, frozen=True):
    """When a failed task is retried: after `first` seconds, doubled each time up to `longest`.

    After `tries` attempts in all it is given up, and the next run continues.
    """

    first: float = 5.0
    longest: float = 300.0
    tries: int = 12

    def wait(self, tried: int) -> float:
        """Return the seconds before the next attempt, after `tried` attempts."""
        return min(self.longest, self.first * 2.0 ** (tried - 1))


class _Waiting(Struct, frozen=True, order=True):
    """A task in a queue's heap, sorted by `due` and then by order of arrival.

    `since` is when the clock was read from which `due` follows.
    """

    due: float
    number: int
    tried: int
    name: str
    since: float


class LocalTaskQueue:
    """A `TaskQueue` in this process. See `addon.tasks.base.TaskQueue`.

    It accepts tasks at any time and carries them out from `start` until `stop`. `store` is called
    with the first task, which may be in another process than the one that creates the queue.
    """

    def __init__(
        self,
        store: Callable[[], TaskStore],
        clock: Callable[[], float] = time.time,
        backoff: Backoff | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._changed = threading.Condition(threading.RLock())
        self._tasks: dict[str, StoredTask] | None = None
        self._heaps: dict[str, list[_Waiting]] = {}
        self._finished: dict[str, float] = {}
        self._numbers = count()
        self._workers: dict[str, threading.Thread] = {}
        self._do: Do | None = None
        self._stopped = False

    def enqueue(self, task: Task) -> bool:
        with self._changed:
            try:
                tasks = self._known()
                if task.name in tasks or self._was_done(task.name):
                    return False
                stored = StoredTask(
                    task.name, task.queue, task.path, task.payload, task.due, self._clock()
                )
                self._store().save_task(stored)
            except StoreError as error:
                raise TaskQueueError(str(error)) from None
            tasks[task.name] = stored
            self._wait_for(stored)
            return True

    def start(self, do: Do) -> Self:
        """Start to carry out tasks, first those left by an earlier process. Raises StoreError."""
        with self._changed:
            self._do = do
            left = self._known()
            if left:
                log.warning("tasks of an earlier process that go on: %d", len(left))
            for queue in self._heaps:
                self._see_to(queue)
        return self

    def stop(self) -> None:
        """Start no more tasks, and wait up to ENDS_WITHIN for running ones."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            workers = list(self._workers.values())
        end = time.monotonic() + ENDS_WITHIN
        for worker in workers:
            worker.join(max(0.0, end - time.monotonic()))

    @property
    def waiting(self) -> int:
        """How many tasks are not done."""
        with self._changed:
            return len(self._tasks or ())

    # The following methods require the lock

    def _known(self) -> dict[str, StoredTask]:
        """Return the tasks that are not done. Raises StoreError."""
        if self._tasks is None:
            self._tasks = {task.name: task for task in self._store().tasks()}
            for task in self._tasks.values():
                self._wait_for(task)
        return self._tasks

    def _was_done(self, name: str) -> bool:
        last = self._clock() - REMEMBERED
        self._finished = {n: when for n, when in self._finished.items() if when > last}
        return name in self._finished

    def _wait_for(self, task: StoredTask, due: float | None = None, tried: int = 0) -> None:
        since = task.created if due is None else self._clock()
        due = task.due if due is None else due
        waiting = _Waiting(due, next(self._numbers), tried, task.name, since)
        heapq.heappush(self._heaps.setdefault(task.queue, []), waiting)
        self._see_to(task.queue)
        self._changed.notify_all()

    def _see_to(self, queue: str) -> None:
        """Start the queue's thread if it is not running and `start` has been called."""
        if self._do is None or queue in self._workers:
            return
        worker = threading.Thread(target=self._work, args=(queue,), name=queue, daemon=True)
        self._workers[queue] = worker
        worker.start()

    # The threads

    def _work(self, queue: str) -> None:
        while (waiting := self._next(queue)) is not None:
            self._try(waiting)

    def _next(self, queue: str) -> _Waiting | None:
        """Wait for the queue's next task and return it when it is due; None after `stop`."""
        with self._changed:
            while not self._stopped:
                heap = self._heaps[queue]
                _release_future(heap, self._clock())
                wait = heap[0].due - self._clock() if heap else LONGEST_WAIT
                if heap and wait <= 0:
                    return heapq.heappop(heap)
                self._changed.wait(min(wait, LONGEST_WAIT))
            return None

    def _try(self, waiting: _Waiting) -> None:
        tried = waiting.tried + 1
        with self._changed:
            task, do = self._known()[waiting.name], self._do
        assert do is not None
        try:
            done = do(task.path, task.payload)
        except Exception as error:
            log.error("%s ended: %s", task.path, type(error).__name__, extra=_about(task))
            done = False
        if not done and tried < self._backoff.tries:
            with self._changed:
                self._wait_for(task, self._clock() + self._backoff.wait(tried), tried)
            return
        if not done:
            tries = counted(tried, "try", "tries")
            log.error("%s was given up after %s", task.path, tries, extra=_about(task))
        self._finish(task.name)

    def _finish(self, name: str) -> None:
        with self._changed:
            del self._known()[name]
            self._finished[name] = self._clock()
        try:
            self._store().remove_task(name)
        except StoreError as error:
            log.error("a task that is done is done again after the next start: %s", error)


def _release_future(heap: list[_Waiting], now: float) -> None:
    """Have those tasks be due whose time was set by a clock that was ahead."""
    if any(is_future(each.since, now) for each in heap):
        heap[:] = [
            structs.replace(each, due=now, since=now) if is_future(each.since, now) else each
            for each in heap
        ]
        heapq.heapify(heap)


def _about(task: StoredTask) -> dict[str, str]:
    """Return the fields that a log line about a task has beside its message."""
    return {
        name: task.payload[name] for name in ("tenant", "vendor", "run") if name in task.payload
    }

"""The queue of one machine: tasks are done in the process that took them, one thread a queue.

Tasks are kept in the store until they are done, so a process that is killed loses none. Only
one process may serve a store in this way.
"""

import heapq
import logging
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Self

from msgspec import Struct

from addon.store.base import Store, StoreError
from addon.store.records import StoredTask
from addon.tasks.base import Task, TaskQueueError

log = logging.getLogger(__name__)

REMEMBERED = 3600.0
"""Seconds for which the name of a task that was done is not taken again."""
ENDS_WITHIN = 3.0
"""Seconds that `stop` waits for what is under way; what is cut off goes on at the next start."""
LONGEST_WAIT = 60.0
"""Seconds after which the clock is looked at again: it may have been set."""

Do = Callable[[str, dict[str, str]], bool]
"""Does the task of a path with a payload; whether it is done, or to be tried again."""


class Backoff(Struct, frozen=True):
    """How a task that did not succeed is tried again: after `first` seconds, then after twice as
    many each time up to `longest`, `tries` times in all. Then the next run sees to it.
    """

    first: float = 5.0
    longest: float = 300.0
    tries: int = 12

    def wait(self, tried: int) -> float:
        """Seconds before the next try, after so many."""
        return min(self.longest, self.first * 2.0 ** (tried - 1))


class _Waiting(Struct, frozen=True, order=True):
    """A task in a queue's heap: the first due first, and of those the first come."""

    due: float
    number: int
    tried: int
    name: str


class LocalTaskQueue:
    """A `TaskQueue` in this process. See `addon.tasks.base.TaskQueue`.

    It takes tasks from the beginning and does them from `start` until `stop`. `store` is asked
    for when the first is taken, which may be in another process than this is made in.
    """

    def __init__(
        self,
        store: Callable[[], Store],
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
        """Begin to do tasks, first those that an earlier process has left. Raises StoreError."""
        with self._changed:
            self._do = do
            left = self._known()
            if left:
                log.warning("%d tasks of an earlier process go on", len(left))
            for queue in self._heaps:
                self._see_to(queue)
        return self

    def stop(self) -> None:
        """Begin no more tasks, and wait a little for those under way."""
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

    # All of the following with the lock in hand

    def _known(self) -> dict[str, StoredTask]:
        """The tasks that are not done. Raises StoreError."""
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
        waiting = _Waiting(task.due if due is None else due, next(self._numbers), tried, task.name)
        heapq.heappush(self._heaps.setdefault(task.queue, []), waiting)
        self._see_to(task.queue)
        self._changed.notify_all()

    def _see_to(self, queue: str) -> None:
        """Have a thread that does the queue's tasks, once this has been started."""
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
        """The queue's next task when it is due; None when there is to be no more."""
        with self._changed:
            while not self._stopped:
                heap = self._heaps[queue]
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
            log.error("%s was given up after %d tries", task.path, tried, extra=_about(task))
        self._finish(task.name)

    def _finish(self, name: str) -> None:
        with self._changed:
            del self._known()[name]
            self._finished[name] = self._clock()
        try:
            self._store().remove_task(name)
        except StoreError as error:
            log.error("a task that is done is done again after the next start: %s", error)


def _about(task: StoredTask) -> dict[str, str]:
    """What a log line says of a task beside its message."""
    return {
        name: task.payload[name] for name in ("tenant", "vendor", "run") if name in task.payload
    }

"""Schedule each tenant's runs: once in each window, with start times spread over the window."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

from msgspec import Struct

from addon.age import age, is_future
from addon.store.base import Store, StoreError
from addon.tasks.base import RUNS, Task, TaskQueue, TaskQueueError
from addon.tenants.model import Tenant

log = logging.getLogger(__name__)

AT_ONCE = 16
"""How many tasks are enqueued concurrently; each is a call to Cloud Tasks."""
HOUR = 3600.0
LOOKS_EVERY = 60.0
"""Seconds between two checks of the clock and of the list of tenants."""
SWEEPS_EVERY = 600.0
"""Seconds between two removals of expired items from the store."""


class RunWindow(Struct, frozen=True):
    """One of the consecutive periods of equal length in which each tenant runs once."""

    number: int
    seconds: float

    @property
    def starts(self) -> float:
        """The start of the window, in seconds since 1970 UTC."""
        return self.number * self.seconds

    @property
    def ends(self) -> float:
        return self.starts + self.seconds

    def due_at(self, tenant: str) -> float:
        """Return when the tenant's run is due: at the same offset in every window."""
        part = int.from_bytes(sha256(tenant.encode()).digest()[:6]) / 2**48
        return self.starts + part * self.seconds


def window_at(now: float, hours: int) -> RunWindow:
    """Return the window that contains the time `now`."""
    return RunWindow(int(now // (hours * HOUR)), hours * HOUR)


def nearest_window(now: float, hours: int) -> RunWindow:
    """Return the window whose start is nearest; a cron call may be a little early or late."""
    return window_at(now + hours * HOUR / 2, hours)


def run_of(tenant: str, window: RunWindow) -> Task:
    """Return the task of the tenant's run in a window."""
    return Task(
        queue=RUNS,
        name=f"run-{tenant}-{window.number}-{window.seconds:.0f}",
        path="/tasks/run",
        payload={"tenant": tenant, "window": str(window.number)},
        due=window.due_at(tenant),
    )


def removal_of(tenant: str, window: RunWindow) -> Task:
    """Return the task that removes the tenant's protected people in a window of an hour."""
    return Task(
        queue=RUNS,
        name=f"protect-{tenant}-{window.number}",
        path="/tasks/protect",
        payload={"tenant": tenant},
        due=window.due_at(tenant),
    )


def is_due(tenant: Tenant, window: str, hours: int, at_least: int = 0) -> bool:
    """Whether the tenant runs in this window of `hours` hours.

    A tenant with a longer interval, its own or `at_least`, runs in the first window of each of its
    intervals, counted from midnight UTC.
    """
    wanted = max(tenant.schedule.hours or 0, at_least) or None
    if wanted is None or wanted <= hours or not window.isdecimal():
        return True
    return int(window) * hours % wanted < hours


class EnqueueCounts(Struct, frozen=True):
    """The numbers of tenants, of new tasks, and of tasks that could not be enqueued."""

    tenants: int
    enqueued: int
    failed: int


def enqueue_runs(
    tenants: Iterable[str],
    queue: TaskQueue,
    window: RunWindow,
    task_of: Callable[[str, RunWindow], Task] = run_of,
) -> EnqueueCounts:
    """Enqueue a run, or another task of the window, for each tenant; see `enqueue_each`."""
    return enqueue_each(tenants, queue, lambda tenant: task_of(tenant, window))


def enqueue_each(
    tenants: Iterable[str], queue: TaskQueue, task_of: Callable[[str], Task]
) -> EnqueueCounts:
    """Enqueue a task for each tenant; an error of one does not affect the others."""

    def one(tenant: str) -> bool | None:
        try:
            return queue.enqueue(task_of(tenant))
        except TaskQueueError as error:
            log.error("a task was not enqueued: %s", error, extra={"tenant": tenant})
            return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(one, tenants))
    return EnqueueCounts(len(results), results.count(True), results.count(None))


class PeriodicTasks:
    """Enqueues a task for each tenant in each window, on one machine."""

    def __init__(
        self,
        store: Callable[[], Store],
        queue: Callable[[], TaskQueue],
        clock: Callable[[], float] = time.time,
        task_of: Callable[[str, RunWindow], Task] = removal_of,
        window_of: Callable[[float], RunWindow] = lambda now: window_at(now, 1),
    ) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._task_of = task_of
        self._window_of = window_of
        self._enqueued: RunWindow | None = None

    def tick(self) -> None:
        """Enqueue the tasks of this window, once. Never raises: it is tried again soon."""
        window = self._window_of(self._clock())
        if self._enqueued == window:
            return
        try:
            tenants = self._store().tenants()
            found = enqueue_runs(tenants, self._queue(), window, self._task_of)
            if not found.failed:
                self._enqueued = window
        except (StoreError, TaskQueueError) as error:
            log.error("no tasks of the period were enqueued: %s", error)


class Scheduler:
    """The scheduler of one machine: enqueues each tenant's runs from `start` until `stop`.

    A tenant that has already run in the window in which the scheduler starts waits for the next
    window. `upkeep` is called every LOOKS_EVERY seconds and must not raise.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        queue: Callable[[], TaskQueue],
        hours: int,
        clock: Callable[[], float] = time.time,
        upkeep: Callable[[], object] = lambda: None,
    ) -> None:
        self._store = store
        self._queue = queue
        self._hours = hours
        self._clock = clock
        self._upkeep = upkeep
        self._window: RunWindow | None = None
        self._seen: set[str] = set()
        self._swept = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="schedule", daemon=True)

    def start(self) -> None:
        """Start the scheduler in its own thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop enqueueing runs."""
        self._stopped.set()

    def tick(self) -> None:
        """Enqueue the runs of this window that have not been, and delete expired items.

        Raises StoreError.
        """
        window = window_at(self._clock(), self._hours)
        tenants = set(self._store().tenants())
        if self._window is None:
            self._seen = {tenant for tenant in tenants if self._has_run(tenant, window)}
        elif self._window != window:
            self._seen = set()
        self._window = window
        enqueue_runs(sorted(tenants - self._seen), self._queue(), window)
        self._seen |= tenants
        if age(self._swept, self._clock()) >= SWEEPS_EVERY:
            self._swept = self._clock()
            self._store().delete_expired(self._clock())

    def _has_run(self, tenant: str, window: RunWindow) -> bool:
        now = self._clock()
        return any(
            run.started >= window.starts and not is_future(run.started, now)
            for run in self._store().runs(tenant, limit=1)
        )

    def _keep(self) -> None:
        while not self._stopped.is_set():
            try:
                self.tick()
            except StoreError as error:
                log.error("the schedule waits for the store: %s", error)
            self._upkeep()
            self._stopped.wait(LOOKS_EVERY)

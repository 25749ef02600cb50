"""Background computation of slow results for pages: one after another, in a separate thread.

Each tenant's directory has a cache of its own, so that tenants do not wait for each other. Only
a limited number of the caches in a process compute at a time, so that requests are answered too.
"""

import gc
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any, TypeVar

from cachetools import LRUCache
from jinja2 import Environment

T = TypeVar("T")

WAIT_SECONDS = 0.06
"""Seconds that a request waits in total before it shows that results are being computed."""
MOST = 64
"""The number of results that a cache keeps; the least recently used are dropped."""
SWITCH = 0.001
"""Seconds that a thread computes before another continues; Python's default is 0.005."""


def tune_for_latency(templates: Environment) -> threading.Thread:
    """Keep responses fast while other threads compute. Called once, in the process that serves.

    A request waits for the interpreter after each access to the store, and for each garbage
    collection; therefore threads switch more often, and the program's own objects are excluded
    from collection. Templates are compiled in the returned thread, before they are needed.
    """
    sys.setswitchinterval(SWITCH)
    gc.collect()
    gc.freeze()
    thread = threading.Thread(target=_compile, args=(templates,), name="templates", daemon=True)
    thread.start()
    return thread


def _compile(templates: Environment) -> None:
    for name in templates.list_templates(["html"]):
        templates.get_template(name)


class StillComputing(Exception):
    """The result is still being computed."""


class WaitBudget:
    """How long one request waits, for all its results together: WAIT_SECONDS if not given."""

    def __init__(self, seconds: float | None = None) -> None:
        self._until = time.monotonic() + (WAIT_SECONDS if seconds is None else seconds)

    @property
    def left(self) -> float:
        """The seconds that it may still wait."""
        return max(0.0, self._until - time.monotonic())


class BackgroundCache:
    """Results by name, each computed once in a thread; the latest are kept. Thread-safe.

    `slots` is shared by all caches of a process and limits how many compute at a time.
    """

    def __init__(self, slots: threading.Semaphore) -> None:
        self._slots = slots
        self._lock = threading.Lock()
        self._futures: LRUCache[object, Future[Any]] = LRUCache(MOST)
        self._worker: int | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="background")

    def get_or_compute(self, name: object, work: Callable[[], T], wait_budget: WaitBudget) -> T:
        """Return the result of `work`, which may get other results from here in the same thread.

        Raises StillComputing, and what `work` raises; the next call then tries again.
        """
        inside = threading.get_ident() == self._worker
        with self._lock:
            future = self._futures.get(name)
            is_new = future is None or _failed(future)
            if future is None or is_new:
                future = self._futures[name] = Future()
        if inside:
            _compute(future, work)
        elif is_new:
            self._submit(future, work)
        try:
            result: T = future.result(0 if inside else wait_budget.left)
            return result
        except (NotYet, CancelledError):
            raise StillComputing from None

    def keep(self, wanted: Callable[[Any], bool]) -> None:
        """Drop the results whose names are not wanted, including those that wait to be computed."""
        with self._lock:
            for name in [name for name in self._futures if not wanted(name)]:
                self._futures.pop(name).cancel()

    def close(self) -> None:
        """Stop computing, and drop all results."""
        self.keep(lambda name: False)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _submit(self, future: "Future[T]", work: Callable[[], T]) -> None:
        try:
            self._pool.submit(self._run_in_slot, future, work)
        except RuntimeError:  # closed: the next request uses another cache
            raise StillComputing from None

    def _run_in_slot(self, future: "Future[T]", work: Callable[[], T]) -> None:
        with self._slots:
            self._worker = threading.get_ident()
            _compute(future, work)


def _compute(future: "Future[T]", work: Callable[[], T]) -> None:
    """Compute a result, unless it is computed already or was cancelled."""
    if future.done() or not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)


def _failed(future: "Future[Any]") -> bool:
    return future.done() and (future.cancelled() or future.exception() is not None)

"""Where what takes long is made for the pages: one thing after another, in a thread of its own.

Each tenant's directory has a workshop, so that what one makes is in no other's way; and of all
workshops in a process only so many work at a time, so that pages get their turn too.
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
"""Seconds that a request waits, for all that it needs, before it says that this is being made."""
MOST = 64
"""Things that a workshop remembers; those that were not asked for longest go."""


SWITCH = 0.001
"""Seconds that a thread computes before another gets its turn; Python's own are 0.005."""


def tune_for_latency(templates: Environment) -> threading.Thread:
    """Have pages answered promptly while other threads compute. Once, in the process that serves.

    A page waits for its turn after each look in the store, and behind each collection of garbage:
    the program itself, which is most of what there is, is not looked through any more. The pages'
    templates are compiled in the thread that is given back, before somebody waits for them.
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
    """What was asked for is being made."""


class WaitBudget:
    """How long one request waits, for all that it needs together."""

    def __init__(self, seconds: float = WAIT_SECONDS) -> None:
        self._until = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that it may wait still."""
        return max(0.0, self._until - time.monotonic())


class BackgroundCache:
    """Computes things by name in a thread, each once, and keeps the latest. Thread-safe.

    `slots` is shared by all caches of a process: who has one may compute.
    """

    def __init__(self, slots: threading.Semaphore) -> None:
        self._slots = slots
        self._lock = threading.Lock()
        self._futures: LRUCache[object, Future[Any]] = LRUCache(MOST)
        self._worker: int | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="background")

    def get_or_compute(self, name: object, work: Callable[[], T], wait_budget: WaitBudget) -> T:
        """What `work` gives. Raises StillComputing, and what `work` raises: then it is tried again.

        `work` may ask for other things here: they are made at once, in the same thread.
        """
        inside = threading.get_ident() == self._worker
        with self._lock:
            future = self._futures.get(name)
            is_new = future is None or _failed(future)
            if future is None or is_new:
                future = self._futures[name] = Future()
        if inside:
            _do(future, work)
        elif is_new:
            self._begin(future, work)
        try:
            made: T = future.result(0 if inside else wait_budget.left)
            return made
        except (NotYet, CancelledError):
            raise StillComputing from None

    def keep(self, wanted: Callable[[Any], bool]) -> None:
        """Forget the things whose names are not wanted, also those that wait to be computed."""
        with self._lock:
            for name in [name for name in self._futures if not wanted(name)]:
                self._futures.pop(name).cancel()

    def close(self) -> None:
        """Make nothing more, and remember nothing."""
        self.keep(lambda name: False)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, future: "Future[T]", work: Callable[[], T]) -> None:
        try:
            self._pool.submit(self._run_in_slot, future, work)
        except RuntimeError:  # closed: the next request comes to another
            raise StillComputing from None

    def _run_in_slot(self, future: "Future[T]", work: Callable[[], T]) -> None:
        with self._slots:
            self._worker = threading.get_ident()
            _do(future, work)


def _do(future: "Future[T]", work: Callable[[], T]) -> None:
    """Makes a thing, unless it is made already or nobody wants it any more."""
    if future.done() or not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)


def _failed(future: "Future[Any]") -> bool:
    return future.done() and (future.cancelled() or future.exception() is not None)

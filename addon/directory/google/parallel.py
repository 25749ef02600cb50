"""Runs work in several threads; the first failure ends all of it."""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")

MOMENT = 0.05
MOMENTS = 40
"""After a failure the threads get this many periods of MOMENT seconds to stop."""


class ReadingStopped(Exception):
    """Other work has failed, so this work is not done."""


class ParallelCalls:
    """Threads that run the started work until the block ends or anything in it fails.

    On a failure `stopped` is set, work that has not begun is cancelled, `interrupt` is called to
    end the waiting of threads for an answer, and the block raises the first failure. A
    KeyboardInterrupt in the block has the same effect and is itself raised.
    """

    def __init__(self, threads: int, interrupt: Callable[[], None] = lambda: None) -> None:
        self._pool = ThreadPoolExecutor(threads, "directory")
        self._interrupt = interrupt
        self._lock = threading.Lock()
        self._started: list[Future[Any]] = []
        self._failure: Future[None] = Future()
        self.stopped = threading.Event()

    def start(self, work: Callable[..., T], *args: object) -> Future[T]:
        """Run `work` in a thread; its failure ends all work at once."""

        def guarded() -> T:
            if self.stopped.is_set():
                raise ReadingStopped
            try:
                return work(*args)
            except BaseException as error:
                self._stop(error)
                raise

        future = self._pool.submit(guarded)
        self._started.append(future)
        return future

    def result(self, future: Future[T]) -> T:
        """Return the result of the work. Raises the first failure of any work at once."""
        if not future.done():
            awaited: list[Future[Any]] = [future, self._failure]
            wait(awaited, return_when=FIRST_COMPLETED)
        if self._failure.done():
            self._failure.result()
        return future.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._pool.shutdown()
            return
        self._stop(error)
        self._pool.shutdown(wait=False, cancel_futures=True)
        for _ in range(MOMENTS):
            running = [future for future in self._started if not future.done()]
            if not running:
                break
            self._interrupt()
            wait(running, MOMENT)
        first = self._failure.exception()
        if isinstance(error, Exception) and first is not None and first is not error:
            raise first from None

    def _stop(self, error: BaseException) -> None:
        with self._lock:
            if not self.stopped.is_set():
                self.stopped.set()
                self._failure.set_exception(error)

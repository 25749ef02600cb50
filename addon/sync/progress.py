"""How far a run has come: on one line of a terminal, and in the store for the pages."""

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TextIO

import msgspec

from addon.store.base import Store, StoreError
from addon.store.records import Shelf

log = logging.getLogger(__name__)

INTERVAL = 0.1
KEPT_EVERY = 2.0
KEPT_FOR = 3600.0
"""Seconds between what is kept of a delivery's progress, and for which it is."""
WIDTH = 80
"""Columns of a terminal that does not tell how many it has."""


class Progress:
    """A line that is written over as the run goes on, and taken away at its end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = stream.isatty()
        self._vendors: dict[str, tuple[int, int]] = {}
        self._last = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._vendors.clear()
        self._write("", always=True)

    def reading(self, users: int, groups: int) -> None:
        """Told the users and member lists read so far."""
        self._write(f"Reading the directory: {users} people, {groups} groups")

    def delivering(self, vendor: str, done: int, planned: int) -> None:
        """Told a vendor's operations."""
        if not self._shown:
            return
        self._vendors[vendor] = (done, planned)
        parts = (f"{name} {done}/{planned}" for name, (done, planned) in self._vendors.items())
        self._write("Delivering: " + ", ".join(parts), always=done == planned)

    def _write(self, text: str, always: bool = False) -> None:
        if not self._shown:
            return
        with self._lock:
            now = time.monotonic()
            if not always and now - self._last < INTERVAL:
                return
            self._last = now
            try:
                # A line that is broken in two could not be written over.
                self._stream.write(f"\r\x1b[K{text[: self._columns() - 1]}")
                self._stream.flush()
            except OSError:
                self._shown = False  # the terminal is gone, and the run goes on

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or WIDTH
        except (OSError, ValueError):
            return WIDTH


class KeptProgress:
    """How far a delivery has come, kept in the store for those who look at its page.

    Kept every few seconds only, and not at all of a delivery that is over sooner; by a thread of
    its own, for the store may take its time and the delivery may not. To be ended.
    """

    def __init__(self, store: Store, tenant: str, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._shelf = Shelf("progress", tenant)
        self._clock = clock
        self._next = clock() + KEPT_EVERY
        self._kept: set[str] = set()
        self._lock = threading.Lock()
        self._keeper = ThreadPoolExecutor(1, "progress")
        self._last: Future[None] | None = None

    def __call__(self, vendor: str, done: int, planned: int) -> None:
        """Told a vendor's operations. A store that is slow or fails does not disturb these."""
        now = self._clock()
        with self._lock:
            if now < self._next or (self._last is not None and not self._last.done()):
                return
            self._next = now + KEPT_EVERY
            self._last = self._keeper.submit(self._keep, vendor, done, planned, now)

    def end(self) -> None:
        """The delivery is over; nothing of it is kept."""
        self._keeper.shutdown()
        for vendor in self._kept:
            try:
                self._store.discard(self._shelf, vendor)
            except StoreError:
                log.warning("the progress of a delivery stays for an hour")

    def _keep(self, vendor: str, done: int, planned: int, now: float) -> None:
        told = msgspec.json.encode({"done": done, "planned": planned})
        try:
            self._store.keep(self._shelf, vendor, told, now, now + KEPT_FOR)
            self._kept.add(vendor)
        except StoreError:
            log.warning("the progress of a delivery could not be kept")

"""The progress of a run on one line of a terminal."""

import os
import threading
import time
from types import TracebackType
from typing import TextIO

from addon.cli.terminal import printable
from addon.text import counted

INTERVAL = 0.1
"""Seconds between two writes of the line."""
WIDTH = 80
"""Columns to assume if the width of the terminal is unknown."""


class ProgressLine:
    """A line that is overwritten during the run and erased at its end. A context manager."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = stream.isatty()
        self._vendors: dict[str, tuple[int, int]] = {}
        self._last = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> "ProgressLine":
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
        """Show the numbers of users and of groups' member lists read so far."""
        people = counted(users, "person", "people")
        self._write(f"Reading the directory: {people}, {counted(groups, 'group', 'groups')}")

    def delivering(self, vendor: str, done: int, planned: int) -> None:
        """Show a vendor's numbers of operations done and planned."""
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
                # A line that wraps could not be overwritten.
                self._stream.write(f"\r\x1b[K{printable(text)[: self._columns() - 1]}")
                self._stream.flush()
            except (OSError, ValueError):
                self._shown = False  # the terminal is closed, but the run continues

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or WIDTH
        except (OSError, ValueError):
            return WIDTH

"""How far a run has come, on one line of a terminal."""

import os
import threading
import time
from types import TracebackType
from typing import TextIO

INTERVAL = 0.1
"""Seconds between two writes of the line."""
WIDTH = 80
"""Columns of a terminal that does not tell how many it has."""


class ProgressLine:
    """A line that is written over as the run goes on, and taken away at its end."""

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

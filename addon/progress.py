"""How far a run has come, on one line of a terminal; silent where there is no terminal."""

import threading
import time
from types import TracebackType
from typing import TextIO

INTERVAL = 0.1


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
        self._write("", always=True)

    def reading(self, users: int, groups: int) -> None:
        """Told the users and member lists read so far."""
        self._write(f"Reading the directory: {users} people, {groups} groups")

    def delivering(self, vendor: str, done: int, planned: int) -> None:
        """Told a vendor's operations."""
        self._vendors[vendor] = (done, planned)
        parts = (f"{name} {done}/{planned}" for name, (done, planned) in self._vendors.items())
        self._write("Delivering: " + ", ".join(parts), always=done == planned)

    def _write(self, text: str, always: bool = False) -> None:
        if not self._shown:
            return
        with self._lock:
            now = time.monotonic()
            if always or now - self._last >= INTERVAL:
                self._last = now
                self._stream.write(f"\r\x1b[K{text}")
                self._stream.flush()

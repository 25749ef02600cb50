"""The clock of a world: the real time moved, or a time that stands still."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Seconds since 1970 UTC: `ahead` of the real time, or after `set`, as set and advanced."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead
        self._stopped_at: float | None = None

    def __call__(self) -> float:
        return time.time() + self.ahead if self._stopped_at is None else self._stopped_at

    def set(self, at: float) -> None:
        """Stop at a time."""
        self._stopped_at = at

    def advance(self, seconds: float) -> None:
        """Move ahead at once."""
        if self._stopped_at is None:
            self.ahead += seconds
        else:
            self._stopped_at += seconds

    def advance_if_stopped(self, seconds: float) -> None:
        """Take this long for something that a running clock would have measured."""
        if self._stopped_at is not None:
            self._stopped_at += seconds

    @contextmanager
    def real_time(self) -> Iterator[None]:
        """Show the real time for this block."""
        kept = self.ahead, self._stopped_at
        self.ahead, self._stopped_at = 0.0, None
        try:
            yield
        finally:
            self.ahead, self._stopped_at = kept

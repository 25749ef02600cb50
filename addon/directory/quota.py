"""Keeps API queries within a quota of so many in any window of time."""

import threading
import time
from collections import deque
from collections.abc import Callable

GOOGLE_QUERIES_A_MINUTE = 2400
"""Directory API quota for a user and project; see Google's "Directory API: Limits and quotas"."""

OURS = GOOGLE_QUERIES_A_MINUTE * 9 // 10
"""What one reading may take of it; the rest is for a person at the web page."""


class Quota:
    """At most `limit` turns in any `seconds`; thread-safe.

    A whole window's turns may be taken at once: the quota is a count for the minute, and a
    reading that fits in it need not wait at all.
    """

    def __init__(
        self,
        limit: int = OURS,
        seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._starts: deque[float] = deque()
        self._lock = threading.Lock()

    def delay(self) -> float:
        """Take the next free turn; the seconds from now until it may be used."""
        with self._lock:
            now = self._clock()
            while self._starts and self._starts[0] <= now - self._seconds:
                self._starts.popleft()
            turn = now
            if len(self._starts) >= self._limit:
                turn = max(now, self._starts[-self._limit] + self._seconds)
            self._starts.append(turn)
            return turn - now

"""Keeps API queries within a quota of so many in any window of time."""

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import lru_cache

GOOGLE_QUERIES_A_MINUTE = 2400
"""Directory API quota for a user and project; see Google's "Directory API: Limits and quotas"."""

OURS = GOOGLE_QUERIES_A_MINUTE * 9 // 10
"""What the readings of one process may take of it; the rest is for other processes."""


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
        self._starts: deque[float] = deque(maxlen=limit)
        self._lock = threading.Lock()

    def delay(self) -> float:
        """Take the next free turn; the seconds from now until it may be used."""
        with self._lock:
            now = self._clock()
            turn = now
            if len(self._starts) == self._limit:
                turn = max(now, self._starts[0] + self._seconds)
            self._starts.append(turn)
            return turn - now


@lru_cache(maxsize=1024)
def quota_of(endpoint: str | None, customer: str, user: str | None) -> Quota:
    """The quota that all of this process's readings in the name of `user` share."""
    return Quota()

"""Keeps the number of API queries in any time window within a quota."""

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import lru_cache

GOOGLE_QUERIES_A_MINUTE = 2400
"""Directory API quota per user and project; see Google's "Directory API: Limits and quotas"."""

OURS = GOOGLE_QUERIES_A_MINUTE * 9 // 10
"""The share of it that the readings of one process may use; other processes use the rest."""


class Quota:
    """At most `limit` queries in any `seconds`; thread-safe.

    All queries of a window may be made at once: the quota is counted by the minute, and a
    reading that fits in it does not wait at all.
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
        """Reserve the next free query; return the seconds to wait until it may be made."""
        with self._lock:
            now = self._clock()
            turn = now
            if len(self._starts) == self._limit:
                turn = max(now, self._starts[0] + self._seconds)
            self._starts.append(turn)
            return turn - now


@lru_cache(maxsize=1024)
def quota_of(endpoint: str | None, customer: str, user: str | None) -> Quota:
    """The quota shared by all readings of this process in the name of `user`."""
    return Quota()

"""Bounds how many requests wait for others at once: for a vendor, the register, the provider.

Each keeps a thread for as long as the other takes. Whoever comes beyond the bound is told to try
again, so that threads stay free for those who ask for nothing of that kind.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from addon.bounded_http import PAGE_SECONDS, page_deadline

MOST = 10
"""Requests that wait at once in a process, whose threads are 16."""
MOST_OF_ONE = 4
"""Requests that wait at once of one tenant."""


class TooManyWaitingError(Exception):
    """So many requests wait already that this one may not."""


class WaitingRequests:
    """The requests of a process that wait for others. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: Counter[str] = Counter()
        self._own = threading.local()

    @contextmanager
    def place_for(self, tenant: str) -> Iterator[None]:
        """Take a place of the tenant's and all that is asked in it a page's time.

        A request that has a place needs no other. Raises TooManyWaitingError.
        """
        if getattr(self._own, "has_place", False):
            yield
            return
        self._enter(tenant)
        self._own.has_place = True
        try:
            with page_deadline(PAGE_SECONDS):
                yield
        finally:
            self._own.has_place = False
            self._leave(tenant)

    def _enter(self, tenant: str) -> None:
        with self._lock:
            if self._waiting[tenant] >= MOST_OF_ONE or self._waiting.total() >= MOST:
                raise TooManyWaitingError
            self._waiting[tenant] += 1

    def _leave(self, tenant: str) -> None:
        with self._lock:
            self._waiting[tenant] -= 1
            if not self._waiting[tenant]:
                del self._waiting[tenant]

"""Sends the sandbox's notices: from threads when they are due, or all at once when a test says so.

As Google does, a notice that is answered 500, 502, 503 or 504 is sent again with back-off; one that
is answered otherwise is not.
"""

import heapq
import http.client
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Condition, Thread
from typing import NamedTuple
from urllib.parse import urlsplit

from addon.sandbox.google_objects import JSON

AGAIN = frozenset({0, 500, 502, 503, 504})
"""Statuses after which a notice is sent again; 0 is no answer."""
TRIES = 6
AT_ONCE = 32
FIRST_WAIT = 1.0
WITHIN = 20.0


class PushNotice(NamedTuple):
    """A POST to the address of a channel; a sync message has no body."""

    address: str
    headers: Mapping[str, str]
    body: JSON | None


class _Due(NamedTuple):
    due: float
    number: int
    tried: int
    notice: PushNotice


def post(notice: PushNotice) -> int:
    """Send a notice by HTTP; return the status of the answer, 0 if there is none."""
    parts = urlsplit(notice.address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=WITHIN)
    body = b"" if notice.body is None else json.dumps(notice.body).encode()
    headers = {**notice.headers, "Content-Type": "application/json; charset=UTF-8"}
    try:
        connection.request("POST", parts.path, body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


class NoticeDelivery:
    """Notices that wait. Thread-safe.

    `clock` returns seconds since 1970 UTC. Without `threads` nothing is sent until `send_due`.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        send: Callable[[PushNotice], int] = post,
        threads: bool = True,
    ) -> None:
        self._clock = clock
        self._post = send
        self._threads = threads
        self._waiting: list[_Due] = []
        self._numbers = count()
        self._answers: Counter[int] = Counter()
        self._changed = Condition()
        self._closed = False
        self._started = False

    def answers(self) -> dict[str, int]:
        """Return how many notices had each status for an answer."""
        with self._changed:
            return {str(status): number for status, number in sorted(self._answers.items())}

    def send(self, notice: PushNotice, due: float) -> None:
        """Send a notice when it is due."""
        self._add(notice, due, 0)

    def send_due(self) -> int:
        """Send all that are due now, and return how many."""
        sent = 0
        while (due := self._next(wait=False)) is not None:
            self._try(due)
            sent += 1
        return sent

    def close(self) -> None:
        """Send no more."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _add(self, notice: PushNotice, due: float, tried: int) -> None:
        with self._changed:
            if self._closed:
                return
            heapq.heappush(self._waiting, _Due(due, next(self._numbers), tried, notice))
            if self._threads and not self._started:
                self._started = True
                Thread(target=self._work, name="notices", daemon=True).start()
            self._changed.notify_all()

    def _next(self, wait: bool) -> _Due | None:
        with self._changed:
            while not self._closed:
                left = self._waiting[0].due - self._clock() if self._waiting else 60.0
                if self._waiting and left <= 0:
                    return heapq.heappop(self._waiting)
                if not wait:
                    return None
                self._changed.wait(left)
            return None

    def _work(self) -> None:
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="notice")
        while (due := self._next(wait=True)) is not None:
            pool.submit(self._try, due)
        pool.shutdown(wait=False, cancel_futures=True)

    def _try(self, due: _Due) -> None:
        status = self._post(due.notice)
        with self._changed:
            self._answers[status] += 1
        if status in AGAIN and due.tried + 1 < TRIES:
            wait = FIRST_WAIT * 2.0**due.tried
            self._add(due.notice, self._clock() + wait, due.tried + 1)

"""Retries one query as often as it helps, within the quota, and stops when the reading fails."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from addon.directory.errors import AGAIN, DirectoryError
from addon.directory.google.error_mapping import ApiError, classify_error
from addon.directory.google.parallel import ReadingStopped
from addon.directory.google.quota import Quota
from addon.text import counted

T = TypeVar("T")


class ReadRetryPolicy(Struct, frozen=True):
    """How often and how long (seconds) a query is retried before the reading fails.

    Quota errors get more retries, which together last for more than a minute: the quota is
    counted by the minute, so its window passes. `longest_told` limits the wait that an answer
    requests by Retry-After.
    """

    tries: int = 5
    quota_tries: int = 10
    first_wait: float = 0.5
    longest_wait: float = 32.0
    longest_told: float = 120.0


class RetryingCaller:
    """Runs queries against the API within the quota, with retries.

    When `stopped` is set every query ends, at its next wait at the latest. `count` is the number
    of queries made, retries included.
    """

    def __init__(
        self, retry_policy: ReadRetryPolicy, quota: Quota, stopped: threading.Event
    ) -> None:
        self._retry_policy = retry_policy
        self._quota = quota
        self._stopped = stopped
        self._lock = threading.Lock()
        self.count = 0

    def execute(self, what: str, send: Callable[[], T]) -> T:
        """Return the result of `send()`; `what` names the query in an error message.

        Raises NotFoundAnswer, AccessRefused, DirectoryError or, when `stopped` is set,
        ReadingStopped.
        """
        tries: Counter[bool] = Counter()
        while True:
            self._pause(self._quota.delay())
            with self._lock:
                self.count += 1
            try:
                return send()
            except Exception as error:
                trouble = classify_error(what, error)
            tries[trouble.quota] += 1
            tried = tries[trouble.quota]
            if tried >= (
                self._retry_policy.quota_tries if trouble.quota else self._retry_policy.tries
            ):
                times = counted(tried, "time", "times")
                raise DirectoryError(
                    f"{what}: {trouble.said}, {times}. {AGAIN}",
                    "busy" if trouble.quota else "no-answer",
                ) from None
            self._pause(self.wait_after(trouble, tried))

    def wait_after(self, trouble: ApiError, tried: int) -> float:
        """Seconds to wait after so many tries: as requested, or exponential with variation."""
        retry_policy = self._retry_policy
        ceiling = min(retry_policy.longest_wait, retry_policy.first_wait * 2.0 ** (tried - 1))
        backoff = ceiling * random.uniform(0.5, 1.0)
        told = min(trouble.wait, retry_policy.longest_told)
        return told + retry_policy.first_wait * random.random() if told > backoff else backoff

    def _pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds) if seconds > 0 else self._stopped.is_set():
            raise ReadingStopped

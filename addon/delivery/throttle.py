"""Limit the rate of requests to a vendor, and stop the delivery after repeated failures.

What a 429 or 503 asks for is read and obeyed in `addon.delivery.transport`; the pause is kept here.
"""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from msgspec import Struct

from addon.planning.result import VendorProblem

MOST_FAILING_GROUPS = 3
"""How many groups of operations may meet server errors, without a success in between."""

SPENT = "the time for this run is spent"


class RetryPolicy(Struct, frozen=True):
    """Waits and timeouts in seconds, and the number of attempts.

    `incidents` is how many resources that fail in a row, without a success in between, make the
    circuit breaker stop the delivery. If the vendor asks for a wait longer than `longest_pause`,
    the delivery stops and the rest is left for the next run. `settling`, as a multiple of
    `first_wait`, is how long the vendor gets to finish the requests of an interrupted run before
    it is asked about their outcome. `late_effect` is how long after it was sent a request that got
    no answer in time may still have its effect: a proxy may pass it on a minute later. `connect`,
    `read` and `whole` are the timeouts of a request.
    """

    tries: int = 4
    first_wait: float = 0.5
    longest_wait: float = 30.0
    incidents: int = 6
    longest_pause: float = 60.0
    settling: float = 4.0
    late_effect: float = 90.0
    connect: float = 10.0
    read: float = 20.0
    whole: float = 90.0


class DeliveryStopped(Exception):
    """The delivery to this vendor stops; the rest is left for the next run.

    `problem` is why. `spent` is true if it was not a failure that stopped it: the run's time is
    over, or a person cancelled it. `uncertain` is whether the vendor may have carried out the
    operation that was in progress, and `late` for how many seconds from now a create that it was
    may still have its effect, None if that is over.
    """

    def __init__(
        self,
        message: str,
        problem: VendorProblem,
        spent: bool = False,
        uncertain: bool = False,
        late: float | None = None,
    ) -> None:
        super().__init__(message)
        self.problem = problem
        self.spent = spent
        self.uncertain = uncertain
        self.late = late

    @property
    def status(self) -> int | None:
        """The HTTP status that stopped the delivery, if one did."""
        return self.problem.status or None

    def unsure(self, late: float | None = None) -> "DeliveryStopped":
        """Return the same error for an operation that the vendor may have carried out."""
        return DeliveryStopped(str(self), self.problem, self.spent, uncertain=True, late=late)


class Throttle:
    """Assigns send times to requests: evenly spaced, none during a pause, none after a stop.

    All requests of a connection share one throttle, in one event loop.
    """

    LAG = 0.05
    """Seconds of unused send times that may be caught up, so that late timers cost no speed."""

    def __init__(
        self,
        per_second: float,
        retry_policy: RetryPolicy,
        deadline: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gap = 1.0 / per_second
        self._retry_policy = retry_policy
        self._deadline = float("inf") if deadline is None else deadline
        self._clock = clock
        self._next = 0.0
        self._paused_until = 0.0
        self._incidents: dict[str, dict[object, int]] = {"writing": {}, "asking": {}}
        self._failing_groups = 0
        self._group: Literal["none", "begun", "failed", "given up"] = "none"
        self._last_incident = 0.0
        self._stopped: DeliveryStopped | None = None
        self._ended = asyncio.Event()

    @property
    def stopped(self) -> DeliveryStopped | None:
        """Why the delivery has stopped, or None if it has not."""
        return self._stopped

    async def acquire(self) -> float:
        """Wait until a request may be sent; return that time. Raises DeliveryStopped."""
        while True:
            self.check()
            now = self._clock()
            if now < self._paused_until:
                if self._paused_until >= self._deadline:
                    self._spend()
                await self.rest(self._paused_until - now)
                continue
            turn = max(self._next, now - self.LAG)
            self._next = turn + self._gap
            if turn > now:
                await self.rest(turn - now)
                if self._clock() < self._paused_until:
                    continue
            self.check()
            return self._clock()

    async def rest(self, seconds: float) -> None:
        """Wait for `seconds`. Raises DeliveryStopped as soon as the delivery ends."""
        self.check()
        seconds = min(seconds, self._deadline - self._clock())
        if seconds < 0.1:
            await asyncio.sleep(seconds)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), seconds)
        self.check()

    def has_time(self, seconds: float) -> bool:
        """Whether the delivery goes on for more than `seconds`."""
        return self._stopped is None and self._clock() + seconds < self._deadline

    def late_effect(self, turn: float) -> float:
        """Return for how many seconds a request sent at `turn` may still have its effect."""
        return max(0.0, turn + self._retry_policy.late_effect - self._clock())

    async def settle(self) -> None:
        """Wait until the vendor should have finished the requests of an interrupted run."""
        await asyncio.sleep(self._retry_policy.settling * self._retry_policy.first_wait)

    def check(self) -> None:
        """Raise DeliveryStopped if the delivery has ended or its time is over."""
        if self._stopped is None and self._clock() >= self._deadline:
            self._spend()
        if self._stopped is not None:
            raise self._stopped

    def stop(self, reason: DeliveryStopped) -> None:
        """End the delivery. Only the first reason is kept."""
        self._stopped = self._stopped or reason
        self._ended.set()

    @property
    def group_given_up(self) -> bool:
        """Whether the rest of the present group of operations should be left for the next run."""
        return self._group == "given up"

    def begin_group(self) -> None:
        """Begin a group of operations, such as the writes of one type.

        Then resources that the vendor answers with a server error end their group, because the
        others may be taken, and end the delivery when it is so in MOST_FAILING_GROUPS groups.
        """
        self._group = "begun"

    def record_success(self, asking: bool = False) -> None:
        """Reset the failure count after a success.

        The success of a read (`asking`) resets only the count of reads: the vendor may answer
        reads although writes fail.
        """
        self._incidents["asking"].clear()
        if not asking:
            self._incidents["writing"].clear()
            self._failing_groups = 0

    def record_failure(
        self,
        turn: float,
        message: str,
        problem: VendorProblem,
        weight: int = 1,
        asking: bool = False,
        subject: object = None,
    ) -> None:
        """Count the failure of a request sent at `turn` as an incident of the vendor.

        Failures of requests that were in progress at the same time are one incident, which counts
        `weight` times; so are those of the same `subject` (default: each is another). Stops the
        delivery, or gives up the present group, after too many incidents.
        """
        if turn < self._last_incident:
            return
        self._last_incident = self._clock()
        incidents = self._incidents["asking" if asking else "writing"]
        subject = subject if subject is not None else object()
        incidents[subject] = max(weight, incidents.get(subject, 0))
        if self._group == "begun":
            self._group = "failed"
            self._failing_groups += 1
        if self._count_incidents() < self._retry_policy.incidents or self.group_given_up:
            return
        of_group = self._group != "none" and _is_of_resource(problem)
        if of_group and self._failing_groups < MOST_FAILING_GROUPS:
            self._group = "given up"
        else:
            self.stop(DeliveryStopped(f"{message}, again and again", problem))

    def _count_incidents(self) -> int:
        return sum(sum(found.values()) for found in self._incidents.values())

    def pause(self, asked: float | None, turn: float, status: int | None = 429) -> None:
        """Pause all requests for the `asked` seconds of the vendor, or for a backoff if None."""
        if asked is None:
            if turn < self._paused_until:
                return
            asked = self.backoff(max(1, self._count_incidents()))
        elif asked > self._retry_policy.longest_pause:
            told = f"{min(asked, 1e9):.0f} s"
            problem = VendorProblem("left-alone", status or 0)
            self.stop(DeliveryStopped(f"the vendor asks to be left alone for {told}", problem))
            return
        self._paused_until = max(self._paused_until, self._clock() + asked)

    def backoff(self, tried: int) -> float:
        """Return the seconds to wait before the next attempt, exponential with jitter."""
        retry_policy = self._retry_policy
        ceiling = min(retry_policy.longest_wait, retry_policy.first_wait * 2.0 ** (tried - 1))
        return ceiling * random.uniform(0.5, 1.0)

    def _spend(self) -> None:
        self.stop(DeliveryStopped(SPENT, VendorProblem("time-spent"), spent=True))


def _is_of_resource(problem: VendorProblem) -> bool:
    """Whether a failure may be due to the resource: a server error that asks for no wait."""
    return problem.code == "status" and problem.status >= 500 and problem.status != 503

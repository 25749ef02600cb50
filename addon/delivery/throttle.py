"""How fast a vendor is spoken to, and when it is left alone."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress

from msgspec import Struct

from addon.planning.result import VendorProblem

SPENT = "the time for this run is spent"


class RetryPolicy(Struct, frozen=True):
    """Times in seconds, and how often something is tried.

    `incidents` is how many failures in a row, with no success between, make the circuit
    breaker stop the delivery. A wait that the vendor asks for beyond `longest_pause` is not
    sat out: the rest is left for the next run. `settling`, as a multiple of `first_wait`, is
    how long the vendor is given to finish what a run that was cut off had sent, before it is
    asked the outcome.
    """

    tries: int = 4
    first_wait: float = 0.5
    longest_wait: float = 30.0
    incidents: int = 6
    longest_pause: float = 60.0
    settling: float = 4.0
    connect: float = 10.0
    read: float = 20.0
    whole: float = 90.0


class DeliveryStopped(Exception):
    """The delivery to this vendor ends here; the rest is left for the next run.

    `problem` is why. `spent` is true when it was not
    trouble that ended it: the run's time is over, or nobody wants it to go on. `uncertain` is
    whether the operation that met it may have had its effect all the same.
    """

    def __init__(
        self,
        message: str,
        problem: VendorProblem,
        spent: bool = False,
        uncertain: bool = False,
    ) -> None:
        super().__init__(message)
        self.problem = problem
        self.spent = spent
        self.uncertain = uncertain

    @property
    def status(self) -> int | None:
        """The HTTP status that ended it, if one did."""
        return self.problem.status or None

    def unsure(self) -> "DeliveryStopped":
        """The same, met by an operation that may have had its effect."""
        return DeliveryStopped(str(self), self.problem, self.spent, uncertain=True)


class Throttle:
    """Turns for requests: evenly spaced, none during a pause, none after a stop.

    One for each connection, shared by all its requests, in one event loop.
    """

    LAG = 0.05
    """Seconds of unused turns that may be caught up, so that a late timer costs no speed."""

    def __init__(
        self,
        per_second: float,
        patience: RetryPolicy,
        deadline: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gap = 1.0 / per_second
        self._patience = patience
        self._deadline = float("inf") if deadline is None else deadline
        self._clock = clock
        self._next = 0.0
        self._paused_until = 0.0
        self._incidents = {"writing": 0, "asking": 0}
        self._last_incident = 0.0
        self._stopped: DeliveryStopped | None = None
        self._ended = asyncio.Event()

    @property
    def stopped(self) -> DeliveryStopped | None:
        """What has ended the delivery, if anything has."""
        return self._stopped

    async def acquire(self) -> float:
        """Wait for this request's turn; the time it was given. Raises DeliveryStopped."""
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
        """Wait, at most until the delivery ends. Raises DeliveryStopped when it does."""
        self.check()
        seconds = min(seconds, self._deadline - self._clock())
        if seconds < 0.1:
            await asyncio.sleep(seconds)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), seconds)
        self.check()

    async def settle(self) -> None:
        """Give the vendor time to finish what it was sent by a run that was cut off."""
        await asyncio.sleep(self._patience.settling * self._patience.first_wait)

    def check(self) -> None:
        """Raises DeliveryStopped when the delivery has ended or its time is spent."""
        if self._stopped is None and self._clock() >= self._deadline:
            self._spend()
        if self._stopped is not None:
            raise self._stopped

    def stop(self, reason: DeliveryStopped) -> None:
        """End the delivery; the first reason stands."""
        self._stopped = self._stopped or reason
        self._ended.set()

    def record_success(self, asking: bool = False) -> None:
        """The vendor has answered as a working server does; to questions, it may do no more."""
        self._incidents["asking"] = 0
        if not asking:
            self._incidents["writing"] = 0

    def record_failure(
        self,
        turn: float,
        message: str,
        problem: VendorProblem,
        weight: int = 1,
        asking: bool = False,
    ) -> None:
        """A request whose `turn` was then has failed in a way that speaks of the whole vendor.

        Failures of requests that were under way together are one incident, which counts
        `weight` times.
        """
        if turn < self._last_incident:
            return
        self._last_incident = self._clock()
        self._incidents["asking" if asking else "writing"] += weight
        if sum(self._incidents.values()) >= self._patience.incidents:
            self.stop(DeliveryStopped(f"{message}, again and again", problem))

    def pause(self, asked: float | None, turn: float, status: int | None = 429) -> None:
        """Let nobody send for as long as the vendor `asked`, or for a while of our own choice."""
        if asked is None:
            if turn < self._paused_until:
                return
            asked = self.backoff(max(1, sum(self._incidents.values())))
        elif asked > self._patience.longest_pause:
            told = f"{min(asked, 1e9):.0f} s"
            problem = VendorProblem("left-alone", status or 0)
            self.stop(DeliveryStopped(f"the vendor asks to be left alone for {told}", problem))
            return
        self._paused_until = max(self._paused_until, self._clock() + asked)

    def backoff(self, tried: int) -> float:
        """Seconds to wait before the next try, exponential with jitter."""
        patience = self._patience
        ceiling = min(patience.longest_wait, patience.first_wait * 2.0 ** (tried - 1))
        return ceiling * random.uniform(0.5, 1.0)

    def _spend(self) -> None:
        self.stop(DeliveryStopped(SPENT, VendorProblem("time-spent"), spent=True))

"""Requests keep the vendor's rate; trouble, waits and the end of the time are everybody's."""

import asyncio
import time

import pytest

from addon.delivery.throttle import DeliveryStopped, RetryPolicy, Throttle
from addon.planning.result import VendorProblem

PATIENT = RetryPolicy(first_wait=0.5, longest_wait=4.0, incidents=6, longest_pause=60.0)

FAILED, BROKEN = VendorProblem("status", 500), VendorProblem("connection-broken")


class Clock:
    """A clock that only goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def throttle(
    per_second: float = 1000, deadline: float | None = None, clock=time.monotonic
) -> Throttle:
    return Throttle(per_second, PATIENT, deadline, clock)


async def turns(of: Throttle, count: int) -> list[float]:
    return await asyncio.gather(*(of.acquire() for _ in range(count)))


def test_turns_are_spaced_evenly_whoever_takes_them():
    began = time.monotonic()
    asyncio.run(turns(throttle(per_second=200), 30))
    taken = time.monotonic() - began
    assert 29 / 200 - Throttle.LAG <= taken < 1


def test_unused_turns_are_not_saved_up():
    clock = Clock()

    async def late() -> tuple[int, float]:
        one = throttle(per_second=100, clock=clock)
        await one.acquire()
        clock.now += 3600
        at_once = 0
        while True:
            try:
                await asyncio.wait_for(one.acquire(), 0.001)
            except TimeoutError:
                return at_once, one._next
            at_once += 1

    at_once, _ = asyncio.run(late())
    assert at_once <= Throttle.LAG * 100 + 1


def test_a_pause_holds_everyone_back():
    async def paused() -> float:
        one = throttle()
        turn = await one.acquire()
        one.pause(0.1, turn)
        began = time.monotonic()
        await turns(one, 4)
        return time.monotonic() - began

    assert 0.1 <= asyncio.run(paused()) < 1


def test_a_pause_is_never_shortened_by_another():
    async def paused() -> float:
        one = throttle()
        turn = await one.acquire()
        one.pause(0.1, turn)
        one.pause(0.0, turn)
        one.pause(None, turn)
        began = time.monotonic()
        await one.acquire()
        return time.monotonic() - began

    assert asyncio.run(paused()) >= 0.09


@pytest.mark.parametrize("asked", [60.5, 1e300, float("inf")])
def test_a_wait_that_is_too_long_ends_the_delivery(asked):
    async def asked_to_wait() -> None:
        one = throttle()
        one.pause(asked, await one.acquire(), 503)
        await one.acquire()

    with pytest.raises(DeliveryStopped, match="left alone for") as stopped:
        asyncio.run(asked_to_wait())
    assert stopped.value.status == 503
    assert not stopped.value.spent


def test_failures_in_a_row_end_the_delivery_and_a_success_between_does_not():
    async def failing() -> tuple[int, DeliveryStopped | None]:
        clock = Clock()
        one = throttle(clock=clock)
        failures = 0
        for _ in range(5):
            one.record_failure(await one.acquire(), "the vendor answered 500", FAILED)
            clock.now += 1
        one.record_success()
        while one.stopped is None:
            one.record_failure(await one.acquire(), "the vendor answered 500", FAILED)
            clock.now += 1
            failures += 1
        return failures, one.stopped

    failures, stopped = asyncio.run(failing())
    assert failures == 6
    assert str(stopped) == "the vendor answered 500, again and again"
    assert stopped is not None
    assert stopped.status == 500


def test_answers_to_questions_do_not_hide_that_writes_fail():
    one = throttle()
    for turn in range(1, 6):
        one.record_failure(turn * 1e12, "the connection broke", BROKEN)
        one.record_success(asking=True)
    assert one.stopped is None
    one.record_failure(6e12, "the connection broke", BROKEN)
    assert one.stopped is not None


def test_answers_to_questions_are_enough_when_only_questions_are_asked():
    one = throttle()
    for turn in range(1, 50):
        one.record_failure(turn * 1e12, "the connection broke", BROKEN, asking=True)
        one.record_success(asking=True)
    assert one.stopped is None


def test_requests_under_way_together_fail_once():
    async def together() -> DeliveryStopped | None:
        clock = Clock()
        one = throttle(clock=clock)
        begun = [await one.acquire() for _ in range(20)]
        clock.now += 1
        for turn in begun:
            one.record_failure(turn, "the connection broke", BROKEN)
        return one.stopped

    assert asyncio.run(together()) is None


def test_the_first_reason_to_stop_stands():
    one = throttle()
    one.stop(DeliveryStopped("first", VendorProblem("key-refused", 401)))
    one.stop(DeliveryStopped("second", BROKEN))
    with pytest.raises(DeliveryStopped, match="first"):
        one.check()


def test_no_turn_is_given_when_the_time_is_spent():
    clock = Clock()
    one = throttle(deadline=1001.0, clock=clock)
    asyncio.run(one.acquire())
    clock.now = 1001.0
    with pytest.raises(DeliveryStopped) as stopped:
        asyncio.run(one.acquire())
    assert stopped.value.spent


def test_a_wait_ends_when_the_time_is_spent():
    began = time.monotonic()
    one = throttle(deadline=began + 0.15)
    with pytest.raises(DeliveryStopped) as stopped:
        asyncio.run(one.rest(30))
    assert stopped.value.spent
    assert time.monotonic() - began < 5


def test_a_pause_beyond_the_deadline_is_not_waited_for():
    async def paused() -> None:
        one = throttle(deadline=time.monotonic() + 30)
        one.pause(40, await one.acquire())
        await one.acquire()

    began = time.monotonic()
    with pytest.raises(DeliveryStopped) as stopped:
        asyncio.run(paused())
    assert stopped.value.spent
    assert time.monotonic() - began < 5


def test_a_stop_wakes_those_who_wait():
    async def stopping() -> list[object]:
        one = throttle()
        one.pause(50, await one.acquire())
        waiting = [asyncio.create_task(one.acquire()), asyncio.create_task(one.rest(50))]
        await asyncio.sleep(0)
        one.stop(DeliveryStopped("the lease is lost", VendorProblem("taken-over")))
        return list(await asyncio.gather(*waiting, return_exceptions=True))

    began = time.monotonic()
    assert {str(each) for each in asyncio.run(stopping())} == {"the lease is lost"}
    assert time.monotonic() - began < 5


def test_waits_grow_up_to_a_bound_and_differ():
    one = throttle()
    for tried, most in [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 4.0), (50, 4.0)]:
        waits = {one.backoff(tried) for _ in range(20)}
        assert all(most / 2 <= wait <= most for wait in waits)
        assert len(waits) > 1

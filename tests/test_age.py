"""A time that lies in the future is of unknown age, which counts as infinitely old."""

from math import inf

from addon.age import AHEAD, age, is_future


def test_the_age_of_a_time_is_in_seconds_and_infinite_in_the_future():
    assert age(40.0, 100.0) == 60.0
    assert age(100.0 + AHEAD + 1, 100.0) == inf
    assert age(100.0, inf) == inf


def test_a_clock_that_is_a_little_ahead_is_of_now():
    assert not is_future(100.0 + AHEAD, 100.0)
    assert age(100.0 + AHEAD, 100.0) == -AHEAD

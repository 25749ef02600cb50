"""The age of a stored time. It is unknown where the clock that gave it was ahead and was set right.

What rests, lasts or is valid for a while from a time that lies in the future would do so for as
long as the clock was ahead, a year perhaps. Such a time counts as infinitely old instead.
"""

from math import inf

AHEAD = 300.0
"""Seconds by which the clocks of two machines may differ; a later time lies in the future."""


def is_future(at: float, now: float) -> bool:
    """Whether the time `at` cannot have been yet. Both are in seconds since 1970 UTC."""
    return at > now + AHEAD


def age(at: float, now: float) -> float:
    """Return how many seconds ago `at` was; infinite if it lies in the future."""
    return inf if is_future(at, now) else now - at

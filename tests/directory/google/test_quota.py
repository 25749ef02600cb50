"""So many queries in any minute, and no more."""

from hypothesis import given
from hypothesis import strategies as st

from addon.directory.google.quota import GOOGLE_QUERIES_A_MINUTE, OURS, Quota, quota_of


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_whole_minutes_turns_may_be_taken_at_once():
    quota = Quota(3, 60.0, Clock())

    assert [quota.delay() for _ in range(3)] == [0.0, 0.0, 0.0]


def test_the_next_turn_waits_until_the_window_has_passed():
    clock = Clock()
    quota = Quota(2, 60.0, clock)
    quota.delay()
    clock.now += 10
    quota.delay()

    clock.now += 5
    assert [quota.delay() for _ in range(3)] == [45.0, 55.0, 105.0]


def test_a_turn_that_has_passed_is_free_again():
    clock = Clock()
    quota = Quota(1, 60.0, clock)
    quota.delay()

    clock.now += 60.0
    assert quota.delay() == 0.0


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5))
def test_no_window_holds_more_turns_than_the_limit(pauses: list[float], limit: int):
    clock = Clock()
    quota = Quota(limit, 60.0, clock)
    turns = []
    for pause in pauses:
        clock.now += pause
        turns.append(clock.now + quota.delay())

    gaps = [later - turn for turn, later in zip(turns, turns[limit:], strict=False)]
    assert all(gap >= 60.0 - 1e-6 for gap in gaps)


def test_ours_is_less_than_googles():
    assert OURS < GOOGLE_QUERIES_A_MINUTE == 2400


def test_readings_of_one_tenant_share_a_quota_and_those_of_others_do_not():
    one = quota_of(None, "C01", "admin@example.se")

    assert quota_of(None, "C01", "admin@example.se") is one
    assert quota_of(None, "C02", "admin@example.se") is not one

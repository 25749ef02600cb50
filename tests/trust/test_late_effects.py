"""Creates whose answer is lost, and whose effect or listing comes late, end with one resource.

In a time that jumps (tests/support/late_vendor.py), so that minutes cost nothing.
"""

from typing import NamedTuple

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from addon.planning.ledger import LOOK_AFTER
from tests.delivery.delivering import resource, users
from tests.support.late_vendor import LateTime, LateVendor, Oddity
from tests.trust.troubles import examples

KINDS = {
    "filter": {},
    "list": {"filter": "ignored", "page_limit": 3},
}
KNOWN = users(3)
NEW = resource("new")
WAITS = 130.0
"""Seconds for an answer, for a late effect, and something for the rest."""


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def time(request):
    """A vendor that has three people of ours."""
    time = LateTime(LateVendor(**request.param))
    assert time.run(KNOWN).complete
    time.pass_time(3600)
    return time


def once(*external_ids: str) -> list[str]:
    return sorted([*(each.external_id for each in KNOWN), *external_ids])


def writes(time: LateTime) -> list[str]:
    return [method for method in time.vendor.requests if method != "GET"]


def assert_settled(time: LateTime, wanted) -> None:
    """After the look that is due, nothing more is sent."""
    time.pass_time(LOOK_AFTER + 1)
    assert time.run(wanted).complete
    assert time.vendor.held() == sorted(each.external_id for each in wanted)
    time.pass_time(LOOK_AFTER + 1)
    assert time.run(wanted).complete
    assert time.vendor.requests == []


@pytest.mark.parametrize("answer", ["timeout", 504, 408])
def test_an_effect_that_comes_late_is_waited_for_before_a_create_is_repeated(time, answer):
    time.vendor.oddities = [Oddity(answer, delay=80)]
    result = time.run([*KNOWN, NEW])
    assert result.complete
    assert result.operations["create"] == {"User": 1}
    assert writes(time).count("POST") == 1
    assert time.vendor.held() == once("new")
    assert_settled(time, [*KNOWN, NEW])


def test_a_create_that_never_had_its_effect_is_repeated_in_the_run(time):
    time.vendor.oddities = [Oddity("timeout", delay=None)]
    assert time.run([*KNOWN, NEW]).complete
    assert writes(time) == ["POST", "POST"]
    assert_settled(time, [*KNOWN, NEW])


def test_others_are_created_before_the_wait(time):
    time.vendor.oddities = [Oddity("timeout", delay=80)]
    began = time.now
    others = users(30)
    assert time.run([*others, resource("a-first")]).complete
    assert time.now - began < WAITS
    assert time.vendor.held() == sorted(["a-first", *(each.external_id for each in others)])


def test_without_the_time_to_wait_it_is_left_and_the_next_run_waits(time):
    time.vendor.oddities = [Oddity("timeout", delay=80)]
    result = time.run([*KNOWN, NEW], within=60)
    assert (result.left, writes(time)) == (1, ["POST"])
    assert [f.external_id for f in result.failures] == ["new"]
    assert time.run([*KNOWN, NEW]).complete
    assert writes(time) == ["PUT"], "it was there when the wait was over"
    assert_settled(time, [*KNOWN, NEW])


def test_a_copy_that_no_list_showed_is_removed_a_run_later(time):
    time.vendor.lag = 60
    time.vendor.oddities = [Oddity(500, delay=0)]
    assert time.run([*KNOWN, NEW]).complete
    assert time.vendor.held() == once("new", "new")
    assert time.run([*KNOWN, NEW]).complete
    assert time.vendor.requests == [], "it is too early to look"
    time.pass_time(LOOK_AFTER + 1)
    result = time.run([*KNOWN, NEW])
    assert (result.complete, result.operations["update"]) == (True, {})
    assert time.vendor.held() == once("new")
    assert_settled(time, [*KNOWN, NEW])


def test_a_look_that_finds_no_copy_changes_nothing(time):
    time.vendor.oddities = [Oddity(500, delay=None)]
    time.run([*KNOWN, NEW])
    time.pass_time(LOOK_AFTER + 1)
    assert time.run([*KNOWN, NEW]).complete
    assert set(time.vendor.requests) == {"GET"}


def test_a_change_does_not_end_the_doubt(time):
    time.vendor.lag = 60
    time.vendor.oddities = [Oddity("reset", delay=0)]
    time.run([*KNOWN, NEW])
    changed = [*KNOWN, resource("new", title="changed")]
    assert time.run(changed).complete
    assert writes(time) == ["PUT"]
    assert_settled(time, changed)


def test_who_leaves_while_a_create_may_still_come_is_gone_in_the_end(time):
    time.vendor.oddities = [Oddity("timeout", delay=80)]
    time.run([*KNOWN, NEW], within=60)
    assert time.run(KNOWN).complete
    assert time.vendor.held() == once()
    time.pass_time(70)
    assert time.vendor.held() == once("new"), "the effect came after all"
    assert_settled(time, KNOWN)


def test_who_leaves_while_copies_may_show_up_is_gone_with_them(time):
    time.vendor.lag = 60
    time.vendor.oddities = [Oddity(500, delay=0)]
    time.run([*KNOWN, NEW])
    result = time.run(KNOWN)
    assert result.operations["delete"] == {"User": 1}
    time.pass_time(LOOK_AFTER + 1)
    assert time.run(KNOWN).operations["delete"] == {}, "a look counts as nothing"
    assert_settled(time, KNOWN)


def test_who_returns_and_is_refused_while_copies_may_show_up_is_looked_for(time):
    time.vendor.lag = 60
    time.vendor.oddities = [Oddity(500, delay=0)]
    time.run([*KNOWN, NEW])
    time.run(KNOWN)
    assert time.vendor.held() == once("new"), "the copy that no list showed"
    time.vendor.oddities = [Oddity(400, delay=None)]
    result = time.run([*KNOWN, NEW])
    assert [f.http_status for f in result.failures] == [400]
    assert time.run(KNOWN).complete
    assert_settled(time, KNOWN)


def test_a_repeated_create_that_is_refused_does_not_end_the_doubt(time):
    time.vendor.lag = 60
    time.vendor.oddities = [Oddity("timeout", delay=80), Oddity(400, delay=None)]
    assert time.run([*KNOWN, NEW]).failures
    assert time.run(KNOWN).complete
    assert_settled(time, KNOWN)


class Run(NamedTuple):
    """A run: who is wanted, what befalls its POSTs, how long it may last, and the time before."""

    wanted: frozenset[int]
    oddities: list[Oddity]
    within: float | None
    before: float


ODDITIES = st.builds(
    Oddity,
    answer=st.sampled_from(("timeout", 504, 408)),
    delay=st.sampled_from((None, 0.0, 25.0, 80.0)),
    doubled=st.booleans(),
) | st.builds(
    Oddity,
    answer=st.sampled_from(("reset", 500, 502)),
    delay=st.sampled_from((None, 0.0)),
    doubled=st.booleans(),
)
RUNS = st.lists(
    st.builds(
        Run,
        wanted=st.frozensets(st.integers(0, 4)),
        oddities=st.lists(ODDITIES | st.just(Oddity()), max_size=5),
        within=st.sampled_from((None, None, 15.0, 100.0)),
        before=st.sampled_from((1.0, 60.0, 3600.0)),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("kind", KINDS)
@examples(40)
@given(runs=RUNS, lag=st.sampled_from((0.0, 60.0)))
def test_whatever_came_late_or_twice_each_is_there_once_in_the_end(kind, runs, lag):
    time = LateTime(LateVendor(**KINDS[kind]))
    time.run(KNOWN)
    time.vendor.lag = lag
    time.pass_time(3600)
    wanted = KNOWN
    for run in runs:
        time.pass_time(run.before)
        time.vendor.oddities = list(run.oddities)
        wanted = [*KNOWN, *(resource(f"other-{n}") for n in sorted(run.wanted))]
        result = time.run(wanted, run.within)
        note(f"{time.now:.0f} {result.operations} {result.left} {time.vendor.requests}")
    time.vendor.oddities = []
    time.pass_time(3600)
    assert time.run(wanted).complete
    assert_settled(time, wanted)

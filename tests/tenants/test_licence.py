"""When a farewell begins, and that nothing else begins one."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from addon.tenants.licence import (
    APART,
    DelegationState,
    LicenceAnswer,
    LicenceRecord,
    LicenceState,
    after_answer,
    with_domains,
)

NOW = 1_800_000_000.0
DOMAINS = ("a.se", "b.se")
KNOWN = LicenceRecord(DOMAINS, NOW - APART, "ACTIVE", NOW - APART, licensed=True)


def answered(
    record: LicenceRecord,
    state: LicenceState | None,
    hours: float,
    delegation: DelegationState = "refused",
    from_marketplace: bool = False,
) -> LicenceRecord:
    answer = LicenceAnswer(record.domains, state, "" if state else "503")
    return after_answer(record, answer, delegation, NOW + hours * 3600, from_marketplace)


def test_two_unlicensed_a_day_apart_and_a_refused_delegation_begin_it():
    once = answered(KNOWN, "UNLICENSED", 0)
    assert (once.name, once.began) == ("unlicensed", NOW)
    twice = answered(once, "UNLICENSED", 24)
    assert (twice.name, twice.farewell) == ("farewell", NOW + APART)


def test_less_than_a_day_apart_begins_nothing():
    record = answered(KNOWN, "UNLICENSED", 0)
    for hours in (1, 12, 23.99):
        record = answered(record, "UNLICENSED", hours)
        assert not record.farewell
    assert answered(record, "UNLICENSED", 24).farewell


def test_a_delegation_that_works_or_is_not_known_begins_nothing():
    once = answered(KNOWN, "UNLICENSED", 0)
    for delegation in ("works", "unknown"):
        assert not answered(once, "UNLICENSED", 100, delegation).farewell


def test_a_delegation_that_works_at_the_second_begins_again():
    """Access that was given by hand since, and fails once, ends nothing."""
    record = answered(KNOWN, "UNLICENSED", 0)
    record = answered(record, "UNLICENSED", 24, "works")
    assert not answered(record, "UNLICENSED", 25).farewell
    assert answered(record, "UNLICENSED", 48).farewell


def test_an_active_in_between_begins_again():
    record = answered(KNOWN, "UNLICENSED", 0)
    record = answered(record, "ACTIVE", 1)
    assert not answered(record, "UNLICENSED", 25).farewell


def test_an_error_in_between_neither_counts_nor_begins_again():
    record = answered(KNOWN, "UNLICENSED", 0)
    record = answered(record, None, 12)
    assert (record.name, record.problem) == ("unlicensed", "503")
    assert not answered(record, None, 30).farewell
    assert answered(record, "UNLICENSED", 24).farewell


def test_a_domain_that_was_read_since_makes_unlicensed_no_answer():
    """A renamed domain: the licence is under the new name, which was not asked for."""
    once = answered(KNOWN, "UNLICENSED", 0)
    more = with_domains(once, ("c.se",))
    found = after_answer(more, LicenceAnswer(DOMAINS, "UNLICENSED"), "refused", NOW + 2 * APART)
    assert (found.farewell, found.problem) == (0, "domains-changed")


def test_who_never_had_a_licence_does_not_lose_it():
    record = answered(LicenceRecord(DOMAINS), "UNLICENSED", 0)
    for hours in (48, 96):
        record = answered(record, "UNLICENSED", hours)
        assert not record.farewell


def test_who_came_from_the_marketplace_had_one_whatever_was_answered():
    record = answered(LicenceRecord(DOMAINS), "UNLICENSED", 0, from_marketplace=True)
    assert answered(record, "UNLICENSED", 48, from_marketplace=True).farewell


def test_active_and_a_delegation_that_works_undo_it_and_neither_alone_does():
    left = structs.replace(KNOWN, farewell=NOW, erased=True, wanted=NOW, token="t")
    assert answered(left, "ACTIVE", 1, "refused").farewell == NOW
    assert answered(left, "ACTIVE", 1, "unknown").farewell == NOW
    assert answered(left, "UNLICENSED", 1, "works").farewell == NOW
    back = answered(left, "ACTIVE", 1, "works")
    assert (back.name, back.erased, back.wanted, back.token) == ("active", False, 0, "")


def test_a_time_of_a_wrong_clock_counts_for_nothing():
    ahead = answered(KNOWN, "UNLICENSED", 24 * 365)
    now = answered(ahead, "UNLICENSED", 0)
    assert not now.farewell
    assert not answered(now, "UNLICENSED", 12).farewell
    assert answered(now, "UNLICENSED", 24).farewell


def test_the_days_are_counted_from_the_beginning_or_end_when_the_customer_says_so():
    left = structs.replace(KNOWN, farewell=NOW)
    assert not left.days_are_over(NOW + 30 * 86400 - 1, 30)
    assert left.days_are_over(NOW + 30 * 86400, 30)
    assert structs.replace(left, wanted=NOW + 1).days_are_over(NOW + 2, 30)
    assert not KNOWN.days_are_over(NOW + 1e9, 30)
    assert not left.days_are_over(NOW - 1e7, 30)


def test_it_is_asked_for_once_a_day():
    assert not KNOWN.is_due(NOW - 1)
    assert KNOWN.is_due(NOW)
    assert KNOWN.is_due(NOW - 1e7), "the clock was ahead"
    assert LicenceRecord().is_due(NOW)


def test_who_was_only_ever_answered_unlicensed_never_had_a_licence():
    asked = LicenceRecord(DOMAINS, asked=NOW, state="UNLICENSED")
    assert asked.never_licensed
    assert not structs.replace(asked, licensed=True).never_licensed
    assert not LicenceRecord(DOMAINS).never_licensed


class Moment(NamedTuple):
    """One time that the licence is asked for; `hidden` domains are not known when it is."""

    hours: float
    odd: bool
    delegation: DelegationState
    active: bool
    clock: float


moments = st.lists(
    st.builds(
        Moment,
        st.floats(0.1, 72),
        st.booleans(),
        st.sampled_from(["works", "refused", "unknown"]),
        st.booleans(),
        st.sampled_from([0.0, 0.0, 0.0, 86400.0 * 400, -86400.0 * 400]),
    ),
    max_size=30,
)


@given(moments, st.sampled_from(["active", "works"]))
def test_no_answers_end_a_tenant_that_is_active_somewhere_or_whose_delegation_works(found, why):
    """Odd answers, unknown delegations and wrong clocks may come between, in any number."""
    record, now = KNOWN, NOW
    for moment in found:
        now += moment.hours * 3600
        if why == "active":  # at one of the domains: an odd answer hides it, nothing turns it
            state = None if moment.odd else "ACTIVE"
            delegation = moment.delegation
        else:
            state = None if moment.odd else "ACTIVE" if moment.active else "UNLICENSED"
            delegation = "unknown" if moment.delegation == "refused" else moment.delegation
        answer = LicenceAnswer(record.domains, state, "" if state else "odd")
        record = after_answer(record, answer, delegation, now + moment.clock)
        assert not record.farewell


@given(moments)
def test_a_farewell_has_always_had_two_unlicensed_a_day_apart_since_the_last_active(found):
    record, now, asked = KNOWN, NOW, []
    for moment in found:
        now += moment.hours * 3600
        state = None if moment.odd else "ACTIVE" if moment.active else "UNLICENSED"
        answer = LicenceAnswer(record.domains, state, "" if state else "odd")
        record = after_answer(record, answer, moment.delegation, now)
        asked.append((now, state, moment.delegation))
        if record.farewell:
            last = max((n for n, each in enumerate(asked) if each[1] == "ACTIVE"), default=-1)
            times = [at for at, state, _ in asked[last + 1 :] if state == "UNLICENSED"]
            assert times[-1] - times[0] >= APART
            assert asked[-1][1:] == ("UNLICENSED", "refused")
            return

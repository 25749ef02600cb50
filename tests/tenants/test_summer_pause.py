"""The proposed pause lasts from the last day of school to two weeks before the start of term.

It can break at its edges: a summer that has begun or is over, and dates that are known in part.
"""

from datetime import date, timedelta

import pytest

from addon.school_register.municipalities import MUNICIPALITIES
from addon.tenants.summer_pause import (
    TERM_DATES,
    TermDates,
    proposed_pause,
    usual_first_day,
    usual_last_day,
)

JUNE_11, AUGUST_2 = date(2027, 6, 11), date(2027, 8, 2)


def test_the_usual_dates_are_in_the_same_weeks_each_year():
    for year in range(2025, 2060):
        last, first = usual_last_day(year), usual_first_day(year)
        assert (last.weekday(), last.month) == (4, 6)
        assert (first.weekday(), first.month) == (0, 8)
        assert timedelta(days=59) <= first - last <= timedelta(days=70)


@pytest.mark.parametrize(
    ("day", "start", "until"),
    [
        (date(2026, 11, 27), JUNE_11, AUGUST_2),
        (JUNE_11, JUNE_11, AUGUST_2),
        (date(2027, 7, 1), date(2027, 7, 1), AUGUST_2),
        (AUGUST_2, AUGUST_2, AUGUST_2),
        (date(2027, 8, 3), date(2028, 6, 16), date(2028, 7, 31)),
    ],
)
def test_it_is_the_first_summer_that_is_not_over(day, start, until):
    found = proposed_pause(day)
    assert (found.pause.start, found.pause.until) == (start, until)
    assert not found.last_day_known
    assert not found.first_day_known


def test_a_date_that_the_municipality_has_published_is_used_and_the_other_is_the_usual():
    known = {("0114", 2027): TermDates(first_day=date(2027, 8, 18))}
    found = proposed_pause(date(2027, 3, 1), "0114", known)
    assert (found.pause.start, found.pause.until) == (JUNE_11, date(2027, 8, 4))
    assert (found.last_day_known, found.first_day_known) == (False, True)
    assert proposed_pause(date(2028, 3, 1), "0114", known).first_day_known is False
    assert proposed_pause(date(2027, 3, 1), "0180", known).first_day_known is False


def test_it_is_time_from_a_month_before_until_it_would_be_over():
    found = proposed_pause(date(2027, 3, 1))
    assert not found.is_time(date(2027, 5, 10))
    assert found.is_time(date(2027, 5, 11))
    assert found.is_time(AUGUST_2)
    assert not found.is_time(AUGUST_2 + timedelta(days=1))


def test_the_published_dates_are_of_municipalities_and_within_the_school_year():
    for (municipality, year), dates in TERM_DATES.items():
        assert municipality in MUNICIPALITIES
        assert dates != TermDates()
        assert dates.last_day is None or (dates.last_day.year, dates.last_day.month) == (year, 6)
        assert dates.first_day is None or (dates.first_day.year, dates.first_day.month) == (year, 8)

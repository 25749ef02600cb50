"""The pause that is proposed for the summer, from the dates of school terms. Pure.

It lasts from the last day of school until two weeks before the autumn term starts. A municipality
whose dates are not known gets the usual ones: the school year starts in August and ends in June
(Skolförordningen 2011:185, chapter 3, section 2), in most places in the weeks given here.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from msgspec import Struct, structs

from addon.tenants.model import Pause

BEFORE_TERM = timedelta(days=14)
"""How long before the start of term the pause ends."""
TIME_TO_PLAN = timedelta(days=31)
"""How long before the last day of school the overview proposes the pause."""
MONDAY, FRIDAY = 0, 4


class TermDates(Struct, frozen=True):
    """A municipality's last day of the spring term and first day of the autumn term of a year.

    None where the municipality has not decided.
    """

    last_day: date | None = None
    first_day: date | None = None


TERM_DATES: Mapping[tuple[str, int], TermDates] = {
    # https://upplandsvasby.se/skola/vasby-skola/elev-och-vardnadshavare/terminstider
    ("0114", 2027): TermDates(last_day=date(2027, 6, 8)),
}
"""Published dates by municipality code and year; each with its source."""


class PauseProposal(Struct, frozen=True):
    """A proposed pause, and the dates of the terms that it follows.

    `last_day_known` and `first_day_known` are whether the date is the municipality's own.
    """

    pause: Pause
    last_day: date
    first_day: date
    last_day_known: bool
    first_day_known: bool

    def is_time(self, day: date) -> bool:
        """Whether it is time to plan the pause."""
        return self.last_day - TIME_TO_PLAN <= day <= self.pause.until


def usual_last_day(year: int) -> date:
    """Return the Friday of 10 to 16 June."""
    return _first_weekday(date(year, 6, 10), FRIDAY)


def usual_first_day(year: int) -> date:
    """Return the Monday of 14 to 20 August."""
    return _first_weekday(date(year, 8, 14), MONDAY)


def proposed_pause(
    day: date,
    municipality: str | None = None,
    term_dates: Mapping[tuple[str, int], TermDates] = TERM_DATES,
) -> PauseProposal:
    """Return the proposal for the first summer pause that has not ended on `day`.

    `municipality` is a four-digit code. In a summer that has begun the pause starts on `day`.
    """
    found = _proposal(day.year, municipality, term_dates)
    if found.pause.until < day:
        return _proposal(day.year + 1, municipality, term_dates)
    if found.pause.start < day:
        return structs.replace(found, pause=Pause(start=day, until=found.pause.until))
    return found


def _proposal(
    year: int, municipality: str | None, term_dates: Mapping[tuple[str, int], TermDates]
) -> PauseProposal:
    known = term_dates.get((municipality or "", year), TermDates())
    last_day = known.last_day or usual_last_day(year)
    first_day = known.first_day or usual_first_day(year)
    return PauseProposal(
        Pause(start=last_day, until=first_day - BEFORE_TERM),
        last_day,
        first_day,
        last_day_known=known.last_day is not None,
        first_day_known=known.first_day is not None,
    )


def _first_weekday(day: date, weekday: int) -> date:
    """Return the first such weekday from `day` on."""
    return day + timedelta(days=(weekday - day.weekday()) % 7)

"""Numbers, names, times and durations formatted for people."""

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from babel.lists import format_list
from flask_babel import get_locale, gettext, ngettext

LOCAL = ZoneInfo("Europe/Stockholm")
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
SPACE = "\u00a0"
"""Thousands separator: a no-break space."""


def number(value: float) -> str:
    """Format as `1 234 567` in Swedish, `1,234,567` in English; at most one decimal."""
    whole = float(value).is_integer()
    text = f"{value:,.0f}" if whole else f"{value:,.1f}"
    if str(get_locale()) == "en":
        return text
    return text.replace(",", SPACE).replace(".", ",")


def listed(names: Iterable[str]) -> str:
    """Format names within a sentence: `Binogi, Gleerups och NE`."""
    return format_list(list(names), locale=get_locale())


def moment(at: float) -> str:
    """Format a time (seconds since 1970 UTC) in Swedish local time: `2026-08-17 07:00`."""
    return f"{datetime.fromtimestamp(at, UTC).astimezone(LOCAL):%Y-%m-%d %H:%M}"


def ago(at: float, now: float) -> str:
    """Format how long ago `at` was, in one unit: `för 12 minuter sedan`."""
    past = max(0.0, now - at)
    if past < MINUTE:
        return str(gettext("för mindre än en minut sedan"))
    if past < HOUR:
        count = int(past // MINUTE)
        return str(ngettext("för %(num)s minut sedan", "för %(num)s minuter sedan", count))
    if past < 2 * DAY:
        count = int(past // HOUR)
        return str(ngettext("för %(num)s timme sedan", "för %(num)s timmar sedan", count))
    return str(ngettext("för %(num)s dag sedan", "för %(num)s dagar sedan", int(past // DAY)))


def duration(seconds: float) -> str:
    """Format a duration in one unit."""
    if seconds < 1:
        return str(gettext("under en sekund"))
    if seconds < 2 * MINUTE:
        return str(ngettext("%(num)s sekund", "%(num)s sekunder", round(seconds)))
    if seconds < 2 * HOUR:
        return str(ngettext("%(num)s minut", "%(num)s minuter", round(seconds / MINUTE)))
    return str(ngettext("%(num)s timme", "%(num)s timmar", round(seconds / HOUR)))

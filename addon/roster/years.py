"""The school year of a student, which begins on 1 July: 0 is förskoleklass, 13 the highest."""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date
from functools import cache

from addon.directory.snapshot import User
from addon.roster.filters import values_of
from addon.roster.index import DirectoryIndex
from addon.roster.patterns import PatternMatch, finder
from addon.tenants.model import LAST_YEAR, YearRule
from addon.text import ascii_fold, fold

FIRST_MONTH = 7
"""The month in which a school year begins."""
FIRST_AGE = 6
"""The age that a child reaches in the calendar year in which they begin förskoleklass."""
DEFAULT_FIRST, DEFAULT_LAST = 1, 9

PRESCHOOL = re.compile(r"0?(f|fk|fkl|f[ -]?klass|forskoleklass)[ -]?[a-e]?|0[a-e]")
"""Names of a förskoleklass, folded and without accents: F, FA, F-klass, FK, Förskoleklass, 0A."""
YEAR_WORDS = re.compile(r"(?:[åa]k|[åa]rskurs|year|grade)[ .]*(\d+)|(\d+)")
"""Folded names of a school year: 4, åk 4, årskurs 4, Year 4."""


class NoYearError(Exception):
    """The rule's pattern was found, but its value is not a school year."""


YearOf = Callable[[User, Sequence[str]], int | None]


def autumn_of(day: date) -> int:
    """Return the calendar year in which the school year of a day began."""
    return day.year if day.month >= FIRST_MONTH else day.year - 1


def year_of(rule: YearRule | None, index: DirectoryIndex) -> YearOf:
    """Return a function that gives the school year of a user in classes with the given names.

    It gives None when the pattern is found nowhere, or only in texts without a year by
    `rule.none`, and raises NoYearError when it is found, but no text gives a school year.
    """
    if rule is None:
        return lambda user, classes: None
    texts = texts_of(rule, index)
    find = finder(rule.pattern, "year")
    read = cache(_reader(rule, index.autumn))
    without = tuple(fold(each) for each in rule.none)
    if not without:
        return lambda user, classes: _first(map(find, texts(user, classes)), read)

    def year(user: User, classes: Sequence[str]) -> int | None:
        found = [t for t in texts(user, classes) if not _begins(t, without)]
        return _first(map(find, found), read)

    return year


def year_by_classes(
    year: YearOf, user: User, classes: Sequence[str], left_out: Sequence[str]
) -> int | None:
    """Return the school year by the names of a user's classes, else by those that are left out.

    A class that is not sent still says in which year its students are. Raises NoYearError.
    """
    misread: NoYearError | None = None
    found = None
    try:
        found = year(user, classes)
    except NoYearError as error:
        misread = error
    if found is None and left_out:
        with suppress(NoYearError):
            found = year(user, left_out)
    if found is None and misread is not None:
        raise misread
    return found


def has_no_year(rule: YearRule, texts: Iterable[str]) -> bool:
    """Whether one of the texts begins with what the rule says has no school year."""
    without = tuple(fold(each) for each in rule.none)
    return bool(without) and any(_begins(text, without) for text in texts)


def texts_of(
    rule: YearRule, index: DirectoryIndex
) -> Callable[[User, Sequence[str]], Iterable[str]]:
    """Return a function that gives the texts of a user that the rule's pattern is searched in."""
    if rule.source == "class":
        return lambda user, classes: classes
    if rule.source == "orgUnit":
        return lambda user, classes: index.paths_of(user)
    values = values_of(rule.attribute or "", index)
    return lambda user, classes: values(user)


def _begins(text: str, words: tuple[str, ...]) -> bool:
    """Whether a text, or a part of an OU's path, begins with one of the folded words."""
    return any(part.startswith(words) for part in fold(text).split("/"))


def _reader(rule: YearRule, autumn: int | None) -> Callable[[str], int | None]:
    """Return a function from the pattern's part to a school year; None if it is not one."""
    if rule.form == "number":
        return _number
    first = DEFAULT_FIRST if rule.first is None else rule.first
    last = DEFAULT_LAST if rule.last is None else rule.last

    def from_calendar(text: str) -> int | None:
        said = _calendar_year(text)
        if said is None or autumn is None:
            return None
        if rule.form == "startYear":
            return _in_range(first + autumn - said)
        if rule.form == "birthYear":
            return _in_range(autumn - said - FIRST_AGE)
        return _in_range(last + autumn + 1 - said)

    return from_calendar


def _first(hits: Iterable[PatternMatch | None], read: Callable[[str], int | None]) -> int | None:
    misread = False
    for hit in hits:
        text = hit and (hit.whole if hit.part is None else hit.part)
        if not text:
            continue
        year = read(text)
        if year is not None:
            return year
        misread = True
    if misread:
        raise NoYearError
    return None


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdecimal()):
        said = fold(text).strip()
        if PRESCHOOL.fullmatch(ascii_fold(said)):
            return 0
        match = YEAR_WORDS.fullmatch(said)
        if match is None or not (text := match[1] or match[2]).isascii():
            return None
    digits = text.lstrip("0") or "0"
    return _in_range(int(digits)) if len(digits) <= len(str(LAST_YEAR)) else None


def _calendar_year(text: str) -> int | None:
    """Return a year of this century or the last from four digits, or of this from two."""
    if not (text.isascii() and text.isdecimal()):
        return None
    if len(text) == 2:
        return 2000 + int(text)
    return int(text) if len(text) == 4 else None


def _in_range(year: int) -> int | None:
    return year if 0 <= year <= LAST_YEAR else None

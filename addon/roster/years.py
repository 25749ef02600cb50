"""The school year of a student: 0 is förskoleklass, 13 the highest."""

from collections.abc import Callable, Iterable, Sequence

from addon.directory.snapshot import User
from addon.roster.filters import values_of
from addon.roster.index import DirectoryIndex
from addon.roster.patterns import PatternMatch, finder
from addon.tenants.model import YearRule

LAST_YEAR = 13


class NoYearError(Exception):
    """The rule's pattern was found, but its value is not a school year."""


YearOf = Callable[[User, Sequence[str]], int | None]


def year_of(rule: YearRule | None, index: DirectoryIndex) -> YearOf:
    """Return a function that gives the school year of a user in classes with the given names.

    It gives None when the pattern is found nowhere, and raises NoYearError when it is found, but
    no text gives an integer from 0 to 13.
    """
    if rule is None:
        return lambda user, classes: None
    find = finder(rule.pattern, "year")
    if rule.source == "class":
        return lambda user, classes: _first(map(find, classes))
    if rule.source == "orgUnit":
        return lambda user, classes: _first((find(user.org_unit_path),))
    values = values_of(rule.attribute or "", index)
    return lambda user, classes: _first(map(find, values(user)))


def _first(hits: Iterable[PatternMatch | None]) -> int | None:
    misread = False
    for hit in hits:
        text = hit and (hit.whole if hit.part is None else hit.part)
        if not text:
            continue
        year = _number(text)
        if year is not None:
            return year
        misread = True
    if misread:
        raise NoYearError
    return None


def _number(text: str) -> int | None:
    digits = text.lstrip("0") or "0"
    if not (text.isdecimal() and len(digits) <= len(str(LAST_YEAR))):
        return None
    year = int(digits)
    return year if year <= LAST_YEAR else None

"""Evaluates a filter's clause on all values of an attribute, and on one value.

Text is compared without regard to case and to how accents are composed, so that an Å typed
on a Mac (A and a ring) equals the Å of the directory. Regular expressions are case-sensitive,
and taking too long is an error: catastrophic backtracking would block all other work.
"""

import time
from collections.abc import Callable, Mapping, Sequence

import regex

from addon.tenants.model import Clause
from addon.text import composed, fold

POSITIVE = {
    "notEquals": "equals",
    "notIn": "in",
    "notContains": "contains",
    "notMatches": "matches",
}


PatternError = regex.error
"""A regular expression that is not valid; `msg` and `pos` say why and where."""

SLOWEST = 0.5
"""Seconds that a regular expression may take for one text."""
BUDGET = 20.0
"""Seconds that it may take for all texts together."""
WORKED = 0.5
"""The share of a time limit that must have been spent searching for the pattern to be slow."""


class SlowPatternError(ValueError):
    """A regular expression that takes too long. The message says where it is, if known, and
    never contains the expression itself: it may be about a person.
    """

    def __init__(self, pattern: str, place: str = "") -> None:
        where = f"{place}: " if place else ""
        super().__init__(
            f"{where}the regular expression takes too long to search with; "
            "write it without a repetition inside a repetition"
        )
        self.pattern = pattern
        self.place = place


class Pattern:
    """A regular expression with a time limit: see `SLOWEST` and `BUDGET`."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._regex = regex.compile(composed(pattern))
        self._left = BUDGET

    @property
    def groupindex(self) -> Mapping[str, int]:
        """The named parts."""
        found: Mapping[str, int] = self._regex.groupindex
        return found

    def search(self, text: str) -> "regex.Match[str] | None":
        """The first match in a composed text. Raises SlowPatternError."""
        began = time.perf_counter()
        try:
            return self._regex.search(text, timeout=self._limit)
        except TimeoutError:
            return self._search_again(text)
        finally:
            self._left -= time.perf_counter() - began

    @property
    def _limit(self) -> float:
        return min(SLOWEST, max(self._left, 0.001))

    def _search_again(self, text: str) -> "regex.Match[str] | None":
        """Search until it has taken so much processor time: a busy machine lets a search wait."""
        while True:
            began, limit = time.thread_time(), self._limit
            try:
                return self._regex.search(text, timeout=limit)
            except TimeoutError:
                worked = time.thread_time() - began
                self._left -= worked
                if worked >= limit * WORKED:
                    raise SlowPatternError(self._pattern) from None


def compiled(pattern: str) -> Pattern:
    """Compile `pattern` to search composed text. Raises PatternError for a bad pattern."""
    return Pattern(pattern)


def condition(clause: Clause) -> Callable[[Sequence[str]], bool]:
    """Return a test whether the values of the clause's attribute fulfil it.

    A positive operator is fulfilled if any value fulfils it, a `not` operator if no value fulfils
    its positive form; `isEmpty` if there is no value or only empty ones. Raises ValueError when the
    clause lacks the value its operator needs, PatternError for a bad pattern.
    """
    if clause.operator == "isEmpty":
        return lambda values: not any(values)
    if clause.operator == "isNotEmpty":
        return lambda values: any(values)
    matches = touches(clause)
    if clause.operator in POSITIVE:
        return lambda values: not any(map(matches, values))
    return lambda values: any(map(matches, values))


def touches(clause: Clause) -> Callable[[str], bool]:
    """Return a test whether one value can decide the clause: the positive form of its operator.

    Every value can decide `isEmpty` and `isNotEmpty`. Raises the same errors as `condition`.
    """
    match POSITIVE.get(clause.operator, clause.operator):
        case "isEmpty" | "isNotEmpty":
            return lambda value: True
        case "equals" | "in":
            wanted = frozenset(map(fold, _words(clause)))
            return lambda value: fold(value) in wanted
        case "startsWith":
            start = fold(_word(clause))
            return lambda value: fold(value).startswith(start)
        case "endsWith":
            end = fold(_word(clause))
            return lambda value: fold(value).endswith(end)
        case "contains":
            part = fold(_word(clause))
            return lambda value: part in fold(value)
        case "matches":
            search = compiled(_word(clause)).search
            return lambda value: search(composed(value)) is not None
    raise ValueError(f"unknown operator {clause.operator!r}")


def _word(clause: Clause) -> str:
    if not isinstance(clause.value, str):
        raise ValueError(f"the operator {clause.operator} needs a text to compare with")
    return clause.value


def _words(clause: Clause) -> tuple[str, ...]:
    if clause.operator in ("in", "notIn") and isinstance(clause.value, tuple):
        return clause.value
    return (_word(clause),)

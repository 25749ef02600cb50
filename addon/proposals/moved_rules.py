"""A unit's rule for another unit, whose OUs stand in the pattern in place of the first one's."""

import re
from collections.abc import Sequence
from typing import TypeVar

from msgspec import structs

from addon.proposals.pattern_candidates import literal
from addon.tenants.model import GroupRule, SchoolUnit, YearRule

_Rule = TypeVar("_Rule", GroupRule, YearRule)
_NAME_ENDS = r"(?![\w \\-])"


def moved(rule: _Rule, unit: SchoolUnit, other: SchoolUnit) -> _Rule | None:
    """The rule of `unit` for `other`; None if it names OUs of `unit` and those of `other` differ.

    OUs of students are named by their paths. One OU of a unit may be several at another.
    """
    if rule.source != "orgUnit" or not _named(rule.pattern, unit.students.org_units):
        return rule
    theirs = other.students.org_units
    for form in (literal, re.escape, str):
        found = _places(rule.pattern, [form(path) for path in unit.students.org_units])
        if found is not None and theirs:
            start, end = found
            paths = [literal(path) for path in theirs]
            instead = paths[0] if len(paths) == 1 else f"(?:{'|'.join(paths)})"
            pattern = rule.pattern[:start] + instead + rule.pattern[end:]
            return None if _named(pattern, _own(unit, other)) else _with(rule, pattern)
    return None


def _own(unit: SchoolUnit, other: SchoolUnit) -> list[str]:
    return [path for path in unit.students.org_units if path not in other.students.org_units]


def _named(pattern: str, paths: Sequence[str]) -> bool:
    """Whether a pattern names any of these OUs."""
    return any(
        re.search(re.escape(form(path)) + _NAME_ENDS, pattern)
        for path in paths
        if path != "/"
        for form in (literal, re.escape, str)
    )


def _places(pattern: str, paths: Sequence[str]) -> tuple[int, int] | None:
    """Where a pattern names one of some OUs, or all that it names as alternatives."""
    either = "|".join(re.escape(path) for path in sorted(paths, key=len, reverse=True))
    several = rf"\(\?:(?:{either})(?:\|(?:{either}))*\)"
    match = re.search(rf"{several}|(?:{either}){_NAME_ENDS}", pattern)
    return None if match is None else match.span()


def _with(rule: _Rule, pattern: str) -> _Rule:
    return structs.replace(rule, pattern=pattern)

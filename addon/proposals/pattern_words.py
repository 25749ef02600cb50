"""What the regular expressions in proposed filters say, so that pages can put them in words."""

import re
from typing import Literal

from msgspec import Struct

from addon.proposals.pattern_candidates import CLASS_TOKEN, literal
from addon.tenants.model import Clause

_ESCAPED = r"(?:[^\\.^$*+?{}\[\]|()]|\\.)+"
_NUMBERED = re.compile(rf"\^(?:\(\?:)?(?P<stems>{_ESCAPED}(?:\|{_ESCAPED})*)\)?\\d\+@")
_CLASS_GROUPS = re.compile(
    rf"\^(?P<before>(?:{_ESCAPED})?){re.escape(f'(?:{CLASS_TOKEN})')}(?P<after>(?:{_ESCAPED})?)@"
)
_PROGRAMMES = re.compile(
    rf"\(\?i\)\^\(\?:(?P<above>{_ESCAPED}(?:\|{_ESCAPED})*)\)/\(\?:(?P<names>[^)]+)\)\(\?!.*\)"
)


class PatternWords(Struct, frozen=True):
    """What a regular expression looks for.

    `numbered`: addresses of one of `words` and a number. `classGroups`: class groups with the two
    `words` before and after the class in their address. `programmes`: OUs named as
    `words`, below `places`.
    """

    kind: Literal["numbered", "classGroups", "programmes"]
    words: tuple[str, ...]
    places: tuple[str, ...] = ()


def numbered_pattern(stems: list[str]) -> str:
    """The expression that addresses of one of these stems and a number match."""
    either = literal(stems[0]) if len(stems) == 1 else f"(?:{'|'.join(map(literal, stems))})"
    return rf"^{either}\d+@"


def class_groups_pattern(before: str, after: str) -> str:
    """The expression that the addresses of class groups match, with this around the class."""
    return f"^{literal(before)}(?:{CLASS_TOKEN}){literal(after)}@"


def programmes_pattern(above: tuple[str, ...], names: list[str]) -> str:
    """The expression that the paths of OUs of programmes match, right below OUs."""
    tops = "|".join(literal(path) for path in above)
    return rf"(?i)^(?:{tops})/(?:{'|'.join(names)})(?![a-zåäö]{{3}})"


def pattern_words(clause: Clause) -> PatternWords | None:
    """What a clause's expression looks for; None if it is not one that is proposed."""
    if not isinstance(clause.value, str) or clause.operator not in ("matches", "notMatches"):
        return None
    if match := _NUMBERED.fullmatch(clause.value):
        return PatternWords("numbered", _plain(match["stems"]))
    if match := _CLASS_GROUPS.fullmatch(clause.value):
        (before,), (after,) = _plain(match["before"]), _plain(match["after"])
        return PatternWords("classGroups", (before, after))
    if match := _PROGRAMMES.fullmatch(clause.value):
        return PatternWords("programmes", tuple(match["names"].split("|")), _plain(match["above"]))
    return None


def _plain(alternatives: str) -> tuple[str, ...]:
    """Literal alternatives as they were before they were escaped."""
    parts = re.split(r"(?<!\\)\|", alternatives)
    return tuple(re.sub(r"\\(.)", r"\1", part) for part in parts)

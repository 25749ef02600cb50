"""Filters and selectors in words, without regular expressions."""

from collections.abc import Callable, Iterable, Mapping

from addon.proposals.pattern_words import PatternWords, pattern_words
from addon.tenants.model import Clause, Selector
from addon.web.formats import listed
from addon.web.labels import OPERATORS, attribute_name
from addon.web.translation import gettext_str as _

MOST = 4
"""How many values of a list are named."""
SHORT = 2
"""How many places are named in a table."""
TAKES_OUT = frozenset({"notEquals", "notIn", "notContains", "notMatches"})


def clause_text(clause: Clause) -> str:
    """Return a clause in words, to stand in a list of conditions."""
    found = pattern_words(clause)
    if found is not None:
        return _PATTERNS[found.kind, clause.operator == "matches"](found)
    field = attribute_name(clause.attribute)
    if clause.operator == "matches":
        return _("%(field)s stämmer med ett eget uttryck", field=field)
    if clause.operator == "notMatches":
        return _("%(field)s stämmer inte med ett eget uttryck", field=field)
    compared = str(OPERATORS[clause.operator])
    return " ".join(part for part in (field, compared, _values(clause)) if part)


def pattern_text(attribute: str, operator: str, value: str) -> str:
    """Return what a regular expression of a filter says in words; empty where that is unknown."""
    if operator not in ("matches", "notMatches"):
        return ""
    clause = Clause(attribute=attribute, operator=operator, value=value)  # type: ignore[arg-type]
    return clause_text(clause) if pattern_words(clause) is not None else ""


def selector_text(selector: Selector) -> str:
    """Return the OUs and groups of a selector, and who of those there it chooses."""
    where = ", ".join((*selector.org_units, *selector.groups))
    return " · ".join(part for part in (where, _conditions(selector)) if part)


def places_text(selector: Selector) -> str:
    """Return in short where a selector's people are: what they are told by, or else the OUs."""
    places = selector.org_units or selector.groups
    conditions = _conditions(selector)
    if conditions:
        return " · ".join((*places[:1], conditions)) if len(places) == 1 else conditions
    shown = ", ".join(places[:SHORT])
    return f"{shown} …" if len(places) > SHORT else shown


def _conditions(selector: Selector) -> str:
    """The clauses that say who belongs, without those that only take somebody out."""
    telling = (
        tuple(clause_text(c) for c in clauses if c.operator not in TAKES_OUT)
        for clauses in selector.filters
    )
    return _either(listed(each) for each in dict.fromkeys(telling) if each)


def _either(texts: Iterable[str]) -> str:
    return _(" eller ").join(texts)


def _values(clause: Clause) -> str:
    if not isinstance(clause.value, tuple):
        return clause.value or ""
    shown = ", ".join(clause.value[:MOST])
    return f"{shown} …" if len(clause.value) > MOST else shown


_PATTERNS: Mapping[tuple[str, bool], Callable[[PatternWords], str]] = {
    ("numbered", True): lambda found: _(
        "adressen är %(stems)s följt av ett nummer", stems=_either(found.words)
    ),
    ("numbered", False): lambda found: _(
        "adressen är inte %(stems)s följt av ett nummer", stems=_either(found.words)
    ),
    ("classGroups", True): lambda found: _(
        "med i en klassgrupp som %(example)s", example=found.words[0]
    ),
    ("classGroups", False): lambda found: _(
        "inte med i en klassgrupp som %(example)s", example=found.words[0]
    ),
    ("programmes", True): lambda found: _(
        "i %(names)s under %(places)s", names=_either(found.words), places=_either(found.places)
    ),
    ("programmes", False): lambda found: _(
        "inte i %(names)s under %(places)s",
        names=_either(found.words),
        places=_either(found.places),
    ),
}

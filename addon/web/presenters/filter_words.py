"""Filters and selectors in words, without regular expressions.

`addresses` are those of the groups of the directory, of which one is told as an example.
"""

from collections.abc import Callable, Iterable, Mapping

from addon.proposals.pattern_words import PatternWords, pattern_words
from addon.tenants.conditions import compiled
from addon.tenants.model import Clause, Selector
from addon.web.formats import listed
from addon.web.labels import OPERATORS, attribute_name
from addon.web.translation import gettext_str as _

MOST = 4
"""How many values of a list are named."""
SHORT = 2
"""How many places are named in a table."""
TAKES_OUT = frozenset({"notEquals", "notIn", "notContains", "notMatches"})


def clause_text(clause: Clause, addresses: Iterable[str] = ()) -> str:
    """Return a clause in words, to stand in a list of conditions."""
    found = pattern_words(clause)
    if found is not None and found.kind == "classGroups":
        example = _example(clause, found, addresses)
        if clause.operator == "matches":
            return _("med i en klassgrupp som %(example)s", example=example)
        return _("inte med i en klassgrupp som %(example)s", example=example)
    if found is not None:
        return _PATTERNS[found.kind, clause.operator == "matches"](found)
    field = attribute_name(clause.attribute)
    if clause.operator == "matches":
        return _("%(field)s stämmer med ett eget uttryck", field=field)
    if clause.operator == "notMatches":
        return _("%(field)s stämmer inte med ett eget uttryck", field=field)
    compared = str(OPERATORS[clause.operator])
    return " ".join(part for part in (field, compared, _values(clause)) if part)


def pattern_text(attribute: str, operator: str, value: str, addresses: Iterable[str] = ()) -> str:
    """Return what a regular expression of a filter says in words; empty where that is unknown."""
    if operator not in ("matches", "notMatches"):
        return ""
    clause = Clause(attribute=attribute, operator=operator, value=value)  # type: ignore[arg-type]
    return clause_text(clause, addresses) if pattern_words(clause) is not None else ""


def selector_text(selector: Selector, addresses: Iterable[str] = ()) -> str:
    """Return the OUs and groups of a selector, and who of those there it chooses.

    People in class groups are in the whole organisation, whatever OUs the selector has.
    """
    groups = _class_groups(selector, addresses)
    if groups:
        return _("%(groups)s, i hela organisationen", groups=groups)
    where = ", ".join((*selector.org_units, *selector.groups))
    return " · ".join(part for part in (where, _conditions(selector, addresses)) if part)


def places_text(selector: Selector, addresses: Iterable[str] = ()) -> str:
    """Return in short where a selector's people are: what they are told by, or else the OUs."""
    groups = _class_groups(selector, addresses)
    if groups:
        return groups
    places = selector.org_units or selector.groups
    conditions = _conditions(selector, addresses)
    if conditions:
        return " · ".join((*places[:1], conditions)) if len(places) == 1 else conditions
    shown = ", ".join(places[:SHORT])
    return f"{shown} …" if len(places) > SHORT else shown


def _class_groups(selector: Selector, addresses: Iterable[str]) -> str:
    """The class groups whose members a selector chooses; empty if it chooses others too."""
    examples = []
    for clauses in selector.filters:
        found = [(clause, pattern_words(clause)) for clause in clauses]
        named = [(c, w) for c, w in found if w and w.kind == "classGroups" and _tells(c)]
        if not named or selector.groups:
            return ""
        examples.append(_example(*named[0], addresses))
    if not examples:
        return ""
    return _("klassgrupper som %(example)s", example=_either(dict.fromkeys(examples)))


def _example(clause: Clause, words: PatternWords, addresses: Iterable[str]) -> str:
    """The address of a group that a clause looks for, or what all their addresses have."""
    pattern = compiled(str(clause.value))
    found = next((each for each in addresses if pattern.search(each)), None)
    return f"{found.partition('@')[0]}@" if found else f"{words.words[0]}…{words.words[1]}@"


def _tells(clause: Clause) -> bool:
    return clause.operator not in TAKES_OUT


def _conditions(selector: Selector, addresses: Iterable[str]) -> str:
    """The clauses that say who belongs, without those that only take somebody out."""
    telling = (
        tuple(clause_text(c, addresses) for c in clauses if _tells(c))
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
        "adressen börjar med %(stems)s och ett nummer", stems=_either(found.words)
    ),
    ("numbered", False): lambda found: _(
        "adressen börjar inte med %(stems)s och ett nummer", stems=_either(found.words)
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

"""Other values of the attribute that names a unit: its fritids, two schools in one, misspelt."""

import re
from collections.abc import Collection, Mapping, Sequence

from msgspec import structs

from addon.proposals.matching import Match, UnitToMatch
from addon.proposals.names import ADAPTED, SchoolName, read_name, same_stem, word_similarity
from addon.proposals.vocabulary import is_class, is_year, plain_words
from addon.tenants.model import Clause

_SEVERAL = re.compile(r"\s*[/,+&;]\s*|\s+och\s+|\s+and\s+")
_MISSPELT = 0.85
_FEW = 0.1
_A_FEW = 5
_LIKELY = 0.85
_SHORTEST = 4


def with_variants(
    matches: Mapping[str, Match],
    units: Sequence[UnitToMatch],
    values: Mapping[str, Mapping[str, frozenset[str]]],
    ignored: Collection[str],
) -> dict[str, Match]:
    """The matches by value of an attribute, with the other values that name the same unit.

    `values` are the ids of a role's people by attribute and value.
    """
    owners = {
        (clause.attribute, str(clause.value)): code
        for code, match in matches.items()
        if (clause := _told_by(match)) is not None
    }
    cores = {unit.code: unit.name for unit in units}
    found = dict(matches)
    for code, match in matches.items():
        clause = _told_by(match)
        if clause is None:
            continue
        here = values.get(clause.attribute, {})
        own = str(clause.value)
        more = [
            value
            for value in here
            if (clause.attribute, value) not in owners
            and (
                _names(value, code, cores, ignored)
                or (
                    len(here[value]) <= max(_A_FEW, _FEW * len(here.get(own, ())))
                    and _owner(value, cores, ignored) in (None, code)
                    and _is_misspelt(value, own)
                )
            )
        ]
        if more:
            ids = frozenset().union(*(here[value] for value in (own, *more) if value in here))
            either = Clause(clause.attribute, "in", (own, *sorted(more)))
            place = structs.replace(
                match.place, clauses=(*match.place.clauses[:-1], either), people=len(ids)
            )
            found[code] = structs.replace(
                match,
                place=place,
                score=min(match.score, _LIKELY),
                doubts=tuple(each for each in match.doubts if not _is_one_of(each.clauses, more)),
            )
    return found


def _is_one_of(clauses: Sequence[Clause], values: Collection[str]) -> bool:
    return bool(clauses) and clauses[-1].operator == "equals" and clauses[-1].value in values


def _told_by(match: Match) -> Clause | None:
    """The clause of a place that one value of an attribute makes; else None."""
    clauses = match.place.clauses
    return clauses[-1] if clauses and clauses[-1].operator == "equals" else None


def _names(
    value: str, code: str, units: Mapping[str, SchoolName], ignored: Collection[str]
) -> bool:
    """Whether a value names the unit too, alone or among others."""
    if is_class(value) or is_year(value):
        return False
    parts = [part for part in _SEVERAL.split(value) if part]
    if len(parts) > 1:
        owners = [_owner(part, units, ignored) for part in parts]
        return code in owners and None not in owners
    name, own = read_name(value, ignored), units[code]
    if not name.core or not name.kinds <= own.kinds | {"leisure"}:
        return False
    if name.years and name.years != own.years:
        return False
    rivals = [
        other
        for other in units.values()
        if _same(other.core, own.core) and (own.kinds & ADAPTED or not other.kinds & ADAPTED)
    ]
    return _same(name.core, own.core) and len(rivals) == 1


def _same(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two names are the same, word by word, but for genitives and definite forms."""
    return len(one) == len(other) and all(
        a == b or (len(a) >= _SHORTEST and same_stem(a, b)) for a, b in zip(one, other, strict=True)
    )


def _is_misspelt(value: str, own: str) -> bool:
    """Whether a value is another spelling of the one that names the unit."""
    one, other = "".join(plain_words(value)), "".join(plain_words(own))
    same = re.sub(r"\D", "", one) == re.sub(r"\D", "", other)
    return same and not is_class(value) and word_similarity(one, other) >= _MISSPELT


def _owner(text: str, units: Mapping[str, SchoolName], ignored: Collection[str]) -> str | None:
    """The only unit of which a text is the name; None if there is none."""
    name = read_name(text, ignored)
    owners = [
        code
        for code, unit in units.items()
        if name.core and _same(name.core, unit.core) and name.kinds <= unit.kinds | {"leisure"}
    ]
    return owners[0] if len(owners) == 1 else None

"""The ways in which an OU that several units share can be split, and whom each part chooses."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Literal

from msgspec import Struct, structs

from addon.directory.snapshot import OrgUnit
from addon.proposals.class_groups import names_class
from addon.proposals.matching import PeopleOf, UnitToMatch
from addon.proposals.places import Place
from addon.proposals.vocabulary import (
    is_class,
    is_left,
    is_programme_class,
    plain_words,
    stage_of,
)
from addon.roster.index import DirectoryIndex
from addon.tenants.model import Clause, Selector
from addon.text import fold, sort_key

SplitBy = Literal["years", "programme", "orgUnit", "class"]
_HALF = 0.5
_MOST = 0.8
_PROGRAMME = re.compile(r"([A-Za-zÅÄÖåäö]{2,6})[ _-]?\d")


class TreePart(Struct, frozen=True):
    """A part that a shared OU can be split into, such as a school year or a class, and its people.

    They are in `org_units` or `groups`, and fulfil the `clause` if there is one.
    """

    name: str
    people: int
    org_units: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    clause: Clause | None = None


class TreeSplit(Struct, frozen=True):
    """A way to split a shared OU, with its parts, of which all have a clause, or none."""

    by: SplitBy
    parts: tuple[TreePart, ...]


def selector_of_parts(parts: Iterable[TreePart]) -> Selector:
    """The selector of those who are in any of some parts of a split."""
    org_units: dict[str, None] = {}
    groups: dict[str, None] = {}
    filters: dict[str, Clause] = {}
    for part in parts:
        org_units.update(dict.fromkeys(part.org_units))
        groups.update(dict.fromkeys(part.groups))
        if part.clause is not None:
            _add_alternative(filters, part.clause)
    return Selector(
        org_units=tuple(org_units),
        groups=tuple(groups),
        filters=tuple((clause,) for clause in filters.values()),
    )


def _add_alternative(filters: dict[str, Clause], clause: Clause) -> None:
    """Add a clause, to the list of values of an earlier one of the same attribute if it has one."""
    value = clause.value
    name = clause.attribute if isinstance(value, tuple) else f"{clause.attribute} {value}"
    known = filters.get(name)
    if known is not None and isinstance(known.value, tuple) and isinstance(value, tuple):
        clause = structs.replace(clause, value=tuple(dict.fromkeys((*known.value, *value))))
    filters[name] = clause


def by_org_units(index: DirectoryIndex, tree: Place, people: PeopleOf) -> Iterator[TreeSplit]:
    """The splits of a tree by OUs: by programmes, by those right below it, and by classes.

    A single OU right below it, as for all students, is passed over.
    """
    tops = {fold(path).rstrip("/") for path in tree.org_units}
    direct = _right_below(index, tops)
    while len(direct) == 1:
        tops = {fold(direct[0].path).rstrip("/")}
        direct = _right_below(index, tops)
    parts = _parts(index, direct)
    named = 2 * sum(part.name[:2].isalpha() for part in parts) > len(parts)
    programmes = _programmes(index, tree, parts, people) if named and len(parts) > 1 else []
    if programmes:
        yield TreeSplit("programme", tuple(programmes))
    if len(parts) > 1 and named and not programmes:
        yield TreeSplit("orgUnit", tuple(parts))
        parts = []
    parts = parts if len(parts) > 1 else _parts(index, _classes(index, tops))
    if len(parts) > 1:
        yield TreeSplit("class", tuple(parts))


def _right_below(index: DirectoryIndex, tops: Set[str]) -> list[OrgUnit]:
    """The OUs right below some folded paths, without those for people who have left."""
    return [
        unit
        for path, unit in sorted(index.org_units.items())
        if path.rpartition("/")[0] in tops and not is_left(plain_words(unit.name))
    ]


def _classes(index: DirectoryIndex, tops: Set[str]) -> list[OrgUnit]:
    """The lowest OUs below some folded paths that are named as classes, if most are in them."""
    above = tuple(f"{path}/" for path in tops)
    named = {
        path: unit
        for path, unit in sorted(index.org_units.items())
        if path.startswith(above) and (is_class(unit.name) or is_programme_class(unit.name))
    }
    holders = {path.rpartition("/")[0] for path in named}
    found = [unit for path, unit in named.items() if path not in holders]
    held = frozenset[str]().union(*(index.in_org_unit(unit.path) for unit in found))
    people = frozenset[str]().union(*(index.in_org_unit(path) for path in tops))
    return found if len(held) > _HALF * len(people) else []


def _parts(index: DirectoryIndex, units: Sequence[OrgUnit]) -> list[TreePart]:
    """A part for each OU, called by its path where another has the same name."""
    times = Counter(fold(unit.name) for unit in units)
    return [
        TreePart(
            unit.name if times[fold(unit.name)] == 1 else unit.path,
            len(index.in_org_unit(unit.path)),
            (unit.path,),
        )
        for unit in units
    ]


def by_groups(index: DirectoryIndex, pupils: Set[str]) -> TreeSplit | None:
    """The class groups of a tree's students as its parts."""
    parts = []
    for group in index.groups:
        members = index.in_group(group.email)
        own = len(members & pupils)
        if not group.everyone and names_class(group) and own > _HALF * len(members):
            parts.append(TreePart(group.name or group.email, own, groups=(group.email,)))
    parts.sort(key=lambda part: sort_key(part.name))
    return TreeSplit("class", tuple(parts)) if len(parts) > 1 else None


def staff_by_years(
    index: DirectoryIndex, units: Sequence[UnitToMatch], place: Place, people: PeopleOf
) -> dict[str, Place]:
    """The part of a shared OU of staff that is each unit's, if groups named for years divide it.

    Those in none of the groups, as Elevhälsa, are staff of all the units.
    """
    years = [unit.name.years for unit in units]
    if not all(years) or len(frozenset().union(*years)) < sum(map(len, years)):
        return {}
    own: dict[str, list[str]] = {}
    everybody = people(place)
    for group in index.groups:
        members = index.in_group(group.email)
        stage = stage_of(group.name)[0] or stage_of(group.email.partition("@")[0])[0]
        if group.everyone or not stage or len(members & everybody) <= _MOST * len(members):
            continue
        codes = [unit.code for unit in units if stage <= unit.name.years]
        if not codes:
            return {}
        own.setdefault(codes[0], []).append(group.email)
    if len(own) < len(units):
        return {}
    grouped = tuple(sorted(address for addresses in own.values() for address in addresses))
    found: dict[str, Place] = {}
    for code, addresses in own.items():
        mine = Clause("groups", "in", tuple(sorted(addresses)))
        part = structs.replace(place, either=((mine,), (Clause("groups", "notIn", grouped),)))
        found[code] = structs.replace(part, people=len(people(part)))
    return found


def _programmes(
    index: DirectoryIndex, tree: Place, classes: Sequence[TreePart], people: PeopleOf
) -> list[TreePart]:
    """A part for each programme, if all OUs are classes with the programme before the year."""
    found: dict[str, list[TreePart]] = {}
    for part in classes:
        match = _PROGRAMME.match(part.name)
        if match is None:
            return []
        found.setdefault(match[1].upper(), []).append(part)
    if not 1 < len(found) < len(classes):
        return []
    parts = []
    for name, of in sorted(found.items()):
        above = of[0].org_units[0].rpartition("/")[0]
        clause = Clause(attribute="orgUnitPath", operator="startsWith", value=f"{above}/{name}")
        place = structs.replace(tree, clauses=(clause,))
        ids = {id for each in of for id in index.in_org_unit(each.org_units[0])}
        if people(place) != ids:
            return []
        parts.append(TreePart(name, len(ids), tree.org_units, clause=clause))
    return parts

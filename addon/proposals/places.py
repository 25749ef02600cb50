"""The OUs and groups of a domain where a school may keep its students or its staff."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import Struct, structs

from addon.directory.snapshot import Group
from addon.proposals.names import ADAPTED, SchoolName, one_form, read_name, word_similarity
from addon.proposals.unit_codes import UnitCodes, without_code
from addon.proposals.vocabulary import (
    Role,
    is_class,
    is_for_devices,
    is_left,
    is_outside,
    is_protected,
    is_staff_part,
    is_stage,
    is_year,
    plain_words,
    school_year_of,
    term_in,
    without_term,
)
from addon.roster.index import DirectoryIndex
from addon.roster.org_unit_tree import OrgUnitNode
from addon.tenants.model import Clause, Selector
from addon.text import fold

_SCHOOL_WORD = 0.75
_ROLES: tuple[Role, Role] = ("students", "staff")


ANY_CODE = "*"
"""The code of the place of an organiser's only unit, which nothing names."""


class Place(Struct, frozen=True):
    """OUs, a group, or OUs narrowed by `clauses`, where a school may keep people of `role`.

    `names` are its parsed names, `code` the unit's code if the place says it. `mixed` is an OU
    whose name does not say a role. `people` are the active users there. `examples` are addresses
    of class groups that make the place. `either` are filters in place of `clauses`, of which one
    is enough.
    """

    role: Role
    names: tuple[SchoolName, ...]
    org_units: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    clauses: tuple[Clause, ...] = ()
    people: int = 0
    mixed: bool = False
    guests: bool = False
    code: str = ""
    examples: tuple[str, ...] = ()
    either: tuple[tuple[Clause, ...], ...] = ()

    @property
    def text(self) -> str:
        """The place as the administrator knows it."""
        if self.examples:
            return ", ".join(self.examples)
        values = map(value_text, self.clauses)
        return ", ".join((*self.org_units, *self.groups, *values))

    @property
    def selector(self) -> Selector:
        """The place as a selector."""
        filters = self.filters if any(self.filters) else ()
        return Selector(org_units=self.org_units, groups=self.groups, filters=filters)

    @property
    def filters(self) -> tuple[tuple[Clause, ...], ...]:
        """The filters, of which a person fulfils at least one."""
        return self.either or (self.clauses,)


def is_adapted(place: Place) -> bool:
    """Whether all names of a place say an adapted form."""
    return bool(place.names) and all(name.kinds & ADAPTED for name in place.names)


def value_text(clause: Clause) -> str:
    """What a clause compares with, as the administrator knows it."""
    return ", ".join(clause.value) if isinstance(clause.value, tuple) else str(clause.value)


class _Above(Struct, frozen=True):
    """What the names of the OUs above say."""

    role: Role | None = None
    kinds: frozenset[str] = frozenset()
    core: tuple[str, ...] = ()


def org_unit_places(
    tree: OrgUnitNode,
    index: DirectoryIndex,
    ignored: Collection[str],
    codes: UnitCodes,
    schools: Collection[str],
    stages: Collection[frozenset[int]] = (),
) -> list[Place]:
    """The OUs with a distinctive name or a unit's code, by role.

    `ignored` are words to ignore, `schools` the words of the units' names, `stages` the school
    years in them.
    """
    found: dict[tuple[Role, tuple[str, ...]], Place] = {}
    for place in _merged(_Visit(index, ignored, codes, schools, stages).places(tree, _Above())):
        known = found.setdefault((place.role, place.org_units), place)
        if known is not place:
            names = tuple(dict.fromkeys((*known.names, *place.names)))
            mixed = known.mixed and place.mixed
            found[place.role, place.org_units] = structs.replace(known, names=names, mixed=mixed)
    return list(found.values())


def group_places(index: DirectoryIndex, ignored: Collection[str], codes: UnitCodes) -> list[Place]:
    """The groups whose address or name says that they are the students or staff of something."""
    return [
        place
        for group in index.groups
        if not group.everyone and (place := _group_place(group, index, ignored, codes)) is not None
    ]


def _merged(places: Iterable[Place]) -> Iterator[Place]:
    """The places, with those OUs as one that are parts of one school.

    These are classes of an adapted school side by side, a school's OUs below OUs for years, and
    those of its staff below OUs for roles: /Personal/Lärare/Norra, /Personal/Fritids/Norra.
    """
    parts: dict[tuple[object, ...], list[Place]] = {}
    for place in places:
        key = _part_of(place)
        if key is None:
            yield place
        else:
            parts.setdefault(key, []).append(place)
    for same in parts.values():
        paths = tuple(dict.fromkeys(path for place in same for path in place.org_units))
        names = tuple(dict.fromkeys(name for place in same for name in place.names))
        people = sum(place.people for place in same)
        yield structs.replace(same[0], org_units=paths, names=names, people=people)


def _part_of(place: Place) -> tuple[object, ...] | None:
    """What a place has in common with the other parts of the same school; None if it is whole."""
    above = {path.rpartition("/")[0] for path in place.org_units}
    if len(above) != 1:
        return None
    (parent,) = above
    said = tuple((name.core, name.kinds) for name in place.names)
    if not place.code and all(name.kinds & ADAPTED for name in place.names):
        return place.role, said, parent
    if is_year(parent.rpartition("/")[2]):
        return place.role, said, parent.rpartition("/")[0], ""
    if place.role == "staff" and (top := _staff_above(parent)):
        own = tuple((core, kinds - {"leisure"}) for core, kinds in said)
        return place.role, own, top, place.code, ""
    return None


def _staff_above(path: str) -> str:
    """The OU above an OU for a part of the staff, such as /Personal of /Personal/Lärare."""
    above, _, name = path.rpartition("/")
    parent = read_name(above.rpartition("/")[2])
    own = read_name(name)
    is_part = own.role == "staff" or is_staff_part(plain_words(name), among_staff=True)
    return above if is_part and parent.role == "staff" and not parent.tells else ""


class _Visit:
    """Walks the tree of OUs."""

    def __init__(
        self,
        index: DirectoryIndex,
        ignored: Collection[str],
        codes: UnitCodes,
        schools: Collection[str],
        stages: Collection[frozenset[int]],
    ) -> None:
        self._stages = stages
        self._index, self._ignored, self._codes = index, ignored, codes
        self._schools = schools

    def places(self, node: OrgUnitNode, above: _Above) -> Iterator[Place]:
        past = past_years(node, self._index.autumn)
        for child in node.children:
            if is_closed(child) or child.path in past:
                continue
            name = _without_numbers(read_name(without_code(child.name), self._ignored))
            code = self._codes.of_org_unit(child.name, self._index.org_units.get(fold(child.path)))
            says_class = is_class(child.name) or is_year(child.name) or _ends_in_class(child.name)
            if above.role and not above.core and name.years in self._stages and name.years:
                says_class = says_class and not is_stage(child.name)
            role = name.role or above.role
            is_part = role == "staff" and is_staff_part(plain_words(child.name), among_staff=True)
            is_school = bool(code) or (name.tells and not says_class and not is_part)
            if is_school and not (self._is_container(child, name) and not code):
                for place in _places(child, _names(name, above), role, self._index.autumn):
                    yield structs.replace(place, code=code)
            passed_on = _Above(
                role,
                one_form(above.kinds | name.kinds) if is_school else above.kinds,
                name.core if is_school and name.core else above.core,
            )
            yield from self.places(child, passed_on)

    def _is_container(self, node: OrgUnitNode, name: SchoolName) -> bool:
        """Whether an OU that only says a kind of school has schools below it: GR, Gymnasium."""
        if name.core:
            return False
        for child in node.children:
            below = _without_numbers(read_name(without_code(child.name), self._ignored))
            if any(
                word_similarity(word, school) >= _SCHOOL_WORD
                for word in below.core
                for school in self._schools
            ):
                return True
        return False


def past_years(node: OrgUnitNode, autumn: int | None) -> frozenset[str]:
    """The paths of OUs right below that are named for a school year before the newest of them.

    "Elever 2024-2025" is also past beside "Elever", if the school year of `autumn` is later.
    """
    found = {child: _school_year(child.name) for child in node.children}
    begun = {child: year for child, year in found.items() if year is not None}
    undated = {plain_words(child.name) for child, year in found.items() if year is None}
    newest = max(begun.values(), default=0)
    return frozenset(
        child.path
        for child, year in begun.items()
        if year < newest
        or (
            autumn is not None
            and year < autumn
            and plain_words(without_term(child.name)) in undated
        )
    )


def _school_year(name: str) -> int | None:
    found = term_in(name)
    return school_year_of(name) if found is None else found[1]


def _ends_in_class(name: str) -> bool:
    """Whether a name's first or last word is a class of letters and digits: Norra 4A."""
    words = plain_words(name)
    return len(words) > 1 and any(
        is_class(word) and not word.isalpha() and not word.isdigit()
        for word in (words[0], words[-1])
    )


def _without_numbers(name: SchoolName) -> SchoolName:
    """An OU's name without numbers beside the kind of a school: Anpassad 1."""
    if not name.kinds or not all(word.isdigit() for word in name.core):
        return name
    return structs.replace(name, core=())


def _names(name: SchoolName, above: _Above) -> tuple[SchoolName, ...]:
    """The names of a school's OU, extended by what the OUs above add."""
    kinds = one_form(name.kinds | above.kinds) if above.kinds & ADAPTED else name.kinds
    kinds = kinds or above.kinds
    own = _read(name, name.core, kinds)
    if name.core or not above.core:
        return (own,)
    return own, _read(name, above.core, kinds)


def _read(name: SchoolName, core: tuple[str, ...], kinds: frozenset[str]) -> SchoolName:
    return structs.replace(name, core=core, kinds=kinds)


def _places(
    node: OrgUnitNode, names: tuple[SchoolName, ...], role: Role | None, autumn: int | None
) -> Iterator[Place]:
    below = {each: list(_with_role(node, each, 2, autumn)) for each in _ROLES}
    if below["staff"]:
        below["staff"] += [
            child
            for child in node.children
            if child not in below["staff"]
            and is_staff_part(plain_words(child.name))
            and not is_closed(child)
        ]
    for each in _ROLES:
        nodes = below[each]
        if role == each or (role is None and not nodes and each == "students"):
            is_mixed = role is None and not below["staff"]
            yield _place(each, names, [node], is_mixed)
        elif nodes:
            yield _place(each, names, nodes, False)


def _place(
    role: Role, names: tuple[SchoolName, ...], nodes: Sequence[OrgUnitNode], mixed: bool
) -> Place:
    return Place(
        role=role,
        names=names,
        org_units=tuple(node.path for node in nodes),
        people=sum(node.users_below for node in nodes),
        mixed=mixed,
    )


def _with_role(
    node: OrgUnitNode, role: Role, depth: int, autumn: int | None
) -> Iterator[OrgUnitNode]:
    past = past_years(node, autumn)
    for child in node.children:
        if is_closed(child) or child.path in past:
            continue
        name = read_name(child.name)
        if name.kinds & ADAPTED and not read_name(node.name).kinds & ADAPTED:
            continue
        if name.role == role:
            yield child
        elif name.role is None and depth > 1:
            yield from _with_role(child, role, depth - 1, autumn)


def is_closed(node: OrgUnitNode) -> bool:
    """Whether an OU is for people who have left or visit, for the protected or for devices."""
    words = plain_words(node.name)
    return any(says(words) for says in (is_left, is_outside, is_protected, is_for_devices))


def _group_place(
    group: Group, index: DirectoryIndex, ignored: Collection[str], codes: UnitCodes
) -> Place | None:
    address = group.email.rpartition("@")[0]
    words = (*plain_words(address), *plain_words(group.name))
    if is_left(words) or is_protected(words):
        return None
    code = codes.of_group(group)
    read = [read_name(without_code(text), ignored) for text in (address, group.name)]
    role = next((name.role for name in read if name.role), None)
    names = tuple(name for name in read if name.tells)
    if role is None or not (names or code) or any(_says_class(name) for name in names):
        return None
    return Place(
        role=role,
        names=names,
        groups=(group.email,),
        people=len(index.members[group.id] & index.users.keys()),
        guests=any(name.guests for name in read),
        code=code,
    )


def _says_class(name: SchoolName) -> bool:
    return any(is_class(word) and not word.isalpha() and not word.isdigit() for word in name.core)

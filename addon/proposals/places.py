"""The OUs and groups of a domain where a school may keep its students or its staff."""

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct, structs

from addon.directory.snapshot import Group
from addon.proposals.names import SchoolName, read_name
from addon.proposals.vocabulary import Role, is_class, is_left, is_protected, is_year, plain_words
from addon.roster.index import DirectoryIndex
from addon.roster.org_unit_tree import OrgUnitNode
from addon.tenants.model import Clause

_ROLES: tuple[Role, Role] = ("students", "staff")


class Place(Struct, frozen=True):
    """OUs, a group, or an OU narrowed by `clause`, where a school may keep people of `role`.

    `names` are its parsed names. `mixed` is an OU whose name does not say a role. `people` are the
    active users there.
    """

    role: Role
    names: tuple[SchoolName, ...]
    org_units: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    clause: Clause | None = None
    people: int = 0
    mixed: bool = False
    guests: bool = False

    @property
    def text(self) -> str:
        """The place as the administrator knows it."""
        return ", ".join((*self.org_units, *self.groups))


class _Above(Struct, frozen=True):
    """What the names of the OUs above say."""

    role: Role | None = None
    kinds: frozenset[str] = frozenset()
    core: tuple[str, ...] = ()


def org_unit_places(tree: OrgUnitNode, ignored: Collection[str]) -> list[Place]:
    """The OUs with a distinctive name, by role. `ignored` are words to ignore."""
    found: dict[tuple[Role, tuple[str, ...]], Place] = {}
    for place in _visit(tree, _Above(), ignored):
        known = found.setdefault((place.role, place.org_units), place)
        if known is not place:
            names = tuple(dict.fromkeys((*known.names, *place.names)))
            mixed = known.mixed and place.mixed
            found[place.role, place.org_units] = structs.replace(known, names=names, mixed=mixed)
    return list(found.values())


def group_places(index: DirectoryIndex, ignored: Collection[str]) -> list[Place]:
    """The groups whose address or name says that they are the students or staff of something."""
    return [
        place
        for group in index.groups
        if not group.everyone and (place := _group_place(group, index, ignored)) is not None
    ]


def role_nodes(node: OrgUnitNode, role: Role) -> Iterator[OrgUnitNode]:
    """The topmost OUs whose name is only a role: /Elever, /Personal."""
    for child in node.children:
        name = read_name(child.name)
        if name.role == role and not name.tells and not _is_closed(child):
            yield child
        else:
            yield from role_nodes(child, role)


def _visit(node: OrgUnitNode, above: _Above, ignored: Collection[str]) -> Iterator[Place]:
    for child in node.children:
        if _is_closed(child):
            continue
        name = read_name(child.name, ignored)
        is_school = name.tells and not is_class(child.name) and not is_year(child.name)
        role = name.role or above.role
        if is_school:
            yield from _places(child, _names(name, above), role)
        passed_on = _Above(
            role,
            above.kinds | (name.kinds if is_school else frozenset()),
            name.core if is_school and name.core else above.core,
        )
        yield from _visit(child, passed_on, ignored)


def _names(name: SchoolName, above: _Above) -> tuple[SchoolName, ...]:
    """The names of a school's OU, extended by what the OUs above add."""
    kinds = name.kinds or above.kinds
    own = _read(name, name.core, kinds)
    if name.core or not above.core:
        return (own,)
    return own, _read(name, above.core, kinds)


def _read(name: SchoolName, core: tuple[str, ...], kinds: frozenset[str]) -> SchoolName:
    return structs.replace(name, core=core, kinds=kinds)


def _places(node: OrgUnitNode, names: tuple[SchoolName, ...], role: Role | None) -> Iterator[Place]:
    below = {each: list(_with_role(node, each, 2)) for each in _ROLES}
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


def _with_role(node: OrgUnitNode, role: Role, depth: int) -> Iterator[OrgUnitNode]:
    for child in node.children:
        if _is_closed(child):
            continue
        own = read_name(child.name).role
        if own == role:
            yield child
        elif own is None and depth > 1:
            yield from _with_role(child, role, depth - 1)


def _is_closed(node: OrgUnitNode) -> bool:
    words = plain_words(node.name)
    return is_left(words) or is_protected(words)


def _group_place(group: Group, index: DirectoryIndex, ignored: Collection[str]) -> Place | None:
    address = group.email.rpartition("@")[0]
    words = (*plain_words(address), *plain_words(group.name))
    if is_left(words) or is_protected(words):
        return None
    read = [read_name(text, ignored) for text in (address, group.name)]
    role = next((name.role for name in read if name.role), None)
    names = tuple(name for name in read if name.tells)
    if role is None or not names or any(_says_class(name) for name in names):
        return None
    return Place(
        role=role,
        names=names,
        groups=(group.email,),
        people=len(index.members[group.id] & index.users.keys()),
        guests=any(name.guests for name in read),
    )


def _says_class(name: SchoolName) -> bool:
    return any(is_class(word) and not word.isalpha() and not word.isdigit() for word in name.core)

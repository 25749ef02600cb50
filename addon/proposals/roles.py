"""What tells the students of a whole domain from its staff: OUs, groups, attributes, addresses."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from addon.directory.snapshot import User
from addon.proposals.names import read_name
from addon.proposals.vocabulary import (
    Role,
    is_class,
    is_left,
    is_outside,
    is_protected,
    is_staff_part,
    is_year,
    plain_words,
    role_of,
    title_role,
)
from addon.roster.filters import choose
from addon.roster.index import DirectoryIndex
from addon.roster.org_unit_tree import OrgUnitNode
from addon.tenants.model import Clause, Selector

_MOST_VALUES = 400
_ENOUGH = 0.9
_FEWEST = 2


class RoleScope(Struct, frozen=True):
    """Where everybody of a role is: OUs and groups, narrowed by clauses."""

    role: Role
    org_units: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    clauses: tuple[Clause, ...] = ()

    @property
    def selector(self) -> Selector:
        """The scope as a selector."""
        filters = (self.clauses,) if self.clauses else ()
        return Selector(org_units=self.org_units, groups=self.groups, filters=filters)


class RoleScopes:
    """The scopes of a domain, found once."""

    def __init__(
        self, index: DirectoryIndex, tree: OrgUnitNode, ignored: Collection[str] = ()
    ) -> None:
        self._index, self._tree, self._ignored = index, tree, ignored
        self._signs = list(_signs(index))
        self._known: dict[Role, RoleScope | None] = {}

    def of(self, role: Role) -> RoleScope | None:
        """Where everybody of a role is, by the strongest sign; None if nothing says it."""
        if role not in self._known:
            self._known[role] = self._find(role)
        return self._known[role]

    def of_only_unit(self, role: Role) -> RoleScope | None:
        """As `of`, with the parts of the staff beside their OU: /Ledning beside /Personal."""
        scope = self.of(role)
        if scope is None or role != "staff" or not scope.org_units or scope.clauses:
            return scope
        beside = tuple(_parts_beside(self._tree, set(scope.org_units)))
        return RoleScope(role, (*scope.org_units, *beside), scope.groups)

    def clauses(self, role: Role, people: Collection[str]) -> tuple[Clause, ...]:
        """Clauses that choose those of a role among `people`, students and staff together."""
        for students, staff in self._signs:
            clause = students if role == "students" else staff
            counts = [self._count(each, people) for each in (students, staff)]
            if min(counts) >= _FEWEST and sum(counts) >= _ENOUGH * len(people):
                return (clause,)
        return ()

    def _count(self, clause: Clause, people: Collection[str]) -> int:
        chosen = choose(Selector(org_units=("/",), filters=((clause,),)), self._index).chosen
        return len(chosen & set(people))

    def _find(self, role: Role) -> RoleScope | None:
        found = role_nodes(self._tree, role, self._ignored)
        nodes = tuple(node.path for node in found if node.users_below)
        if nodes:
            return RoleScope(role, org_units=nodes)
        groups = tuple(_role_groups(self._index, role))
        if groups:
            return RoleScope(role, groups=groups)
        everybody = self._index.users.keys()
        clauses = self.clauses(role, everybody)
        return RoleScope(role, org_units=("/",), clauses=clauses) if clauses else None


def role_nodes(
    node: OrgUnitNode, role: Role, ignored: Collection[str] = ()
) -> Iterator[OrgUnitNode]:
    """The topmost OUs whose name is only a role: /Elever, /Personal; `ignored` are other words."""
    for child in node.children:
        words = plain_words(child.name)
        if is_left(words) or is_protected(words) or is_outside(words):
            continue
        name = read_name(child.name, ignored)
        if name.role == role and not name.tells:
            yield child
        else:
            yield from role_nodes(child, role, ignored)


def _parts_beside(node: OrgUnitNode, staff: Collection[str]) -> Iterator[str]:
    """The OUs of a part of the staff that have one of the `staff` OUs (paths) beside them."""
    if any(child.path in staff for child in node.children):
        for child in node.children:
            is_part = child.path not in staff and is_staff_part(plain_words(child.name))
            if is_part and child.users_below:
                yield child.path
    for child in node.children:
        if child.path not in staff:
            yield from _parts_beside(child, staff)


def _role_groups(index: DirectoryIndex, role: Role) -> Iterator[str]:
    """Groups whose name and address say a role and nothing else: elever@, all-personal@."""
    for group in index.groups:
        words = plain_words(group.email.partition("@")[0])
        found, rest = role_of([word for word in words if word not in ("alla", "all")])
        if found == role and not rest and len(index.members[group.id]) >= _FEWEST:
            yield group.email


def _signs(index: DirectoryIndex) -> Iterator[tuple[Clause, Clause]]:
    """Clauses that choose students and staff, by an attribute or the address's domain."""
    users = index.users.values()
    for attribute, count in _values(users).items():
        if len(count) > _MOST_VALUES:
            continue
        staff = tuple(sorted(v for v in count if title_role(v) == "staff"))
        pupils = tuple(
            sorted(v for v in count if title_role(v) == "students" or is_class(v) or is_year(v))
        )
        if staff and pupils:
            if any(map(title_role, pupils)):
                yield (
                    Clause(attribute=attribute, operator="in", value=pupils),
                    Clause(attribute=attribute, operator="in", value=staff),
                )
            else:
                yield (
                    Clause(attribute=attribute, operator="notIn", value=staff),
                    Clause(attribute=attribute, operator="in", value=staff),
                )
    domains = Counter(user.primary_email.rpartition("@")[2] for user in users)
    pupils = tuple(d for d in domains if role_of(plain_words(d.partition(".")[0]))[0] == "students")
    staff = tuple(d for d in domains if d not in pupils)
    if len(pupils) == 1 and len(staff) == 1:
        yield (
            Clause(attribute="primaryEmail", operator="endsWith", value=f"@{pupils[0]}"),
            Clause(attribute="primaryEmail", operator="endsWith", value=f"@{staff[0]}"),
        )


def _values(users: Iterable[User]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for user in users:
        for attribute, values in user.attributes.items():
            found.setdefault(attribute, Counter()).update(set(values))
    return dict(sorted(found.items()))

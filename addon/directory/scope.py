"""The part of a directory that a tenant document needs; nothing else is read. Pure."""

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from addon.tenants.conditions import touches
from addon.tenants.model import Clause, GroupRule, Protected, Selector, Tenant, YearRule, rules_of
from addon.text import fold

BUILT_IN = frozenset(
    {
        "id",
        "primaryEmail",
        "orgUnitPath",
        "name.familyName",
        "name.givenName",
        "suspended",
        "archived",
        "groups",
    }
)
"""Attributes that every user read has, or that come from the groups."""

LITERAL = frozenset({"equals", "notEquals", "in", "notIn"})


class ReadScope(Struct, frozen=True):
    """What is to be read.

    `org_units` are the OUs whose users are read, none below another. `groups` are the
    addresses that the document names, and `selected_groups` those of them whose members are
    people to read; `wanted` decides by a group's address whether the members of any other group
    are needed. `list_groups` is true when the groups of the domain must be listed. `attributes`
    are the dotted attributes beyond the built-in ones. `protected_places` are the protected
    groups and OUs, folded.
    """

    org_units: tuple[str, ...]
    protected_org_units: tuple[str, ...]
    groups: tuple[str, ...]
    selected_groups: tuple[str, ...]
    protected_groups: tuple[str, ...]
    attributes: tuple[str, ...]
    list_groups: bool
    wanted: Callable[[str], bool]
    protected_places: tuple[str, ...] = ()


def is_within(path: str, org_unit: str) -> bool:
    """Whether the OU at `path` is `org_unit` or lies below it, without regard to case."""
    folded, top = fold(path), fold(org_unit).rstrip("/")
    return folded == top or folded.startswith(top + "/")


def keys_above(path: str) -> Iterator[str]:
    """The folded paths of the OUs above the OU at `path`; the root's is empty."""
    key = fold(path).rstrip("/")
    while key:
        key = key.rpartition("/")[0]
        yield key


def topmost(paths: Iterable[str]) -> tuple[str, ...]:
    """The paths that are not below any other of them, in their order.

    Runs in time proportional to the number of paths, not to its square.
    """
    keys = {path: fold(path).rstrip("/") for path in paths}
    named = frozenset(keys.values())
    return tuple(path for path in keys if named.isdisjoint(keys_above(path)))


def attributes_of(tenant: Tenant) -> tuple[str, ...]:
    """The user attributes beyond the built-in ones that the document mentions, sorted."""
    clauses = {c.attribute for s in _selectors(tenant) for f in s.filters for c in f}
    rules = {r.attribute for r in _rules(tenant) if r.source == "attribute" and r.attribute}
    return tuple(sorted((clauses | rules) - BUILT_IN))


def scope_of(tenant: Tenant) -> ReadScope:
    """Return what a reading for `tenant` must fetch."""
    selectors = list(_selectors(tenant))
    clauses = [c for s in selectors for f in s.filters for c in f]
    rules = list(_rules(tenant))
    on_groups = [c for c in clauses if c.attribute == "groups"]
    literal = [g for c in on_groups if c.operator in LITERAL for g in _texts(c)]
    tests = [touches(c) for c in on_groups if c.operator not in LITERAL]
    tests += [_search(r.pattern) for r in rules if _searches_groups(r)]
    selected = [g for s in selectors for g in s.groups]
    excepted = [g for s in selectors for g in s.exceptions.groups]
    return ReadScope(
        org_units=_topmost_once(ou for s in selectors for ou in s.org_units),
        protected_org_units=_topmost_once(tenant.protected.org_units),
        groups=_distinct(selected + literal + excepted),
        selected_groups=_distinct(selected),
        protected_groups=_distinct(tenant.protected.groups),
        attributes=attributes_of(tenant),
        list_groups=bool(tests),
        wanted=lambda address: any(test(address) for test in tests),
        protected_places=places_of(tenant.protected),
    )


def places_of(protected: Protected) -> tuple[str, ...]:
    """The folded addresses and paths of the groups and OUs that protect people, sorted."""
    paths = (fold(path).rstrip("/") for path in protected.org_units)
    return tuple(sorted({*map(fold, protected.groups), *paths}))


def _selectors(tenant: Tenant) -> Iterator[Selector]:
    for unit in tenant.school_units:
        yield unit.students
        yield unit.staff


def _rules(tenant: Tenant) -> Iterator[GroupRule | YearRule]:
    for unit in tenant.school_units:
        yield from rules_of(unit.classes)
        yield from rules_of(unit.teaching_groups)
        if unit.school_year is not None:
            yield unit.school_year


def _searches_groups(rule: GroupRule | YearRule) -> bool:
    return rule.source == "group" or (rule.source == "attribute" and rule.attribute == "groups")


def _search(pattern: str) -> Callable[[str], bool]:
    return touches(Clause(attribute="groups", operator="matches", value=pattern))


def _texts(clause: Clause) -> tuple[str, ...]:
    if clause.value is None:
        return ()
    return (clause.value,) if isinstance(clause.value, str) else clause.value


def _distinct(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple({fold(address): address for address in addresses}.values())


def _topmost_once(paths: Iterable[str]) -> tuple[str, ...]:
    """The topmost paths without a trailing slash, each once, sorted."""
    return tuple(sorted(topmost(_distinct(path.rstrip("/") or "/" for path in paths))))

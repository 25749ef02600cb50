"""Who a selector chooses: by OU and group, the filters on attributes, and the exceptions."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from addon.directory.snapshot import User
from addon.roster.index import DirectoryIndex
from addon.tenants.conditions import condition
from addon.tenants.model import NO_EXCEPTIONS, Clause, Selector, SelectorExceptions

Values = Callable[[User], Sequence[str]]
Test = Callable[[User], bool]

BUILT_IN: dict[str, Values] = {
    "id": lambda user: (user.id,),
    "primaryEmail": lambda user: (user.primary_email,),
    "orgUnitPath": lambda user: (user.org_unit_path,),
    "name.familyName": lambda user: (user.family_name,),
    "name.givenName": lambda user: (user.given_name,),
    "suspended": lambda user: ("true" if user.suspended else "false",),
    "archived": lambda user: ("true" if user.archived else "false",),
}


class SelectorChoice(NamedTuple):
    """The result of a selector: ids it chose, ids that only its filters stopped, exceptions.

    `excepted` are those who would be chosen if the selector did not leave them out.
    """

    chosen: frozenset[str]
    filtered: frozenset[str]
    excepted: frozenset[str] = frozenset()


def values_of(attribute: str, index: DirectoryIndex) -> Values:
    """Return a function that gives a user's values of `attribute`, an empty sequence for none.

    The values of `groups` are the addresses, aliases included, of the user's groups.
    """
    if attribute == "groups":
        return lambda user: index.addresses_of.get(user.id, ())
    if attribute in BUILT_IN:
        return BUILT_IN[attribute]
    return lambda user: user.attributes.get(attribute, ())


def compile_filters(filters: Sequence[Sequence[Clause]], index: DirectoryIndex) -> Test:
    """Return a test of a user: true without filters, or if all clauses of one filter hold."""
    if not filters:
        return lambda user: True
    tests = [_all([_clause(clause, index) for clause in clauses]) for clauses in filters]
    return tests[0] if len(tests) == 1 else lambda user: any(test(user) for test in tests)


def _all(tests: list[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda user: all(test(user) for test in tests)


def _clause(clause: Clause, index: DirectoryIndex) -> Test:
    values, holds = values_of(clause.attribute, index), condition(clause)
    return lambda user: holds(values(user))


def choose(selector: Selector, index: DirectoryIndex) -> SelectorChoice:
    """The active users whom `selector` chooses, and those whom filters or exceptions stop."""
    reached: set[str] = set()
    for path in selector.org_units:
        reached |= index.in_org_unit(path)
    for address in selector.groups:
        reached |= index.in_group(address)
    chosen = frozenset(reached)
    if selector.filters:
        passes = compile_filters(selector.filters, index)
        chosen = frozenset(id for id in reached if passes(index.users[id]))
    excepted = chosen & left_out(selector.exceptions, index)
    return SelectorChoice(chosen - excepted, frozenset(reached - chosen), excepted)


def left_out(exceptions: SelectorExceptions, index: DirectoryIndex) -> frozenset[str]:
    """The active users whom `exceptions` name, by id, OU or group."""
    if exceptions == NO_EXCEPTIONS:
        return frozenset()
    named = set(exceptions.users) & index.users.keys()
    for path in exceptions.org_units:
        named |= index.in_org_unit(path)
    for address in exceptions.groups:
        named |= index.in_group(address)
    return frozenset(named)

"""The groups by which a selector leaves people out: its exceptions and filters on `groups`."""

from typing import NamedTuple

from addon.directory.snapshot import Group, Snapshot
from addon.sync.group_values import ATTRIBUTE, words
from addon.tenants.conditions import touches
from addon.tenants.model import Clause, Selector
from addon.text import fold


class ExcludingGroups(NamedTuple):
    """Groups by their addresses, and clauses with a pattern that addresses of groups match."""

    addresses: tuple[str, ...]
    patterns: tuple[Clause, ...]

    def of(self, snapshot: Snapshot) -> list[Group | None]:
        """Return the groups of a reading; None for an address that it does not have."""
        by_address = {fold(a): group for group in snapshot.groups for a in _addresses(group)}
        named = [by_address.get(fold(address)) for address in self.addresses]
        tests = list(map(touches, self.patterns))
        matched = [
            group
            for group in (snapshot.groups if tests else ())
            if any(test(address) for test in tests for address in _addresses(group))
        ]
        return [*named, *matched]


def excluding_groups(selector: Selector) -> ExcludingGroups:
    """Return the groups whose members the selector does not choose."""
    clauses = [c for clauses in selector.filters for c in clauses if c.attribute == ATTRIBUTE]
    named = (a for c in clauses if c.operator in ("notEquals", "notIn") for a in words(c))
    patterns = (c for c in clauses if c.operator in ("notContains", "notMatches"))
    return ExcludingGroups((*selector.exceptions.groups, *named), tuple(patterns))


def _addresses(group: Group) -> tuple[str, ...]:
    return (group.email, *group.aliases)

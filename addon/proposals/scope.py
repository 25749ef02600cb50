"""The part of a domain that concerns the students of one unit, so that trying rules is fast."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from functools import cache

from addon.directory.snapshot import Group, OrgUnit, Snapshot
from addon.roster.index import DirectoryIndex
from addon.tenants.model import Protected


def around(
    index: DirectoryIndex,
    students: Collection[str],
    staff: Collection[str] = (),
    groups: Iterable[Group] | None = None,
    org_units: Iterable[OrgUnit] | None = None,
) -> DirectoryIndex:
    """An index of these people, the groups that some of the students are in, and the OUs.

    A rule finds the same among the students as in the whole domain. Groups that everyone is a
    member of are left out. `groups` and `org_units` narrow the index further.
    """
    ids = frozenset(students)
    near = [
        group
        for group in (index.groups if groups is None else groups)
        if not group.everyone and not index.members[group.id].isdisjoint(ids)
    ]
    people = dict.fromkeys((*students, *staff))
    return DirectoryIndex(
        Protected(),
        Snapshot(
            users=tuple(index.users[id] for id in people if id in index.users),
            groups=tuple(near),
            org_units=tuple(index.org_units.values() if org_units is None else org_units),
            autumn=index.autumn,
        ),
    )


Inside = Callable[[str], set[str]]
"""Gives the ids of the active users in an OU and below it; callers must not change the set."""


def inside_of(index: DirectoryIndex) -> Inside:
    """`DirectoryIndex.in_org_unit`, cached: proposing looks up each OU many times."""
    return cache(index.in_org_unit)


def places_of(index: DirectoryIndex, ids: Iterable[str]) -> Counter[str]:
    """How many of the people are directly in each OU path, as their accounts spell it."""
    return Counter(index.users[id].org_unit_path for id in ids if id in index.users)

"""Groups that would lose most of their members without a word of the directory about them. Pure."""

from collections.abc import Iterable, Mapping, Set

from msgspec import Struct

LEAST = 5
"""A group that loses fewer members than this is no emptied group."""


class EmptiedGroup(Struct, frozen=True, array_like=True):
    """A class or teaching group of which most memberships would end.

    `group` and `activity` are the externalIds of its StudentGroup and its Activity, `unit` the code
    of its school unit, `members` the externalIds of the people whose memberships would end, sorted,
    and `known` how many members it had, with those whose membership has ended in the last 24 hours.
    """

    group: str
    activity: str
    unit: str
    members: tuple[str, ...]
    known: int


def is_emptied(lost: int, known: int) -> bool:
    """Whether a group of `known` members that loses `lost` of them is emptied."""
    return lost >= LEAST and 2 * lost > known


def by_group(groups: Iterable[EmptiedGroup]) -> dict[str, frozenset[str]]:
    """Return the externalIds of the people whose memberships would end, by that of the group."""
    return {each.group: frozenset(each.members) for each in groups}


def memberships(groups: Iterable[EmptiedGroup], but: Mapping[str, Set[str]] | None = None) -> int:
    """Return how many memberships would end, `but` for those that it names by group."""
    named = but or {}
    return sum(len(set(each.members) - named.get(each.group, set())) for each in groups)

"""Google's groups as rows with a checkbox: those that are chosen, and those found by a search."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from addon.text import fold, sort_key
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.name_search import ENOUGH, likeness_to, plain, searched_name

SHOWN = 12
"""How many found groups are shown besides those that are chosen."""


class GroupRow(Struct, frozen=True):
    """A group with a checkbox; `people` is None if the directory does not have it."""

    email: str
    name: str
    people: int | None


def group_row(directory: TenantDirectory, address: str) -> GroupRow:
    """Return the row of the group with this address."""
    known = directory.index.named(address)
    if known is None:
        return GroupRow(address, "", None)
    return GroupRow(address, known.name, len(directory.index.in_group(address)))


def groups_named(
    directory: TenantDirectory, words: Iterable[str], besides: Sequence[str]
) -> list[str]:
    """Return the addresses of groups whose name or address has all these words, by name."""
    wanted = [each for word in words if (each := plain(word))]
    have = set(map(fold, besides))
    found = [
        group
        for group in directory.index.groups
        if wanted
        and fold(group.email) not in have
        and not group.everyone
        and all(word in plain(f"{group.name} {group.email}") for word in wanted)
    ]
    found.sort(key=lambda group: sort_key(group.name or group.email))
    return [group.email for group in found]


def groups_alike(directory: TenantDirectory, search: str, besides: Sequence[str]) -> list[str]:
    """Return the addresses of groups whose names are like what is searched for, best first.

    Raises StillComputing.
    """
    groups = directory.index.groups
    names = directory.get_or_compute(
        DirectoryResult.GROUP_NAMES,
        lambda: [searched_name((g.name, g.email.partition("@")[0], g.email)) for g in groups],
    )
    if not search.strip():
        return []
    have, likeness = set(map(fold, besides)), likeness_to(search)
    found = [
        (-alike, sort_key(group.name or group.email), group.email)
        for group, name in zip(groups, names, strict=True)
        if not group.everyone
        and fold(group.email) not in have
        and (alike := likeness(name)) >= ENOUGH
    ]
    return [email for _likeness, _name, email in sorted(found)]


def groups_shown(
    directory: TenantDirectory, chosen: Sequence[str], found: Sequence[str]
) -> dict[str, object]:
    """Return the template variables: the rows, and how many more groups were found."""
    return {
        "groups": [group_row(directory, address) for address in (*chosen, *found[:SHOWN])],
        "more": max(0, len(found) - SHOWN),
    }


def telling_word(name: str) -> str:
    """Return the word of a school's name that the names of its groups are likely to contain."""
    long = [word for word in name.split() if len(word) > 3 and "skol" not in word.lower()]
    return long[0] if long else name

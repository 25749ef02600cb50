"""Reads the groups that a document needs, and the members of groups with protected people."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from msgspec import Struct

from addon.directory.errors import UNSENT, DirectoryError
from addon.directory.google.queries import Queries
from addon.directory.google.responses import OddEntry
from addon.directory.protected import Members
from addon.directory.scope import ReadScope
from addon.directory.snapshot import Group
from addon.text import fold

GroupRead = tuple[Group, Members | None]


class ReadGroups(Struct, frozen=True):
    """The groups, the members that were read by group id, and the addresses of missing groups.

    `listed_whole` is false when the list of groups had an entry that could not be read.
    """

    groups: list[Group]
    members: dict[str, Members]
    missing: frozenset[str]
    listed_whole: bool = True


class GroupReader:
    """Starts the reading of groups and of their members, and collects what was read."""

    def __init__(
        self,
        wanted: ReadScope,
        queries: Queries,
        start: Callable[..., Future[Any]],
        result: Callable[[Future[Any]], Any],
    ) -> None:
        self._needs = wanted
        self._selected = set(map(fold, wanted.selected_groups))
        self._queries = queries
        self._start = start
        self._result = result

    def is_selected(self, group: Group) -> bool:
        """Whether the group's members are people to read."""
        return not _addresses(group).isdisjoint(self._selected)

    # Protected groups

    def protected(self, address: str) -> Members:
        """The members of a protected group. Raises DirectoryError if they cannot be known."""
        group = self._queries.group(address)
        found = self._queries.members(address, direct=_direct(group))
        if found is None:
            raise unknown_protection("groups", f"group {address}", "renamed", "address")
        if found.everyone:
            raise DirectoryError(
                f"protected.groups: the whole organisation is a member of {address}, so everybody "
                f"would be removed from every vendor. {UNSENT} Take the whole organisation out of "
                "the group, and have only people with protected identity in it.",
                "protected-unknown",
            )
        return found

    # Groups that are selected or named, or whose address is wanted

    def read(self, listing: Future[Any] | None, addresses: bool) -> ReadGroups:
        """Read the members of the groups that are needed, listed ones and named ones.

        With `addresses`, the addresses of all members are read, otherwise only where they may be
        needed. Raises DirectoryError.
        """
        listed = None if listing is None else self._result(listing)
        found: list[Group] = [] if listed is None else listed.found
        odd: list[OddEntry] = [] if listed is None else listed.odd
        single = [self._start(self._queries.group, entry.key) for entry in odd if entry.key]
        reread = [group for each in single if (group := self._result(each)) is not None]
        found = [*found, *reread]
        return self._collect(found, addresses, len(reread) == len(odd))

    def _collect(self, listed: list[Group], addresses: bool, whole: bool) -> ReadGroups:
        named = {fold(address): address for address in self._needs.groups}
        reads: list[Future[GroupRead | None]] = []
        for group in listed:
            known = _addresses(group)
            asked = known & named.keys()
            if asked or any(map(self._needs.wanted, (group.email, *group.aliases))):
                keep = addresses or self.is_selected(group)
                reads.append(self._start(self._listed, group, keep))
            for address in asked:
                del named[address]
        unlisted = {address: self._start(self._unlisted, address) for address in named.values()}
        groups = {group.id: group for group in listed}
        members: dict[str, Members] = {}
        missing: set[str] = set()
        for read in reads:
            group, found = self._result(read)
            if found is None:
                del groups[group.id]
                missing.update(a for a in self._needs.groups if fold(a) in _addresses(group))
            else:
                members[group.id] = found
        for address, reading in unlisted.items():
            both = self._result(reading)
            if both is None:
                missing.add(address)
            else:
                groups[both[0].id], members[both[0].id] = both
        return ReadGroups(list(groups.values()), members, frozenset(missing), whole)

    def _listed(self, group: Group, addresses: bool) -> GroupRead:
        """The members of a listed group; None when it has been removed since it was listed.

        Raises DirectoryError when the directory has the group but not its members.
        """
        found = self._queries.members(group.email, addresses, _direct(group))
        if found is None and self._queries.group(group.id) is not None:
            raise DirectoryError(
                f"members.list of {group.email}: the group was listed, but is not there any "
                f"more. {UNSENT} The next run reads the directory again."
            )
        return group, found

    def _unlisted(self, address: str) -> GroupRead | None:
        """A group that the document names and that is not in the listing, or None.

        Where the directory does not answer about the group itself, its address serves as its id.
        """
        group = self._queries.group(address)
        members = self._queries.members(address, True, _direct(group))
        if members is None:
            return None
        return group or Group(id=address, email=address, name=""), members


def unknown_protection(key: str, thing: str, happened: str, fix: str) -> DirectoryError:
    """The error that a protected group or OU of the document is not in the directory."""
    return DirectoryError(
        f"protected.{key}: the directory has no {thing}, so who has protected identity is not "
        f"known. {UNSENT} If it was {happened}, write its new {fix} in the tenant document.",
        "protected-unknown",
    )


def _direct(group: Group | None) -> int:
    return 0 if group is None else group.direct_members or 0


def _addresses(group: Group) -> set[str]:
    return {fold(address) for address in (group.email, *group.aliases)}

"""Reads a tenant's directory through the Admin SDK Directory API, completely or not at all.

Threads read in parallel: first organisational units, domains, groups and protected people; then
the users of each selected OU and the members of each group that is needed. People who are
selected through a group but are in no selected OU are fetched last.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import closing
from typing import Any

from msgspec import Struct, structs

from addon.directory.errors import UNSENT, DirectoryError
from addon.directory.google.client import DirectoryClient
from addon.directory.google.parallel import ParallelCalls
from addon.directory.google.queries import Queries
from addon.directory.google.quota import quota_of
from addon.directory.google.responses import org_unit
from addon.directory.google.retry import ReadRetryPolicy, RetryingCaller
from addon.directory.protected import Members, ProtectedPeople
from addon.directory.scope import ReadScope, scope_of
from addon.directory.snapshot import Group, Snapshot, User
from addon.tenants.model import Tenant
from addon.text import fold

READ_ONE_BY_ONE = 100
"""Up to this many people outside the selected OUs are fetched one by one; more, by a full list."""

Progress = Callable[[int, int], None]
"""Called with the number of users and of groups' member lists read so far."""

Reads = list[tuple[Group, Future[Members | None]]]


class DirectorySource(Struct, frozen=True):
    """Where and how a directory is read.

    `endpoint` is the base URL of a server that replaces Google and gets no `credentials`, or None
    for Google itself. `timeout` (seconds) is for each wait for an answer.
    """

    credentials: Any
    endpoint: str | None = None
    threads: int = 12
    timeout: float = 60.0
    retry_policy: ReadRetryPolicy = ReadRetryPolicy()


def read(
    tenant: Tenant, source: DirectorySource, progress: Progress = lambda users, groups: None
) -> Snapshot:
    """Read the part of the tenant's directory that its document needs.

    Raises DirectoryError when any of it cannot be read, AccessRefused when Google denies
    access.
    """
    wanted = scope_of(tenant)
    quota = quota_of(source.endpoint, tenant.customer_id, tenant.delegated_admin)
    with (
        closing(DirectoryClient(source.credentials, source.endpoint, source.timeout)) as service,
        ParallelCalls(source.threads, service.interrupt) as parallel,
    ):
        calls = RetryingCaller(source.retry_policy, quota, parallel.stopped)
        told = _Told(progress)
        queries = Queries(service, calls, tenant.customer_id, wanted.attributes, told.more)
        snapshot = _Reading(wanted, queries, parallel).run()
    return structs.replace(snapshot, queries=calls.count)


class _Told:
    """Adds up what the threads have read and reports the sums to `progress`."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._users = self._groups = 0

    def more(self, users: int, groups: int) -> None:
        with self._lock:
            self._users += users
            self._groups += groups
            self._progress(self._users, self._groups)


class _Reading:
    """One reading in progress: what is to be read, and the queries and threads that read it."""

    def __init__(self, wanted: ReadScope, queries: Queries, parallel: ParallelCalls) -> None:
        self._needs = wanted
        self._selected = set(map(fold, wanted.selected_groups))
        self._queries = queries
        self._start = parallel.start
        self._result = parallel.result

    def run(self) -> Snapshot:
        wanted, queries = self._needs, self._queries
        units_read = self._start(queries.org_units)
        hiding = [self._start(queries.members, address) for address in wanted.protected_groups]
        domains_read = self._start(queries.domains)
        groups_read = self._start(queries.groups) if wanted.list_groups else None

        units = self._result(units_read)
        spelled = {"/": "/"} | {fold(unit.org_unit_path): unit.org_unit_path for unit in units}
        hidden_units = [_spelled(path, spelled) for path in wanted.protected_org_units]
        selected = [spelled[fold(path)] for path in wanted.org_units if fold(path) in spelled]
        hidden_read = [self._start(queries.ids, path) for path in hidden_units]
        users_read = [self._start(queries.users, path) for path in selected]

        protection = ProtectedPeople(
            (i for read in hidden_read for i in self._result(read)),
            [self._protected(*each) for each in zip(wanted.protected_groups, hiding, strict=True)],
            wanted.protected_org_units,
        )
        listed = self._result(groups_read) if groups_read else []
        reads, named = self._start_members(listed, protection.by_address)
        groups, members, missing = self._groups(listed, reads, named)
        domains = self._result(domains_read)

        users = {user.id: user for read in users_read for user in self._result(read)}
        protection.meet(users.values())
        protection.meet_members(members.values())
        if "/" not in selected:
            asked = [members[g.id] for g in groups if self._is_selected(g)]
            for user in self._outside(asked, users.values(), protection, domains):
                users[user.id] = user
            protection.meet(users.values())

        shown = {i: users[i] for i in sorted(users.keys() - protection.ids)}
        ids = {fold(u.primary_email): u.id for u in shown.values() if u.primary_email}
        return Snapshot(
            users=tuple(shown.values()),
            groups=tuple(_with_members(g, members.get(g.id), ids, protection.ids) for g in groups),
            org_units=tuple(map(org_unit, units)),
            protected=frozenset(protection.ids),
            missing_groups=tuple(sorted(missing)),
            domains=domains,
        )

    # Groups

    def _protected(self, address: str, read: Future[Members | None]) -> Members:
        found = self._result(read)
        if found is None:
            raise _unknown_protection("groups", f"group {address}", "renamed", "address")
        if found.everyone:
            raise DirectoryError(
                f"protected.groups: the whole organisation is a member of {address}, so everybody "
                f"would be removed from every vendor. {UNSENT} Take the whole organisation out of "
                "the group, and have only people with protected identity in it."
            )
        return found

    def _start_members(
        self, listed: list[Group], addresses: bool
    ) -> tuple[Reads, dict[str, Future[tuple[Group, Members] | None]]]:
        """Start reading the members of the groups that are needed, listed ones and named ones.

        With `addresses`, the addresses of all members are read, otherwise only where they may be
        needed.
        """
        queries = self._queries
        named = {fold(address): address for address in self._needs.groups}
        reads: Reads = []
        for group in listed:
            known = _addresses(group)
            asked = known & named.keys()
            if asked or any(map(self._needs.wanted, (group.email, *group.aliases))):
                keep = addresses or self._is_selected(group)
                reads.append((group, self._start(queries.members, group.email, keep)))
            for address in asked:
                del named[address]
        unlisted = {address: self._start(self._unlisted, address) for address in named.values()}
        return reads, unlisted

    def _unlisted(self, address: str) -> tuple[Group, Members] | None:
        """A group that the document names and that is not in the listing, or None.

        When the groups are not listed, nothing in the document uses a group's id, so the address
        serves as the id and a query is saved.
        """
        group = self._queries.group(address) if self._needs.list_groups else None
        members = self._queries.members(address, True)
        if members is None:
            return None
        return group or Group(id=address, email=address, name=""), members

    def _groups(
        self,
        listed: list[Group],
        reads: Reads,
        unlisted: dict[str, Future[tuple[Group, Members] | None]],
    ) -> tuple[list[Group], dict[str, Members], set[str]]:
        """The groups, the members read by group id, and the addresses of missing groups."""
        groups = {group.id: group for group in listed}
        members: dict[str, Members] = {}
        missing = set()
        for group, read in reads:
            found = self._result(read)
            if found is None:
                raise DirectoryError(
                    f"members.list of {group.email}: the group was listed, but is not there any "
                    f"more. {UNSENT} The next run reads the directory again."
                )
            members[group.id] = found
        for address, reading in unlisted.items():
            both = self._result(reading)
            if both is None:
                missing.add(address)
            else:
                groups[both[0].id], members[both[0].id] = both
        return list(groups.values()), members, missing

    def _is_selected(self, group: Group) -> bool:
        return not _addresses(group).isdisjoint(self._selected)

    # People outside the selected OUs

    def _outside(
        self,
        groups: list[Members],
        users: Iterable[User],
        protection: ProtectedPeople,
        domains: tuple[str, ...],
    ) -> list[User]:
        """The people in the groups who are not in any selected OU."""
        if any(group.everyone for group in groups):
            return self._result(self._start(self._queries.users, None))
        known = {user.id for user in users}
        met = {fold(user.primary_email) for user in users}
        ids = {i for group in groups for i in group.ids} - known - protection.ids
        nameless = {a for group in groups for a in group.nameless if not protection.hides(a)} - met
        missing = ids | nameless
        if len(missing) <= READ_ONE_BY_ONE:
            addresses = {i: a for group in groups for i, a in group.addresses.items()}
            reads = {key: self._start(self._queries.user, key) for key in sorted(missing)}
            found = {key: self._result(read) for key, read in reads.items()}
            absent = [addresses.get(key, key) for key, user in found.items() if user is None]
            if all(_is_elsewhere(address, domains) for address in absent):
                return [user for user in found.values() if user is not None]
        everybody = self._result(self._start(self._queries.users, None))
        return [u for u in everybody if u.id in ids or fold(u.primary_email) in nameless]


def _spelled(path: str, spelled: dict[str, str]) -> str:
    """A protected OU's path as the directory spells it. Raises DirectoryError if it is missing."""
    found = spelled.get(fold(path))
    if found is None:
        raise _unknown_protection(
            "orgUnits", f"organisational unit {path}", "renamed or moved", "path"
        )
    return found


def _unknown_protection(key: str, thing: str, happened: str, mend: str) -> DirectoryError:
    return DirectoryError(
        f"protected.{key}: the directory has no {thing}, so who has protected identity is not "
        f"known. {UNSENT} If it was {happened}, write its new {mend} in the tenant document."
    )


def _addresses(group: Group) -> set[str]:
    return {fold(address) for address in (group.email, *group.aliases)}


def _is_elsewhere(address: str, domains: tuple[str, ...]) -> bool:
    """Whether a member with this address is not one of the customer's users."""
    domain = address.rpartition("@")[2] if "@" in address else ""
    return bool(domains and domain) and domain not in map(fold, domains)


def _with_members(
    group: Group, members: Members | None, ids: dict[str, str], protected: set[str]
) -> Group:
    """Add the members' ids, found by address where necessary, except those in `protected`."""
    if members is None:
        return group
    found = members.ids | {ids[address] for address in members.nameless if address in ids}
    return structs.replace(group, members=found - protected, everyone=members.everyone)

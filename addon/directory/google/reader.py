"""Reads a tenant's directory through the Admin SDK Directory API, completely or not at all.

Threads read in parallel: first organisational units, domains, groups and protected people; then
the users of each selected OU and the members of each group that is needed. People who are
selected through a group but are in no selected OU are fetched last.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from msgspec import Struct, structs

from addon.directory.google.account_reader import AccountReader
from addon.directory.google.client import DirectoryClient
from addon.directory.google.group_reader import GroupReader, unknown_protection
from addon.directory.google.parallel import ParallelCalls
from addon.directory.google.queries import Listed, Queries
from addon.directory.google.quota import quota_of
from addon.directory.google.responses import OrgUnitAnswer, org_unit
from addon.directory.google.retry import ReadRetryPolicy, RetryingCaller
from addon.directory.protected import Members, ProtectedPeople
from addon.directory.scope import ReadScope, scope_of
from addon.directory.snapshot import (
    Doubts,
    Group,
    Snapshot,
    UnidentifiedMembers,
    User,
)
from addon.tenants.model import Tenant
from addon.text import fold

Progress = Callable[[int, int], None]
"""Called with the number of users and of groups' member lists read so far."""


class DirectorySource(Struct, frozen=True):
    """Where and how a directory is read.

    `endpoint` is the base URL of a server that replaces Google and gets no `credentials`, or None
    for Google itself. `timeout` (seconds) is for each answer as a whole.
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
    told = _Told(progress)
    with open_queries(tenant, source, wanted.attributes, told.more) as (queries, parallel, calls):
        snapshot = _Reading(wanted, queries, parallel).run()
    return structs.replace(snapshot, queries=calls.count)


@contextmanager
def open_queries(
    tenant: Tenant,
    source: DirectorySource,
    attributes: Sequence[str] = (),
    told: Progress = lambda users, groups: None,
) -> Iterator[tuple[Queries, ParallelCalls, RetryingCaller]]:
    """Open the queries of a tenant, the threads that make them, and what counts and repeats them.

    `attributes` are those of accounts that are read; `told` is called with what a query has read.
    """
    quota = quota_of(source.endpoint, tenant.customer_id, tenant.delegated_admin)
    with (
        closing(DirectoryClient(source.credentials, source.endpoint, source.timeout)) as service,
        ParallelCalls(source.threads, service.interrupt) as parallel,
    ):
        calls = RetryingCaller(source.retry_policy, quota, parallel.stopped)
        yield Queries(service, calls, tenant.customer_id, attributes, told), parallel, calls


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
        self._queries = queries
        self._start = parallel.start
        self._result = parallel.result
        self._groups = GroupReader(wanted, queries, parallel.start, parallel.result)
        self._accounts = AccountReader(queries, parallel.start, parallel.result)

    def run(self) -> Snapshot:
        wanted, queries = self._needs, self._queries
        units_read = self._start(queries.org_units)
        hiding = [self._start(self._groups.protected, each) for each in wanted.protected_groups]
        domains_read = self._start(queries.domains)
        groups_read = self._start(queries.groups) if wanted.list_groups else None

        units = self._result(units_read)
        spelled = _spelled(units.found)
        hidden_units = [_hidden(path, spelled) for path in wanted.protected_org_units]
        selected = [spelled[fold(path)] for path in wanted.org_units if fold(path) in spelled]
        hidden_read = [self._start(queries.ids, path) for path in hidden_units]
        users_read = {path: self._start(queries.users, path) for path in selected}

        hidden = [self._result(read) for read in (*hidden_read, *hiding)]
        protection = ProtectedPeople((), hidden, wanted.protected_org_units)
        read = self._groups.read(groups_read, protection.by_address)
        domains = self._result(domains_read)

        listed = {path: self._result(each) for path, each in users_read.items()}
        accounts = self._accounts.listed(listed)
        protection.meet(accounts.users.values())
        protection.meet_members(read.members.values())
        unknown = self._accounts.identify(protection, domains)
        if "/" not in selected:
            asked = [read.members[g.id] for g in read.groups if self._groups.is_selected(g)]
            self._accounts.outside(asked, accounts, protection, domains)
            protection.meet(accounts.users.values())

        shown = {i: accounts.users[i] for i in sorted(accounts.users.keys() - protection.ids)}
        units, unlisted = self._known_units(units, shown.values())
        ids = {fold(u.primary_email): u.id for u in shown.values() if u.primary_email}
        ids = accounts.aliases | ids
        return Snapshot(
            users=tuple(shown.values()),
            groups=tuple(
                _with_members(g, read.members.get(g.id), ids, protection.ids) for g in read.groups
            ),
            org_units=tuple(map(org_unit, units.found)),
            protected=frozenset(protection.ids),
            protected_places=wanted.protected_places,
            missing_groups=tuple(sorted(read.missing)),
            domains=domains,
            unread=frozenset(accounts.unread - protection.ids),
            doubts=Doubts(
                groups=frozenset(i for i, found in read.members.items() if found.unknown),
                org_units=frozenset(accounts.short) | self._moved(spelled, units.found),
                unlisted_org_units=unlisted,
                listed_groups=not read.listed_whole,
                listed_org_units=bool(units.odd),
            ),
            unidentified=_unidentified(wanted, hidden, unknown),
        )

    def _known_units(
        self, units: Listed[OrgUnitAnswer], users: Iterable[User]
    ) -> tuple[Listed[OrgUnitAnswer], frozenset[str]]:
        """The OUs, listed once more if people are in others; and the paths that are still in none.

        An OU that is renamed while the people are read has its old path in the list and its new
        one in their answers.
        """
        paths = {user.org_unit_path for user in users}
        if unlisted := _unlisted(paths, units.found):
            units = self._result(self._start(self._queries.org_units))
            unlisted = _unlisted(paths, units.found)
        return units, unlisted

    def _moved(self, before: dict[str, str], after: list[OrgUnitAnswer]) -> frozenset[str]:
        """The selected OUs that one list of OUs has and the other has not."""
        now = _spelled(after).keys()
        wanted = self._needs.org_units
        return frozenset(p for p in wanted if (fold(p) in before) != (fold(p) in now))


def _spelled(units: Iterable[OrgUnitAnswer]) -> dict[str, str]:
    """The OUs' paths as the directory spells them, by folded path, with the root."""
    return {"/": "/"} | {fold(unit.org_unit_path): unit.org_unit_path for unit in units}


def _hidden(path: str, spelled: dict[str, str]) -> str:
    """A protected OU's path as the directory spells it. Raises DirectoryError if it is missing."""
    found = spelled.get(fold(path))
    if found is None:
        raise unknown_protection(
            "orgUnits", f"organisational unit {path}", "renamed or moved", "path"
        )
    return found


def _unlisted(paths: Iterable[str], units: Iterable[OrgUnitAnswer]) -> frozenset[str]:
    listed = _spelled(units)
    return frozenset(path for path in paths if fold(path) not in listed)


def _unidentified(
    wanted: ReadScope, hidden: list[Members], unknown: frozenset[str]
) -> tuple[UnidentifiedMembers, ...]:
    """How many members of each protected OU and group are not known; `unknown` are addresses."""
    places = (*wanted.protected_org_units, *wanted.protected_groups)
    numbers = (each.unknown + len(each.nameless & unknown) for each in hidden)
    counted = zip(places, numbers, strict=True)
    return tuple(sorted(UnidentifiedMembers(*each) for each in counted if each[1]))


def _with_members(
    group: Group, members: Members | None, ids: dict[str, str], protected: set[str]
) -> Group:
    """Add the members' ids, found by address where necessary, except those in `protected`."""
    if members is None:
        return group
    found = members.ids | {ids[address] for address in members.nameless if address in ids}
    return structs.replace(group, members=found - protected, everyone=members.everyone)

"""Reads a tenant's directory through the Admin SDK Directory API: whole or not at all.

Two steps in parallel threads: first organisational units, domains and groups; then the
users of each selected OU on its own and the members of each group that matters. People who
are selected through a group but live in no selected OU are fetched last.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import google_auth_httplib2
import httplib2
from googleapiclient.discovery import build
from msgspec import Struct

from addon.conditions import fold
from addon.directory.answers import (
    DomainAnswer,
    GroupAnswer,
    MemberAnswer,
    OrgUnitAnswer,
    UserAnswer,
    items,
    single,
    user,
)
from addon.directory.calls import Calls, NotFound, Patience
from addon.directory.errors import AccessRefused, DirectoryError
from addon.directory.needs import Needs, is_within, needs
from addon.directory.quota import Quota
from addon.directory.snapshot import Group, OrgUnit, Snapshot, User
from addon.tenant import Tenant

T = TypeVar("T")

USERS_A_PAGE = 500
GROUPS_A_PAGE = 200
READ_ONE_BY_ONE = 100
"""Up to so many people outside the selected OUs are fetched singly; more, by listing all."""

Progress = Callable[[int, int], None]
"""Told the users and the groups' member lists read so far."""


class Source(Struct, frozen=True):
    """Where and how a directory is read.

    `endpoint` is a base URL that answers in Google's place, or None for Google itself.
    """

    credentials: Any
    endpoint: str | None = None
    threads: int = 12
    timeout: float = 60.0
    patience: Patience = Patience()


def read(tenant: Tenant, source: Source, progress: Progress = lambda users, groups: None) -> Snapshot:
    """The part of the tenant's directory that its document asks for.

    Raises DirectoryError when any of it could not be had, AccessRefused when Google does not
    let us.
    """
    return _Reading(tenant, source, progress).run()


class _Reading:
    """One reading in progress: its connection, its counts, its shopping list."""

    def __init__(self, tenant: Tenant, source: Source, progress: Progress) -> None:
        self._customer = tenant.customer_id
        self._needs: Needs = needs(tenant)
        self._source = source
        self._progress = progress
        who = tenant.delegated_admin or "the delegated administrator"
        self._calls = Calls(source.patience, Quota(), who)
        self._local = threading.local()
        self._api = self._build()
        self._lock = threading.Lock()
        self._seen = [0, 0]

    def run(self) -> Snapshot:
        with ThreadPoolExecutor(self._source.threads, "directory") as pool:
            try:
                return self._run(pool)
            except BaseException as error:
                self._calls.fail(error)
                raise

    def _run(self, pool: ThreadPoolExecutor) -> Snapshot:
        wanted = self._needs
        org_units_read = self._submit(pool, self._org_units)
        domains_read = self._submit(pool, self._domains)
        listed = self._groups() if wanted.list_groups else []
        org_units = org_units_read.result()
        known = {fold(ou.path) for ou in org_units} | {"/"}
        self._refuse_missing_protection(known)

        selected = [path for path in wanted.org_units if fold(path) in known]
        protected_ous = wanted.protected_org_units
        users_read = [self._submit(pool, self._users, path) for path in selected]
        hidden_read = [self._submit(pool, self._ids, path) for path in protected_ous]
        protected_read = [self._submit(pool, self._members, g, None) for g in wanted.protected_groups]
        groups, missing = self._read_groups(pool, listed)

        users = {u.id: u for future in users_read for u in future.result()}
        hidden = {i for future in hidden_read for i in future.result()}
        hidden |= self._hidden_members(protected_read, users)
        hidden |= {
            u.id for u in users.values() if any(is_within(u.org_unit_path, p) for p in protected_ous)
        }
        domains = domains_read.result()
        for one in self._outside(pool, groups, users, hidden, domains):
            users[one.id] = one
        return Snapshot(
            users=tuple(users[i] for i in sorted(users.keys() - hidden)),
            groups=tuple(_without(group, hidden) for group in groups),
            org_units=tuple(org_units),
            protected=frozenset(hidden),
            missing_groups=tuple(sorted(missing)),
            domains=domains,
            queries=self._calls.count,
        )

    # What is read first

    def _org_units(self) -> list[OrgUnit]:
        what = "orgunits.list"
        request = self._api.orgunits().list(customerId=self._customer, type="all")
        answer = self._execute(what, request)
        return [
            OrgUnit(id=ou.org_unit_id, path=ou.org_unit_path, name=ou.name or "")
            for ou, _ in items(what, answer, "organizationUnits", OrgUnitAnswer)
        ]

    def _domains(self) -> tuple[str, ...]:
        """The verified domains; they serve a finding only, so an API without them will do."""
        what = "domains.list"
        try:
            answer = self._execute(what, self._api.domains().list(customer=self._customer))
        except (NotFound, AccessRefused):
            return ()
        found = items(what, answer, "domains", DomainAnswer)
        return tuple(sorted(d.domain_name.lower() for d, _ in found if d.verified is not False))

    def _groups(self) -> list[Group]:
        found = self._pages(
            "groups.list",
            lambda token: self._api.groups().list(
                customer=self._customer,
                maxResults=GROUPS_A_PAGE,
                pageToken=token,
                fields="groups(id,email,name,aliases),nextPageToken",
            ),
            "groups",
            GroupAnswer,
        )
        return [
            Group(id=g.id, email=g.email, name=g.name or "", aliases=g.aliases or ())
            for g, _ in found
        ]

    def _refuse_missing_protection(self, known: set[str]) -> None:
        for path in self._needs.protected_org_units:
            if fold(path) not in known:
                raise DirectoryError(
                    f"protected.orgUnits: the directory has no organisational unit {path}, so who "
                    "has protected identity is not known. Nothing was sent to anyone. If it was "
                    "renamed or moved, write its new path in the tenant document."
                )

    # Users

    def _users(self, org_unit: str | None) -> list[User]:
        """The users in an OU and below it; of the whole customer where it is None or `/`."""
        attributes = self._needs.attributes
        what = f"users.list in {org_unit or '/'}"
        found = self._pages(
            what,
            lambda token: self._api.users().list(
                customer=self._customer,
                maxResults=USERS_A_PAGE,
                pageToken=token,
                fields=f"users({self._user_fields()}),nextPageToken",
                **self._projection(),
                **_in_org_unit(org_unit),
            ),
            "users",
            UserAnswer,
            lambda page: self._tell(users=page),
        )
        return [user(answer, raw, attributes) for answer, raw in found]

    def _ids(self, org_unit: str) -> list[str]:
        """The ids of the users in an OU, and nothing else about them."""
        found = self._pages(
            f"users.list in {org_unit}",
            lambda token: self._api.users().list(
                customer=self._customer,
                maxResults=USERS_A_PAGE,
                pageToken=token,
                fields="users(id),nextPageToken",
                **_in_org_unit(org_unit),
            ),
            "users",
            UserAnswer,
        )
        return [answer.id for answer, _ in found]

    def _user(self, user_id: str) -> User | None:
        """One user, or None where the API does not have them."""
        what = f"users.get {user_id}"
        request = self._api.users().get(
            userKey=user_id, fields=self._user_fields(), **self._projection()
        )
        try:
            answer = self._execute(what, request)
        except NotFound:
            return None
        return user(single(what, answer, UserAnswer), answer, self._needs.attributes)

    def _user_fields(self) -> str:
        roots = {attribute.split(".")[0] for attribute in self._needs.attributes}
        base = ("id", "primaryEmail", "name", "orgUnitPath", "suspended", "archived")
        return ",".join([*base, "deletionTime", *sorted(roots - set(base))])

    def _projection(self) -> dict[str, str]:
        """Custom schemas are read only where a filter or a pattern mentions them."""
        parts = (attribute.split(".") for attribute in self._needs.attributes)
        schemas = sorted({p[1] for p in parts if p[0] == "customSchemas"})
        if not schemas:
            return {"projection": "basic"}
        return {"projection": "custom", "customFieldMask": ",".join(schemas)}

    def _outside(
        self,
        pool: ThreadPoolExecutor,
        groups: list[Group],
        users: dict[str, User],
        hidden: set[str],
        domains: tuple[str, ...],
    ) -> list[User]:
        """The people whom a selector's group names and whom no selected OU has given."""
        named = {fold(address) for address in self._needs.groups}
        asked = [g for g in groups if fold(g.email) in named or named & set(map(fold, g.aliases))]
        if any(group.everyone for group in asked):
            return self._users(None)
        missing = {i for g in asked for i in g.members or ()} - users.keys() - hidden
        if not missing:
            return []
        if len(missing) <= READ_ONE_BY_ONE:
            reads = [self._submit(pool, self._user, i) for i in sorted(missing)]
            singly = [future.result() for future in reads]
            if all(singly):
                return [one for one in singly if one is not None]
        return [one for one in self._users(None) if one.id in missing]

    # Groups

    def _read_groups(
        self, pool: ThreadPoolExecutor, listed: list[Group]
    ) -> tuple[list[Group], set[str]]:
        """All listed groups, with members where they matter, and the named ones that are not."""
        wanted = self._needs
        named = {fold(address): address for address in wanted.groups}
        reads = []
        for group in listed:
            addresses = {fold(a) for a in (group.email, *group.aliases)}
            asked = addresses & named.keys()
            for address in asked:
                named.pop(address)
            if asked or wanted.wanted(group.email):
                reads.append(self._submit(pool, self._members, group.email, group))
        unlisted = [self._submit(pool, self._members, address, None) for address in named.values()]
        done = {g.id: g for g in (future.result() for future in reads) if g is not None}
        groups = [done.get(g.id, g) for g in listed]
        missing = set()
        for address, future in zip(named.values(), unlisted, strict=True):
            found = future.result()
            if found is None:
                missing.add(address)
            else:
                groups.append(found)
        return groups, missing

    def _members(self, address: str, group: Group | None) -> Group | None:
        """The group with its members, or None where there is no such group."""
        what = f"members.list of {address}"
        try:
            found = list(
                self._pages(
                    what,
                    lambda token: self._api.members().list(
                        groupKey=address,
                        includeDerivedMembership=True,
                        maxResults=GROUPS_A_PAGE,
                        pageToken=token,
                        fields="members(id,email,type),nextPageToken",
                    ),
                    "members",
                    MemberAnswer,
                )
            )
        except NotFound:
            return None
        self._tell(groups=1)
        base = group or Group(id="", email=address, name="")
        return Group(
            id=base.id,
            email=base.email,
            name=base.name,
            aliases=base.aliases,
            members=frozenset(m.id for m, _ in found if m.id and m.type in (None, "USER")),
            everyone=any(m.type == "CUSTOMER" for m, _ in found),
        )

    def _hidden_members(self, reads: list[Future[Group | None]], users: dict[str, User]) -> set[str]:
        hidden: set[str] = set()
        for address, future in zip(self._needs.protected_groups, reads, strict=True):
            group = future.result()
            if group is None:
                raise DirectoryError(
                    f"protected.groups: the directory has no group {address}, so who has "
                    "protected identity is not known. Nothing was sent to anyone. If it was "
                    "renamed, write its new address in the tenant document."
                )
            hidden |= (group.members or frozenset()) | (users.keys() if group.everyone else set())
        return hidden

    # Queries

    def _submit(self, pool: ThreadPoolExecutor, work: Callable[..., T], *args: object) -> Future[T]:
        """Do `work` in the pool; where it fails, the whole reading does, at once."""

        def guarded() -> T:
            try:
                return work(*args)
            except DirectoryError as error:
                self._calls.fail(error)
                raise

        return pool.submit(guarded)

    def _pages(
        self,
        what: str,
        request: Callable[[str | None], Any],
        key: str,
        kind: type[Any],
        seen: Callable[[int], None] = lambda count: None,
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        """All entries of all pages, in order; a page that cannot be had fails the reading."""
        token: str | None = None
        tokens: set[str] = set()
        while True:
            answer = self._execute(what, request(token))
            page = items(what, answer, key, kind)
            seen(len(page))
            yield from page
            token = answer.get("nextPageToken")
            if not token:
                return
            if token in tokens:
                raise DirectoryError(f"{what}: the same page was offered twice; not read whole")
            tokens.add(token)

    def _execute(self, what: str, request: Any) -> Any:
        return self._calls.execute(what, lambda: request.execute(http=self._http()))

    def _http(self) -> Any:
        """This thread's connection: httplib2 must not be shared between threads."""
        if not hasattr(self._local, "http"):
            plain = httplib2.Http(timeout=self._source.timeout)
            self._local.http = (
                plain
                if self._source.endpoint
                else google_auth_httplib2.AuthorizedHttp(self._source.credentials, http=plain)
            )
        return self._local.http

    def _build(self) -> Any:
        options = {"api_endpoint": self._source.endpoint + "/"} if self._source.endpoint else {}
        return build(
            "admin",
            "directory_v1",
            http=httplib2.Http(),
            static_discovery=True,
            client_options=options,
        )

    def _tell(self, users: int = 0, groups: int = 0) -> None:
        with self._lock:
            self._seen[0] += users
            self._seen[1] += groups
            self._progress(*self._seen)


def _in_org_unit(path: str | None) -> dict[str, str]:
    if path is None or path == "/":
        return {}
    return {"query": "orgUnitPath='{}'".format(path.replace("\\", "\\\\").replace("'", "\\'"))}


def _without(group: Group, hidden: set[str]) -> Group:
    if not group.members or not (group.members & hidden):
        return group
    return Group(
        id=group.id,
        email=group.email,
        name=group.name,
        aliases=group.aliases,
        members=group.members - hidden,
        everyone=group.everyone,
    )

"""The Directory API's methods that a reading uses, each returning a complete result.

Every answer is partial (`fields`): what the selection does not need is not fetched.
"""

from collections.abc import Callable, Iterator, Sequence
from sys import intern
from typing import Any

from addon.directory.errors import UNSENT, AccessRefused, DirectoryError
from addon.directory.google.client import DirectoryClient
from addon.directory.google.error_mapping import NotFoundAnswer
from addon.directory.google.responses import (
    ALL_SCHEMAS,
    DomainAnswer,
    GroupAnswer,
    MemberAnswer,
    OrgUnitAnswer,
    UserAnswer,
    group,
    items,
    json_object,
    next_page,
    single,
    unlike_the_api,
    user,
)
from addon.directory.google.retry import RetryingCaller
from addon.directory.protected import Members
from addon.directory.scope import is_within
from addon.directory.snapshot import Group, User
from addon.text import fold

USERS_A_PAGE = 500
GROUPS_A_PAGE = 200
MAX_PAGES_WITHOUT_NEW = 50
"""A list with this many consecutive pages without a new entry is taken to be endless."""

USER_FIELDS = ("id", "primaryEmail", "name", "orgUnitPath", "suspended", "archived", "deletionTime")
GROUP_FIELDS = "id,email,name,aliases"

Entries = Iterator[tuple[Any, dict[str, Any]]]
Told = Callable[[int, int], None]
"""Called with how many users and how many groups' member lists were just read."""


class Queries:
    """Queries about one customer, with the dotted `attributes` of its users.

    Every method raises AccessRefused or DirectoryError when it cannot get the complete answer,
    and may be called from any thread.
    """

    def __init__(
        self,
        service: DirectoryClient,
        calls: RetryingCaller,
        customer: str,
        attributes: Sequence[str],
        tell: Told,
    ) -> None:
        self._service = service
        self._api = service.api
        self._calls = calls
        self._customer = customer
        self._attributes = attributes
        self._tell = tell
        self._user_fields = user_fields(attributes)
        self._projection = projection(attributes)

    # The customer

    def org_units(self) -> list[OrgUnitAnswer]:
        """All organisational units except the root, as the directory spells them."""
        what = "orgunits.list"
        request = self._api.orgunits().list(
            customerId=self._customer,
            type="all",
            fields="organizationUnits(orgUnitId,orgUnitPath,name)",
        )
        try:
            answer = self._ask(what, request)
        except NotFoundAnswer:
            raise _not_there(what) from None
        return [ou for ou, _ in items(what, answer, "organizationUnits", OrgUnitAnswer)]

    def domains(self) -> tuple[str, ...]:
        """The verified domains in lower case; empty where the API does not tell them."""
        what = "domains.list"
        request = self._api.domains().list(
            customer=self._customer, fields="domains(domainName,verified)"
        )
        try:
            answer = self._ask(what, request)
        except (NotFoundAnswer, AccessRefused):
            return ()
        found = items(what, answer, "domains", DomainAnswer)
        return tuple(sorted(d.domain_name.lower() for d, _ in found if d.verified is not False))

    # Users

    def users(self, org_unit: str | None) -> list[User]:
        """The users in an OU and below it, or of the whole customer if it is None or `/`."""
        place = org_unit or "/"
        found = []
        for answer, raw in self._users(org_unit, self._user_fields, self._projection):
            found.append(user(answer, raw, self._attributes, place))
            if len(found) % USERS_A_PAGE == 0:
                self._tell(USERS_A_PAGE, 0)
        self._tell(len(found) % USERS_A_PAGE, 0)
        return found

    def ids(self, org_unit: str) -> list[str]:
        """The ids of the users in an OU and below it; nothing else about them is fetched."""
        found = self._users(org_unit, ("id", "orgUnitPath"), {})
        return [
            answer.id
            for answer, _ in found
            if not answer.org_unit_path or is_within(answer.org_unit_path, org_unit)
        ]

    def user(self, key: str) -> User | None:
        """The user with this id or address, or None if the API does not show them to us."""
        what = "users.get by a member's address" if "@" in key else f"users.get {key}"
        request = self._api.users().get(
            userKey=key, fields=",".join(self._user_fields), **self._projection
        )
        try:
            answer = json_object(what, self._ask(what, request))
        except (NotFoundAnswer, AccessRefused):
            return None
        found = user(single(what, answer, UserAnswer), answer, self._attributes)
        self._tell(1, 0)
        return found

    def _users(
        self, org_unit: str | None, fields: Sequence[str], projection: dict[str, str]
    ) -> Entries:
        return self._pages(
            f"users.list in {org_unit or '/'}",
            lambda token: self._api.users().list(
                customer=self._customer,
                maxResults=USERS_A_PAGE,
                pageToken=token,
                fields=f"users({','.join(fields)}),nextPageToken",
                **projection,
                **_in_org_unit(org_unit),
            ),
            "users",
            UserAnswer,
        )

    # Groups

    def groups(self) -> list[Group]:
        """All groups, without their members."""
        found = self._pages(
            "groups.list",
            lambda token: self._api.groups().list(
                customer=self._customer,
                maxResults=GROUPS_A_PAGE,
                pageToken=token,
                fields=f"groups({GROUP_FIELDS}),nextPageToken",
            ),
            "groups",
            GroupAnswer,
        )
        return [group(answer) for answer, _ in found]

    def group(self, address: str) -> Group | None:
        """The group with this address, without its members, or None if there is no such group."""
        what = f"groups.get {address}"
        request = self._api.groups().get(groupKey=address, fields=GROUP_FIELDS)
        try:
            answer = self._ask(what, request)
        except NotFoundAnswer:
            return None
        return group(single(what, answer, GroupAnswer))

    def members(self, address: str, addresses: bool = False) -> Members | None:
        """The members of the group with this address, or None if there is no such group.

        With `addresses`, the addresses of members who have an id are included.
        """
        what = f"members.list of {address}"
        pages = self._pages(
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
            may_be_missing=True,
        )
        try:
            found = [answer for answer, _ in pages]
        except NotFoundAnswer:
            return None
        self._tell(0, 1)
        return self._members(what, found, addresses)

    def _members(self, what: str, found: list[MemberAnswer], addresses: bool) -> Members:
        kinds = [(m.type or "USER").upper() for m in found]
        people = [m for m, kind in zip(found, kinds, strict=True) if kind == "USER"]
        if not all(m.id or m.email for m in people):
            raise unlike_the_api(what, "a member has neither id nor email")
        named = {m.id: m.email for m in people if m.id and m.id != self._customer}
        return Members(
            ids=frozenset(map(intern, named)),
            addresses={i: fold(email) for i, email in named.items() if email and addresses},
            nameless=frozenset(fold(m.email) for m in people if m.email and not m.id),
            everyone="CUSTOMER" in kinds or any(m.id == self._customer for m in people),
        )

    # Requests

    def _pages(
        self,
        what: str,
        request: Callable[[str | None], Any],
        key: str,
        kind: type[Any],
        *,
        may_be_missing: bool = False,
    ) -> Entries:
        """All entries of all pages, in order; the reading fails if any page cannot be read.

        Raises NotFoundAnswer only for the first page, and only with `may_be_missing`.
        """
        token: str | None = None
        tokens: set[str] = set()
        seen: set[object] = set()
        without_new = 0
        while True:
            try:
                answer = self._ask(what, request(token))
            except NotFoundAnswer:
                if may_be_missing and token is None:
                    raise
                raise _not_there(what) from None
            page = items(what, answer, key, kind)
            yield from page
            token = next_page(what, answer)
            if token is None:
                return
            known = len(seen)
            seen.update(answer.id or answer.email for answer, _ in page)
            without_new = 0 if len(seen) > known else without_new + 1
            if token in tokens or without_new == MAX_PAGES_WITHOUT_NEW:
                raise unlike_the_api(what, "the pages have no end")
            tokens.add(token)

    def _ask(self, what: str, request: Any) -> Any:
        return self._calls.execute(what, lambda: self._service.send(request))


def user_fields(attributes: Sequence[str]) -> tuple[str, ...]:
    """Return the fields of a user to request, with those that the dotted attributes are in."""
    roots = {attribute.split(".")[0] for attribute in attributes}
    return (*USER_FIELDS, *sorted(roots - set(USER_FIELDS)))


def projection(attributes: Sequence[str]) -> dict[str, str]:
    """Read custom schemas only if a filter or pattern mentions them, or if all are wanted."""
    if ALL_SCHEMAS in attributes:
        return {"projection": "full"}
    parts = [attribute.split(".") for attribute in attributes]
    schemas = sorted({part[1] for part in parts if part[0] == "customSchemas"})
    if not schemas:
        return {"projection": "basic"}
    return {"projection": "custom", "customFieldMask": ",".join(schemas)}


def _in_org_unit(path: str | None) -> dict[str, str]:
    if path is None or path == "/":
        return {}
    return {"query": "orgUnitPath='{}'".format(path.replace("\\", "\\\\").replace("'", "\\'"))}


def _not_there(what: str) -> DirectoryError:
    return DirectoryError(
        f"{what}: the directory says that there is no such thing. {UNSENT} See that customerId "
        "in the tenant document is right; if something was just removed, the next run is whole."
    )

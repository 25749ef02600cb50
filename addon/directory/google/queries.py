"""The Directory API's methods that a reading uses, each returning a complete result.

Every answer is partial (`fields`): what the selection does not need is not fetched.
"""

from collections.abc import Callable, Iterator, Sequence
from sys import intern
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct

from addon.directory.errors import UNSENT, AccessRefused, DirectoryError
from addon.directory.google.client import DirectoryClient
from addon.directory.google.error_mapping import FinalError, NotFoundAnswer
from addon.directory.google.request_fields import (
    GROUP_FIELDS,
    GROUP_STATE_FIELDS,
    in_org_unit,
    projection,
    user_fields,
)
from addon.directory.google.responses import (
    DomainAnswer,
    Entry,
    GroupAnswer,
    MemberAnswer,
    OddEntry,
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
from addon.text import cleaned, fold

USERS_A_PAGE = 500
GROUPS_A_PAGE = 200
MAX_PAGES_WITHOUT_NEW = 50
"""A list with this many consecutive pages without a new entry is taken to be endless."""

NO_USER = frozenset({400, 412})
"""users.get's answers about what is no user, and about an account deleted within 20 days."""

T = TypeVar("T")
Entries = Iterator[Entry | OddEntry]
NotRead = Literal["absent", "noUser", "notShown", "odd"]
"""Why there is no account: the API says that there is none, that it is none, or does not show it
to us; or its answer cannot be read."""
Told = Callable[[int, int], None]
"""Called with how many users and how many groups' member lists were just read."""


class Listed(Struct, Generic[T]):
    """The entries of a list, and those that are not what the API promises."""

    found: list[T]
    odd: list[OddEntry]


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

    def org_units(self) -> Listed[OrgUnitAnswer]:
        """All organisational units except the root, as the directory spells them."""
        what = "orgunits.list"
        request = self._api.orgunits().list(
            customerId=self._customer,
            type="all",
            fields="organizationUnits(orgUnitId,orgUnitPath,name,description)",
        )
        try:
            answer = self._ask(what, request)
        except NotFoundAnswer:
            raise _not_there(what) from None
        found, odd = _parted(items(what, answer, "organizationUnits", OrgUnitAnswer))
        return Listed([answer for answer, _ in found], odd)

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
        found, _ = _parted(items(what, answer, "domains", DomainAnswer))
        return tuple(
            sorted(cleaned(d.domain_name).lower() for d, _ in found if d.verified is not False)
        )

    # Users

    def users(self, org_unit: str | None) -> Listed[User]:
        """The users in an OU and below it, or of the whole customer if it is None or `/`."""
        place = org_unit or "/"
        listed = Listed[User]([], [])
        for entry in self._users(org_unit, self._user_fields, self._projection):
            if isinstance(entry, OddEntry):
                listed.odd.append(entry)
                continue
            listed.found.append(user(*entry, self._attributes, place))
            if len(listed.found) % USERS_A_PAGE == 0:
                self._tell(USERS_A_PAGE, 0)
        self._tell(len(listed.found) % USERS_A_PAGE, 0)
        return listed

    def ids(self, org_unit: str) -> Members:
        """The ids of the users in an OU and below it; nothing else about them is fetched."""
        ids: set[str] = set()
        unknown = 0
        for entry in self._users(org_unit, ("id", "orgUnitPath"), {}):
            if isinstance(entry, OddEntry):
                identity, path = entry.key, entry.org_unit
            else:
                identity, path = entry[0].id, entry[0].org_unit_path
            if path and not is_within(path, org_unit):
                continue
            if identity:
                ids.add(identity)
            else:
                unknown += 1
        return Members(ids=frozenset(ids), unknown=unknown)

    def user(self, key: str) -> User | NotRead:
        """The user with this id or address, or why there is none."""
        what = "users.get by a member's address" if "@" in key else f"users.get {key}"
        request = self._api.users().get(
            userKey=key, fields=",".join(self._user_fields), **self._projection
        )
        try:
            answer = self._ask(what, request)
        except NotFoundAnswer as absent:
            return "absent" if absent.by_google else "odd"
        except AccessRefused:
            return "notShown"
        except FinalError as error:
            if error.lasting:
                raise
            return "noUser" if error.status in NO_USER else "odd"
        try:
            raw = json_object(what, answer)
            found = user(single(what, raw, UserAnswer), raw, self._attributes)
        except DirectoryError:
            return "odd"
        self._tell(1, 0)
        return found

    def _users(
        self, org_unit: str | None, fields: Sequence[str], projection: dict[str, str]
    ) -> Entries:
        return self._pages(
            f"users.list in {cleaned(org_unit or '/')}",
            lambda token: self._api.users().list(
                customer=self._customer,
                maxResults=USERS_A_PAGE,
                pageToken=token,
                fields=f"users({','.join(fields)}),nextPageToken",
                **projection,
                **in_org_unit(org_unit),
            ),
            "users",
            UserAnswer,
        )

    # Groups

    def groups(self) -> Listed[Group]:
        """All groups, without their members."""
        listed = Listed[Group]([], [])
        for entry in self._group_entries(GROUP_FIELDS):
            if isinstance(entry, OddEntry):
                listed.odd.append(entry)
            else:
                listed.found.append(group(entry[0]))
        _refuse_odd_lists(listed)
        return listed

    def _group_entries(self, fields: str) -> Entries:
        """All groups with these fields, raw."""
        return self._pages(
            "groups.list",
            lambda token: self._api.groups().list(
                customer=self._customer,
                maxResults=GROUPS_A_PAGE,
                pageToken=token,
                fields=f"groups({fields}),nextPageToken",
            ),
            "groups",
            GroupAnswer,
        )

    def group(self, key: str) -> Group | None:
        """The group with this id or address, without its members, or None.

        None when there is no such group, or its answer is not what the API promises.
        """
        what = f"groups.get {key}"
        request = self._api.groups().get(groupKey=key, fields=GROUP_FIELDS)
        try:
            answer = self._ask(what, request)
        except NotFoundAnswer:
            return None
        try:
            return group(single(what, answer, GroupAnswer))
        except DirectoryError:
            return None

    def group_states(self) -> list[Entry]:
        """All groups, raw and with their etags, for a comparison; odd entries are left out."""
        listed = self._group_entries(GROUP_STATE_FIELDS)
        return [entry for entry in listed if not isinstance(entry, OddEntry)]

    def group_state(self, key: str) -> dict[str, Any]:
        """The group with this address, raw and with its etag; nothing if there is none."""
        what = f"groups.get {key}"
        request = self._api.groups().get(groupKey=key, fields=GROUP_STATE_FIELDS)
        try:
            return json_object(what, self._ask(what, request))
        except NotFoundAnswer:
            return {}

    def members(self, address: str, addresses: bool = False, direct: int = 0) -> Members | None:
        """The members of the group with this address, or None if there is no such group.

        With `addresses`, the addresses of members who have an id are included. `direct` is the
        number of direct members that the directory tells of: if fewer are listed, those are
        listed too, and the number of those still lacking is in `unknown`.
        """
        what = f"members.list of {address}"
        try:
            listed = self._listed_members(address, derived=True)
            if _distinct(listed) < direct:
                again = self._listed_members(address, derived=False)
                listed = Listed(listed.found + again.found, listed.odd + again.odd)
        except NotFoundAnswer as absent:
            if absent.by_google:
                return None
            raise _not_there(what) from None
        if _distinct(listed) < direct:
            now = self.group(address)
            direct = direct if now is None else now.direct_members or 0
        self._tell(0, 1)
        return self._members(listed, addresses, direct)

    def _listed_members(self, address: str, *, derived: bool) -> Listed[MemberAnswer]:
        listed = Listed[MemberAnswer]([], [])
        what = f"members.list of {address}"
        for entry in self._pages(
            what,
            lambda token: self._api.members().list(
                groupKey=address,
                includeDerivedMembership=derived,
                maxResults=GROUPS_A_PAGE,
                pageToken=token,
                fields="members(id,email,type),nextPageToken",
            ),
            "members",
            MemberAnswer,
            may_be_missing=True,
        ):
            if isinstance(entry, OddEntry):
                listed.odd.append(entry)
            elif entry[0].id or entry[0].email:
                listed.found.append(entry[0])
            else:
                why = unlike_the_api(what, "a member has neither id nor email")
                listed.odd.append(OddEntry(str(why)))
        if len(listed.odd) > 1:
            _refuse_odd_lists(listed)
        return listed

    def _members(self, listed: Listed[MemberAnswer], addresses: bool, direct: int) -> Members:
        kinds = [(m.type or "USER").upper() for m in listed.found]
        people = [m for m, kind in zip(listed.found, kinds, strict=True) if kind == "USER"]
        named = {m.id: m.email for m in people if m.id and m.id != self._customer}
        return Members(
            ids=frozenset(map(intern, named)),
            addresses={i: fold(email) for i, email in named.items() if email and addresses},
            nameless=frozenset(fold(m.email) for m in people if m.email and not m.id),
            everyone="CUSTOMER" in kinds or any(m.id == self._customer for m in people),
            unknown=max(len(listed.odd), direct - _distinct(listed)),
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
            seen.update(_key(entry) for entry in page)
            without_new = 0 if len(seen) > known else without_new + 1
            if token in tokens or without_new == MAX_PAGES_WITHOUT_NEW:
                raise unlike_the_api(what, "the pages have no end")
            tokens.add(token)

    def _ask(self, what: str, request: Any) -> Any:
        return self._calls.execute(what, lambda: self._service.send(request))


def _parted(entries: list[Entry | OddEntry]) -> tuple[list[Entry], list[OddEntry]]:
    """The readable entries of a list and the odd ones. Raises DirectoryError if all are odd."""
    odd = [entry for entry in entries if isinstance(entry, OddEntry)]
    found = [entry for entry in entries if not isinstance(entry, OddEntry)]
    _refuse_odd_lists(Listed(found, odd))
    return found, odd


def _refuse_odd_lists(listed: Listed[Any]) -> None:
    """Raise DirectoryError if no entry is what the API promises: then it is not the API."""
    if listed.odd and not listed.found:
        raise DirectoryError(listed.odd[0].error)


def _distinct(listed: Listed[MemberAnswer]) -> int:
    return len({m.id or m.email for m in listed.found})


def _key(entry: Entry | OddEntry) -> object:
    return entry.key if isinstance(entry, OddEntry) else entry[0].id or entry[0].email


def _not_there(what: str) -> DirectoryError:
    return DirectoryError(
        f"{what}: the directory says that there is no such thing. {UNSENT} See that customerId "
        "in the tenant document is right; if something was just removed, the next run is whole."
    )

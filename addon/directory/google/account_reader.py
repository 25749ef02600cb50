"""Reads accounts: those that lists have, and single ones that no list has told enough of."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from msgspec import Struct

from addon.directory.errors import DirectoryError
from addon.directory.google.queries import Listed, NotRead, Queries
from addon.directory.protected import Members, ProtectedPeople
from addon.directory.snapshot import User
from addon.text import fold

READ_ONE_BY_ONE = 100
"""Up to this many people outside the selected OUs are fetched one by one; more, by a full list."""

MOST_ODD = 100
"""Up to this many entries of lists that cannot be read are asked for one by one."""


class ReadAccounts(Struct):
    """The accounts by id, the ids of those that could not be read, and the OUs that lack some.

    `short` are paths of OUs whose lists had entries that do not even tell an id. `aliases` are
    the ids of accounts that were asked for by a folded address.
    """

    users: dict[str, User]
    unread: set[str]
    short: set[str]
    aliases: dict[str, str]


class AccountReader:
    """Starts the reading of single accounts and collects what was read."""

    def __init__(
        self,
        queries: Queries,
        start: Callable[..., Future[Any]],
        result: Callable[[Future[Any]], Any],
    ) -> None:
        self._queries = queries
        self._start = start
        self._result = result

    def listed(self, lists: Mapping[str, Listed[User]]) -> ReadAccounts:
        """The accounts of OUs by path; those that cannot be read there are asked for singly.

        Raises DirectoryError when no account at all can be read in the lists.
        """
        users = {user.id: user for each in lists.values() for user in each.found}
        odd = [(path, entry) for path, each in lists.items() for entry in each.odd]
        if odd and not users:
            raise DirectoryError(odd[0][1].error)
        keys = dict.fromkeys(entry.key for _, entry in odd if entry.key)
        found = self._single(list(keys)[:MOST_ODD])
        accounts = ReadAccounts(users, set(), set(), {})
        for path, entry in odd:
            account = found.get(entry.key, "odd")
            if isinstance(account, User):
                accounts.users.setdefault(account.id, account)
            elif not entry.key or "@" in entry.key:
                accounts.short.add(path)
            elif entry.key not in users:
                accounts.unread.add(entry.key)
        return accounts

    def identify(self, protection: ProtectedPeople, domains: tuple[str, ...]) -> frozenset[str]:
        """Look up the protected people of whom only an address is known; aliases count.

        Returns the folded addresses that may be somebody's and could not be identified.
        """
        unmet = sorted(protection.unmet)
        found = self._single(unmet[:READ_ONE_BY_ONE])
        for address, account in found.items():
            if isinstance(account, User):
                protection.identify(address, account.id)
        return frozenset(a for a in protection.unmet if not _is_elsewhere(a, domains))

    def outside(
        self,
        groups: list[Members],
        accounts: ReadAccounts,
        protection: ProtectedPeople,
        domains: tuple[str, ...],
    ) -> None:
        """Add the people in the groups who are not in any selected OU."""
        if any(group.everyone for group in groups):
            self._add(accounts, self._everybody(), lambda user: True)
            return
        users = accounts.users
        met = {fold(user.primary_email) for user in users.values()}
        ids = {i for group in groups for i in group.ids} - users.keys() - protection.ids
        nameless = {a for group in groups for a in group.nameless if not protection.hides(a)} - met
        missing = ids | nameless
        odd: set[str] = set()
        if len(missing) <= READ_ONE_BY_ONE:
            addresses = {i: a for group in groups for i, a in group.addresses.items()}
            found = self._single(sorted(missing))
            users.update((u.id, u) for u in found.values() if isinstance(u, User))
            accounts.aliases.update((k, u.id) for k, u in found.items() if isinstance(u, User))
            lost = {key: why for key, why in found.items() if why != "noUser"}
            lost = {key: why for key, why in lost.items() if not isinstance(why, User)}
            odd = {key for key, why in lost.items() if why == "odd" and key in ids}
            if all(_is_elsewhere(addresses.get(key, key), domains) for key in lost):
                accounts.unread |= odd
                return
        everybody = self._everybody()
        self._add(accounts, everybody, lambda u: u.id in ids or fold(u.primary_email) in nameless)
        accounts.unread |= odd - users.keys()

    def _add(
        self, accounts: ReadAccounts, listed: Listed[User], wanted: Callable[[User], bool]
    ) -> None:
        everybody = self.listed({"/": listed})
        accounts.users.update((i, user) for i, user in everybody.users.items() if wanted(user))
        accounts.unread |= everybody.unread - accounts.users.keys()
        accounts.short |= everybody.short

    def _everybody(self) -> Listed[User]:
        listed: Listed[User] = self._result(self._start(self._queries.users, None))
        return listed

    def _single(self, keys: Iterable[str]) -> dict[str, User | NotRead]:
        reads = {key: self._start(self._queries.user, key) for key in keys}
        return {key: self._result(read) for key, read in reads.items()}


def _is_elsewhere(address: str, domains: tuple[str, ...]) -> bool:
    """Whether a member with this address is not one of the customer's users."""
    domain = address.rpartition("@")[2] if "@" in address else ""
    return bool(domains and domain) and domain not in map(fold, domains)

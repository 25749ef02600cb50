"""Who has protected identity, as far as a reading knows. Pure."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from addon.directory.scope import keys_above
from addon.directory.snapshot import User
from addon.text import fold


class Members(Struct, frozen=True):
    """Who is in a group, nested groups resolved.

    `ids` are the users'; `addresses` their folded addresses by id, where they were asked for
    and there is one; `nameless` are the folded addresses of those without an id. `everyone`
    is true when the whole customer is in it.
    """

    ids: frozenset[str] = frozenset()
    addresses: Mapping[str, str] = {}
    nameless: frozenset[str] = frozenset()
    everyone: bool = False


class ProtectedPeople:
    """The people with protected identity: by id, by address, by OU.

    `ids` grows as more is read, since an address or an OU tells who somebody is only when
    they are met. A group with everyone in it is no protection but a mistake: see `google`.
    """

    def __init__(
        self, ids: Iterable[str], members: Iterable[Members], org_units: tuple[str, ...]
    ) -> None:
        groups = list(members)
        self.ids = set(ids).union(*(group.ids for group in groups))
        self._addresses = frozenset[str]().union(*(group.nameless for group in groups))
        self._org_units = frozenset(fold(path).rstrip("/") for path in org_units)

    def meet(self, users: Iterable[User]) -> None:
        """Learn which of the users are protected."""
        paths: dict[str, bool] = {}
        for user in users:
            path = user.org_unit_path
            if path not in paths:
                keys = (fold(path).rstrip("/"), *keys_above(path))
                paths[path] = not self._org_units.isdisjoint(keys)
            if paths[path] or self.hides(fold(user.primary_email)):
                self.ids.add(user.id)

    def meet_members(self, groups: Iterable[Members]) -> None:
        """Learn which members of groups are protected, read as users or not."""
        for group in groups:
            if self._addresses:
                self.ids.update(i for i, address in group.addresses.items() if self.hides(address))

    @property
    def by_address(self) -> bool:
        """Whether somebody is known by an address only."""
        return bool(self._addresses)

    def hides(self, address: str) -> bool:
        """Whether whoever has the folded `address` is known to be protected by it."""
        return address in self._addresses

"""The people with protected identity, as far as a reading knows them. Pure."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from addon.directory.scope import keys_above
from addon.directory.snapshot import User
from addon.text import fold


class Members(Struct, frozen=True):
    """The members of a group, nested groups resolved.

    `ids` are the users' ids; `addresses` maps ids to folded addresses, where these were requested
    and exist; `nameless` are the folded addresses of members without an id. `everyone` is true
    when the whole customer is a member. `unknown` is the number of members that the answers tell
    of without saying who they are.
    """

    ids: frozenset[str] = frozenset()
    addresses: Mapping[str, str] = {}
    nameless: frozenset[str] = frozenset()
    everyone: bool = False
    unknown: int = 0


class ProtectedPeople:
    """The people with protected identity: by id, by address, by OU.

    `ids` grows as more is read, since people known by address or OU only are identified when
    they are read. A group that everyone is a member of is a mistake, not protection:
    `addon.directory.google.reader` refuses it.
    """

    def __init__(
        self, ids: Iterable[str], members: Iterable[Members], org_units: tuple[str, ...]
    ) -> None:
        groups = list(members)
        self.ids = set(ids).union(*(group.ids for group in groups))
        self._addresses = frozenset[str]().union(*(group.nameless for group in groups))
        self._met: set[str] = set()
        self._org_units = frozenset(fold(path).rstrip("/") for path in org_units)

    def meet(self, users: Iterable[User]) -> None:
        """Add the users who are protected to `ids`."""
        paths: dict[str, bool] = {}
        for user in users:
            path = user.org_unit_path
            if path not in paths:
                keys = (fold(path).rstrip("/"), *keys_above(path))
                paths[path] = not self._org_units.isdisjoint(keys)
            address = fold(user.primary_email)
            if self.hides(address):
                self._met.add(address)
                self.ids.add(user.id)
            elif paths[path]:
                self.ids.add(user.id)

    def meet_members(self, groups: Iterable[Members]) -> None:
        """Add the protected members of groups to `ids`, whether they were read as users or not."""
        for group in groups if self._addresses else ():
            for identity, address in group.addresses.items():
                if self.hides(address):
                    self.identify(address, identity)

    def identify(self, address: str, identity: str) -> None:
        """Add the account that was found to have the folded `address`, perhaps as an alias."""
        self._met.add(address)
        self.ids.add(identity)

    @property
    def unmet(self) -> frozenset[str]:
        """The folded addresses of protected people whose accounts have not been found."""
        return self._addresses - self._met

    @property
    def by_address(self) -> bool:
        """Whether any protected person is known by address only."""
        return bool(self._addresses)

    def hides(self, address: str) -> bool:
        """Whether the folded `address` is that of a protected person known by address."""
        return address in self._addresses

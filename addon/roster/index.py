"""A snapshot indexed for the selection by id, OU and group, without protected people."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from addon.directory.snapshot import Group, OrgUnit, Snapshot, User
from addon.tenants.model import Protected
from addon.text import fold


def within(org_unit: str) -> Callable[[str], bool]:
    """Return a test whether a folded OU path is `org_unit` or below it; "/" holds every path."""
    if not org_unit:
        return lambda path: False
    top = fold(org_unit).rstrip("/")
    if not top:
        return lambda path: True
    below = top + "/"
    return lambda path: path == top or path.startswith(below)


class DirectoryIndex:
    """The people who can be selected, with lookups. Protected people are in `protected` only.

    `users` are the active users by id; if a user was read twice, the first reading counts.
    `inactive` gives for every other user the reason: deleted, archived or suspended.
    `members` are the members of each group by the group's id, including members who were not
    read as users. `autumn` is the snapshot's.
    """

    users: Mapping[str, User]
    inactive: Mapping[str, str]
    groups: tuple[Group, ...]
    members: Mapping[str, frozenset[str]]
    org_units: Mapping[str, OrgUnit]
    protected: frozenset[str]
    autumn: int | None

    def __init__(self, protected: Protected, snapshot: Snapshot) -> None:
        groups: dict[str, Group] = {}
        for group in snapshot.groups:
            groups.setdefault(group.id, group)
        self.groups = tuple(groups.values())
        self.autumn = snapshot.autumn
        self.org_units = {fold(unit.path): unit for unit in snapshot.org_units}
        self._addresses = _by_address(self.groups)
        self._folded = {path: fold(path) for path in {u.org_unit_path for u in snapshot.users}}
        self.protected = self._protected_ids(protected, snapshot)
        self._sort_out(snapshot.users)
        self.members = {group.id: self._members(group) for group in self.groups}

    def _protected_ids(self, protected: Protected, snapshot: Snapshot) -> frozenset[str]:
        """Ids of protected people. The reading already leaves them out; this is a second check."""
        ids = set(snapshot.protected)
        hidden = [within(path) for path in protected.org_units]
        paths = {raw for raw, path in self._folded.items() if any(h(path) for h in hidden)}
        ids.update(user.id for user in snapshot.users if user.org_unit_path in paths)
        for address in protected.groups:
            for group in self._addresses.get(fold(address), ()):
                ids.update(group.members or ())
                if group.everyone:
                    ids.update(user.id for user in snapshot.users)
        return frozenset(ids)

    def _sort_out(self, users: Iterable[User]) -> None:
        active: dict[str, User] = {}
        inactive: dict[str, str] = {}
        self._by_path: dict[str, list[str]] = {}
        for user in users:
            if user.id in active or user.id in inactive or user.id in self.protected:
                continue
            if user.is_inactive:
                inactive[user.id] = _why_inactive(user)
                continue
            active[user.id] = user
            self._by_path.setdefault(self._folded[user.org_unit_path], []).append(user.id)
        self.users, self.inactive = active, inactive

    def _members(self, group: Group) -> frozenset[str]:
        read = frozenset(self.users) if group.everyone else frozenset()
        return ((group.members or frozenset()) | read) - self.protected

    def in_org_unit(self, path: str) -> set[str]:
        """Ids of the active users in the OU `path` and the OUs below it."""
        inside = within(path)
        found: set[str] = set()
        for place, ids in self._by_path.items():
            if inside(place):
                found.update(ids)
        return found

    def paths_of(self, user: User) -> tuple[str, ...]:
        """The path of a user's OU, as its OUs are named now first where the document's differs."""
        org_unit = self.org_units.get(fold(user.org_unit_path))
        named = "" if org_unit is None else org_unit.named_path
        return (named, user.org_unit_path) if named else (user.org_unit_path,)

    def in_group(self, address: str) -> set[str]:
        """Ids of the active users in the group with this `address`, which may be an alias."""
        found: set[str] = set()
        for group in self._addresses.get(fold(address), ()):
            found.update(self.members[group.id])
        return found & self.users.keys()

    def named(self, address: str) -> Group | None:
        """The group with this `address`, which may be an alias; of several, the first."""
        found = self._addresses.get(fold(address))
        return found[0] if found else None

    @cached_property
    def addresses_of(self) -> Mapping[str, tuple[str, ...]]:
        """The addresses, aliases included, of each user's groups."""
        found: dict[str, tuple[str, ...]] = {}
        for group in self.groups:
            addresses = (group.email, *group.aliases)
            for member in self.members[group.id]:
                found[member] = found.get(member, ()) + addresses
        return found


def _by_address(groups: Iterable[Group]) -> Mapping[str, list[Group]]:
    found: dict[str, list[Group]] = {}
    for group in groups:
        for address in {fold(address) for address in (group.email, *group.aliases)}:
            found.setdefault(address, []).append(group)
    return found


def _why_inactive(user: User) -> str:
    if user.deleted:
        return "deleted"
    return "archived" if user.archived else "suspended"

"""One reading of a Workspace domain, as values. It holds only what the selection needs."""

import re
from collections.abc import Mapping, Set

from msgspec import Struct, structs

_UNIT_CODE = re.compile(r"(?<![\w-])[1-9][0-9]{7}(?![\w-])")


def unit_codes_in(text: str) -> tuple[str, ...]:
    """The numbers of eight digits in a text, which may be codes of school units."""
    return tuple(dict.fromkeys(_UNIT_CODE.findall(text)))


class User(Struct, frozen=True, gc=False):
    """A Workspace account that was read.

    `attributes` holds the values of the dotted attributes that the tenant document
    mentions beyond the fields here, e.g. `{"organizations.department": ("7A",)}`; an
    attribute without a value is absent. Names are empty when Google has none.
    """

    id: str
    primary_email: str
    given_name: str
    family_name: str
    org_unit_path: str
    suspended: bool = False
    archived: bool = False
    deleted: bool = False
    attributes: Mapping[str, tuple[str, ...]] = {}

    @property
    def is_inactive(self) -> bool:
        """Whether the account is suspended, archived or deleted, so that nobody can use it."""
        return self.suspended or self.archived or self.deleted


class Group(Struct, frozen=True, gc=False):
    """A Google group; `members` are the ids of its users, nested groups resolved.

    `members` is None when the members were not read because nothing needs them.
    `everyone` is true when the whole customer is a member. `direct_members` is the number of
    direct members of any kind that the directory tells, or None if it does not. `described_codes`
    are the numbers of eight digits in its description, of which nothing else is kept.
    """

    id: str
    email: str
    name: str
    aliases: tuple[str, ...] = ()
    members: frozenset[str] | None = None
    everyone: bool = False
    direct_members: int | None = None
    described_codes: tuple[str, ...] = ()


class OrgUnit(Struct, frozen=True, gc=False):
    """An organisational unit; `id` never changes, `path` and `name` do.

    `described_codes` are as a group's. `named_path` is empty as it is read: where `path` is the
    tenant document's of a renamed OU, it is that path with the OU's name of now.
    """

    id: str
    path: str
    name: str
    described_codes: tuple[str, ...] = ()
    named_path: str = ""


class Doubts(Struct, frozen=True):
    """Signs that answers of the reading are short, though none was an error.

    `groups` are ids of groups that may have more members than were listed, and `org_units` paths
    of OUs that may have more people than were listed. `unlisted_org_units` are paths that
    accounts are in and that the list of OUs does not have, twice asked. `listed_groups` is true
    when the list of groups had an entry that could not be read, `listed_org_units` when the list
    of OUs had.
    """

    groups: frozenset[str] = frozenset()
    org_units: frozenset[str] = frozenset()
    unlisted_org_units: frozenset[str] = frozenset()
    listed_groups: bool = False
    listed_org_units: bool = False


class UnidentifiedMembers(Struct, frozen=True, order=True):
    """So many members of a protected group or OU are not known, so they are not protected.

    `place` is the group's address or the OU's path.
    """

    place: str
    number: int


class Snapshot(Struct, frozen=True):
    """A complete reading.

    People with protected identity are in `protected`, by id, and nowhere else: not among
    `users`, not among any group's `members`. `missing_groups` are groups that the document names
    and Google does not have. `domains` are the verified domains in lower case; empty when they
    could not be read. `queries` is the number of API queries the reading took.
    `protected_places` are the folded protected groups and OUs whose people the reading looked for.

    `unread` are ids of accounts that exist but whose answers could not be read: nothing is known
    of them, so they are not among `users`, and nothing may be removed for it.

    `autumn` is the calendar year in which the school year of the reading began; None if not known.
    """

    users: tuple[User, ...]
    groups: tuple[Group, ...]
    org_units: tuple[OrgUnit, ...]
    protected: frozenset[str] = frozenset()
    missing_groups: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    queries: int = 0
    unread: frozenset[str] = frozenset()
    doubts: Doubts = Doubts()
    unidentified: tuple[UnidentifiedMembers, ...] = ()
    protected_places: tuple[str, ...] = ()
    autumn: int | None = None

    def without(self, hidden: Set[str]) -> "Snapshot":
        """Return the snapshot with the people in `hidden` as protected, and nowhere else."""
        if hidden <= self.protected:
            return self
        return structs.replace(
            self,
            users=tuple(user for user in self.users if user.id not in hidden),
            groups=tuple(_without(group, hidden) for group in self.groups),
            protected=self.protected | hidden,
        )


def _without(group: Group, hidden: Set[str]) -> Group:
    if group.members is None or group.members.isdisjoint(hidden):
        return group
    return structs.replace(group, members=group.members - hidden)

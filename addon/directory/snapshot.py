"""One reading of a Workspace domain, as values. It holds only what the selection needs."""

from collections.abc import Mapping

from msgspec import Struct


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


class Group(Struct, frozen=True, gc=False):
    """A Google group; `members` are the ids of its users, nested groups resolved.

    `members` is None when the members were not read because nothing needs them.
    `everyone` is true when the whole customer is a member.
    """

    id: str
    email: str
    name: str
    aliases: tuple[str, ...] = ()
    members: frozenset[str] | None = None
    everyone: bool = False


class OrgUnit(Struct, frozen=True, gc=False):
    """An organisational unit; `id` never changes, `path` and `name` do."""

    id: str
    path: str
    name: str


class Snapshot(Struct, frozen=True):
    """A complete reading.

    People with protected identity are in `protected`, by id, and nowhere else: not among
    `users`, not among any group's `members`. `missing_groups` are groups that the document names
    and Google does not have. `domains` are the verified domains in lower case; empty when they
    could not be read. `queries` is the number of API queries the reading took.
    """

    users: tuple[User, ...]
    groups: tuple[Group, ...]
    org_units: tuple[OrgUnit, ...]
    protected: frozenset[str] = frozenset()
    missing_groups: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    queries: int = 0

"""The names of the people and things that the vendors' external ids identify."""

from collections.abc import Mapping

from msgspec import Struct

from addon.directory.snapshot import User
from addon.ss12000.ids import Ids
from addon.sync.prepare import PreparedRun
from addon.text import SortKey, sort_key
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult


class NamedResource(Struct, frozen=True, gc=False):
    """What an external id identifies. `kind` is organisation, unit, group, user or employment.

    `id` is that of the person, or the code of the unit (for a group too); `user` is None if it
    concerns no person.
    """

    kind: str
    id: str
    name: str
    user: User | None = None


def named_resources(directory: TenantDirectory) -> Mapping[str, NamedResource]:
    """Return what each external id identifies, for all in the directory. Raises StillComputing."""
    users, prepared = directory.users, directory.prepared
    return directory.get_or_compute(
        DirectoryResult.RESOURCE_NAMES, lambda: _subjects(users, prepared)
    )


def names_by_id(directory: TenantDirectory) -> Mapping[str, str]:
    """Return the name for each external id; a class with its school. Raises StillComputing."""
    known = named_resources(directory)
    units = directory.tenant.unit_names

    def name(subject: NamedResource) -> str:
        where = units.get(subject.id, "") if subject.kind == "group" else ""
        return f"{subject.name}, {where}" if where else subject.name

    return directory.get_or_compute(
        DirectoryResult.RESOURCE_NAMES_IN_UNITS,
        lambda: {i: name(subject) for i, subject in known.items()},
    )


def full_name(user: User) -> str:
    """Return given name and family name, or the address if both are missing."""
    return f"{user.given_name} {user.family_name}".strip() or user.primary_email


def alphabetical(user: User) -> SortKey:
    """Return the sort key of a person: by family name, as in a class list."""
    return sort_key(f"{user.family_name} {user.given_name}".strip() or user.primary_email)


def _subjects(users: Mapping[str, User], prepared: PreparedRun) -> Mapping[str, NamedResource]:
    ids = Ids(prepared.tenant.customer_id)
    found = {
        ids.user(user.id): NamedResource("user", user.id, full_name(user), user)
        for user in users.values()
    }
    organisation = prepared.tenant.organisation
    about = NamedResource("organisation", prepared.tenant.customer_id, organisation.name)
    found[ids.organisation()] = about
    for unit in prepared.tenant.school_units:
        found[ids.school_unit(unit.code)] = NamedResource("unit", unit.code, unit.name)
        for person in prepared.roster.people.values():
            if unit.code in person.employments:
                user = users[person.id]
                about = NamedResource("employment", user.id, full_name(user), user)
                found[ids.employment(unit.code, person.id)] = about
    for group in prepared.roster.groups:
        about = NamedResource("group", group.unit, group.name)
        found[ids.student_group(group)] = about
        found[ids.activity(group)] = about
    return found

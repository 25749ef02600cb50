"""Whom and what the vendors' externalIds are about: ids in, names out, for the administrator."""

from collections.abc import Mapping

from msgspec import Struct

from addon.directory.snapshot import User
from addon.ss12000.ids import Ids
from addon.sync.prepare import Prepared
from addon.text import SortKey, sort_key
from addon.web.directory.cache import Desk


class Subject(Struct, frozen=True, gc=False):
    """What an externalId stands for. `kind` is organisation, unit, group, user or employment.

    `id` is the person's, or the unit's code, of a group too; `user` is None where it is about
    no person.
    """

    kind: str
    id: str
    name: str
    user: User | None = None


def subjects(desk: Desk) -> Mapping[str, Subject]:
    """What each externalId stands for, of all in the directory. Raises NotReady."""
    users, prepared = desk.users, desk.prepared
    return desk.make("subjects", lambda: _subjects(users, prepared))


def names_by_id(desk: Desk) -> Mapping[str, str]:
    """What is behind each externalId, by name; a class with its school. Raises NotReady."""
    known = subjects(desk)
    units = {unit.code: unit.name for unit in desk.tenant.school_units}

    def name(subject: Subject) -> str:
        where = units.get(subject.id, "") if subject.kind == "group" else ""
        return f"{subject.name}, {where}" if where else subject.name

    return desk.make("names", lambda: {i: name(subject) for i, subject in known.items()})


def full_name(user: User) -> str:
    """The name as it is said, or the address where there is none."""
    return f"{user.given_name} {user.family_name}".strip() or user.primary_email


def alphabetical(user: User) -> SortKey:
    """Where the person stands in a list: by family name, as in a class list."""
    return sort_key(f"{user.family_name} {user.given_name}".strip() or user.primary_email)


def _subjects(users: Mapping[str, User], prepared: Prepared) -> Mapping[str, Subject]:
    ids = Ids(prepared.tenant.customer_id)
    found = {
        ids.user(user.id): Subject("user", user.id, full_name(user), user)
        for user in users.values()
    }
    organisation = prepared.tenant.organisation
    about = Subject("organisation", prepared.tenant.customer_id, organisation.name)
    found[ids.organisation()] = about
    for unit in prepared.tenant.school_units:
        found[ids.school_unit(unit.code)] = Subject("unit", unit.code, unit.name)
        for person in prepared.roster.people.values():
            if unit.code in person.employments:
                user = users[person.id]
                about = Subject("employment", user.id, full_name(user), user)
                found[ids.employment(unit.code, person.id)] = about
    for group in prepared.roster.groups:
        about = Subject("group", group.unit, group.name)
        found[ids.student_group(group)] = about
        found[ids.activity(group)] = about
    return found

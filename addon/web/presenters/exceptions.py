"""Where one person or one class is included, and what the vendors lose when that is changed."""

from collections.abc import Collection, Iterable
from typing import TypeVar

from msgspec import Struct, structs

from addon.planning.limits import is_too_many
from addon.roster.explain import ExceptionAnswer, Role, explain
from addon.roster.model import StudentGroup
from addon.roster.placements import group_id
from addon.ss12000.ids import Ids
from addon.tenants.model import Connection
from addon.text import fold
from addon.web.directory.cache import TenantDirectory
from addon.web.presenters.class_rules import Replacement
from addon.web.presenters.resource_names import full_name, named_resources, names_by_id
from addon.web.presenters.selection_preview import VendorRemoval

Inclusion = TypeVar("Inclusion", "UnitInclusion", "VendorInclusion")
WHOLE_GROUP = "alla"
"""The key of a class at every vendor."""


class UnitInclusion(Struct, frozen=True):
    """Whether a unit's selection of a role includes a person whom it reaches.

    `others` are exceptions that cover the person with others: an OU or a group.
    """

    unit: str
    unit_name: str
    role: Role
    included: bool
    others: tuple[ExceptionAnswer, ...] = ()

    @property
    def key(self) -> str:
        """What identifies it in a form."""
        return f"{self.role}-{self.unit}"


class VendorInclusion(Struct, frozen=True):
    """Whether a vendor gets a person or a class that belongs to a unit which goes there.

    `on` is whether the connection is on.
    """

    vendor: str
    included: bool
    on: bool = True

    @property
    def key(self) -> str:
        """What identifies it in a form."""
        return f"hos-{self.vendor}"


class PersonInclusion(Struct, frozen=True):
    """The units that reach a person, and the vendors that these go to."""

    units: tuple[UnitInclusion, ...]
    vendors: tuple[VendorInclusion, ...]

    def choosing(self, offered: Collection[str], ticked: Collection[str]) -> "PersonInclusion":
        """Return it with the `offered` keys included that are ticked, and no others of them."""
        return PersonInclusion(
            tuple(_ticked(each, offered, ticked) for each in self.units),
            tuple(_ticked(each, offered, ticked) for each in self.vendors),
        )

    @property
    def roles(self) -> dict[str, Role]:
        """The units where the person is placed, with the role: staff anywhere is staff."""
        there = [each for each in self.units if each.included and not each.others]
        role: Role = "staff" if any(each.role == "staff" for each in there) else "students"
        return {each.unit: role for each in there if each.role == role}


class PersonEffect(Struct, frozen=True):
    """What a changed inclusion of a person means.

    `sent` are the vendors that have the person from then on, `added` those of them that get the
    person by it, `removals` what others lose, and `turned` is the role that the person has from
    then on in place of another.
    """

    removals: tuple[VendorRemoval, ...]
    sent: tuple[str, ...]
    added: tuple[str, ...]
    turned: Role | None


class GroupInclusion(Struct, frozen=True):
    """A class or teaching group: whether its unit's rule includes it, and which vendors get it."""

    group: StudentGroup
    external_id: str
    included: bool
    vendors: tuple[VendorInclusion, ...]

    def choosing(self, offered: Collection[str], ticked: Collection[str]) -> "GroupInclusion":
        """Return it with the `offered` keys included that are ticked, and no others of them."""
        whole = WHOLE_GROUP in ticked if WHOLE_GROUP in offered else self.included
        vendors = tuple(_ticked(each, offered, ticked) for each in self.vendors)
        return structs.replace(self, included=whole, vendors=vendors)


def person_inclusion(directory: TenantDirectory, user_id: str) -> PersonInclusion:
    """Return where a person of the directory is included. Raises StillComputing."""
    tenant = directory.tenant
    found = explain(tenant, directory.index, user_id, directory.prepared.roster)
    units = tuple(
        UnitInclusion(
            reach.unit,
            reach.unit_name,
            reach.role,
            included=all(each.kind != "user" for each in reach.exceptions),
            others=tuple(each for each in reach.exceptions if each.kind != "user"),
        )
        for reach in found.reached
        if not reach.filters or any(each.passes for each in reach.filters)
    )
    codes = {each.unit for each in units}
    return PersonInclusion(
        units,
        tuple(
            VendorInclusion(c.vendor, user_id not in c.exceptions.users, c.mode != "off")
            for c in tenant.connections
            if user_id in c.exceptions.users or not codes.isdisjoint(c.school_units)
        ),
    )


def person_effect(
    directory: TenantDirectory,
    user_id: str,
    after: PersonInclusion,
    delivered: Iterable[Connection],
    newest_run: str,
) -> PersonEffect:
    """Return what the vendors lose and get. `delivered` are the connections that have something.

    Raises StillComputing.
    """
    roster, carried = directory.prepared.roster, directory.prepared.vendor_rosters
    roles, at = after.roles, {each.vendor: each.included for each in after.vendors}
    have = {connection.vendor for connection in delivered}
    sendable = roster.left_out.get(user_id, "excepted") == "excepted"
    removals, sent, added = [], [], []
    for connection in directory.tenant.connections:
        vendor, vendor_roster = connection.vendor, carried.get(connection.vendor)
        if vendor_roster is None:
            continue
        goes = at.get(vendor, False) and not roles.keys().isdisjoint(connection.school_units)
        there = user_id in vendor_roster.people
        if there and not goes and vendor in have:
            earlier = directory.removed_today(newest_run).get(vendor, 0)
            people = len(vendor_roster.people) + earlier
            held = is_too_many(1 + earlier, people, connection.limits)
            removals.append(VendorRemoval(vendor, 1, held))
        if goes and sendable and connection.mode != "off":
            sent.append(vendor)
            if not there:
                added.append(vendor)
    person = roster.people.get(user_id)
    now = next(iter(roles.values()), None)
    before: Role | None = None
    if person is not None:
        before = "staff" if person.employments else "students"
    turned = now if now is not None and before is not None and now != before else None
    return PersonEffect(tuple(removals), tuple(sent), tuple(added), turned)


class VendorException(Struct, frozen=True):
    """A person or a class that one vendor does not get.

    `id` is the person's or the externalId, `name` (a class's with its school) empty if the
    directory has neither; `unit` is the code of a class's unit.
    """

    id: str
    name: str
    is_person: bool
    unit: str = ""


def vendor_exceptions(
    directory: TenantDirectory | None, connection: Connection
) -> tuple[VendorException, ...]:
    """Return what the connection leaves out, by name if there is a directory.

    Raises StillComputing.
    """
    users = {} if directory is None else directory.users
    known = {} if directory is None else named_resources(directory)
    names = {} if directory is None else names_by_id(directory)
    people = (
        VendorException(id, full_name(users[id]) if id in users else "", is_person=True)
        for id in connection.exceptions.users
    )
    classes = (
        VendorException(id, names[id], is_person=False, unit=known[id].id)
        if id in known
        else VendorException(id, "", is_person=False)
        for id in connection.exceptions.classes
    )
    return (*people, *classes)


def group_inclusion(
    directory: TenantDirectory, code: str, external_id: str
) -> GroupInclusion | None:
    """Return a class or teaching group of a unit, sent or not; None if there is none."""
    tenant, roster = directory.tenant, directory.prepared.roster
    ids = Ids(tenant.customer_id)
    for groups, included in ((roster.groups, True), (roster.excepted_groups, False)):
        for group in groups:
            if group.unit == code and ids.student_group(group) == external_id:
                vendors = tuple(
                    VendorInclusion(
                        c.vendor, external_id not in c.exceptions.classes, c.mode != "off"
                    )
                    for c in tenant.connections
                    if code in c.school_units
                )
                return GroupInclusion(group, external_id, included, vendors)
    return None


def group_effect(
    directory: TenantDirectory, after: GroupInclusion, delivered: Iterable[Connection]
) -> tuple[Replacement, ...]:
    """Return how many classes or groups each vendor loses. Raises StillComputing."""
    at = {each.vendor: each.included for each in after.vendors}
    found = []
    for connection in delivered:
        carried = directory.prepared.vendor_rosters.get(connection.vendor)
        if carried is None or connection.vendor not in at:
            continue
        if not after.included:
            gone = sum(_has_name(group, after.group) for group in carried.groups)
        else:
            gone = sum(_is_same(group, after.group) for group in carried.groups)
            gone = 0 if at[connection.vendor] else gone
        if gone:
            found.append(Replacement(connection.vendor, after.group.kind, gone, 0))
    return tuple(found)


def _ticked(each: Inclusion, offered: Collection[str], ticked: Collection[str]) -> Inclusion:
    return structs.replace(each, included=each.key in ticked) if each.key in offered else each


def _has_name(group: StudentGroup, other: StudentGroup) -> bool:
    """Whether a rule that leaves out the name of one leaves out the other too."""
    same = (group.unit, group.kind) == (other.unit, other.kind)
    return same and fold(group.name) == fold(other.name)


def _is_same(group: StudentGroup, other: StudentGroup) -> bool:
    return group_id(group) == group_id(other)

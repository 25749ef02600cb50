"""From a vendor's roster to SS 12000 resources; the same roster always gives the same bytes.

Pure. Source: docs/wire-format.md.
"""

from collections.abc import Container, Iterable, Iterator, Set

from msgspec import Struct

from addon.roster.model import Enrolment, Person, StudentGroup
from addon.ss12000 import resources as wire
from addon.ss12000.ids import Ids
from addon.ss12000.resources import SCHEMAS, ResourceType, encode, reference
from addon.ss12000.vendor_roster import VendorRoster
from addon.tenants.model import Connection, SchoolUnit, Tenant
from addon.text import cleaned, is_visible

GROUP_TYPES = {"class": "Klass", "teaching": "Undervisning"}
TEACHER = "Lärare"
BESIDE_COMPULSORY = frozenset({"FKLASS", "FTH", "OPPFTH"})
"""School types that share a unit with another one; förskoleklass is school year 0."""


class OutgoingResource(Struct, frozen=True, gc=False):
    """A resource that the vendor should hold.

    `body` is its JSON, or None while something it must refer to is not at the vendor; the vendor's
    copy of the resource is then left unchanged.
    """

    resource_type: ResourceType
    external_id: str
    body: bytes | None


class ResourceMapper:
    """The resources of one connection.

    `absent` are externalIds that the vendor does not hold and will not get in this run. Optional
    references to them are left out; a resource that requires such a reference waits.
    `former_units` are codes of units that the document has had: nothing is sent of them, but the
    vendor may have it.
    """

    def __init__(
        self,
        vendor_roster: VendorRoster,
        tenant: Tenant,
        connection: Connection,
        former_units: Set[str] = frozenset(),
        ids: Ids | None = None,
    ) -> None:
        self._roster = vendor_roster
        self._tenant = tenant
        self._fields = vendor_roster.fields
        chosen = set(connection.school_units)
        self._units = {u.code: u for u in tenant.school_units if u.code in chosen}
        self._codes = frozenset(u.code for u in tenant.school_units).union(former_units)
        self._ids = Ids(tenant.customer_id) if ids is None else ids

    def of_roster(self, vendor_roster: VendorRoster, connection: Connection) -> "ResourceMapper":
        """The resources of another roster of the same tenant; ids are not derived again."""
        return ResourceMapper(vendor_roster, self._tenant, connection, self._codes, self._ids)

    def resources(
        self, absent: Set[str] = frozenset(), needed: Container[str] | None = None
    ) -> Iterator[OutgoingResource]:
        """All resources, in the order in which they are created.

        People, employments and groups that are not `needed` (externalIds) have no body, which
        takes a third of the time.
        """
        if not self._units:
            return
        ids, people, groups = self._ids, self._roster.people, self._roster.groups
        yield self._organisation()
        for unit in self._units.values():
            yield self._school_unit(unit, absent)
        for person in people.values():
            if needed is None or (key := ids.user(person.id)) in needed:
                yield self._user(person, absent)
            else:
                yield OutgoingResource("User", key, None)
        for person in people.values():
            for code in person.employments:
                if needed is None or (key := ids.employment(code, person.id)) in needed:
                    yield self._employment(person, code, absent)
                else:
                    yield OutgoingResource("Employment", key, None)
        for group in groups:
            if needed is None or (key := ids.student_group(group)) in needed:
                yield self._student_group(group, absent)
            else:
                yield OutgoingResource("StudentGroup", key, None)
        for group in groups:
            if not group.teachers:
                continue
            if needed is None or (key := ids.activity(group)) in needed:
                yield self._activity(group, absent)
            else:
                yield OutgoingResource("Activity", key, None)

    def organisation_external_id(self) -> str:
        """The externalId of the tenant's Organisation."""
        return self._ids.organisation()

    def external_ids(self, user_id: str) -> frozenset[str]:
        """The externalIds of one person's account and employments, at former units too."""
        return frozenset(self._ids.of_person(user_id, self._codes))

    def user_id(self, user: str) -> str:
        """The externalId of the account with this Workspace user id."""
        return self._ids.user(user)

    def school_unit_id(self, code: str) -> str:
        """The externalId of the school unit with this code."""
        return self._ids.school_unit(code)

    def employment_id(self, unit: str, user: str) -> str:
        """The externalId of the employment of a Workspace user id at a unit."""
        return self._ids.employment(unit, user)

    def group_ids(self, group: tuple[str, str, str]) -> tuple[str, str]:
        """The externalIds of a group (unit, source and source id) and of its activity."""
        return self._ids.of_group(*group)

    def external_ids_of_groups(self, groups: Iterable[tuple[str, str, str]]) -> frozenset[str]:
        """The externalIds of groups (unit, source and source id) and of their activities."""
        return frozenset(i for group in groups for i in self._ids.of_group(*group))

    def school_units(self) -> frozenset[str]:
        """The externalIds of all school units of the tenant, whether they are sent or not.

        Former ones are included.
        """
        return frozenset(map(self._ids.school_unit, self._codes))

    def _organisation(self) -> OutgoingResource:
        external_id = self._ids.organisation()
        return _outgoing(
            "Organisation",
            wire.Organisation(
                schemas=SCHEMAS["Organisation"],
                external_id=external_id,
                display_name=_shown(self._tenant.organisation.name, self._tenant.customer_id),
            ),
        )

    def _school_unit(self, unit: SchoolUnit, absent: Set[str]) -> OutgoingResource:
        organisation = self._ids.organisation()
        return _outgoing(
            "SchoolUnit",
            wire.SchoolUnit(
                schemas=SCHEMAS["SchoolUnit"],
                external_id=self._ids.school_unit(unit.code),
                display_name=_shown(unit.name, unit.code),
                school_unit_code=unit.code,
                organisation=(
                    None if organisation in absent else reference("Organisation", organisation)
                ),
                school_types=unit.school_types,
                municipality_code=unit.municipality_code,
            ),
        )

    def _user(self, person: Person, absent: Set[str]) -> OutgoingResource:
        if person.unconfirmed:
            return OutgoingResource("User", self._ids.user(person.id), None)
        enrolments = tuple(
            self._enrolment(e)
            for e in person.enrolments
            if self._ids.school_unit(e.unit) not in absent
        )
        has_cloud_id = "cloudId" in self._fields
        return _outgoing(
            "User",
            wire.User(
                schemas=wire.user_schemas(bool(enrolments), has_cloud_id),
                external_id=self._ids.user(person.id),
                user_name=person.primary_email,
                display_name=f"{person.given_name} {person.family_name}",
                name=wire.Name(family_name=person.family_name, given_name=person.given_name),
                emails=(
                    (wire.Email(value=person.primary_email, type="work"),)
                    if "email" in self._fields
                    else ()
                ),
                school=wire.SchoolUser(enrolments=enrolments) if enrolments else None,
                cloud=(
                    wire.CloudUser(provider="google", provider_user_id=person.id)
                    if has_cloud_id
                    else None
                ),
            ),
        )

    def _enrolment(self, enrolment: Enrolment) -> wire.Enrolment:
        unit = reference("SchoolUnit", self._ids.school_unit(enrolment.unit))
        return wire.Enrolment(
            value=unit.value,
            ref=unit.ref,
            school_year=enrolment.school_year if "schoolYear" in self._fields else None,
            school_type=self._school_type(enrolment.unit, enrolment.school_year),
        )

    def _employment(self, person: Person, unit: str, absent: Set[str]) -> OutgoingResource:
        user, employer = self._ids.user(person.id), self._ids.school_unit(unit)
        if person.unconfirmed:
            return OutgoingResource("Employment", self._ids.employment(unit, person.id), None)
        resource = wire.Employment(
            schemas=SCHEMAS["Employment"],
            external_id=self._ids.employment(unit, person.id),
            employed_at=reference("SchoolUnit", employer),
            user=reference("User", user),
            employment_role=TEACHER,
        )
        return _outgoing("Employment", resource, waits=user in absent or employer in absent)

    def _student_group(self, group: StudentGroup, absent: Set[str]) -> OutgoingResource:
        if group.unconfirmed:
            return OutgoingResource("StudentGroup", self._ids.student_group(group), None)
        owner = self._ids.school_unit(group.unit)
        students = (self._ids.user(s) for s in group.students)
        resource = wire.StudentGroup(
            schemas=SCHEMAS["StudentGroup"],
            external_id=self._ids.student_group(group),
            display_name=group.name,
            owner=reference("SchoolUnit", owner),
            student_group_type=GROUP_TYPES[group.kind],
            school_type=self._school_type(group.unit, None),
            student_memberships=tuple(reference("User", s) for s in students if s not in absent),
        )
        return _outgoing("StudentGroup", resource, waits=owner in absent)

    def _activity(self, group: StudentGroup, absent: Set[str]) -> OutgoingResource:
        if group.unconfirmed:
            return OutgoingResource("Activity", self._ids.activity(group), None)
        owner, taught = self._ids.school_unit(group.unit), self._ids.student_group(group)
        employments = (
            self._ids.employment(group.unit, t)
            for t in group.teachers
            if self._ids.user(t) not in absent  # their employment waits too
        )
        teachers = tuple(reference("Employment", e) for e in employments if e not in absent)
        resource = wire.Activity(
            schemas=SCHEMAS["Activity"],
            external_id=self._ids.activity(group),
            display_name=group.name,
            owner=reference("SchoolUnit", owner),
            groups=(reference("StudentGroup", taught),),
            teachers=teachers,
        )
        waits = owner in absent or taught in absent or not teachers
        return _outgoing("Activity", resource, waits=waits)

    def _school_type(self, code: str, school_year: int | None) -> str | None:
        """The school type at a unit, or None if unit and school year do not decide it."""
        if "schoolType" not in self._fields:
            return None
        types = self._units[code].school_types
        if school_year == 0 and "FKLASS" in types:
            return "FKLASS"
        if len(types) == 1:
            return types[0]
        rest = [t for t in types if t not in BESIDE_COMPULSORY]
        return rest[0] if school_year and len(rest) == 1 else None


def _outgoing(
    resource_type: ResourceType, resource: wire.Resource, waits: bool = False
) -> OutgoingResource:
    return OutgoingResource(
        resource_type, resource.external_id, None if waits else encode(resource)
    )


def _shown(name: str, otherwise: str) -> str:
    """A name of the document as it is sent, or `otherwise` if it has nothing to see."""
    return cleaned(name) if is_visible(name) else otherwise

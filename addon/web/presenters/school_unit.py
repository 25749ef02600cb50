"""One school unit: its people, its classes and its findings."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from addon.roster.model import StudentGroup
from addon.roster.placements import GroupId, group_id
from addon.ss12000.ids import Ids
from addon.sync.known_findings import Known
from addon.sync.prepare import PreparedRun
from addon.tenants.model import Connection, SchoolUnit, Tenant
from addon.text import sort_key
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.findings import kinds


class PeopleBreakdown(Struct, frozen=True):
    """The ids of a unit's students and staff who are sent."""

    students: frozenset[str] = frozenset()
    staff: frozenset[str] = frozenset()

    def among(self, ids: frozenset[str]) -> int:
        """Return how many of them are among `ids`."""
        return len((self.students | self.staff) & ids)


class FindingCount(Struct, frozen=True):
    """How many findings of a kind are about the unit; `known` of them are marked as known."""

    code: str
    severity: str
    count: int
    known: int = 0


class UnitView(Struct, frozen=True):
    """A unit with its numbers. `years` counts students by school year, None for those without.

    `class_excepted` counts the students whose only classes are left out by their names.
    `external_ids` are those of its classes and groups, by `group_id`; `withheld` names the vendors
    that do not get one of them.
    """

    unit: SchoolUnit
    people: PeopleBreakdown
    classes: tuple[StudentGroup, ...]
    teaching_groups: tuple[StudentGroup, ...]
    without_class: int
    class_excepted: int
    years: tuple[tuple[int | None, int], ...]
    findings: tuple[FindingCount, ...]
    connections: tuple[Connection, ...]
    external_ids: Mapping[GroupId, str] = {}
    withheld: Mapping[str, tuple[str, ...]] = {}

    def external_id(self, group: StudentGroup) -> str:
        """Return the externalId of a class or group of the unit."""
        return self.external_ids[group_id(group)]


class LeavingPeople(Struct, frozen=True):
    """How many people a vendor has only because of this unit: they are removed along with it."""

    connection: Connection
    people: int


def unit_view(
    tenant: Tenant, directory: TenantDirectory, unit: SchoolUnit, known: Known
) -> UnitView:
    """Return the unit as the selection makes it. Raises StillComputing."""
    roster = directory.prepared.roster
    people = people_of(directory).get(unit.code, PeopleBreakdown())
    groups = [group for group in roster.groups if group.unit == unit.code]
    classes = _by_name(group for group in groups if group.kind == "class")
    placed = {user_id for group in classes for user_id in group.students}
    left_out = {
        user_id
        for group in roster.excepted_groups
        if group.unit == unit.code and group.kind == "class"
        for user_id in group.students
    }
    without = people.students - placed
    years = Counter(
        enrolment.school_year
        for user_id in people.students
        for enrolment in roster.people[user_id].enrolments
        if enrolment.unit == unit.code
    )
    ids, connections = Ids(tenant.customer_id), _connections_of(tenant, unit)
    external_ids = {group_id(group): ids.student_group(group) for group in groups}
    return UnitView(
        unit=unit,
        people=people,
        classes=classes,
        teaching_groups=_by_name(group for group in groups if group.kind == "teaching"),
        without_class=len(without - left_out),
        class_excepted=len(without & left_out),
        years=tuple(sorted(years.items(), key=lambda y: (y[0] is None, y[0] or 0))),
        findings=_findings(directory, unit.code, known),
        connections=connections,
        external_ids=external_ids,
        withheld={
            external_id: vendors
            for external_id in external_ids.values()
            if (vendors := _leaving_out(connections, external_id))
        },
    )


def _connections_of(tenant: Tenant, unit: SchoolUnit) -> tuple[Connection, ...]:
    return tuple(c for c in tenant.connections if unit.code in c.school_units)


def _leaving_out(connections: Iterable[Connection], external_id: str) -> tuple[str, ...]:
    return tuple(c.vendor for c in connections if external_id in c.exceptions.classes)


def people_of(directory: TenantDirectory) -> Mapping[str, PeopleBreakdown]:
    """Return the people of each unit, by its code. Raises StillComputing."""
    prepared = directory.prepared
    return directory.get_or_compute(DirectoryResult.PEOPLE_OF_UNITS, lambda: _people_of(prepared))


def leaving(
    directory: TenantDirectory, view: UnitView, connections: Iterable[Connection]
) -> tuple[LeavingPeople, ...]:
    """Count the people whom `connections` carry for this unit alone. Raises StillComputing."""
    roster = directory.prepared.roster
    found = []
    for connection in connections:
        carried = directory.prepared.vendor_rosters.get(connection.vendor)
        if view.unit.code not in connection.school_units or carried is None:
            continue
        others = set(connection.school_units) - {view.unit.code}
        count = 0
        for user_id in (view.people.students | view.people.staff) & carried.people.keys():
            person = roster.people[user_id]
            units = {e.unit for e in person.enrolments} | set(person.employments)
            count += not units & others
        found.append(LeavingPeople(connection, count))
    return tuple(found)


def _people_of(prepared: PreparedRun) -> Mapping[str, PeopleBreakdown]:
    students: dict[str, set[str]] = {}
    staff: dict[str, set[str]] = {}
    for person in prepared.roster.people.values():
        for enrolment in person.enrolments:
            students.setdefault(enrolment.unit, set()).add(person.id)
        for code in person.employments:
            staff.setdefault(code, set()).add(person.id)
    return {
        unit.code: PeopleBreakdown(
            frozenset(students.get(unit.code, ())), frozenset(staff.get(unit.code, ()))
        )
        for unit in prepared.tenant.school_units
    }


def _findings(directory: TenantDirectory, code: str, known: Known) -> tuple[FindingCount, ...]:
    found = []
    for kind in kinds(directory):
        keys = [about.key for about in kind.found if code in about.units]
        marked = sum(key in known for key in keys)
        if keys:
            found.append(FindingCount(kind.code, kind.severity, len(keys), marked))
    return tuple(found)


def _by_name(groups: Iterable[StudentGroup]) -> tuple[StudentGroup, ...]:
    return tuple(sorted(groups, key=lambda group: (sort_key(group.name), group.source_id)))

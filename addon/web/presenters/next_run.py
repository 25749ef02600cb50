"""What the next run would do at a vendor, by name."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from addon.planning.plan import Operation
from addon.roster.model import Person
from addon.ss12000.resources import TYPES
from addon.sync.prepare import PreparedRun
from addon.tenants.model import Mode
from addon.text import SortKey, combined_key, sort_key
from addon.web.directory.cache import PlannedConnection, TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.resource_names import NamedResource, alphabetical, named_resources

ORDER = ("delete", "create", "update")
"""Deletions come first, since they are the most serious."""


class PlannedOperation(Struct, frozen=True, gc=False):
    """One operation that would be done on one resource.

    `subject` is None if it is no longer in the directory, and for protected people. For a person
    who is placed, `units` are the codes of their school units, and `staff` is whether they work
    there.
    """

    kind: str
    resource_type: str
    external_id: str
    subject: NamedResource | None
    protected: bool = False
    units: tuple[str, ...] = ()
    staff: bool = False


class SchoolChanges(Struct, frozen=True):
    """How many of a school unit's students and staff are created, updated and deleted.

    `unit` is empty for people whom the roster does not have; they are all counted as `students`,
    since nothing says any longer what they were.
    """

    unit: str
    students: dict[str, int]
    staff: dict[str, int]


class NextRun(Struct, frozen=True):
    """A vendor's next run: `counts` by kind of operation and resource type, and the operations.

    `on` is False for a vendor that is off; the run is then the first after turning it on.
    """

    vendor: str
    on: bool
    planned: PlannedConnection
    counts: dict[str, dict[str, int]]
    operations: tuple[PlannedOperation, ...]
    schools: tuple[SchoolChanges, ...] = ()
    """The school units where people change, in the document's order; a person may be at several."""

    @property
    def empty(self) -> bool:
        """Whether nothing would be sent."""
        return not self.operations

    @property
    def mode(self) -> Mode:
        """The mode of the planned run."""
        return self.planned.connection.mode

    def number(self, kind: str, resource_type: str = "User") -> int:
        """Return how many resources of a type (people by default) get an operation of this kind."""
        return self.counts.get(kind, {}).get(resource_type, 0)

    @property
    def protected(self) -> int:
        """How many protected people are removed even if the rest is held."""
        return self.planned.plan.protected_people

    @property
    def sends(self) -> bool:
        """Whether anything is created or changed although the plan is held."""
        return self.planned.hold is not None and any(self.planned.sent.writes.values())

    def sent(self, kind: str) -> int:
        """Return how many people are created or changed although the plan is held."""
        return sum(op.kind == kind for op in self.planned.sent.writes["User"])

    @property
    def types(self) -> dict[str, int]:
        """The number of operations on each type of resource, people first."""
        found = {t: sum(self.number(kind, t) for kind in ORDER) for t in ("User", *TYPES)}
        return {t: n for t, n in found.items() if n or t == "User"}


def next_run(directory: TenantDirectory, vendor: str, newest_run: str) -> NextRun | None:
    """Return the next run at a vendor, or the first run if a vendor that is off were turned on.

    Returns None if a vendor that is off has no units chosen. Raises StillComputing.
    """
    connection = directory.tenant.connection(vendor)
    if connection is None or (connection.mode == "off" and not connection.school_units):
        return None
    on = connection.mode != "off"
    planned = directory.planned(vendor, newest_run, None if on else "live")
    if planned is None:
        return None
    known, prepared = named_resources(directory), directory.prepared
    return directory.get_or_compute(
        DirectoryResult.NEXT_RUN,
        lambda: _next_run(on, planned, known, prepared),
        (vendor, on, planned.connection.mode, newest_run),
    )


def operations_on(planned: PlannedConnection, user_id: str) -> tuple[Operation, ...]:
    """Return the plan's operations on a person: on the account first, then on the employments."""
    wanted = planned.mapper.external_ids(user_id)
    found = [op for op in planned.plan.operations() if op.external_id in wanted]
    return tuple(sorted(found, key=lambda op: op.resource_type != "User"))


def _next_run(
    on: bool,
    planned: PlannedConnection,
    known: Mapping[str, NamedResource],
    prepared: PreparedRun,
) -> NextRun:
    vendor = planned.connection.vendor
    sent, placed = prepared.vendor_rosters[vendor].people, prepared.roster.people
    counts: dict[str, dict[str, int]] = {"create": {}, "update": {}, "delete": {}}
    protected = {op.external_id for op in planned.plan.protected}
    operations = []
    for op in planned.plan.operations():
        by_type = counts[op.kind]
        by_type[op.resource_type] = by_type.get(op.resource_type, 0) + 1
        is_protected = op.external_id in protected
        subject = None if is_protected else known.get(op.external_id)
        about = None if subject is None or op.resource_type != "User" else subject.id
        person = (sent.get(about) or placed.get(about)) if about else None
        operations.append(
            PlannedOperation(
                op.kind,
                op.resource_type,
                op.external_id,
                subject,
                is_protected,
                () if person is None else units_of(person),
                person is not None and bool(person.employments),
            )
        )
    return NextRun(
        vendor,
        on,
        planned,
        counts,
        tuple(sorted(operations, key=_place)),
        by_school(operations, [unit.code for unit in prepared.tenant.school_units]),
    )


def units_of(person: Person) -> tuple[str, ...]:
    """Return the codes of the units where a person is, each once."""
    enrolled = (enrolment.unit for enrolment in person.enrolments)
    return tuple(dict.fromkeys((*enrolled, *person.employments)))


def by_school(
    operations: Iterable[PlannedOperation], order: Sequence[str]
) -> tuple[SchoolChanges, ...]:
    """Return how many people of each unit have an operation, the units in this order."""
    found: dict[str, SchoolChanges] = {}
    for op in operations:
        if op.resource_type != "User":
            continue
        for unit in op.units or ("",):
            changes = found.setdefault(unit, SchoolChanges(unit, {}, {}))
            numbers = changes.staff if op.staff else changes.students
            numbers[op.kind] = numbers.get(op.kind, 0) + 1
    return tuple(found[unit] for unit in (*order, "") if unit in found)


def _place(operation: PlannedOperation) -> SortKey:
    subject = operation.subject
    if subject is None:
        name = "1"
    else:
        name = f"0{alphabetical(subject.user) if subject.user else sort_key(subject.name)}"
    return combined_key(str(ORDER.index(operation.kind)), name, operation.external_id)

"""The school units as rows: their numbers, and what is missing."""

from collections import Counter
from collections.abc import Collection, Mapping

from msgspec import Struct, structs

from addon.sync.prepare import PreparedRun
from addon.tenants.model import SchoolUnit, Tenant
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult


class Numbers(Struct, frozen=True):
    """A unit's numbers of students, staff, classes and teaching groups."""

    students: int = 0
    staff: int = 0
    classes: int = 0
    teaching_groups: int = 0
    not_sent: int = 0
    """People whom the unit's selection chooses and who cannot be sent: an error in Workspace."""


class UnitRow(Struct, frozen=True):
    """A unit, its numbers (None while the directory is not read), and what is missing.

    `missing` is `selection`, `people`, `classes` or `vendor`; empty if nothing is, as for a unit
    without a selection that is said to have no students (`without_students`).
    """

    unit: SchoolUnit
    numbers: Numbers | None
    vendors: tuple[str, ...]
    missing: str
    ceased: bool = False
    without_students: bool = False

    @property
    def ready(self) -> bool:
        """Whether nothing remains to be done for the unit."""
        return not (self.missing or self.ceased)


def numbers(directory: TenantDirectory) -> Mapping[str, Numbers]:
    """Return the numbers of each unit, by its code. Raises StillComputing."""
    prepared = directory.prepared
    return directory.get_or_compute(DirectoryResult.UNIT_NUMBERS, lambda: _numbers(prepared))


def unit_rows(
    tenant: Tenant,
    counted: Mapping[str, Numbers] | None,
    statuses: Mapping[str, str],
    without_students: Collection[str] = (),
) -> tuple[UnitRow, ...]:
    """Return the rows of the units, in the document's order.

    `without_students` are the codes of units that are said to have none.
    """
    rows = (
        _row(unit, tenant, counted, statuses.get(unit.code) == "UPPHORT")
        for unit in tenant.school_units
    )
    return tuple(
        structs.replace(row, missing="", without_students=True)
        if row.missing == "selection" and row.unit.code in without_students
        else row
        for row in rows
    )


def has_selection(unit: SchoolUnit) -> bool:
    """Whether the unit has a selection of students."""
    return bool(unit.students.org_units or unit.students.groups)


def _row(
    unit: SchoolUnit, tenant: Tenant, counted: Mapping[str, Numbers] | None, ceased: bool
) -> UnitRow:
    vendors = tuple(c.vendor for c in tenant.connections if unit.code in c.school_units)
    found = None if counted is None else counted.get(unit.code, Numbers())
    if not has_selection(unit):
        missing = "selection"
    elif found is not None and not found.students:
        missing = "people"
    elif unit.classes is None or (found is not None and not found.classes):
        missing = "classes"
    else:
        missing = "" if vendors else "vendor"
    return UnitRow(unit, found, vendors, missing, ceased)


def _numbers(prepared: PreparedRun) -> Mapping[str, Numbers]:
    students: Counter[str] = Counter()
    staff: Counter[str] = Counter()
    for person in prepared.roster.people.values():
        students.update(e.unit for e in person.enrolments)
        staff.update(person.employments)
    errors = {f.subject: dict(f.values) for f in prepared.roster.findings if f.severity == "error"}
    not_sent = Counter(
        code
        for user, values in errors.items()
        if user in prepared.roster.left_out
        for code in values.get("units", "").split(", ")
    )
    kinds = Counter((group.unit, group.kind) for group in prepared.roster.groups)
    return {
        unit.code: Numbers(
            students[unit.code],
            staff[unit.code],
            kinds[unit.code, "class"],
            kinds[unit.code, "teaching"],
            not_sent[unit.code],
        )
        for unit in prepared.tenant.school_units
    }

"""Small rosters of invented people, and what a connection makes of them."""

import json
from collections.abc import Set

from addon.roster.model import Enrolment, Person, Roster, StudentGroup
from addon.ss12000.ids import Ids
from addon.ss12000.mapping import OutgoingResource, ResourceMapper
from addon.ss12000.vendor_roster import VendorRoster, vendor_roster
from addon.tenants.model import Connection, Organisation, SchoolUnit, Tenant
from addon.vendors.profiles import Vendor

FIELDS = ("email", "schoolYear", "cloudId", "schoolType")
NORRA = SchoolUnit(
    code="12345678",
    name="Norra skolan",
    municipality_code="9999",
    school_types=("FKLASS", "GR"),
)
SODRA = SchoolUnit(code="23456789", name="Södra skolan", school_types=("GY",))
TENANT = Tenant(
    customer_id="C0storkoping",
    organisation=Organisation(name="Storköpings kommun", organisation_number="2120009999"),
    school_units=(NORRA, SODRA),
)
IDS = Ids(TENANT.customer_id)

GLEERUPS = Vendor(id="gleerups", name="Gleerups", fields=FIELDS)
BINOGI = Vendor(id="binogi", name="Binogi", groups="classes", placements="one", fields=FIELDS[:3])


def student(id: str, *places: str | tuple[str, int | None], **names: str) -> Person:
    """A student at each of `places`: a unit's code, or it and the school year."""
    pairs = [place if isinstance(place, tuple) else (place, None) for place in places]
    return _person(id, names, enrolments=tuple(Enrolment(unit, year) for unit, year in pairs))


def teacher(id: str, *units: str, **names: str) -> Person:
    return _person(id, names, employments=units)


def _person(id: str, names: dict[str, str], **placements) -> Person:
    known = {
        "primary_email": f"{id}@edu.storkoping.se",
        "given_name": "Åsa",
        "family_name": "Öberg",
        **names,
    }
    return Person(id=id, **known, **placements)


def group(
    name: str,
    students: str,
    teachers: str = "",
    unit: str = NORRA.code,
    kind: str = "class",
    source: str = "group",
    source_id: str = "",
) -> StudentGroup:
    """A group of the people whose ids are the words of `students` and `teachers`."""
    return StudentGroup(
        unit=unit,
        kind=kind,
        source=source,
        source_id=source_id or f"id-{name}",
        name=name,
        students=tuple(sorted(students.split())),
        teachers=tuple(sorted(teachers.split())),
    )


def roster(*things: Person | StudentGroup) -> Roster:
    """A roster of `things`, in the order in which a roster has them."""
    order = [unit.code for unit in TENANT.school_units]
    people = sorted((t for t in things if isinstance(t, Person)), key=lambda p: p.id)
    groups = sorted(
        (t for t in things if isinstance(t, StudentGroup)),
        key=lambda g: (order.index(g.unit), g.kind, g.name, g.source_id),
    )
    return Roster({p.id: p for p in people}, tuple(groups), (), {}, frozenset())


def connection(*units: SchoolUnit, fields: tuple[str, ...] = (), vendor: str = "x") -> Connection:
    """A live connection; to all units when none is named."""
    codes = tuple(unit.code for unit in units or TENANT.school_units)
    return Connection(vendor=vendor, mode="live", school_units=codes, fields=fields)


def carried(
    made: Roster, vendor: Vendor = GLEERUPS, to: Connection | None = None, tenant: Tenant = TENANT
) -> VendorRoster:
    return vendor_roster(made, tenant, to or connection(), vendor)


def outgoing(
    made: Roster,
    vendor: Vendor = GLEERUPS,
    to: Connection | None = None,
    tenant: Tenant = TENANT,
    absent: Set[str] = frozenset(),
) -> list[OutgoingResource]:
    to = to or connection()
    return list(
        ResourceMapper(vendor_roster(made, tenant, to, vendor), tenant, to).resources(absent)
    )


def said(resources: list[OutgoingResource], resource_type: str) -> list[dict]:
    """What is sent of a type; what waits is left out."""
    bodies = [r.body for r in resources if r.resource_type == resource_type]
    return [json.loads(body) for body in bodies if body is not None]


def waiting(resources: list[OutgoingResource]) -> list[str]:
    """The types of what cannot be said now."""
    return [r.resource_type for r in resources if r.body is None]

"""The part of the roster that one connection sends: its units, within the vendor's abilities.

Pure. For a vendor that takes one placement of each person, the first unit in the document's
order is kept, and there the first class by name, so that the result is stable. An unconfirmed
person of units that have left the document only is sent to nobody and taken from nobody: which
unit they belong to now is not known.
"""

from collections.abc import Iterable, Mapping, Sequence, Set

from msgspec import Struct, structs

from addon.roster.findings import finding
from addon.roster.model import Finding, Person, Roster, StudentGroup
from addon.ss12000.ids import Ids
from addon.tenants.model import Connection, Tenant
from addon.vendors.profiles import OptionalField, Vendor


class VendorRoster(Struct, frozen=True):
    """The people and groups that a connection sends, and findings about what was left out.

    What the connection's exceptions name is not among them: the people in `withheld` (user ids),
    who belong to a chosen unit, and the groups in `withheld_groups`.

    `fields` are the optional fields that the connection chose and the vendor supports.
    """

    people: Mapping[str, Person]
    groups: tuple[StudentGroup, ...]
    findings: tuple[Finding, ...] = ()
    fields: frozenset[OptionalField] = frozenset()
    withheld: frozenset[str] = frozenset()
    withheld_groups: tuple[StudentGroup, ...] = ()


def vendor_roster(
    roster: Roster, tenant: Tenant, connection: Connection, vendor: Vendor
) -> VendorRoster:
    """Return the part of `roster` that the connection sends and its vendor accepts."""
    units, in_document = set(connection.school_units), tenant.unit_names.keys()
    excepted, withheld = frozenset(connection.exceptions.users), set[str]()
    one = vendor.placements == "one"
    reduced: set[str] = set()
    people: dict[str, Person] = {}
    for user_id, person in roster.people.items():
        placed = _within(person, units)
        if placed is None and person.unconfirmed and not _is_at(person, in_document):
            placed = structs.replace(person, enrolments=(), employments=())
        if placed is None:
            continue
        if user_id in excepted:
            withheld.add(user_id)
            continue
        if one and len(placed.enrolments) + len(placed.employments) > 1:
            reduced.add(user_id)
            placed = structs.replace(
                placed, enrolments=placed.enrolments[:1], employments=placed.employments[:1]
            )
        people[user_id] = placed
    groups = [
        group
        for group in roster.groups
        if group.unit in units and (vendor.groups == "all" or group.kind == "class")
    ]
    groups, withheld_groups = _without_excepted(groups, tenant, connection)
    trimmed = _keep_present(groups, people)
    if one:
        trimmed = _first_class_only(trimmed, reduced)
    return VendorRoster(
        people=people,
        groups=tuple(trimmed),
        findings=tuple(
            finding("placement-reduced", i, vendor=vendor.name) for i in sorted(reduced)
        ),
        fields=frozenset(connection.fields).intersection(vendor.fields),
        withheld=frozenset(withheld),
        withheld_groups=withheld_groups,
    )


def _without_excepted(
    groups: list[StudentGroup], tenant: Tenant, connection: Connection
) -> tuple[list[StudentGroup], tuple[StudentGroup, ...]]:
    """The groups that are sent, and those that the connection's exceptions name."""
    classes = frozenset(connection.exceptions.classes)
    if not classes:
        return groups, ()
    ids = Ids(tenant.customer_id)
    sent = [group for group in groups if ids.student_group(group) not in classes]
    return sent, tuple(group for group in groups if ids.student_group(group) in classes)


def _within(person: Person, units: set[str]) -> Person | None:
    """The person with only the placements in `units`, or None if there are none."""
    if all(e.unit in units for e in person.enrolments) and units.issuperset(person.employments):
        return person
    enrolments = tuple(e for e in person.enrolments if e.unit in units)
    employments = tuple(unit for unit in person.employments if unit in units)
    if not enrolments and not employments:
        return None
    return structs.replace(person, enrolments=enrolments, employments=employments)


def _is_at(person: Person, units: Set[str]) -> bool:
    return not units.isdisjoint((*(e.unit for e in person.enrolments), *person.employments))


def _keep_present(
    groups: Iterable[StudentGroup], people: Mapping[str, Person]
) -> list[StudentGroup]:
    """Limit groups to members placed at the group's unit; drop groups without students."""

    def at(unit: str, user_id: str) -> bool:
        person = people.get(user_id)
        return person is not None and (
            unit in person.employments or any(e.unit == unit for e in person.enrolments)
        )

    kept = []
    for group in groups:
        students = tuple(s for s in group.students if at(group.unit, s))
        teachers = tuple(t for t in group.teachers if at(group.unit, t))
        if students or group.unconfirmed:
            kept.append(_with_members(group, students, teachers))
    return kept


def _first_class_only(groups: Sequence[StudentGroup], reduced: set[str]) -> list[StudentGroup]:
    """Keep each person only in their first class by name; add those reduced to `reduced`.

    A class that is unconfirmed is kept whoever is in it. One whose name is not known comes last:
    its people may be in another one meanwhile, but leave none for it.
    """
    placed: set[str] = set()
    kept: dict[int, StudentGroup] = {}
    for i in sorted(range(len(groups)), key=lambda i: _order(groups[i])):
        group = groups[i]
        if group.kind != "class":
            kept[i] = group
            continue
        members = {*group.students, *group.teachers}
        reduced |= members & placed
        students = tuple(s for s in group.students if s not in placed)
        if not students and not group.unconfirmed:  # not sent: its teachers may be in another
            continue
        teachers = tuple(t for t in group.teachers if t not in placed)
        placed |= members
        kept[i] = _with_members(group, students, teachers)
    return [kept[i] for i in sorted(kept)]


def _order(group: StudentGroup) -> tuple[bool, str, str]:
    return (group.unconfirmed and not group.name, group.name, group.source_id)


def _with_members(
    group: StudentGroup, students: tuple[str, ...], teachers: tuple[str, ...]
) -> StudentGroup:
    if students == group.students and teachers == group.teachers:
        return group
    return structs.replace(group, students=students, teachers=teachers)

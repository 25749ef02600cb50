"""What is compared: placements that were known, and those of now, at the units that vendors get."""

import msgspec
from msgspec import structs

from addon.directory.snapshot import Snapshot
from addon.planning.protected_set import ProtectedSet
from addon.roster.findings import finding
from addon.roster.model import Enrolment, Person, Roster, StudentGroup
from addon.roster.placements import Placements, placements_of
from addon.sync.evidence import ReadingEvidence
from addon.sync.prepare import PreparedRun
from addon.tenants.document import load_tenant
from addon.tenants.model import SchoolUnit
from addon.web.presenters.rehearsal import compared
from tests.support.small_school import DOCUMENT, UNIT

TENANT = load_tenant(msgspec.json.encode(DOCUMENT))


def pupil(id: str, unit: str = UNIT) -> Person:
    return Person(id, f"{id}@x.se", id, id, (Enrolment(unit, 7),))


def roster(*people: Person, **values) -> Roster:
    given = {"groups": (), "findings": (), "left_out": {}, "protected": frozenset()}
    return Roster({p.id: p for p in people}, **(given | values))


def school_class(source_id: str, name: str, *students: str, unit: str = UNIT) -> StudentGroup:
    return StudentGroup(unit, "class", "orgUnit", source_id, name, students)


def prepared(found: Roster, tenant=TENANT, **values) -> PreparedRun:
    return PreparedRun(tenant, Snapshot((), (), ()), found, {}, **values)


def test_those_who_wait_for_evidence_are_counted_among_those_who_leave():
    known = placements_of(roster(pupil("a"), pupil("b"), pupil("c")))
    waits = Placements({"a": known.people["a"]})
    run = prepared(roster(pupil("c")), evidence=ReadingEvidence(unconfirmed=waits))
    found = compared(known, run, 0.0)
    assert (found.leaving, found.unconfirmed) == (2, 1)


def test_nobody_who_is_or_was_found_protected_is_counted():
    known = placements_of(roster(pupil("a"), pupil("b"), pupil("c"), pupil("d")))
    hidden = ProtectedSet(ids=frozenset({"a"}), ended=frozenset({"b"}))
    run = prepared(roster(pupil("d"), protected=frozenset({"c"})), protection=hidden)
    assert compared(known, run, 0.0).leaving == 0


def test_a_class_whose_name_was_not_kept_is_the_same_class():
    before = roster(pupil("a"), groups=(school_class("1", "", "a"),))
    after = roster(pupil("a"), groups=(school_class("1", "7A", "a"),))
    assert compared(placements_of(before), prepared(after), 0.0).new_class == 0


def test_who_has_lost_their_class_has_no_new_one():
    before = roster(pupil("a"), groups=(school_class("1", "7A", "a"),))
    assert compared(placements_of(before), prepared(roster(pupil("a"))), 0.0).new_class == 0


def test_units_that_no_vendor_gets_are_not_compared_unless_all_are_off():
    other = SchoolUnit(code="87654321", name="Andra skolan")
    tenant = structs.replace(TENANT, school_units=(*TENANT.school_units, other))
    known = placements_of(roster(pupil("a", other.code)))
    found = compared(known, prepared(roster(), tenant), 0.0)
    assert ([u.code for u in found.units], found.leaving) == ([UNIT], 0)
    off = tuple(structs.replace(c, mode="off") for c in tenant.connections)
    found = compared(known, prepared(roster(), structs.replace(tenant, connections=off)), 0.0)
    assert ([u.code for u in found.units], found.leaving) == ([UNIT, other.code], 1)


def test_a_missing_year_is_counted_at_the_unit_that_the_finding_names():
    told = finding("student-without-school-year", "a", unit=UNIT, unitName="Norra skolan")
    gone = finding("student-without-school-year", "z", unit=UNIT, unitName="Norra skolan")
    found = compared(Placements(), prepared(roster(pupil("a"), findings=(told, gone))), 0.0)
    assert (found.without_year, found.units[0].without_year) == (1, 1)


def test_the_largest_municipality_is_compared_unit_by_unit():
    units = tuple(SchoolUnit(code=f"{10_000_000 + n}", name=f"Skola {n}") for n in range(300))
    off = tuple(structs.replace(c, mode="off") for c in TENANT.connections)
    tenant = structs.replace(TENANT, school_units=units, connections=off)
    people = [pupil(f"p{n}", units[n % 300].code) for n in range(90_000)]
    groups = tuple(
        school_class(f"{u.code}", "7A", *(p.id for p in people[n::300]), unit=u.code)
        for n, u in enumerate(units)
    )
    known = placements_of(roster(*people, groups=groups))
    found = compared(known, prepared(roster(*people[9_000:]), tenant), 0.0)
    assert (found.leaving, len(found.units), found.units[299].leaving) == (9_000, 300, 30)

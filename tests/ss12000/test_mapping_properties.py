"""What holds for every roster, however it was read and whoever is in it."""

import json

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from addon.roster.model import Enrolment, Person, StudentGroup
from addon.roster.select import select
from addon.ss12000.mapping import OutgoingResource, ResourceMapper
from addon.ss12000.resources import ENDPOINTS, content_hash
from addon.ss12000.vendor_roster import vendor_roster
from tests.roster.test_properties import DOCUMENT, snapshots
from tests.ss12000.rosters import BINOGI, GLEERUPS, NORRA, SODRA, carried, connection, roster
from tests.ss12000.rosters import outgoing as rosters_outgoing

UNITS = [NORRA.code, SODRA.code]
PEOPLE = [f"p{n}" for n in range(8)]
CHOSEN = replace(
    connection(fields=("email", "schoolYear", "cloudId", "schoolType")), school_units=("2", "1")
)


def outgoing(reading, vendor=GLEERUPS, to=CHOSEN) -> list[OutgoingResource]:
    carries = vendor_roster(select(DOCUMENT, reading), DOCUMENT, to, vendor)
    return list(ResourceMapper(carries, DOCUMENT, to).resources())


@st.composite
def rosters(draw):
    """Students at even numbers and staff at odd, at any units, in any groups of theirs."""
    people = []
    for number, id in enumerate(PEOPLE):
        units = sorted(draw(st.sets(st.sampled_from(UNITS), min_size=1)))
        enrolments = tuple(Enrolment(unit, draw(st.none() | st.integers(0, 9))) for unit in units)
        person = Person(id, f"{id}@x.se", draw(st.text(min_size=1)), "Öberg")
        of_role = {"employments": tuple(units)} if number % 2 else {"enrolments": enrolments}
        people.append(replace(person, **of_role))
    groups = []
    for number in range(draw(st.integers(0, 6))):
        unit = draw(st.sampled_from(UNITS))
        pupils = [p.id for p in people if any(e.unit == unit for e in p.enrolments)]
        staff = [p.id for p in people if unit in p.employments]
        if pupils:
            groups.append(
                StudentGroup(
                    unit=unit,
                    kind=draw(st.sampled_from(["class", "teaching"])),
                    source="group",
                    source_id=str(number),
                    name=draw(st.sampled_from(["7A", "7B", "7C"])),
                    students=tuple(sorted(draw(st.sets(st.sampled_from(pupils), min_size=1)))),
                    teachers=tuple(sorted(draw(st.sets(st.sampled_from(staff)))) if staff else ()),
                )
            )
    return roster(*people, *groups)


@given(snapshots, st.randoms())
def test_promise_5_the_order_of_the_reading_changes_no_byte(reading, random):
    def shuffled(things):
        return tuple(random.sample(things, len(things)))

    other = replace(
        reading,
        users=shuffled(reading.users),
        groups=shuffled(reading.groups),
        org_units=shuffled(reading.org_units),
    )
    reordered = replace(
        CHOSEN,
        school_units=shuffled(CHOSEN.school_units),
        fields=shuffled(CHOSEN.fields),
    )
    for vendor in (GLEERUPS, BINOGI):
        assert outgoing(other, vendor, reordered) == outgoing(reading, vendor)


@given(rosters())
def test_no_two_resources_are_the_same_object(made):
    ids = [r.external_id for r in rosters_outgoing(made)]
    assert len(ids) == len(set(ids))


@given(rosters(), st.sampled_from([GLEERUPS, BINOGI]))
def test_every_reference_is_to_something_sent_before(made, vendor):
    sent = set()
    for resource in rosters_outgoing(made, vendor):
        for ref in references(json.loads(resource.body)):
            assert ref in sent
        sent.add(f"{ENDPOINTS[resource.resource_type]}/{resource.external_id}")


@given(rosters())
def test_a_vendor_of_one_placement_sees_nobody_in_two_positions(made):
    carries = carried(made, BINOGI)
    for person in carries.people.values():
        assert len(person.enrolments) + len(person.employments) == 1
        groups = [g for g in carries.groups if person.id in (*g.students, *g.teachers)]
        assert len(groups) <= 1
        assert {g.unit for g in groups} <= {e.unit for e in person.enrolments} | set(
            person.employments
        )
    assert all(g.kind == "class" and g.students for g in carries.groups)
    assert carries.people.keys() == made.people.keys()


@given(rosters())
def test_who_has_several_places_and_nobody_else_is_reported(made):
    """Also where the class that is lost had nobody left in it."""
    several = set()
    for person in made.people.values():
        places = [e.unit for e in person.enrolments] + list(person.employments)
        classes = [
            g
            for g in made.groups
            if g.kind == "class" and g.unit == places[0] and person.id in (*g.students, *g.teachers)
        ]
        if len(places) > 1 or (person.enrolments and len(classes) > 1):
            several.add(person.id)
    told = {f.subject for f in carried(made, BINOGI).findings}
    assert several <= told
    for id in told - several:
        assert made.people[id].employments


@given(rosters(), st.sampled_from(PEOPLE))
def test_a_hash_tells_whether_anything_changed(made, changed):
    renamed = replace(
        made,
        people={
            **made.people,
            changed: replace(made.people[changed], family_name="Ny"),
        },
    )
    before = {r.external_id: content_hash(r.body) for r in rosters_outgoing(made)}
    after = {r.external_id: content_hash(r.body) for r in rosters_outgoing(renamed)}
    assert before.keys() == after.keys()
    assert len([i for i in before if before[i] != after[i]]) == 1


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            assert node["$ref"].endswith("/" + node["value"])
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from references(each)

"""Restoring what a change replaced: only its own places, and only what nobody has changed since."""

from datetime import date

import pytest
from msgspec import structs

from addon.tenants.diff import changes
from addon.tenants.model import (
    Connection,
    Notices,
    Organisation,
    Pause,
    Protected,
    Schedule,
    SchoolUnit,
    Selector,
    Tenant,
)
from addon.tenants.restore import is_restorable, restoration

NORTH = SchoolUnit(
    code="12345678", name="Norra skolan", students=Selector(org_units=("/Elever/Norra",))
)
SOUTH = SchoolUnit(code="87654321", name="Södra skolan")
WEST = SchoolUnit(code="11112222", name="Västra skolan", school_types=("GR",))
BEFORE = Tenant(
    customer_id="C01",
    organisation=Organisation(name="Storvik"),
    school_units=(NORTH, SOUTH),
    connections=(Connection(vendor="binogi", mode="live", school_units=("12345678",)),),
)


def with_unit(tenant, unit):
    units = tuple(unit if each.code == unit.code else each for each in tenant.school_units)
    return structs.replace(tenant, school_units=units)


CHANGES = {
    "a name": with_unit(BEFORE, structs.replace(NORTH, name="Nya Norra")),
    "a selection": with_unit(BEFORE, structs.replace(NORTH, students=Selector())),
    "a unit added": structs.replace(BEFORE, school_units=(WEST, NORTH, SOUTH)),
    "a unit removed": structs.replace(
        BEFORE,
        school_units=(SOUTH,),
        connections=(structs.replace(BEFORE.connections[0], school_units=()),),
    ),
    "their order": structs.replace(BEFORE, school_units=(SOUTH, NORTH)),
    "units of a vendor": structs.replace(
        BEFORE,
        connections=(
            structs.replace(BEFORE.connections[0], school_units=("12345678", "87654321")),
        ),
    ),
    "a connection removed": structs.replace(BEFORE, connections=()),
    "a pause": structs.replace(
        BEFORE, schedule=Schedule(pause=Pause(date(2027, 6, 12), date(2027, 8, 10)))
    ),
    "hours": structs.replace(BEFORE, schedule=Schedule(hours=6)),
    "notices": structs.replace(BEFORE, notices=Notices(email=("it@storvik.se",))),
    "a limit": structs.replace(
        BEFORE,
        connections=(
            structs.replace(
                BEFORE.connections[0],
                limits=structs.replace(BEFORE.connections[0].limits, deletions=7),
            ),
        ),
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_a_change_replaced_is_there_again_and_can_be_changed_again(what):
    after = CHANGES[what]
    found = restoration(after, changes(BEFORE, after))
    assert not found.conflicts
    expected = BEFORE
    if what == "a connection removed":  # a vendor is turned on only on its own page
        off = structs.replace(BEFORE.connections[0], mode="off")
        expected = structs.replace(BEFORE, connections=(off,))
        assert [each.place for each in found.withheld] == ["connections[binogi].mode"]
    assert found.tenant == expected
    assert found.places
    again = restoration(found.tenant, changes(after, found.tenant))
    if what != "a connection removed":
        assert again.tenant == after


def test_what_others_changed_elsewhere_stays():
    after = with_unit(BEFORE, structs.replace(NORTH, name="Nya Norra", students=Selector()))
    later = with_unit(after, structs.replace(SOUTH, name="Söderskolan"))
    later = structs.replace(later, school_units=(*later.school_units, WEST))
    found = restoration(later, changes(BEFORE, after)).tenant
    assert [unit.name for unit in found.school_units] == [
        "Norra skolan",
        "Söderskolan",
        "Västra skolan",
    ]
    assert found.school_units[0] == NORTH


def test_what_others_changed_there_since_is_a_conflict_and_stays_while_the_rest_is_restored():
    after = with_unit(BEFORE, structs.replace(NORTH, name="Nya Norra", students=Selector()))
    later = with_unit(after, structs.replace(NORTH, name="Nordskolan", students=Selector()))
    found = restoration(later, changes(BEFORE, after))
    assert [each.place for each in found.conflicts] == ["schoolUnits[12345678].name"]
    assert [each.place for each in found.places] == ["schoolUnits[12345678].students"]
    assert found.tenant.school_units[0] == structs.replace(NORTH, name="Nordskolan")


def test_a_unit_that_was_worked_on_since_it_was_added_is_not_removed():
    after = structs.replace(BEFORE, school_units=(NORTH, SOUTH, WEST))
    selected = structs.replace(WEST, students=Selector(org_units=("/Elever/Västra",)))
    for later in (
        with_unit(after, selected),
        structs.replace(
            after,
            connections=(
                structs.replace(after.connections[0], school_units=("12345678", "11112222")),
            ),
        ),
    ):
        found = restoration(later, changes(BEFORE, after))
        assert [each.place for each in found.conflicts] == ["schoolUnits"]
        assert found.tenant == later


def test_a_unit_that_was_added_again_since_is_a_conflict():
    after = structs.replace(BEFORE, school_units=(NORTH,))
    later = structs.replace(after, school_units=(NORTH, structs.replace(SOUTH, name="Söder")))
    found = restoration(later, changes(BEFORE, after))
    assert "schoolUnits" in [each.place for each in found.conflicts]
    assert found.tenant == later


def test_a_pause_that_others_have_changed_since_is_not_restored_in_part():
    pause = Pause(date(2027, 6, 12), date(2027, 8, 10))
    after = structs.replace(BEFORE, schedule=Schedule(pause=pause))
    longer = structs.replace(pause, until=date(2027, 8, 15))
    later = structs.replace(after, schedule=Schedule(pause=longer))
    found = restoration(later, changes(BEFORE, after))
    assert not found.places
    assert found.tenant == later


@pytest.mark.parametrize(
    "after",
    [
        structs.replace(BEFORE, protected=Protected(groups=("skyddade@storvik.se",))),
        structs.replace(BEFORE, administrators=("ny@storvik.se",)),
        structs.replace(BEFORE, delegated_admin="annan@storvik.se"),
        structs.replace(BEFORE, connections=(structs.replace(BEFORE.connections[0], mode="off"),)),
    ],
)
def test_protection_administrators_the_reader_and_modes_are_never_restored(after):
    for earlier, later in ((BEFORE, after), (after, BEFORE)):
        found = restoration(later, changes(earlier, later))
        assert found.tenant == later
        assert found.withheld
        assert not found.places
        assert not is_restorable(changes(earlier, later))


def test_what_is_as_it_was_already_is_left():
    after = CHANGES["a name"]
    found = restoration(BEFORE, changes(BEFORE, after))
    assert (found.places, found.conflicts, found.withheld) == ((), (), ())


def test_the_first_document_replaced_nothing():
    assert not is_restorable(changes(None, BEFORE))

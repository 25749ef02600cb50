"""What the log of changes says of two versions of a document."""

from msgspec import structs

from addon.tenants.diff import changes
from addon.tenants.document import decode_tenant
from addon.tenants.model import Connection, Organisation, SchoolUnit, Selector, Tenant
from addon.vendors.profiles import Vendor

NORTH = SchoolUnit(code="12345678", name="Norra skolan")
SOUTH = SchoolUnit(code="87654321", name="Södra skolan")
BEFORE = Tenant(
    customer_id="C01",
    organisation=Organisation(name="Storvik"),
    school_units=(NORTH, SOUTH),
    connections=(Connection(vendor="binogi", school_units=("12345678",)),),
)


def places(after: Tenant) -> dict[str, tuple[str | None, str | None]]:
    return {c.place: (c.before, c.after) for c in changes(BEFORE, after)}


def test_a_document_that_is_the_same_has_no_changes():
    assert changes(BEFORE, BEFORE) == ()


def test_a_change_names_its_place_and_both_values():
    renamed = structs.replace(SOUTH, name="Söderskolan")
    after = structs.replace(BEFORE, school_units=(NORTH, renamed))

    assert places(after) == {
        "schoolUnits[87654321].name": ('"Södra skolan"', '"Söderskolan"'),
    }


def test_a_selection_is_reported_whole():
    chosen = structs.replace(NORTH, students=Selector(org_units=("/Elever",)))
    (place,) = places(structs.replace(BEFORE, school_units=(chosen, SOUTH)))

    assert place == "schoolUnits[12345678].students"


def test_the_order_of_units_says_something():
    turned = places(structs.replace(BEFORE, school_units=(SOUTH, NORTH)))

    assert turned == {"schoolUnits": ('["12345678","87654321"]', '["87654321","12345678"]')}


def test_what_is_removed_has_no_value_after():
    gone = places(structs.replace(BEFORE, connections=()))

    assert gone["connections[binogi].vendor"] == ('"binogi"', None)
    assert gone["connections"] == ('["binogi"]', None)


def test_a_first_document_is_all_new():
    found = {c.place: c.before for c in changes(None, BEFORE)}

    assert found["customerId"] is None
    assert set(found.values()) == {None}


def test_to_say_what_goes_without_saying_is_no_change():
    text = b"""{"customerId": "C01", "organisation": {"name": "Storvik"},
        "schoolUnits": [{"code": "12345678", "name": "Norra skolan", "staff": {"groups": []}},
                        {"code": "87654321", "name": "S\\u00f6dra skolan", "schoolTypes": []}],
        "connections": [{"vendor": "binogi", "schoolUnits": ["12345678"], "mode": "off",
                         "limits": {"deletions": 50, "deletionsPercent": 10.0}, "fields": []}],
        "schedule": {}, "notices": {"about": ["held", "failed"]}}"""
    spoken = decode_tenant(text, {"binogi": Vendor(id="binogi", name="Binogi")})
    assert changes(BEFORE, spoken) == ()
    assert changes(spoken, BEFORE) == ()

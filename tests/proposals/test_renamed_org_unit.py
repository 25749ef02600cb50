"""An OU that has another path now, in everything that names it."""

import re
from functools import partial

import pytest
from msgspec import structs

from addon.proposals.renamed_org_unit import with_renamed_org_unit
from addon.sync.known_places import path_key
from addon.tenants.model import (
    Clause,
    GroupRule,
    Organisation,
    Protected,
    SchoolUnit,
    Selector,
    SelectorExceptions,
    Tenant,
    YearRule,
)

OLD, NEW = "/Elever/Norra (F-6)", "/Elever/Nordskolan"
THERE = frozenset(
    map(
        path_key,
        ("/Elever", NEW, f"{NEW}/7A", f"{NEW}/Slutat", f"{NEW}/Skyddade", "/Elever/Norra (F-6) 2"),
    )
)


def is_there(path, there=THERE):
    return path_key(path) in there


def tenant(**unit):
    units = (SchoolUnit(code="12345678", name="Norra", **unit),)
    return Tenant(customer_id="C01", organisation=Organisation("A"), school_units=units)


def renamed(**unit):
    return with_renamed_org_unit(tenant(**unit), OLD, NEW, is_there).school_units[0]


def test_selections_and_their_exceptions_name_the_new_path():
    students = Selector(
        org_units=(OLD, f"{OLD}/7A", "/Elever/Norra (F-6) 2", "/Annat"),
        exceptions=SelectorExceptions(users=("1",), org_units=(f"{OLD}/Slutat",)),
    )
    found = renamed(students=students, staff=Selector(org_units=("/elever/norra (f-6)/",)))
    assert found.students.org_units == (NEW, f"{NEW}/7A", "/Elever/Norra (F-6) 2", "/Annat")
    assert found.students.exceptions == SelectorExceptions(
        users=("1",), org_units=(f"{NEW}/Slutat",)
    )
    assert found.staff.org_units == (f"{NEW}/",)


def test_what_the_directory_does_not_have_below_the_new_path_stays():
    assert renamed(students=Selector(org_units=(f"{OLD}/9Z",))).students.org_units == (f"{OLD}/9Z",)


@pytest.mark.parametrize(
    ("operator", "value", "then"),
    [
        ("equals", f"{OLD}/7A", f"{NEW}/7A"),
        ("startsWith", OLD, NEW),
        ("startsWith", f"{OLD} 2", f"{OLD} 2"),
        ("in", (f"{OLD}/7A", "/Annat"), (f"{NEW}/7A", "/Annat")),
        ("endsWith", OLD, OLD),
        ("isEmpty", None, None),
    ],
)
def test_filters_by_path_name_the_new_path(operator, value, then):
    clause = Clause("orgUnitPath", operator, value)
    found = renamed(students=Selector(org_units=(OLD,), filters=((clause,),)))
    assert found.students.filters == ((structs.replace(clause, value=then),),)
    other = Clause("organizations.title", "equals", OLD)
    kept = Selector(groups=("a@b.se",), filters=((other,),))
    assert renamed(students=kept).students == kept


@pytest.mark.parametrize(
    "written", [re.escape(OLD), "/Elever/Norra \\(F-6\\)", r"/Elever/Norra \(F\-6\)"]
)
def test_patterns_by_path_match_as_they_did(written):
    classes = GroupRule("orgUnit", f"^{written}/(?P<name>[^/]+)$")
    year = YearRule("orgUnit", f"^{written}/(?P<year>\\d+)")
    found = renamed(classes=(classes, GroupRule("group", "^7a")), school_year=year)
    name = re.search(found.classes[0].pattern, f"{NEW}/7A")
    assert name is not None
    assert name["name"] == "7A"
    assert found.classes[1].pattern == "^7a"
    assert re.search(found.school_year.pattern, f"{NEW}/7A")


def test_a_pattern_that_names_no_path_stays():
    classes = GroupRule("orgUnit", "^/Elever/[^/]+/(?P<name>[^/]+)$")
    assert renamed(classes=classes).classes == classes


def test_a_protected_org_unit_is_never_left_out_of_the_document_while_it_is_there():
    before = structs.replace(tenant(), protected=Protected(org_units=(f"{OLD}/Skyddade",)))
    found = with_renamed_org_unit(before, OLD, NEW, is_there).protected
    assert found.org_units == (f"{NEW}/Skyddade",)
    both = THERE | {path_key(f"{OLD}/Skyddade")}
    found = with_renamed_org_unit(before, OLD, NEW, partial(is_there, there=both)).protected
    assert found.org_units == (f"{OLD}/Skyddade", f"{NEW}/Skyddade")
    gone = THERE - {path_key(f"{NEW}/Skyddade")}
    found = with_renamed_org_unit(before, OLD, NEW, partial(is_there, there=gone))
    assert found.protected == before.protected

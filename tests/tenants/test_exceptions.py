"""Exceptions and lists of rules in the tenant document: form, faults with their place, diff."""

import json

import pytest

from addon.tenants.diff import changes
from addon.tenants.document import decode_tenant, load_tenant, write_document
from addon.tenants.model import (
    ConnectionExceptions,
    GroupRule,
    SelectorExceptions,
    Tenant,
    rules_of,
)
from tests.tenants.test_document import UNIT, VENDORS, changed, told

CLASS_ID = "6f3c3a9e-5c0b-5b6c-9a55-0d8f7d1c2f10"
BY_OU = {"from": "orgUnit", "pattern": "(?P<name>[^/]+)$", "except": ["fritids"]}
BY_GROUP = {"from": "group", "pattern": "^klass-(?P<name>.+)@"}
ALL = (
    ("schoolUnits.0.classes", [BY_OU, BY_GROUP]),
    ("schoolUnits.0.teachingGroups", {**BY_GROUP, "except": ["mentor", "arbetslag 1"]}),
    (
        "schoolUnits.0.students.except",
        {"users": ["1001"], "orgUnits": ["/Elever/Slutat"], "groups": ["lan@edu.storkoping.se"]},
    ),
    ("schoolUnits.0.staff.except", {"users": ["1002"]}),
    ("connections.0.except", {"users": ["1003"], "classes": [CLASS_ID]}),
)


def decoded(*made: tuple[str, object]) -> Tenant:
    return decode_tenant(json.dumps(changed(*made)).encode(), VENDORS)


def test_exceptions_and_lists_of_rules_are_read():
    tenant = decoded(*ALL)
    unit, connection = tenant.school_units[0], tenant.connections[0]
    assert rules_of(unit.classes) == (
        GroupRule(source="orgUnit", pattern="(?P<name>[^/]+)$", exceptions=("fritids",)),
        GroupRule(source="group", pattern="^klass-(?P<name>.+)@"),
    )
    assert rules_of(unit.teaching_groups)[0].exceptions == ("mentor", "arbetslag 1")
    assert unit.students.exceptions == SelectorExceptions(
        users=("1001",), org_units=("/Elever/Slutat",), groups=("lan@edu.storkoping.se",)
    )
    assert unit.staff.exceptions == SelectorExceptions(users=("1002",))
    assert connection.exceptions == ConnectionExceptions(users=("1003",), classes=(CLASS_ID,))


def test_what_is_exported_is_imported_as_it_was():
    tenant = decoded(*ALL)
    written = write_document(tenant)
    assert decode_tenant(written, VENDORS) == tenant
    assert load_tenant(written) == tenant
    assert write_document(decode_tenant(written, VENDORS)) == written


def test_a_document_without_exceptions_says_nothing_of_them():
    tenant = decoded(*ALL)
    unit, connection = tenant.school_units[0], tenant.connections[0]
    assert b"except" in write_document(tenant)
    students = unit.students.excepting(SelectorExceptions())
    assert b"except" not in write_document(decoded())
    assert students == decoded().school_units[0].students
    assert connection.excepting(ConnectionExceptions()) == decoded().connections[0]


def test_a_document_of_before_has_one_rule():
    assert rules_of(decoded().school_units[0].classes) == (
        GroupRule(source="orgUnit", pattern="(?P<name>[^/]+)$"),
    )
    assert rules_of(None) == ()


@pytest.mark.parametrize(
    ("place", "value", "fault"),
    [
        ("schoolUnits.0.students.except", {"people": []}, "people: unknown key"),
        ("schoolUnits.0.students.except", {"users": "1"}, "users: must be a list of text"),
        ("schoolUnits.0.students.except", {"users": ["a@b.se"]}, "users[0]: must be the account's"),
        ("schoolUnits.0.staff.except", {"users": ["1", ""]}, "users[1]: must be the account's"),
        ("schoolUnits.0.staff.except", {"orgUnits": ["Slutat"]}, "orgUnits[0]: must be an OU's"),
        ("schoolUnits.0.staff.except", {"orgUnits": ["/"]}, "orgUnits[0]: must not be the whole"),
        ("schoolUnits.0.staff.except", {"groups": ["lan"]}, "groups[0]: must be a group's e-mail"),
        ("connections.0.except", {"users": ["a b"]}, "users[0]: must be the account's id"),
        ("connections.0.except", {"classes": ["7A"]}, "classes[0]: must be the externalId"),
        ("connections.0.except", {"orgUnits": ["/A"]}, "orgUnits: unknown key"),
    ],
)
def test_a_fault_in_an_exception_is_told_with_its_place(place, value, fault):
    where = place.replace(".0", "[0]")
    (said,) = told(changed((place, value)))
    assert said.startswith(f"{where}.{fault}")
    assert "a@b.se" not in said


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ([], ": has no rule; leave it out, or give it at least one"),
        ({**BY_GROUP, "except": [" "]}, ".except[0]: must not be empty"),
        ({**BY_GROUP, "excep": ["fritids"]}, ".excep: unknown key; did you mean except?"),
        ([BY_OU, {**BY_GROUP, "except": [""]}], "[1].except[0]: must not be empty"),
        ([BY_OU, {"from": "orgUnit", "pattern": "("}], "[1].pattern: cannot be read as"),
        ([BY_OU, {"from": "orgUnit", "pattern": "a"}], "[1].pattern: must have the named part"),
        ([BY_OU, 7], "[1]: must be an object, not a number"),
        (7, ": must be an object or a list or null, not a number"),
    ],
)
@pytest.mark.parametrize("kind", ["classes", "teachingGroups"])
def test_a_fault_in_one_of_the_rules_is_told_with_its_place(kind, rules, fault):
    (said,) = told(changed((f"schoolUnits.0.{kind}", rules)))
    assert said.startswith(f"{UNIT}.{kind}{fault}")


def test_an_exception_is_a_change_of_the_document():
    places = [each.place for each in changes(decoded(), decoded(*ALL))]
    assert places == [
        "schoolUnits[12345678].students",
        "schoolUnits[12345678].staff",
        "schoolUnits[12345678].classes",
        "schoolUnits[12345678].teachingGroups",
        "connections[binogi].except",
    ]

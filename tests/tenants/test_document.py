"""The tenant document as an administrator wrote it: all that is wrong, at once, with places."""

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.tenants.document import DocumentError, decode_tenant, load_tenant, write_document
from addon.tenants.model import (
    ChangeLimit,
    Clause,
    Connection,
    GroupRule,
    Limits,
    Notices,
    Organisation,
    Pause,
    Protected,
    Schedule,
    SchoolUnit,
    Selector,
    SelectorExceptions,
    Tenant,
    YearRule,
)
from addon.vendors.profiles import load_vendors

VENDORS = load_vendors(Path(__file__).parents[2] / "vendors.toml")
DOCUMENT: dict[str, Any] = json.loads(r"""
{
  "customerId": "C0storkoping",
  "primaryDomain": "edu.storkoping.se",
  "delegatedAdmin": "skolsynk@edu.storkoping.se",
  "organisation": {"name": "Storköpings kommun", "organisationNumber": "2120009999"},
  "protected": {"groups": ["skyddade@edu.storkoping.se"], "orgUnits": ["/Skyddade"]},
  "schoolUnits": [{
    "code": "12345678", "name": "Norra skolan", "municipalityCode": "9999", "schoolTypes": ["GR"],
    "students": {"orgUnits": ["/Elever/Norra skolan"], "groups": [],
                 "filters": [[{"attribute": "orgUnitPath",
                               "operator": "notContains", "value": "/Slutat"}]]},
    "staff": {"orgUnits": ["/Personal/Norra skolan"],
              "groups": ["larare.norra@edu.storkoping.se"], "filters": []},
    "classes": {"from": "orgUnit", "pattern": "(?P<name>[^/]+)$"},
    "teachingGroups": {"from": "group", "pattern": "^norra-(?P<name>.+)@"},
    "schoolYear": {"from": "class", "pattern": "^(?P<year>\\d+)"}
  }],
  "connections": [{
    "vendor": "binogi", "mode": "live", "schoolUnits": ["12345678"],
    "fields": ["email", "schoolYear"], "limits": {"deletions": 50, "deletionsPercent": 10}
  }]
}
""")
UNIT = "schoolUnits[0]"
CLAUSE = f"{UNIT}.students.filters[0][0]"
REMOVED = object()


def changed(*changes: tuple[str, object]) -> dict[str, Any]:
    """The document with values put (or REMOVED) at places such as `schoolUnits.0.code`."""
    document = copy.deepcopy(DOCUMENT)
    for place, value in changes:
        *way, last = (int(step) if step.isdigit() else step for step in place.split("."))
        at: Any = document
        for step in way:
            at = at[step]
        if value is REMOVED:
            del at[last]
        elif isinstance(at, list) and last == len(at):
            at.append(value)
        else:
            at[last] = value
    return document


def told(document: object) -> list[str]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    try:
        decode_tenant(data, VENDORS)
    except DocumentError as error:
        return str(error).splitlines()
    return []


def places(*changes: tuple[str, object]) -> list[str]:
    return [fault.split(": ")[0] for fault in told(changed(*changes))]


def with_clause(**clause: object) -> list[str]:
    return told(changed(("schoolUnits.0.students.filters", [[clause]])))


def test_the_documented_example_is_right() -> None:
    tenant = decode_tenant(json.dumps(DOCUMENT).encode(), VENDORS)
    assert tenant.customer_id == "C0storkoping"
    assert tenant.school_units[0].classes is not None
    assert tenant.school_units[0].classes.source == "orgUnit"
    assert tenant.connections[0].fields == ("email", "schoolYear")


def test_the_least_document_is_right() -> None:
    assert told({"customerId": "C1", "organisation": {"name": "X"}}) == []


def test_what_is_stored_is_loaded_as_it_was() -> None:
    tenant = decode_tenant(json.dumps(DOCUMENT).encode(), VENDORS)
    assert load_tenant(msgspec.json.encode(tenant)) == tenant
    assert decode_tenant(msgspec.json.encode(tenant), VENDORS) == tenant


def test_a_stored_document_loads_though_its_vendor_has_gone() -> None:
    data = json.dumps(changed(("connections.0.vendor", "gone"))).encode()
    assert load_tenant(data).connections[0].vendor == "gone"


def test_the_error_has_a_line_for_each_fault() -> None:
    with pytest.raises(DocumentError) as error:
        decode_tenant(b'{"customerId": 1}', VENDORS)
    assert [str(fault) for fault in error.value.faults] == str(error.value).splitlines()
    assert [fault.place for fault in error.value.faults] == ["customerId", "organisation"]


def test_faults_of_form_and_of_meaning_are_told_together() -> None:
    faults = told(
        changed(
            ("custmerId", "C1"),
            ("organisation.name", 5),
            ("schoolUnits.0.code", "123"),
            ("schoolUnits.0.students.filters.0.0.operator", "like"),
            ("schoolUnits.0.classes.pattern", "("),
            ("connections.0.vendor", "binogy"),
            ("connections.0.limits.deletions", -1),
        )
    )
    assert faults == [
        "connections[0].limits.deletions: must be from 0 to 1000000000",
        "connections[0].schoolUnits[0]: is not the code of a school unit in the document",
        "connections[0].vendor: must be one of binogi, ilt, gleerups, ne, sliplay, nok; "
        "did you mean binogi?",
        "custmerId: unknown key",
        "organisation.name: must be text, not a number",
        f"{UNIT}.classes.pattern: cannot be read as a regular expression: missing )",
        f"{UNIT}.code: must be eight digits",
        f"{CLAUSE}.operator: must be one of contains, endsWith, equals, in, isEmpty, isNotEmpty, "
        "matches, notContains, notEquals, notIn, notMatches, startsWith",
    ]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "line 1, column 1: not JSON"),
        (b"{\n'a': 1}", "line 2, column 1: not JSON"),
        (b'{"customerId": "\xff"}', "line 1, column 17: not UTF-8"),
        (b"[]", "must be an object, not a list"),
        (b"null", "must be an object, not null"),
    ],
)
def test_what_is_no_json_object_is_one_fault(data: bytes, fault: str) -> None:
    (only,) = told(data)
    assert only.startswith(fault)


def test_a_byte_order_mark_is_tolerated() -> None:
    assert told(b"\xef\xbb\xbf" + json.dumps(DOCUMENT).encode()) == []


def test_a_key_given_twice_is_a_fault() -> None:
    data = b'{"customerId": "C1", "customerId": "C2", "organisation": {"name": "X"}}'
    assert told(data) == ["customerId: given more than once"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("customerId", ""),
        ("customerId", "C 1"),
        ("customerId", "a/b"),
        ("organisation.name", " "),
        ("protected.orgUnits.0", "Skyddade"),
        ("protected.groups.0", "skyddade"),
        ("schoolUnits.0.name", ""),
        ("schoolUnits.0.municipalityCode", "99"),
        ("schoolUnits.0.municipalityCode", "99999"),
        ("schoolUnits.0.schoolTypes.0", "gr"),
        ("schoolUnits.0.students.orgUnits.0", "Elever"),
        ("schoolUnits.0.staff.groups.0", "larare"),
        ("schoolUnits.0.staff.groups.0", "a@b@c"),
        ("schoolUnits.0.students.filters.0", []),
        ("schoolUnits.0.students.filters.0.0.value", REMOVED),
        ("schoolUnits.0.classes.pattern", "(?P<nam>.+)"),
        ("schoolUnits.0.classes.attribute", "orgUnitPath"),
        ("schoolUnits.0.teachingGroups.pattern", "["),
        ("schoolUnits.0.schoolYear.pattern", "(?P<name>.+)"),
        ("schoolUnits.0.schoolYear.from", "group"),
        ("protected.orgUnits.0", "/"),
        ("connections.0.vendor", "unknown"),
        ("connections.0.mode", "on"),
        ("connections.0.schoolUnits.0", "87654321"),
        ("connections.0.fields.0", "schoolType"),
        ("connections.0.limits.deletions", -1),
        ("connections.0.limits.deletions", 1.5),
        ("connections.0.limits.deletions", 10**30),
        ("connections.0.limits.deletionsPercent", -0.1),
        ("connections.0.limits.deletionsPercent", 100.5),
    ],
)
def test_a_wrong_value_is_reported_where_it_is_and_nowhere_else(place: str, value: object) -> None:
    (at,) = places((place, value))
    assert at.replace("[", ".").replace("]", "") == place


@pytest.mark.parametrize("code", ["1234567", "123456789", "1234567a", "１２３４５６７８", ""])
def test_a_code_of_a_school_unit_is_eight_digits(code: str) -> None:
    assert f"{UNIT}.code" in places(("schoolUnits.0.code", code))


@pytest.mark.parametrize("deletions", [0, 1, 100_000])
def test_limits_from_nothing_to_everything_are_right(deletions: int) -> None:
    limits = {"deletions": deletions, "deletionsPercent": min(deletions, 100)}
    assert told(changed(("connections.0.limits", limits))) == []


@pytest.mark.parametrize(
    "attribute",
    [
        "primaryEmail",
        "orgUnitPath",
        "groups",
        "isAdmin",
        "aliases",
        "name.familyName",
        "name.displayName",
        "organizations.department",
        "organizations.costCenter",
        "externalIds.organization",
        "externalIds.Elevnummer",
        "relations.manager",
        "phones.work",
        "emails.address",
        "addresses.locality",
        "locations.desk",
        "keywords.occupation",
        "languages.languageCode",
        "customSchemas.Skola.klass",
    ],
)
def test_attributes_of_the_directory_api_are_known(attribute: str) -> None:
    assert with_clause(attribute=attribute, operator="equals", value="x") == []
    rule = {"from": "attribute", "attribute": attribute, "pattern": "(?P<name>.+)"}
    assert told(changed(("schoolUnits.0.classes", rule))) == []


@pytest.mark.parametrize(
    ("attribute", "hint"),
    [
        ("organisations.department", "did you mean organizations.department?"),
        ("organizations.departement", "did you mean department?"),
        ("organizations", "must be organizations.KEY"),
        ("name", "must be name.KEY"),
        ("name.lastName.x", "must be name.KEY"),
        ("primaryemail", "did you mean primaryEmail?"),
        ("orgUnitPath.name", "is not an attribute"),
        ("externalIds", "must be externalIds.TYPE"),
        ("externalIds.", "must be externalIds.TYPE"),
        ("customSchemas.klass", "must be customSchemas.SCHEMA.FIELD"),
        ("customSchemas.Skola.klass.x", "must be customSchemas.SCHEMA.FIELD"),
        ("customSchemas..klass", "must be customSchemas.SCHEMA.FIELD"),
        ("", "is not an attribute"),
        ("password", "is not an attribute"),
    ],
)
def test_an_unknown_attribute_is_reported_with_what_was_meant(attribute: str, hint: str) -> None:
    (fault,) = with_clause(attribute=attribute, operator="equals", value="x")
    assert fault.startswith(f"{CLAUSE}.attribute: ")
    assert hint in fault


@pytest.mark.parametrize(
    "clause",
    [
        {"operator": "in", "value": ["a", "b"]},
        {"operator": "notIn", "value": ["a"]},
        {"operator": "isEmpty"},
        {"operator": "isNotEmpty", "value": None},
        {"operator": "equals", "value": "a"},
        {"operator": "matches", "value": r"^a\d+$"},
        {"operator": "contains", "value": "("},
    ],
)
def test_an_operator_with_what_it_takes_is_right(clause: dict[str, object]) -> None:
    assert with_clause(attribute="primaryEmail", **clause) == []


@pytest.mark.parametrize(
    "clause",
    [
        {"operator": "in", "value": "a"},
        {"operator": "in", "value": []},
        {"operator": "notIn"},
        {"operator": "notIn", "value": ["a", ""]},
        {"operator": "isEmpty", "value": "a"},
        {"operator": "isNotEmpty", "value": ["a"]},
        {"operator": "equals"},
        {"operator": "equals", "value": ""},
        {"operator": "startsWith", "value": ["a"]},
        {"operator": "equals", "value": 7},
        {"operator": "matches", "value": "("},
        {"operator": "notMatches", "value": "a{2,1}"},
        {"operator": "matches", "value": "a{99999999999999999999}"},
    ],
)
def test_an_operator_without_what_it_takes_is_reported_at_the_value(
    clause: dict[str, object],
) -> None:
    (fault,) = with_clause(attribute="primaryEmail", **clause)
    assert fault.startswith(f"{CLAUSE}.value: ")


def test_a_group_needs_no_named_part_and_others_do() -> None:
    from_group = {"from": "group", "pattern": "^klass-"}
    assert told(changed(("schoolUnits.0.classes", from_group))) == []
    assert told(changed(("schoolUnits.0.classes", {"from": "orgUnit", "pattern": "^/a"}))) == [
        f"{UNIT}.classes.pattern: must have the named part (?P<name>...)"
    ]


def test_an_attribute_is_named_when_it_is_the_source_and_only_then() -> None:
    pattern = "(?P<year>.)"
    assert told(
        changed(("schoolUnits.0.schoolYear", {"from": "attribute", "pattern": pattern}))
    ) == [f"{UNIT}.schoolYear.attribute: missing: from is attribute"]
    rule = {"from": "class", "pattern": pattern, "attribute": "orgUnitPath"}
    assert told(changed(("schoolUnits.0.schoolYear", rule))) == [
        f"{UNIT}.schoolYear.attribute: must be left out: from is class"
    ]


def test_filters_alone_select_nobody_and_are_refused() -> None:
    (fault,) = told(changed(("schoolUnits.0.students.orgUnits", [])))
    assert fault.startswith(f"{UNIT}.students: selects nobody")


def test_a_selector_whose_ous_could_not_be_read_is_not_said_to_select_nobody() -> None:
    assert places(("schoolUnits.0.students.orgUnits", "/Elever")) == [f"{UNIT}.students.orgUnits"]


def test_a_unit_is_there_once() -> None:
    assert told(changed(("schoolUnits.1", {"code": "12345678", "name": "Södra skolan"}))) == [
        "schoolUnits[1].code: is the code of schoolUnits[0] too"
    ]


def test_a_vendor_has_one_connection() -> None:
    assert told(changed(("connections.1", {"vendor": "binogi"}))) == [
        "connections[1].vendor: is the vendor of connections[0] too"
    ]


def test_a_unit_is_chosen_once() -> None:
    assert places(("connections.0.schoolUnits.1", "12345678")) == ["connections[0].schoolUnits[1]"]


def test_a_unit_whose_code_could_not_be_read_makes_no_choice_unknown() -> None:
    assert places(("schoolUnits.0.code", 12345678)) == [f"{UNIT}.code"]
    assert places(("schoolUnits", {})) == ["schoolUnits"]


def test_a_field_is_refused_with_those_that_the_vendor_can_use() -> None:
    (fault,) = told(changed(("connections.0.fields", ["email", "schoolType"])))
    assert fault == (
        "connections[0].fields[1]: Binogi cannot use it; it can use email, schoolYear, cloudId"
    )


def test_no_message_repeats_what_can_be_about_a_person() -> None:
    anna = "anna.andersson"
    faults = told(
        changed(
            ("customerId", f"{anna} 1"),
            ("delegatedAdmin", [anna]),
            ("protected.orgUnits.0", anna),
            ("protected.groups.0", anna),
            ("schoolUnits.0.code", anna),
            ("schoolUnits.0.municipalityCode", anna),
            ("schoolUnits.0.schoolTypes.0", anna),
            ("schoolUnits.0.staff.groups.0", anna),
            ("schoolUnits.0.students.filters.0.0.attribute", anna),
            ("schoolUnits.0.students.filters.0.0.operator", "matches"),
            ("schoolUnits.0.students.filters.0.0.value", "(?P<anna.andersson>x)"),
            (
                "schoolUnits.0.staff.filters",
                [[{"attribute": "id", "operator": "matches", "value": "(?P=annandersson)"}]],
            ),
            ("connections.0.vendor", anna),
            ("connections.0.mode", anna),
            ("connections.0.schoolUnits.0", f"{anna}sson"),
            ("connections.0.fields.0", anna),
        )
    )
    assert len(faults) == 15
    assert not any("andersson" in fault for fault in faults)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"Usr": {"number": 3}}, "connections[0].limits.changes.Usr: must be one of"),
        ({"User": {"number": -1}}, "connections[0].limits.changes.User.number: must be from 0"),
        ({"User": {"percent": -1}}, "connections[0].limits.changes.User.percent: must not"),
        ({"User": {}}, "connections[0].limits.changes.User: names no limit"),
        ({"User": {"numer": 1}}, "connections[0].limits.changes.User.numer: unknown key"),
    ],
)
def test_limits_on_changes_are_checked_with_their_place(changes, fault):
    document = {
        "customerId": "C1",
        "organisation": {"name": "Storköpings kommun"},
        "connections": [{"vendor": "binogi", "limits": {"changes": changes}}],
    }
    with pytest.raises(DocumentError) as refused:
        decode_tenant(json.dumps(document).encode(), VENDORS)
    assert fault in str(refused.value)


def test_schedule_pause_notices_and_administrators_are_read():
    more = {
        "schedule": {"hours": 6, "pause": {"from": "2027-06-15", "until": "2027-08-09"}},
        "notices": {"email": ["it@storkoping.se"], "about": ["held", "unread"]},
        "administrators": ["anna@edu.storkoping.se"],
    }
    tenant = decode_tenant(json.dumps({**DOCUMENT, **more}).encode(), VENDORS)

    assert tenant.schedule.hours == 6
    assert tenant.schedule.pause is not None
    assert tenant.schedule.pause.covers(date(2027, 8, 9))
    assert not tenant.schedule.pause.covers(date(2027, 8, 10))
    assert tenant.notices.about == ("held", "unread")
    assert decode_tenant(write_document(tenant), VENDORS) == tenant


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"schedule": {"hours": 5}}, "schedule.hours"),
        (
            {"schedule": {"pause": {"from": "2027-08-09", "until": "2027-06-15"}}},
            "schedule.pause.until",
        ),
        (
            {"schedule": {"pause": {"from": "in June", "until": "2027-06-15"}}},
            "schedule.pause.from",
        ),
        ({"notices": {"email": ["nobody"]}}, "notices.email[0]"),
        ({"notices": {"about": ["everything"]}}, "notices.about[0]"),
        ({"administrators": ["anna"]}, "administrators[0]"),
    ],
)
def test_what_is_wrong_with_them_is_reported_with_its_place(more: dict[str, object], place: str):
    with pytest.raises(DocumentError) as told:
        decode_tenant(json.dumps({**DOCUMENT, **more}).encode(), VENDORS)

    assert [fault.place for fault in told.value.faults] == [place]


# Written


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=9).filter(
    lambda text: bool(text.strip())
)
ADDRESSES = st.sampled_from(["it@storkoping.se", "åsa@storkoping.se", "a+b@x"])
ORG_UNITS = st.sampled_from(["/", "/Elever", '/Elever/"Å" & ö', "/Elever/7A/Grupp 1"])
CODES = ("12345678", "87654321", "00000001")
DATES = st.dates(date(2020, 1, 1), date(2100, 1, 1))


def tuples(values: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=most, unique=True).map(tuple)


CLAUSES = st.one_of(
    st.builds(
        Clause,
        attribute=st.sampled_from(["orgUnitPath", "name.familyName", "groups"]),
        operator=st.sampled_from(["equals", "notContains"]),
        value=TEXTS,
    ),
    st.builds(Clause, attribute=st.just("orgUnitPath"), operator=st.just("isEmpty")),
    st.builds(
        Clause,
        attribute=st.just("primaryEmail"),
        operator=st.just("in"),
        value=st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
    ),
)
SELECTORS = st.builds(
    Selector,
    org_units=st.lists(ORG_UNITS, min_size=1, max_size=3, unique=True).map(tuple),
    groups=tuples(ADDRESSES),
    filters=st.lists(st.lists(CLAUSES, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
    exceptions=st.builds(
        SelectorExceptions,
        users=tuples(st.sampled_from(["1001", "1002"])),
        org_units=tuples(ORG_UNITS.filter(lambda path: path.strip("/"))),
        groups=tuples(ADDRESSES),
    ),
) | st.just(Selector())
RULE = st.builds(
    GroupRule,
    source=st.sampled_from(["orgUnit", "group"]),
    pattern=st.just(r"(?P<name>[^/\\]+)$"),
    exceptions=tuples(st.sampled_from(["fritids", "Arbetslag 1"])),
)
RULES = st.none() | RULE | st.lists(RULE, min_size=1, max_size=3).map(tuple)
YEARS = st.none() | st.builds(
    YearRule,
    source=st.just("attribute"),
    pattern=st.just(r"^(?P<year>\d+)"),
    attribute=st.just("organizations.department"),
)
CHANGES = st.builds(ChangeLimit, number=st.integers(0, 99), percent=st.none() | st.just(2.5))
LIMITS = st.builds(
    Limits,
    deletions=st.integers(0, 100),
    deletions_percent=st.floats(0, 100),
    changes=st.dictionaries(st.sampled_from(["User", "Activity"]), CHANGES, max_size=2),
)


@st.composite
def tenants(draw: st.DrawFn) -> Tenant:
    codes = draw(st.lists(st.sampled_from(CODES), unique=True, max_size=3))
    units = tuple(
        SchoolUnit(
            code=code,
            name=draw(TEXTS),
            municipality_code=draw(st.none() | st.just("9999")),
            school_types=draw(tuples(st.sampled_from(["GR", "FKLASS"]))),
            students=draw(SELECTORS),
            staff=draw(SELECTORS),
            classes=draw(RULES),
            teaching_groups=draw(RULES),
            school_year=draw(YEARS),
        )
        for code in codes
    )
    connections = tuple(
        Connection(
            vendor=vendor,
            mode=draw(st.sampled_from(["off", "test", "live"])),
            school_units=draw(tuples(st.sampled_from(codes))) if codes else (),
            fields=draw(st.sampled_from([(), ("email",), ("schoolYear", "email")])),
            limits=draw(LIMITS | st.just(Limits())),
        )
        for vendor in draw(st.sampled_from([(), ("binogi",), ("gleerups", "binogi")]))
    )
    first, last = sorted((draw(DATES), draw(DATES)))
    pause = Pause(start=first, until=last)
    return Tenant(
        customer_id="C0storkoping",
        organisation=Organisation(name=draw(TEXTS), organisation_number=draw(st.none() | TEXTS)),
        primary_domain=draw(st.none() | st.just("edu.storkoping.se")),
        delegated_admin=draw(st.none() | ADDRESSES),
        protected=Protected(
            groups=draw(tuples(ADDRESSES)),
            org_units=draw(tuples(ORG_UNITS.filter(lambda path: path.strip("/")))),
        ),
        school_units=units,
        connections=connections,
        schedule=Schedule(
            hours=draw(st.none() | st.sampled_from([1, 2, 3, 4, 6, 8, 12, 24])),
            pause=draw(st.none() | st.just(pause)),
        ),
        notices=Notices(
            email=draw(tuples(ADDRESSES)),
            about=draw(tuples(st.sampled_from(["held", "failed", "unread"]))),
        ),
        administrators=draw(tuples(ADDRESSES)),
    )


@given(tenants())
def test_what_is_written_is_read_as_what_it_was(tenant: Tenant) -> None:
    written = write_document(tenant)
    assert decode_tenant(written, VENDORS) == tenant
    assert load_tenant(written) == tenant


def test_what_goes_without_saying_is_not_written() -> None:
    tenant = Tenant(customer_id="C1", organisation=Organisation(name="Storköping"))
    assert write_document(tenant).decode() == (
        '{\n  "customerId": "C1",\n  "organisation": {\n    "name": "Storköping"\n  }\n}\n'
    )


def test_the_documented_order_is_kept() -> None:
    written = json.loads(write_document(decode_tenant(json.dumps(DOCUMENT).encode(), VENDORS)))
    assert list(written) == list(DOCUMENT)
    for part in ("schoolUnits", "connections"):
        (shown,) = DOCUMENT[part]
        assert list(written[part][0]) == [key for key in shown if key in written[part][0]]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"as": "startYear", "first": 14}, "schoolUnits[0].schoolYear.first: must be from 0 to 13"),
        ({"first": 1}, "schoolUnits[0].schoolYear.first: must be left out: as is number"),
        (
            {"as": "startYear", "last": 9},
            "schoolUnits[0].schoolYear.last: must be left out: as is startYear",
        ),
        ({"none": ["IM", " "]}, "schoolUnits[0].schoolYear.none[1]: must not be empty"),
    ],
)
def test_a_fault_in_how_a_school_year_is_said_has_its_place(
    rule: dict[str, object], expected: str
) -> None:
    whole = {"from": "class", "pattern": "(?P<year>.)", **rule}
    assert expected in told(changed(("schoolUnits.0.schoolYear", whole)))

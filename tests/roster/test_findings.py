import re

import pytest

from addon.roster.findings import MESSAGES, OF_ONE, finding, in_order
from addon.roster.select import select
from addon.tenants.model import GroupRule, Protected, YearRule
from tests.roster.builders import (
    CLASS_GROUP,
    CLASS_OU,
    NOBODY,
    NORRA,
    STAFF,
    TEACHING_GROUP,
    about,
    department,
    findings,
    group,
    people_in,
    snapshot,
    tenant,
    unit,
    user,
    values,
    where,
)

AT_NORRA = {"unit": "10000001", "unitName": "Norra skolan"}


@pytest.mark.parametrize("code", MESSAGES)
def test_a_message_is_whole_sentences_that_end_with_what_to_do(code):
    severity, template = MESSAGES[code]
    assert severity in {"error", "warning", "info"}
    assert re.fullmatch(r"[A-Z{].+\. [A-Z].+\.|.+: [a-z].+\.", template)


@pytest.mark.parametrize("code", sorted(OF_ONE))
def test_of_one_a_finding_says_one(code):
    """The words are those of the message of several, so that all of them are filled."""
    template = MESSAGES[code][1]
    words = set(re.findall(r"\{(\w+)\}", template)) - {"subject"}
    assert set(re.findall(r"\{(\w+)\}", OF_ONE[code])) <= words | {"subject"}
    values = {word: f"<{word}>" for word in words}
    one = finding(code, "g@x.se", **{**values, "count": "1"}).message
    several = finding(code, "g@x.se", **{**values, "count": "2"}).message
    assert one == OF_ONE[code].format(**values, subject="g@x.se")
    assert "2" in several
    assert one.endswith(".")


def test_a_finding_keeps_the_words_of_its_message():
    found = finding("student-without-class", "1", unit="10000001", unitName="Norra {skolan}")
    assert (found.severity, found.subject) == ("warning", "1")
    assert found.values == (("unit", "10000001"), ("unitName", "Norra {skolan}"))
    assert found.message.startswith("The student is in no class at Norra {skolan} (10000001).")


def test_findings_are_in_order_each_once_and_errors_first():
    a, b = finding("missing-given-name", "2"), finding("missing-given-name", "1")
    c, d = finding("address-outside-domains", "1"), finding("member-not-selected", "g", count="2")
    assert in_order([d, c, a, b, a]) == (b, a, c, d)


def test_a_tidy_directory_gives_no_findings():
    school = unit(
        staff=people_in(STAFF),
        classes=CLASS_OU,
        teaching_groups=TEACHING_GROUP,
        school_year=YearRule(source="class", pattern=r"^(?P<year>\d)"),
    )
    roster = select(
        tenant(school),
        snapshot(
            user("1", NORRA + "/7A"),
            user("2", STAFF),
            group("norra-ma", "1", "2"),
            domains=("edu.storkoping.se",),
        ),
    )
    assert roster.findings == ()


def test_every_defect_of_a_person_is_reported():
    broken = user("1", given_name="", family_name=" ", primary_email="anna")
    roster = select(tenant(unit(classes=CLASS_GROUP)), snapshot(broken, user("2")))
    assert {code for code, subject in findings(roster) if subject == "1"} == {
        "missing-family-name",
        "missing-given-name",
        "address-invalid",
    }


def test_who_is_not_selected_gives_no_finding_about_the_account():
    roster = select(tenant(), snapshot(user("1", given_name="", primary_email="x")))
    assert roster.findings == ()


def test_an_address_outside_the_verified_domains_is_reported_and_sent():
    people = (
        user("1", primary_email="a@EDU.storkoping.se"),
        user("2", primary_email="b@gmail.com"),
        user("3", primary_email="c@sub.edu.storkoping.se"),
    )
    roster = select(tenant(unit()), snapshot(*people, domains=("edu.storkoping.se",)))
    assert about(roster, "address-outside-domains") == ["2", "3"]
    assert len(roster.people) == 3


def test_addresses_are_not_judged_when_the_domains_are_not_known():
    assert select(tenant(unit()), snapshot(user("1", primary_email="b@x.com"))).findings == ()


def test_staff_in_a_student_selector_are_reported():
    roster = select(tenant(unit(staff=people_in(NORRA))), snapshot(user("1")))
    assert findings(roster) == [("staff-in-student-selector", "1")]


def test_a_student_without_a_class_is_reported_for_each_unit_that_has_classes():
    units = (
        unit("10000001", classes=CLASS_GROUP),
        unit("20000002", classes=CLASS_GROUP, name="Södra"),
        unit("30000003", teaching_groups=TEACHING_GROUP),
    )
    roster = select(
        tenant(*units),
        snapshot(user("1"), user("2"), group("klass-7a", "2"), group("norra-ma", "2")),
    )
    assert about(roster, "student-without-class") == ["1", "1"]
    assert values(roster, "student-without-class") == [
        AT_NORRA,
        {"unit": "20000002", "unitName": "Södra"},
    ]


def test_a_student_in_several_classes_of_a_unit_is_reported():
    roster = select(
        tenant(unit(classes=CLASS_GROUP, teaching_groups=TEACHING_GROUP)),
        snapshot(
            user("1"),
            user("2"),
            group("klass-7a", "1", "2"),
            group("klass-7b", "1"),
            group("norra-ma", "1", "2"),
        ),
    )
    assert findings(roster) == [("student-in-several-classes", "1")]
    assert values(roster, "student-in-several-classes") == [AT_NORRA | {"count": "2"}]


def test_a_student_in_several_units_is_reported_once_but_staff_are_not():
    units = [unit(code, staff=people_in(STAFF)) for code in ("20000002", "10000001", "30000003")]
    roster = select(tenant(*units), snapshot(user("1"), user("2", STAFF)))
    assert findings(roster) == [("student-in-several-units", "1")]
    assert values(roster, "student-in-several-units") == [{"units": "20000002, 10000001, 30000003"}]


def test_a_school_year_out_of_range_is_reported_and_not_sent():
    rule = YearRule(source="attribute", pattern="(?P<year>.+)", attribute="x.year")
    people = (
        user("1", attributes={"x.year": ("14",)}),
        user("2", attributes={"x.year": ("Anna Ek",)}),
        user("3", attributes={"x.year": ("9",)}),
        user("4"),
    )
    roster = select(tenant(unit(school_year=rule)), snapshot(*people))
    assert about(roster, "school-year-out-of-range") == ["1", "2"]
    assert [p.enrolments[0].school_year for p in roster.people.values()] == [None, None, 9, None]


def test_a_group_without_students_is_reported_once():
    units = unit("1", staff=people_in(STAFF), classes=CLASS_GROUP), unit("2", classes=CLASS_GROUP)
    roster = select(
        tenant(*units),
        snapshot(
            user("1"),
            user("2", STAFF),
            group("klass-tom"),
            group("klass-7a", "2"),
            group("klass-7b", "1"),
            group("andra"),
        ),
    )
    assert about(roster, "group-without-students") == [
        "klass-7a@edu.storkoping.se",
        "klass-tom@edu.storkoping.se",
    ]


def test_a_group_with_students_of_another_unit_is_no_finding():
    units = unit("1", classes=CLASS_GROUP), unit("2", people_in("/Södra"))
    roster = select(tenant(*units), snapshot(user("1"), user("2", "/Södra"), group("klass-8", "2")))
    assert about(roster, "group-without-students") == []


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("classes", "class-pattern-without-match"),
        ("teaching_groups", "teaching-group-pattern-without-match"),
    ],
)
@pytest.mark.parametrize(
    "rule", [GroupRule(source="orgUnit", pattern="x$"), TEACHING_GROUP, department()]
)
def test_a_rule_that_finds_nothing_is_reported(kind, code, rule):
    roster = select(tenant(unit(**{kind: rule})), snapshot(user("1"), group("klass-7a", "1")))
    assert about(roster, code) == ["10000001"]
    assert values(roster, code) == [AT_NORRA]


@pytest.mark.parametrize("rule", [CLASS_OU, department()])
def test_a_rule_about_students_is_not_judged_without_students(rule):
    roster = select(tenant(unit(classes=rule)), snapshot(user("1", STAFF)))
    assert about(roster, "class-pattern-without-match") == []


def test_a_selector_that_reaches_nobody_is_told_by_role():
    never = where("suspended", "equals", "true")
    units = (
        unit("10000001", people_in(NORRA, filters=((never,),)), people_in(STAFF)),
        unit("20000002", NOBODY, NOBODY),
    )
    roster = select(tenant(*units), snapshot(user("1"), user("2", STAFF, archived=True)))
    assert about(roster, "selector-without-match") == ["10000001", "10000001"]
    assert [v["role"] for v in values(roster, "selector-without-match")] == ["staff", "students"]


def test_two_classes_of_one_name_are_reported_once_a_name():
    roster = select(
        tenant(unit(classes=CLASS_OU)),
        snapshot(
            user("1", NORRA + "/A/7A"),
            user("2", NORRA + "/B/7a"),
            user("3", NORRA + "/B/8A"),
        ),
    )
    assert findings(roster) == [("duplicate-class-name", "10000001")]
    assert values(roster, "duplicate-class-name") == [AT_NORRA | {"name": "7A", "count": "2"}]


def test_classes_of_one_name_at_two_units_are_no_finding():
    units = [unit(path[1:], people_in(path), classes=CLASS_OU) for path in ("/A", "/B")]
    roster = select(tenant(*units), snapshot(user("1", "/A/7A"), user("2", "/B/7A")))
    assert roster.findings == ()


def test_an_ou_that_the_directory_lacks_is_reported_once():
    units = unit("1", people_in("/Gamla", NORRA), people_in("/gamla/")), unit("2", people_in("/"))
    roster = select(tenant(*units), snapshot(user("1")))
    assert about(roster, "org-unit-missing") == ["/gamla/"]
    (told,) = [f for f in roster.findings if f.code == "org-unit-missing"]
    assert told.severity == "error"
    assert "/gamla/" in told.message


def test_a_protected_ou_that_the_directory_lacks_is_reported_as_such():
    roster = select(
        tenant(unit(), protected=Protected(org_units=("/Skyddade", NORRA + "/x"))),
        snapshot(user("1"), user("9", NORRA + "/x")),
    )
    assert findings(roster) == [("protected-org-unit-missing", "/Skyddade")]


def test_groups_that_google_lacks_are_reported():
    roster = select(
        tenant(unit(), protected=Protected(groups=("Skyddade@x.se",))),
        snapshot(user("1"), missing_groups=("larare@x.se", "skyddade@x.se")),
    )
    assert findings(roster) == [
        ("group-missing", "larare@x.se"),
        ("protected-group-missing", "skyddade@x.se"),
    ]


def test_members_who_are_not_selected_are_counted_per_group():
    units = unit("1", classes=CLASS_GROUP), unit("2", classes=CLASS_GROUP)
    roster = select(
        tenant(*units, protected=Protected(org_units=("/Skyddade",))),
        snapshot(
            user("1"),
            user("2", STAFF),
            user("3", NORRA, suspended=True),
            user("4", NORRA, given_name=""),
            user("9", "/Skyddade"),
            group("klass-7a", "1", "2", "3", "4", "9", "8", "elsewhere"),
            group("klass-7b", "1"),
            group("fritids", "2"),
            protected=frozenset({"8"}),
        ),
    )
    assert about(roster, "member-not-selected") == ["klass-7a@edu.storkoping.se"]
    assert values(roster, "member-not-selected") == [{"count": "2"}]


def test_no_finding_names_a_person():
    rule = YearRule(source="attribute", pattern="(?P<year>.+)", attribute="name.familyName")
    secret = {"given_name": "Hemligt", "family_name": "Namnsson", "primary_email": "hemlig@x.se"}
    roster = select(
        tenant(
            unit("1", staff=people_in("v@x.se"), classes=CLASS_GROUP, school_year=rule),
            unit("2", classes=CLASS_OU, school_year=rule),
        ),
        snapshot(
            user("1", **secret),
            user("2", **{**secret, "given_name": ""}),
            user("3", **{**secret, "primary_email": "hemlig"}),
            user("4", **secret),
            group("v@x.se", "4"),
            group("klass-a", "1"),
            group("klass-b", "1", "5"),
            domains=("edu.storkoping.se",),
        ),
    )
    assert len({f.code for f in roster.findings}) >= 7
    told = " ".join(f"{f.subject} {f.message} {f.values}" for f in roster.findings).lower()
    assert not re.search("hemlig|namnsson", told)

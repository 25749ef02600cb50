import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from addon.proposals.rule_outcome import RuleGroup, UnmatchedText, outcome
from addon.roster.index import DirectoryIndex
from addon.roster.placement import place
from addon.roster.select import select
from addon.tenants.conditions import PatternError
from addon.tenants.model import GroupRule, Protected, YearRule
from tests.proposals.domains import domain, ids, members, sandbox
from tests.roster.builders import department, people_in, unit, user
from tests.roster.test_properties import DOCUMENT, snapshots

NORRA = unit(students=people_in("/E"), staff=people_in("/P"))
LAST = GroupRule(source="orgUnit", pattern=r"^/E/(?P<name>[^/]+)$")
GROUPS = GroupRule(source="group", pattern="^klass-(?P<name>.+)@")
BY_CLASS = YearRule(source="class", pattern=r"^(?P<year>\d+)")


def of(index: DirectoryIndex, rule, at=NORRA, **more):
    people = place([at], index, ()).units[0]
    return outcome(index, people.students, people.staff, rule, at, **more)


def test_org_units_that_match_are_classes_in_natural_order_and_the_rest_is_reported():
    index = domain({"/E/9A": 3, "/E/10A": 2, "/E": 1, "/E/Åk 7/7A": 4})
    found = of(index, LAST)
    assert [(part.name, part.students) for part in found.found] == [("9A", 3), ("10A", 2)]
    assert found.unmatched == (UnmatchedText("/E", 1), UnmatchedText("/E/Åk 7/7A", 4))
    assert found.without == tuple(sorted([*ids("/E", 1), *ids("/E/Åk 7/7A", 4)]))
    assert found.students == 10


def test_groups_have_teachers_and_students_may_be_in_several():
    pupils, adults = ids("/E", 4), ids("/P", 2)
    index = domain(
        {"/E": 4, "/P": 2},
        members("klass-7a", *pupils[:2], adults[0]),
        members("klass-7b", *pupils[1:3]),
        members("kör", pupils[0]),
    )
    found = of(index, GROUPS)
    assert [replace(part, source_id="") for part in found.found] == [
        RuleGroup("7a", 2, 1),
        RuleGroup("7b", 2, 0),
    ]
    assert (found.several, found.without, found.teachers) == ((pupils[1],), (pupils[3],), 1)
    assert found.unmatched == (UnmatchedText("kör@edu.storkoping.se", 1),)


def test_values_that_do_not_match_are_reported_with_their_number():
    more = [
        user(f"u{n}", "/E", attributes={"organizations.department": (value,)})
        for n, value in enumerate(["7A", "7A", "Kansli"])
    ]
    found = of(domain({}, more=tuple(more)), department(r"^(?P<name>\d.)$"))
    assert found.names == ("7A",)
    assert found.unmatched == (UnmatchedText("Kansli", 1),)


def test_two_classes_of_one_name_are_reported():
    index = domain({"/E/Åk 7/7A": 2, "/E/Åk 8/7A": 2})
    found = of(index, GroupRule(source="orgUnit", pattern="(?P<name>[^/]+)$"))
    assert found.duplicates == ("7A",)
    assert found.names == ("7A",)


def test_years_are_counted_and_what_is_no_year_is_reported():
    index = domain({"/E/7A": 3, "/E/8B": 2, "/E/14C": 1, "/E/Röd": 1, "/E": 1})
    found = of(index, BY_CLASS, replace(NORRA, classes=LAST))
    assert [(part.name, part.students) for part in found.found] == [("7", 3), ("8", 2)]
    assert found.out_of_range == tuple(ids("/E/14C", 1))
    assert found.without == tuple(sorted([*ids("/E", 1), *ids("/E/Röd", 1)]))
    assert found.unmatched == (UnmatchedText("Röd", 1),)


def test_what_is_a_class_is_no_teaching_group():
    pupils = ids("/E", 2)
    index = domain({"/E": 2}, members("klass-7a", *pupils), members("ma-7a", *pupils))
    rule = GroupRule(source="group", pattern="7a@")
    assert len(of(index, rule, kind="teaching").found) == 2
    assert len(of(index, rule, replace(NORRA, classes=GROUPS), kind="teaching").found) == 1


@pytest.mark.parametrize(
    "rule",
    [GroupRule(source="group", pattern="("), YearRule(source="class", pattern="(?P<year>[")],
)
def test_a_bad_pattern_is_an_error_of_re(rule):
    with pytest.raises(PatternError):
        of(domain({"/E": 1}), rule)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (GroupRule(source="group", pattern=""), "no pattern"),
        (GroupRule(source="orgUnit", pattern="[^/]+$"), r"\(\?P<name>"),
        (YearRule(source="class", pattern=r"\d"), r"\(\?P<year>"),
        (GroupRule(source="attribute", pattern="(?P<name>.)"), "attribute"),
    ],
)
def test_a_rule_that_lacks_something_says_what(rule, said):
    with pytest.raises(ValueError, match=said):
        of(domain({"/E": 1}), rule)


rules = st.sampled_from(
    [
        GroupRule(source="orgUnit", pattern="(?P<name>[^/]+)$"),
        GroupRule(source="orgUnit", pattern="/(?P<name>7.)"),
        GroupRule(source="group", pattern="^klass-(?P<name>.+)@"),
        GroupRule(source="group", pattern="-7a@"),
        department(),
    ]
)
years = st.sampled_from(
    [
        YearRule(source="class", pattern=r"(?P<year>\d+)"),
        YearRule(source="orgUnit", pattern=r"(?P<year>.)$"),
        YearRule(source="attribute", attribute="organizations.department", pattern="(?P<year>.)"),
    ]
)


@given(snapshots, rules, rules, years)
def test_the_outcome_is_what_the_selection_makes(reading, classes, teaching, year):
    ruled = replace(
        DOCUMENT,
        school_units=tuple(
            replace(each, classes=classes, teaching_groups=teaching, school_year=year)
            for each in DOCUMENT.school_units
        ),
    )
    roster = select(ruled, reading)
    index = DirectoryIndex(ruled.protected, reading)
    for people in place(ruled.school_units, index, reading.domains).units:
        at, inside = people.unit, (index, people.students, people.staff)
        for rule, kind in ((classes, "class"), (teaching, "teaching")):
            made = outcome(*inside, rule, at, kind=kind)
            groups = [g for g in roster.groups if (g.unit, g.kind) == (at.code, kind)]
            assert sorted((p.name, p.students, p.teachers, p.source_id) for p in made.found) == (
                sorted((g.name, len(g.students), len(g.teachers), g.source_id) for g in groups)
            )
            grouped = {id for g in groups for id in g.students}
            assert set(made.without) == people.students - grouped
        made = outcome(*inside, year, at)
        counted = {int(part.name): part.students for part in made.found}
        given = [
            e.school_year
            for id in people.students
            for e in roster.people[id].enrolments
            if e.unit == at.code
        ]
        assert counted == {n: given.count(n) for n in set(given) if n is not None}
        misread = {
            f.subject
            for f in roster.findings
            if f.code == "school-year-out-of-range" and dict(f.values)["unit"] == at.code
        }
        assert set(made.out_of_range) == misread
        assert len(made.without) + len(misread) == given.count(None)


def test_a_large_unit_takes_a_moment():
    survey = sandbox(3000)
    index = DirectoryIndex(Protected(), survey.snapshot)
    everyone = list(index.users)[:2000]
    start = time.process_time()
    outcome(index, everyone, (), GroupRule(source="group", pattern="-(?P<name>.+)@"), NORRA)
    assert time.process_time() - start < 0.5

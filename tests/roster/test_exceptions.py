"""Who and what the document leaves out is not in the roster, and says so."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from addon.directory.scope import scope_of
from addon.proposals.rule_outcome import outcome
from addon.roster.explain import explain, selector_outcome
from addon.roster.filters import left_out
from addon.roster.groups import classes_of
from addon.roster.index import DirectoryIndex
from addon.roster.select import select
from addon.tenants.model import GroupRule, Protected, Selector, SelectorExceptions, YearRule
from tests.roster.builders import (
    CLASS_GROUP,
    CLASS_OU,
    NORRA,
    STAFF,
    TEACHING_GROUP,
    about,
    department,
    group,
    ou,
    people_in,
    snapshot,
    tenant,
    unit,
    user,
    where,
)
from tests.roster.test_properties import ADDRESSES, DOCUMENT, IDS, PATHS, snapshots

SODRA = "/Elever/Södra skolan"


def but(path: str, users=(), org_units=(), groups=(), **fields):
    left = SelectorExceptions(users=users, org_units=org_units, groups=groups)
    return people_in(path, **fields).excepting(left)


def named(rule: GroupRule, *names: str) -> GroupRule:
    return GroupRule(
        source=rule.source, pattern=rule.pattern, attribute=rule.attribute, exceptions=names
    )


def classes(roster) -> dict[str, tuple[str, ...]]:
    return {g.name: g.students for g in roster.groups if g.kind == "class"}


# People


def test_an_excepted_person_is_not_in_the_roster():
    school = unit(students=but(NORRA, users=("1",)))
    roster = select(tenant(school), snapshot(user("1"), user("2")))
    assert list(roster.people) == ["2"]
    assert roster.left_out == {"1": "excepted"}


def test_who_is_in_an_excepted_ou_or_below_it_is_not_in_the_roster():
    school = unit(students=but(NORRA, org_units=(f"{NORRA}/Slutat".upper(),)))
    below = user("1", f"{NORRA}/Slutat/2025"), user("2", f"{NORRA}/Slutat"), user("3")
    assert list(select(tenant(school), snapshot(*below)).people) == ["3"]


def test_who_is_in_an_excepted_group_is_not_in_the_roster():
    school = unit(students=but(NORRA, groups=("LAN@edu.storkoping.se",)))
    roster = select(tenant(school), snapshot(user("1"), user("2"), group("lan", "1")))
    assert list(roster.people) == ["2"]
    assert roster.left_out == {"1": "excepted"}


def test_an_exception_at_one_unit_is_none_at_another():
    lists = group("bada", "1")
    there = Selector(org_units=(SODRA,), groups=("bada@edu.storkoping.se",))
    units = unit("1", but(NORRA, users=("1",))), unit("2", there)
    roster = select(tenant(*units), snapshot(user("1"), lists))
    assert [e.unit for e in roster.people["1"].enrolments] == ["2"]
    assert roster.left_out == {}


def test_an_exception_among_staff_is_none_among_students():
    school = unit(students=people_in(NORRA), staff=but(NORRA, users=("1",)))
    roster = select(tenant(school), snapshot(user("1"), user("2", NORRA)))
    assert [e.unit for e in roster.people["1"].enrolments] == [school.code]
    assert roster.people["2"].employments == (school.code,)


def test_who_does_not_pass_the_filters_is_not_excepted_but_filtered():
    stays = where("orgUnitPath", "notContains", "/Slutat")
    school = unit(students=but(NORRA, users=("1", "2"), filters=((stays,),)))
    roster = select(tenant(school), snapshot(user("1", f"{NORRA}/Slutat"), user("2")))
    assert roster.left_out == {"1": "filtered", "2": "excepted"}


def test_a_selector_that_leaves_out_all_it_reaches_is_no_mistake():
    roster = select(tenant(unit(students=but(NORRA, users=("1",)))), snapshot(user("1")))
    assert about(roster, "selector-without-match") == []


def test_protection_is_stronger_than_an_exception():
    school = unit(students=but(NORRA, users=("1",)))
    hidden = Protected(groups=("skyddade@edu.storkoping.se",))
    found = select(tenant(school, protected=hidden), snapshot(user("1"), group("skyddade", "1")))
    assert found.protected == {"1"}
    assert found.left_out == {}


def test_the_preview_of_a_selector_says_who_is_excepted():
    index = DirectoryIndex(Protected(), snapshot(user("1"), user("2")))
    outcome = selector_outcome(index, but(NORRA, users=("1", "not-here")))
    assert (outcome.chosen, outcome.excepted) == ({"2"}, {"1"})


def test_the_preview_of_a_selector_names_exceptions_that_the_directory_lacks():
    index = DirectoryIndex(Protected(), snapshot(user("1")))
    outcome = selector_outcome(index, but(NORRA, org_units=("/X",), groups=("lan@x.se",)))
    assert (outcome.missing_org_units, outcome.missing_groups) == (("/X",), ("lan@x.se",))


def test_an_excepted_ou_or_group_that_the_directory_lacks_is_a_finding():
    left = but(NORRA, org_units=(f"{NORRA}/Slutat",), groups=("lan@edu.storkoping.se",))
    document = tenant(unit(students=left))
    found = select(document, snapshot(user("1"), missing_groups=("lan@edu.storkoping.se",)))
    assert about(found, "org-unit-missing") == [f"{NORRA}/Slutat"]
    assert about(found, "group-missing") == ["lan@edu.storkoping.se"]


def test_the_members_of_an_excepted_group_are_read_but_not_as_people_to_send():
    scope = scope_of(tenant(unit(students=but(NORRA, groups=("lan@edu.storkoping.se",)))))
    assert scope.groups == ("lan@edu.storkoping.se",)
    assert scope.selected_groups == ()


# Classes and teaching groups


def test_a_class_named_as_an_exception_is_left_out_and_its_students_are_not():
    school = unit(classes=named(CLASS_OU, "Fritids"))
    roster = select(
        tenant(school), snapshot(user("1", f"{NORRA}/7A"), user("2", f"{NORRA}/FRITIDS"))
    )
    assert classes(roster) == {"7A": ("1",)}
    assert sorted(roster.people) == ["1", "2"]
    assert [(g.name, g.kind, g.students) for g in roster.excepted_groups] == [
        ("FRITIDS", "class", ("2",))
    ]
    assert about(roster, "student-without-class") == []
    assert about(roster, "student-class-excepted") == ["2"]


def test_a_class_that_is_left_out_still_tells_its_students_school_year():
    by_name = YearRule(source="class", pattern=r"^(?P<year>\d+)")
    school = unit(classes=named(CLASS_OU, "7B", "Fritids"), school_year=by_name)
    found = snapshot(
        *(user(str(n), f"{NORRA}/{at}") for n, at in enumerate(("7A", "7B", "Fritids")))
    )
    document = tenant(school)
    roster = select(document, found)
    years = {id: [e.school_year for e in each.enrolments] for id, each in roster.people.items()}
    assert years == {"0": [7], "1": [7], "2": [None]}
    assert about(roster, "student-without-school-year") == []
    index = DirectoryIndex(document.protected, found)
    assert [y.year for y in explain(document, index, "1", roster).years] == [7]
    told = outcome(index, roster.people, (), by_name, school)
    assert [(each.name, each.students) for each in told.found] == [("7", 2)]


def test_a_class_that_is_sent_tells_the_school_year_before_one_that_is_left_out():
    by_name = YearRule(source="class", pattern=r"^(?P<year>\d+)")
    school = unit(classes=named(CLASS_GROUP, "2mentor"), school_year=by_name)
    groups = group("klass-2mentor", "1"), group("klass-4a", "1")
    roster = select(tenant(school), snapshot(user("1"), *groups))
    assert [e.school_year for e in roster.people["1"].enrolments] == [4]


def test_only_the_whole_name_is_an_exception():
    school = unit(classes=named(CLASS_OU, "fritids"))
    roster = select(tenant(school), snapshot(user("1", f"{NORRA}/Fritids Norra")))
    assert classes(roster) == {"Fritids Norra": ("1",)}


def test_an_excepted_class_does_not_become_a_teaching_group():
    any_group = GroupRule(source="group", pattern="(?P<name>.+)@")
    school = unit(classes=named(CLASS_GROUP, "fritids"), teaching_groups=any_group)
    roster = select(
        tenant(school), snapshot(user("1"), group("klass-fritids", "1"), group("ma", "1"))
    )
    assert [(g.kind, g.name) for g in roster.groups] == [("teaching", "ma")]


def test_an_excepted_teaching_group_is_left_out():
    school = unit(teaching_groups=named(TEACHING_GROUP, "mentor"))
    roster = select(
        tenant(school), snapshot(user("1"), group("norra-mentor", "1"), group("norra-ma", "1"))
    )
    assert [g.name for g in roster.groups] == ["ma"]
    assert [(g.name, g.kind) for g in roster.excepted_groups] == [("mentor", "teaching")]


def test_an_excepted_group_without_students_is_no_finding():
    school = unit(classes=named(CLASS_GROUP, "fritids"))
    roster = select(
        tenant(school), snapshot(user("1"), group("klass-7a", "1"), group("klass-fritids"))
    )
    assert about(roster, "group-without-students") == []


def test_who_is_left_out_on_purpose_is_not_reported_as_a_member_without_a_selection():
    school = unit(students=but(NORRA, users=("1", "2")), teaching_groups=TEACHING_GROUP)
    groups = group("norra-ma", "1", "3"), group("norra-sv", "2")
    roster = select(tenant(school), snapshot(user("1"), user("2"), user("3"), *groups))
    assert about(roster, "member-not-selected") == []
    assert about(roster, "group-without-students") == []


# Rules tried in order


def test_a_class_comes_from_the_first_rule_that_gives_one():
    school = unit(classes=(CLASS_GROUP, CLASS_OU))
    roster = select(
        tenant(school),
        snapshot(user("1", f"{NORRA}/7A"), user("2", f"{NORRA}/7B"), group("klass-7a", "1")),
    )
    assert classes(roster) == {"7a": ("1",), "7B": ("2",)}
    assert about(roster, "student-in-several-classes") == []
    assert about(roster, "student-without-class") == []


def test_who_is_in_an_excepted_class_gets_one_by_the_next_rule():
    school = unit(classes=(named(CLASS_GROUP, "fritids"), CLASS_OU))
    roster = select(tenant(school), snapshot(user("1", f"{NORRA}/2A"), group("klass-fritids", "1")))
    assert classes(roster) == {"2A": ("1",)}


def test_a_name_that_one_rule_leaves_out_is_left_out_of_all():
    school = unit(classes=(named(CLASS_GROUP, "fritids"), CLASS_OU))
    roster = select(tenant(school), snapshot(user("1", f"{NORRA}/Fritids")))
    assert classes(roster) == {}
    assert [g.source for g in roster.excepted_groups] == ["orgUnit"]


def test_a_teaching_group_is_named_by_the_first_rule_that_finds_it():
    whole = GroupRule(source="group", pattern="^(?P<name>norra-.+)@")
    school = unit(teaching_groups=(TEACHING_GROUP, whole, CLASS_GROUP))
    roster = select(
        tenant(school), snapshot(user("1"), group("norra-ma", "1"), group("klass-sv", "1"))
    )
    assert [g.name for g in roster.groups] == ["ma", "sv"]


def test_rules_of_which_none_matches_are_one_finding():
    school = unit(classes=(CLASS_GROUP, GroupRule(source="orgUnit", pattern="(?P<name>x)$")))
    roster = select(tenant(school), snapshot(user("1")))
    assert about(roster, "class-pattern-without-match") == [school.code]


def test_one_of_several_rules_that_matches_is_enough():
    school = unit(classes=(CLASS_GROUP, CLASS_OU))
    roster = select(tenant(school), snapshot(user("1", f"{NORRA}/7A")))
    assert about(roster, "class-pattern-without-match") == []


def test_a_list_of_one_rule_is_that_rule():
    things = user("1", f"{NORRA}/7A"), user("2", STAFF), group("klass-7a", "1", "2")
    one = select(tenant(unit(classes=CLASS_GROUP, staff=people_in(STAFF))), snapshot(*things))
    listed = unit(classes=(CLASS_GROUP,), staff=people_in(STAFF))
    assert select(tenant(listed), snapshot(*things)) == one


def test_a_class_group_has_its_staff_whatever_rule_finds_it():
    school = unit(classes=(CLASS_OU, CLASS_GROUP), staff=people_in(STAFF))
    roster = select(
        tenant(school),
        snapshot(user("1", NORRA), user("2", STAFF), group("klass-7a", "1", "2"), ou(NORRA, "o")),
    )
    assert {g.name: g.teachers for g in roster.groups} == {"Norra skolan": ()}


def test_the_school_year_is_read_from_the_class_of_any_rule():
    year = YearRule(source="class", pattern=r"^(?P<year>\d)")
    school = unit(classes=(CLASS_GROUP, CLASS_OU), school_year=year)
    roster = select(
        tenant(school),
        snapshot(user("1", f"{NORRA}/7A"), user("2", f"{NORRA}/8B"), group("klass-7a", "1")),
    )
    assert [roster.people[i].enrolments[0].school_year for i in ("1", "2")] == [7, 8]


# For every directory

exceptions = st.builds(
    SelectorExceptions,
    users=st.lists(st.sampled_from(IDS), max_size=3, unique=True).map(tuple),
    org_units=st.lists(st.sampled_from(PATHS[1:]), max_size=2, unique=True).map(tuple),
    groups=st.lists(st.sampled_from(ADDRESSES), max_size=2, unique=True).map(tuple),
)


def at(roster, code: str) -> set[str]:
    """The students at a unit."""
    people = roster.people.values()
    return {person.id for person in people if code in [e.unit for e in person.enrolments]}


@given(snapshots, exceptions)
def test_exceptions_take_whom_they_name_from_their_unit_and_nobody_else(reading, excepted):
    first, *others = DOCUMENT.school_units
    first = replace(first, students=first.students.excepting(excepted))
    before = select(DOCUMENT, reading)
    after = select(replace(DOCUMENT, school_units=(first, *others)), reading)
    named = left_out(excepted, DirectoryIndex(DOCUMENT.protected, reading))
    assert at(after, "1") == at(before, "1") - named
    assert at(after, "2") == at(before, "2")
    assert after.protected == before.protected
    for group_after in after.groups:
        assert not (group_after.unit == "1" and named & set(group_after.students))


@given(snapshots)
def test_a_later_rule_changes_no_class_of_whom_an_earlier_one_has_placed(reading):
    first, *others = DOCUMENT.school_units
    longer = replace(first, classes=(CLASS_OU, CLASS_GROUP, department()))
    before = classes_of(g for g in select(DOCUMENT, reading).groups if g.unit == "1")
    changed = replace(DOCUMENT, school_units=(longer, *others))
    after = classes_of(g for g in select(changed, reading).groups if g.unit == "1")
    assert {id: after.get(id) for id in before} == before


@given(snapshots)
def test_the_same_rule_twice_is_the_rule_once(reading):
    first, *others = DOCUMENT.school_units
    twice = replace(
        first,
        classes=(CLASS_OU, CLASS_OU),
        teaching_groups=(TEACHING_GROUP, TEACHING_GROUP),
    )
    changed = replace(DOCUMENT, school_units=(twice, *others))
    assert select(changed, reading) == select(DOCUMENT, reading)

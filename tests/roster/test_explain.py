import pytest
from hypothesis import given

from addon.roster.explain import explain, selector_outcome
from addon.roster.filters import choose
from addon.roster.index import DirectoryIndex
from addon.roster.select import select
from addon.tenants.conditions import PatternError
from addon.tenants.model import GroupRule, Protected, Selector, SelectorExceptions, YearRule
from tests.roster.builders import (
    CLASS_GROUP,
    CLASS_OU,
    TEACHING_GROUP,
    group,
    people_in,
    snapshot,
    tenant,
    unit,
    user,
    where,
)
from tests.roster.test_properties import DOCUMENT, IDS, snapshots

STAYS = where("orgUnitPath", "notContains", "/Slutat")
NOT_TABLETS = where("primaryEmail", "notMatches", r"^ipad-\d+@")
NORRA = unit(
    students=people_in("/Elever/Norra", filters=((STAYS, NOT_TABLETS),)),
    staff=people_in("/Personal", "larare@x.se"),
    classes=CLASS_OU,
    teaching_groups=TEACHING_GROUP,
    school_year=YearRule(source="class", pattern=r"^(?P<year>\d+)"),
)


def explained(document, reading, user_id: str):
    index = DirectoryIndex(document.protected, reading)
    return explain(document, index, user_id, select(document, reading))


def test_a_student_is_reported_where_from_and_in_which_classes_by_which_rule():
    reading = snapshot(user("a", "/Elever/Norra/7A"), group("norra-ma@x.se", "a"))
    found = explained(tenant(NORRA), reading, "a")
    [reach] = found.reached
    assert (reach.unit, reach.role, reach.org_units, reach.chosen) == (
        NORRA.code,
        "students",
        ("/Elever/Norra",),
        True,
    )
    assert found.enrolled == (NORRA.code,)
    assert [(m.group.name, m.role, m.rule) for m in found.memberships] == [
        ("7A", "student", CLASS_OU),
        ("ma", "student", TEACHING_GROUP),
    ]
    [year] = found.years
    assert (year.year, year.texts, year.misread) == (7, ("7A",), False)
    assert found.left_out is None


def test_who_is_stopped_by_a_filter_sees_the_clause_and_the_value_that_did_it():
    found = explained(tenant(NORRA), snapshot(user("a", "/Elever/Norra/Slutat")), "a")
    [answers] = found.reached[0].filters
    assert [(a.values, a.holds) for a in answers.clauses] == [
        (("/Elever/Norra/Slutat",), False),
        (("a@edu.storkoping.se",), True),
    ]
    assert not found.reached[0].chosen
    assert (found.left_out, found.enrolled) == ("filtered", ())


def test_staff_are_told_which_group_reaches_them_also_by_an_alias():
    reading = snapshot(user("t", "/Annat"), group("teachers@x.se", "t", aliases=("Larare@x.se",)))
    found = explained(tenant(NORRA), reading, "t")
    assert [(r.role, r.groups) for r in found.reached] == [("staff", ("larare@x.se",))]
    assert found.employed == (NORRA.code,)


def test_who_is_chosen_both_ways_is_staff_and_is_told_so():
    reading = snapshot(user("a", "/Elever/Norra/7A"), group("larare@x.se", "a"))
    found = explained(tenant(NORRA), reading, "a")
    assert (found.staff_first, found.employed, found.enrolled) == (True, (NORRA.code,), ())


def test_a_teacher_of_a_group_is_reported_it():
    document = tenant(unit(students=people_in("/E"), staff=people_in("/P"), classes=CLASS_GROUP))
    reading = snapshot(user("a", "/E"), user("t", "/P"), group("klass-7a@x.se", "a", "t"))
    [membership] = explained(document, reading, "t").memberships
    assert (membership.role, membership.group.name) == ("teacher", "7a")


def test_a_year_out_of_range_is_reported_with_the_text_it_was_found_in():
    found = explained(tenant(NORRA), snapshot(user("a", "/Elever/Norra/24A")), "a")
    [year] = found.years
    assert (year.year, year.misread, year.texts) == (None, True, ("24A",))


@pytest.mark.parametrize("account_state", ["suspended", "archived", "deleted"])
def test_of_inactive_people_there_is_the_reason_and_nothing_else(account_state):
    reading = snapshot(user("a", "/Elever/Norra/7A", **{account_state: True}))
    found = explained(tenant(NORRA), reading, "a")
    assert (found.account_state, found.left_out, found.reached) == (
        account_state,
        account_state,
        (),
    )


def test_of_protected_and_unknown_people_there_is_nothing():
    document = tenant(NORRA, protected=Protected(org_units=("/S",)))
    found = explained(document, snapshot(user("a", "/S")), "a")
    assert (found.account_state, found.reached, found.left_out) == ("protected", (), None)
    assert explained(document, snapshot(), "b").account_state == "unknown"


@given(snapshots)
def test_the_explanation_agrees_with_the_roster(reading):
    index, roster = DirectoryIndex(DOCUMENT.protected, reading), select(DOCUMENT, reading)
    for id in IDS:
        found = explain(DOCUMENT, index, id, roster)
        person = roster.people.get(id)
        years = {e.unit: e.school_year for e in person.enrolments} if person else {}
        assert {y.unit: y.year for y in found.years} == {
            code: year for code, year in years.items() if code == "1"
        }
        for each in DOCUMENT.school_units:
            for role, selector in (("students", each.students), ("staff", each.staff)):
                choice = choose(selector, index)
                reach = [r for r in found.reached if (r.unit, r.role) == (each.code, role)]
                assert bool(reach) == (id in choice.chosen | choice.filtered)
                assert any(r.chosen for r in reach) == (id in choice.chosen)
        if found.left_out == "not selected":
            assert not found.reached
        if person:
            chosen = {(r.unit, r.role) for r in found.reached if r.chosen}
            assert {(code, "students") for code in found.enrolled} <= chosen
            assert {(code, "staff") for code in found.employed} <= chosen


# A selector that is being built


def test_a_selection_tells_in_and_out_and_which_clause_stops_how_many():
    reading = snapshot(
        user("a", "/E"),
        user("b", "/E/Slutat"),
        user("ipad", "/E", primary_email="ipad-1@x.se"),
        user("c", "/Annat"),
    )
    found = selector_outcome(
        DirectoryIndex(Protected(), reading), people_in("/E", filters=((STAYS, NOT_TABLETS),))
    )
    assert (found.chosen, found.stopped) == ({"a"}, {"b", "ipad"})
    assert found.failing == ((1, 1),)


def test_a_selection_tells_what_the_directory_does_not_have():
    index = DirectoryIndex(
        Protected(), snapshot(user("a", "/E"), group("g@x.se", aliases=("h@x.se",)))
    )
    found = selector_outcome(index, people_in("/", "/e", "/Gone", "H@x.se", "gone@x.se"))
    assert (found.missing_org_units, found.missing_groups) == (("/Gone",), ("gone@x.se",))


def test_a_bad_filter_is_an_error():
    index = DirectoryIndex(Protected(), snapshot(user("a", "/E")))
    with pytest.raises(PatternError):
        selector_outcome(index, people_in("/E", filters=((where("id", "matches", "("),),)))
    with pytest.raises(ValueError, match="needs a text"):
        selector_outcome(index, people_in("/E", filters=((where("id", "equals"),),)))


def test_an_empty_selector_chooses_nobody():
    index = DirectoryIndex(Protected(), snapshot(user("a", "/E")))
    assert not selector_outcome(index, Selector()).chosen


def test_an_exception_is_explained_with_what_makes_it():
    left = SelectorExceptions(users=("a",), org_units=("/Elever",), groups=("lan@x.se",))
    school = unit(students=people_in("/Elever/Norra").excepting(left))
    reading = snapshot(user("a", "/Elever/Norra/7A"), group("lan@x.se", "a"))
    found = explained(tenant(school), reading, "a")
    (reach,) = found.reached
    assert not reach.chosen
    assert [(each.kind, each.value) for each in reach.exceptions] == [
        ("user", "a"),
        ("orgUnit", "/Elever"),
        ("group", "lan@x.se"),
    ]
    assert found.left_out == "excepted"


def test_a_class_that_a_rule_leaves_out_is_explained():
    rule = GroupRule(source="orgUnit", pattern="(?P<name>[^/]+)$", exceptions=("fritids",))
    school = unit(students=people_in("/Elever/Norra"), classes=rule)
    found = explained(tenant(school), snapshot(user("a", "/Elever/Norra/Fritids")), "a")
    assert [group.name for group in found.excepted_groups] == ["Fritids"]
    assert found.memberships == ()


def test_a_class_is_explained_by_the_rule_that_made_it():
    school = unit(students=people_in("/Elever/Norra"), classes=(CLASS_GROUP, CLASS_OU))
    found = explained(tenant(school), snapshot(user("a", "/Elever/Norra/7A")), "a")
    assert [(m.group.name, m.rule) for m in found.memberships] == [("7A", CLASS_OU)]

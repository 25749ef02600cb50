"""Filters and class rules that read the attribute `groups`, which no own record has."""

import pytest
from msgspec import structs

from addon.directory.evidence import (
    GroupQuestion,
    MembershipQuestion,
    Present,
    Unknown,
    UserQuestion,
)
from addon.directory.snapshot import Doubts
from addon.sync.group_values import MOST_ASKED
from addon.tenants.model import Clause, GroupRule, SelectorExceptions
from tests.sync.test_evidence import (
    NORTH,
    NOW,
    Directory,
    group,
    known_from,
    read,
    replaced,
    tenant,
    user,
    with_groups,
)
from tests.sync.test_evidence import WHOLE as PLAIN

WHOLE = structs.replace(PLAIN, groups=(*PLAIN.groups, group("elever", 1, 2, 3), group("extra")))
SHORT = with_groups(WHOLE, group("elever", 2, 3))
LIST_LACKS = MembershipQuestion("g-elever", "u1")


def filtered(*clauses, **exceptions):
    """The document with a filter on the students of its first unit."""
    document = tenant()
    north, south = document.school_units
    students = structs.replace(north.students, filters=(clauses,))
    students = students.excepting(SelectorExceptions(**exceptions))
    north = structs.replace(north, students=students)
    return structs.replace(document, school_units=(north, south))


def of_groups(operator, value):
    return Clause("groups", operator, value)


MEMBERS = filtered(of_groups("equals", "elever@edu.se"))
LITERAL = (MEMBERS, filtered(of_groups("in", ("extra@edu.se", "elever@edu.se"))))
PATTERN = filtered(of_groups("startsWith", "elev"))


def compared(snapshot, ask, document, known=None, at=NOW + 3600):
    return read(snapshot, ask, known or known_from(WHOLE, document), document, at)


@pytest.mark.parametrize("document", [*LITERAL, PATTERN])
def test_whom_the_list_of_a_filters_group_lacks_is_asked_about_and_read_back(document):
    ask = Directory(WHOLE)
    found = compared(SHORT, ask, document)
    assert LIST_LACKS in ask.asked
    assert "u1" in found.roster.people


@pytest.mark.parametrize("document", LITERAL)
def test_who_has_left_a_filters_group_is_gone_when_the_group_says_so(document):
    found = compared(SHORT, Directory(SHORT), document)
    assert found.evidence.gone_people == {"u1"}


@pytest.mark.parametrize("document", [*LITERAL, PATTERN])
def test_without_an_answer_about_a_filters_group_two_readings_decide(document):
    ask = Directory(SHORT)
    ask.answers[LIST_LACKS] = Unknown()
    first = compared(SHORT, ask, document)
    assert first.evidence.unconfirmed.people.keys() == {"u1"}
    assert "u1" in first.evidence.unconfirmed.groups[NORTH, "orgUnit", "id:/Norra/7A"].students
    again = compared(SHORT, ask, document, first.known, NOW + 7200)
    assert again.evidence.gone_people == {"u1"}


def test_a_pattern_may_match_a_group_that_is_not_listed_so_no_answer_decides():
    found = compared(SHORT, Directory(SHORT), PATTERN)
    assert found.evidence.unconfirmed.people.keys() == {"u1"}


def test_a_filters_group_that_is_not_listed_and_is_there_is_not_gone_however_often():
    without = structs.replace(WHOLE, groups=PLAIN.groups)
    ask = Directory(WHOLE)
    question = GroupQuestion("elever@edu.se")
    ask.answers[question] = Present(WHOLE.groups[2])
    first = compared(without, ask, MEMBERS)
    again = compared(without, ask, MEMBERS, first.known, NOW + 7200)
    assert question in ask.asked
    assert again.evidence.unconfirmed.people.keys() == {"u1", "u2", "u3"}


def test_a_filters_group_that_google_does_not_have_lets_nobody_through():
    without = structs.replace(WHOLE, groups=PLAIN.groups)
    found = compared(without, Directory(without), MEMBERS)
    assert found.evidence.gone_people == {"u1", "u2", "u3"}


@pytest.mark.parametrize("document", [MEMBERS, PATTERN])
def test_a_filters_group_whose_list_is_known_to_be_short_is_not_confirmed_by_a_second(document):
    short = structs.replace(SHORT, doubts=Doubts(groups=frozenset({"g-elever"})))
    ask = Directory(short)
    ask.answers[LIST_LACKS] = Unknown()
    first = compared(short, ask, document)
    again = compared(short, ask, document, first.known, NOW + 7200)
    assert again.evidence.unconfirmed.people.keys() == {"u1"}


@pytest.mark.parametrize("operator", ["notEquals", "notIn"])
def test_who_has_come_into_a_group_that_a_filter_stops_is_shown_by_the_list(operator):
    document = filtered(of_groups(operator, "extra@edu.se"))
    now = with_groups(WHOLE, group("extra", 1))
    ask = Directory(now)
    found = compared(now, ask, document)
    assert found.evidence.gone_people == {"u1"}
    assert {type(question) for question in ask.asked} == {UserQuestion}


def test_whom_another_clause_stops_is_shown_by_the_accounts_own_record():
    document = filtered(
        Clause("name.familyName", "equals", "Ek"), of_groups("equals", "elever@edu.se")
    )
    now = replaced(SHORT, structs.replace(user(1), family_name="Lind"))
    ask = Directory(now)
    assert compared(now, ask, document).evidence.gone_people == {"u1"}
    assert {type(question) for question in ask.asked} == {UserQuestion}


def test_whom_an_exception_leaves_out_is_not_asked_about_for_a_filter():
    document = filtered(of_groups("equals", "elever@edu.se"), groups=("extra@edu.se",))
    now = with_groups(SHORT, group("extra", 1))
    ask = Directory(now)
    assert compared(now, ask, document).evidence.gone_people == {"u1"}
    assert LIST_LACKS not in ask.asked


def test_a_pattern_of_very_many_groups_is_not_asked_about_and_two_readings_decide():
    many = tuple(group(f"elev{n}") for n in range(MOST_ASKED))
    short = structs.replace(SHORT, groups=(*SHORT.groups, *many))
    ask = Directory(short)
    first = compared(short, ask, PATTERN)
    assert not any(isinstance(question, MembershipQuestion) for question in ask.asked)
    again = compared(short, ask, PATTERN, first.known, NOW + 7200)
    assert again.evidence.gone_people == {"u1"}


# Classes from the attribute


def classes_by_groups():
    document = tenant()
    north, south = document.school_units
    rule = GroupRule("attribute", "^elev(?P<name>er)", "groups")
    return structs.replace(document, school_units=(structs.replace(north, classes=rule), south))


CLASS = (NORTH, "attribute", "er")


@pytest.mark.parametrize("members", [(), (2, 3)])
def test_a_class_from_the_attribute_groups_is_asked_about_and_read_back(members):
    short = with_groups(WHOLE, group("elever", *members))
    found = compared(short, Directory(WHOLE), classes_by_groups())
    made = {each.name: each.students for each in found.roster.groups if each.kind == "class"}
    assert made == {"er": ("u1", "u2", "u3")}
    assert found.evidence.unconfirmed.groups == {}


def test_who_leaves_such_a_class_is_gone_when_two_readings_agree():
    document = classes_by_groups()
    first = compared(SHORT, Directory(SHORT), document)
    assert first.evidence.unconfirmed.groups[CLASS].students == ("u1",)
    again = compared(SHORT, Directory(SHORT), document, first.known, NOW + 7200)
    assert again.known.placements.groups[CLASS].students == ("u2", "u3")


def test_such_a_class_is_not_confirmed_by_a_second_list_that_is_known_to_be_short():
    document = classes_by_groups()
    short = structs.replace(SHORT, doubts=Doubts(groups=frozenset({"g-elever"})))
    first = compared(short, Directory(short), document)
    again = compared(short, Directory(short), document, first.known, NOW + 7200)
    assert again.evidence.unconfirmed.groups[CLASS].students == ("u1",)

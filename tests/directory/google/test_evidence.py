"""Questions about single accounts, groups, OUs and memberships: what each answer proves."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from addon.directory.evidence import (
    Absent,
    Answer,
    GroupQuestion,
    MembershipQuestion,
    OrgUnitQuestion,
    Present,
    Question,
    Unknown,
    UserQuestion,
    all_unknown,
)
from addon.directory.google.evidence import ask
from addon.directory.snapshot import Group, OrgUnit, User
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.google_objects import group_id, org_unit_id
from tests.directory.school import AT, TEACHERS, Alter, id_of, other_server, school, source, tenant

ADA = UserQuestion(id_of("ada"))
NOBODY = UserQuestion("100000000000000000000")


@pytest.fixture
def server() -> Iterator[DirectoryServer]:
    with DirectoryServer(school()) as server:
        yield server


def answers(server: DirectoryServer, *questions: Question, budget: int = 50) -> list[Answer]:
    found = ask(tenant(), source(server), questions, budget)
    return [found[question] for question in questions]


def one(alter: Alter, question: Question) -> Answer:
    with other_server(alter) as server:
        return answers(server, question)[0]


def test_an_account_is_there_as_the_reading_would_show_it(server: DirectoryServer):
    assert answers(server, ADA) == [
        Present(User(id_of("ada"), f"ada{AT}", "Ada", "Ek", "/Elever/7A"))
    ]


def test_an_account_that_is_suspended_or_moved_is_there_and_says_so(server: DirectoryServer):
    server.domain.suspend(f"ada{AT}")
    server.domain.move_user(f"ada{AT}", "/Övriga")

    (answer,) = answers(server, ADA)

    assert isinstance(answer, Present)
    assert isinstance(answer.found, User)
    assert (answer.found.suspended, answer.found.org_unit_path) == (True, "/Övriga")


def test_a_group_and_an_ou_are_there_by_id_after_a_rename(server: DirectoryServer):
    server.domain.rename_group(TEACHERS, email=f"personal{AT}")
    server.domain.rename_org_unit("/Elever/7A", "7 A")

    group, unit = answers(
        server, GroupQuestion(group_id(TEACHERS)), OrgUnitQuestion(org_unit_id("/Elever/7A"))
    )

    assert isinstance(group, Present)
    assert isinstance(group.found, Group)
    assert (group.found.email, group.found.members) == (f"personal{AT}", None)
    assert unit == Present(OrgUnit(org_unit_id("/Elever/7A"), "/Elever/7 A", "7 A"))


def test_what_google_says_is_not_there_is_absent(server: DirectoryServer):
    nowhere = OrgUnitQuestion("id:nowhere")
    gone = GroupQuestion("01nothing")

    assert answers(server, NOBODY, gone, nowhere) == [Absent(), Absent(), Absent()]


def test_membership_counts_nested_groups(server: DirectoryServer):
    server.domain.add_member(f"kör{AT}", TEACHERS)
    choir = group_id(f"kör{AT}")

    assert answers(
        server,
        MembershipQuestion(choir, id_of("di")),
        MembershipQuestion(choir, id_of("ada")),
        MembershipQuestion("01nothing", id_of("ada")),
    ) == [Present(), Absent("notMember"), Absent()]


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        ({"status": 403, "reason": "forbidden"}, "403 forbidden"),
        ({"status": 401, "reason": "authError"}, "401 authError"),
        ({"status": 400, "reason": "invalid"}, "400 invalid"),
        ({"status": 404, "reason": "domainNotFound"}, "404 domainNotFound"),
        ({"status": 404, "reason": ""}, "oddAnswer"),
        ({"status": 410, "reason": "notFound"}, "oddAnswer"),
        ({"status": 500}, "noAnswer"),
        ({"status": 503}, "noAnswer"),
        ({"status": 429, "reason": "rateLimitExceeded"}, "noAnswer"),
        ({"kind": "drop"}, "noAnswer"),
        ({"kind": "truncate"}, "noAnswer"),
        ({"kind": "notJson"}, "noAnswer"),
    ],
)
def test_any_other_failure_proves_nothing_and_stops_no_other_question(
    server: DirectoryServer, failure: dict[str, Any], why: str
):
    server.fail(f"users/{id_of('ada')}", times=None, **failure)

    ada, bo = answers(server, ADA, UserQuestion(id_of("bo")))

    assert ada == Unknown(why)
    assert isinstance(bo, Present)


def test_an_account_deleted_lately_is_absent(server: DirectoryServer):
    server.fail(f"users/{id_of('ada')}", status=412, reason="conditionNotMet")
    server.fail(f"groups/{group_id(TEACHERS)}", status=412, reason="conditionNotMet")

    assert answers(server, ADA, GroupQuestion(group_id(TEACHERS))) == [
        Absent("recentlyDeleted"),
        Unknown("412 conditionNotMet"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"null", b"7", b'"gone"', b"<html>404</html>", b"\xff", b"[" * 20_000),
        *(json.dumps({"error": e}).encode() for e in (None, [], "x", {"errors": {}})),
        b"9" * 9999,
        b'{"error": {"errors": [1, null, {"reason": 7}], "message": ["no"]}}',
    ],
)
def test_a_page_that_says_404_is_not_google(body: bytes):
    with DirectoryServer(school()) as server:
        server.fail(f"users/{id_of('ada')}", status=404, body=body)
        assert answers(server, ADA) == [Unknown("oddAnswer")]


@pytest.mark.parametrize(
    "odd",
    [
        [],
        {},
        {"id": 7},
        {"id": ""},
        {"id": "somebody else"},
        {"error": {"code": 404, "errors": [{"reason": "notFound"}]}},
        {"id": id_of("ada"), "name": ["Ada"]},
        b"null",
        b"{}" * 2,
    ],
)
def test_an_answer_about_something_else_proves_nothing(odd: Any):
    answer = one(lambda path, query, answer: odd, ADA)

    assert isinstance(answer, Unknown)
    assert answer.why in {"oddAnswer", "noAnswer"}


@pytest.mark.parametrize("odd", [{}, {"isMember": "no"}, {"isMember": None}, []])
def test_a_membership_is_denied_in_so_many_words_only(odd: Any):
    question = MembershipQuestion(group_id(TEACHERS), id_of("di"))

    assert one(lambda path, query, answer: odd, question) == Unknown("oddAnswer")


def test_no_more_is_asked_than_the_budget_allows(server: DirectoryServer):
    asked = [UserQuestion(id_of(name)) for name in ("ada", "bo", "cy", "di")]

    found = answers(server, *asked, budget=2)

    assert [isinstance(answer, Present) for answer in found] == [True, True, False, False]
    assert found[2:] == [Unknown(), Unknown()]
    assert server.queries == 2
    assert answers(server, *asked, budget=0) == [Unknown()] * 4


def test_a_question_asked_twice_costs_one_query(server: DirectoryServer):
    answers(server, ADA, ADA, ADA)

    assert server.queries == 1


def test_repeated_queries_count_in_the_budget(server: DirectoryServer):
    server.fail(status=503, times=None)
    asked = [UserQuestion(str(n)) for n in range(10)]

    found = ask(tenant(), source(server, threads=1), asked, 10)

    assert set(found.values()) == {Unknown("noAnswer"), Unknown()}
    assert server.queries <= 12


def test_nothing_more_is_asked_once_the_quota_of_the_day_is_used_up(server: DirectoryServer):
    server.fail(status=403, reason="dailyLimitExceeded", times=None)
    asked = [UserQuestion(str(n)) for n in range(10)]

    found = ask(tenant(), source(server, threads=1), asked, 10)

    assert [found[each] for each in asked] == [
        Unknown("403 dailyLimitExceeded"),
        *[Unknown()] * 9,
    ]
    assert server.queries == 1


def test_a_source_that_is_not_there_proves_nothing():
    with DirectoryServer(school()) as server:
        gone = source(server)

    assert ask(tenant(), gone, [ADA], 5) == {ADA: Unknown("noAnswer")}


def test_where_nobody_can_be_asked_nothing_is_known():
    assert all_unknown(tenant(), [ADA, NOBODY], 5) == {ADA: Unknown(), NOBODY: Unknown()}

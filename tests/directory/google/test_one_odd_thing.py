"""One odd account, group or OU stops nobody else, and what it leaves unknown is told."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from addon.directory.errors import DirectoryError
from addon.directory.snapshot import Doubts, Snapshot, UnidentifiedMembers
from addon.roster.select import select
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.google_objects import group_id
from addon.tenants.model import Tenant
from tests.directory.school import (
    AT,
    TEACHERS,
    Alter,
    asked,
    id_of,
    members,
    names,
    other_server,
    person,
    reading,
    school,
    tenant,
)

MA = f"7a-ma{AT}"
HIDDEN = f"skyddade{AT}"
ODD_ENTRIES: list[Any] = [None, "x", 7, [], {}, {"id": ["1"]}, {"name": "Ada"}]


def document(**more: Any) -> Tenant:
    return tenant(
        {
            "students": {"orgUnits": ["/Elever"]},
            "staff": {"groups": [TEACHERS]},
            "teachingGroups": {"from": "group", "pattern": "^7a-(?P<name>.+)@"},
        },
        **more,
    )


def altered(key: str, change: Callable[[list[Any]], Any], path_end: str = "") -> Alter:
    """Answers whose list `key`, at paths that end so, is changed in place or replaced."""

    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        if key in answer and path.endswith(path_end):
            changed = change(answer[key])
            return answer if changed is None else answer | {key: changed}
        return answer

    return alter


def read_with(alter: Alter, document: Tenant, **more: Any) -> Snapshot:
    with other_server(alter, **more) as server:
        return reading(server, document)


# Accounts


@pytest.mark.parametrize(
    ("status", "reason"), [(412, "conditionNotMet"), (400, "invalid"), (400, "badRequest")]
)
def test_a_member_who_is_deleted_or_no_user_stops_nobody(status: int, reason: str):
    with DirectoryServer(school()) as server:
        server.domain.add_member(TEACHERS, f"ed{AT}")
        server.fail(f"users/{id_of('di')}", status=status, reason=reason, times=None)
        snapshot = reading(server, document())
        assert len(asked(server, "/users")) == 1

    assert names(snapshot) == ["ada", "bo", "cy", "ed"]
    assert snapshot.unread == frozenset()


@pytest.mark.parametrize("body", [b"<html>404</html>", b"[]", b"null", b""])
@pytest.mark.parametrize("status", [404, 410, 409])
def test_a_member_about_whom_a_proxy_answers_is_looked_for_in_the_list(status: int, body: bytes):
    with DirectoryServer(school()) as server:
        server.fail(f"users/{id_of('di')}", status=status, body=body, times=None)
        snapshot = reading(server, document())

    assert names(snapshot) == ["ada", "bo", "cy", "di"]


def test_a_member_whom_the_list_has_not_either_is_unread():
    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        if path.endswith(f"/users/{id_of('di')}"):
            return {"id": 7}
        if path.endswith("/users"):
            return {"users": [u for u in answer["users"] if u["id"] != id_of("di")]}
        return answer

    snapshot = read_with(alter, document())

    assert names(snapshot) == ["ada", "bo", "cy"]
    assert snapshot.unread == {id_of("di")}


@pytest.mark.parametrize(
    "odd", [{"suspended": "yes"}, {"name": ["Ada"]}, {"orgUnitPath": 7}, {"primaryEmail": {}}]
)
def test_an_account_that_is_odd_in_the_list_is_asked_for(odd: dict[str, Any]):
    snapshot = read_with(altered("users", lambda users: users[0].update(odd)), document())

    assert names(snapshot) == ["ada", "bo", "cy", "di"]
    assert snapshot.unread == frozenset()
    assert snapshot.doubts == Doubts()


def test_an_account_that_is_odd_everywhere_is_unread_and_stops_nobody():
    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        for user in [answer, *answer.get("users", ())]:
            if user.get("id") == id_of("ada"):
                user["archived"] = 0.5
        return answer

    snapshot = read_with(alter, document())

    assert names(snapshot) == ["bo", "cy", "di"]
    assert snapshot.unread == {id_of("ada")}


@pytest.mark.parametrize("entry", ODD_ENTRIES)
def test_an_entry_that_is_nobodys_puts_its_ou_in_doubt(entry: Any):
    snapshot = read_with(altered("users", lambda users: [entry, *users[1:]]), document())

    assert names(snapshot) == ["bo", "cy", "di"]
    assert snapshot.unread | snapshot.doubts.org_units
    assert snapshot.unread or snapshot.doubts.org_units == {"/Elever"}


def test_an_account_without_an_id_is_found_by_its_address():
    snapshot = read_with(altered("users", lambda users: users[0].pop("id") and None), document())

    assert names(snapshot) == ["ada", "bo", "cy", "di"]


def test_a_protected_account_that_is_odd_is_protected_and_not_unread():
    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        for user in [answer, *answer.get("users", ())]:
            if user.get("id") == id_of("ada"):
                user["archived"] = "no"
        return answer

    snapshot = read_with(
        alter, document(protected={"groups": [HIDDEN]}), **hidden_group(f"ada{AT}")
    )

    assert snapshot.protected == {id_of("ada")}
    assert snapshot.unread == frozenset()


def test_a_selected_member_named_by_an_alias_is_a_member():
    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        if path.endswith(f"{TEACHERS.replace('@', '%40')}/members"):
            return {"members": [{"email": f"D.Ek{AT}", "type": "USER"}]}
        return answer

    people = [person("ada", "/Elever/7A"), person("di", "/Personal", aliases=[f"d.ek{AT}"])]
    snapshot = read_with(alter, document(), users=people, members={TEACHERS: [f"di{AT}"]})

    assert names(snapshot) == ["ada", "di"]
    assert members(snapshot, "larare") == {id_of("di")}


# Groups and OUs


@pytest.mark.parametrize("entry", ODD_ENTRIES)
def test_a_group_that_is_odd_stops_no_other(entry: Any):
    snapshot = read_with(altered("groups", lambda groups: [*groups, entry]), document())

    assert members(snapshot, "7a-ma") == {id_of("ada"), id_of("di")}
    assert snapshot.doubts.listed_groups


def test_a_group_that_is_odd_in_the_list_is_asked_for():
    snapshot = read_with(altered("groups", lambda groups: groups[0].update(name=7)), document())

    assert members(snapshot, "7a-ma") == {id_of("ada"), id_of("di")}
    assert snapshot.doubts == Doubts()


@pytest.mark.parametrize("entry", ODD_ENTRIES)
def test_a_member_that_is_odd_puts_the_group_in_doubt(entry: Any):
    alter = altered("members", lambda found: [*found, entry], f"{MA.replace('@', '%40')}/members")
    snapshot = read_with(alter, document())

    assert members(snapshot, "7a-ma") == {id_of("ada"), id_of("di")}
    assert snapshot.doubts == Doubts(groups=frozenset({group_id(MA)}))


@pytest.mark.parametrize("entry", ODD_ENTRIES)
def test_an_ou_that_is_odd_stops_no_other(entry: Any):
    snapshot = read_with(altered("organizationUnits", lambda units: [*units, entry]), document())

    assert names(snapshot) == ["ada", "bo", "cy", "di"]
    assert snapshot.doubts.listed_org_units


def test_a_group_removed_while_it_is_read_is_not_there():
    with DirectoryServer(school()) as server:
        server.fail(f"/groups/{MA}/members", status=404, reason="notFound", times=None)
        server.fail(f"/groups/{group_id(MA)}", status=404, reason="notFound", times=None)
        snapshot = reading(server, document())

    assert names(snapshot) == ["ada", "bo", "cy", "di"]
    assert MA not in {group.email for group in snapshot.groups}


@pytest.mark.parametrize("path", [f"/groups/{TEACHERS}", f"/groups/{MA}"])
def test_a_proxy_that_says_404_does_not_remove_a_group(path: str):
    with DirectoryServer(school()) as server:
        server.fail(f"{path}/members", status=404, body=b"<html>404</html>", times=None)
        with pytest.raises(DirectoryError, match=r"^members\.list"):
            reading(server, document())


# Short answers


def without(*hidden: str, everywhere: bool = False) -> Alter:
    ids = set(map(id_of, hidden))

    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        derived = query.get("includeDerivedMembership") == "true"
        if path.endswith("/members") and (derived or everywhere):
            return {"members": [m for m in answer.get("members", []) if m["id"] not in ids]}
        return answer

    return alter


@pytest.mark.parametrize("group", ["7a-ma", "larare"])
def test_members_whom_a_derived_list_leaves_out_are_listed_directly(group: str):
    snapshot = read_with(without("di"), document())

    assert id_of("di") in (members(snapshot, group) or ())
    assert snapshot.doubts == Doubts()


def test_a_group_with_fewer_members_than_it_tells_is_doubtful():
    snapshot = read_with(without("di", everywhere=True), document())

    assert members(snapshot, "7a-ma") == {id_of("ada")}
    assert snapshot.doubts.groups == {group_id(MA), group_id(TEACHERS)}


def test_a_whole_list_of_members_costs_one_query():
    with DirectoryServer(school()) as server:
        reading(server, document())
        assert len([each for each in asked(server, "/members") if MA in each.path]) == 1


def test_an_ou_renamed_during_the_reading_is_listed_again():
    lists: list[None] = []

    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        if path.endswith("/orgunits"):
            lists.append(None)
            for unit in answer["organizationUnits"] if len(lists) == 1 else ():
                unit["orgUnitPath"] = unit["orgUnitPath"].replace("/7A", "/7 A")
        return answer

    snapshot = read_with(alter, document())

    assert len(lists) == 2
    assert "/Elever/7A" in {unit.path for unit in snapshot.org_units}
    assert snapshot.doubts == Doubts()


def test_people_in_an_ou_that_no_list_has_put_it_in_doubt():
    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        units = answer.get("organizationUnits", [])
        units[:] = [unit for unit in units if not unit["orgUnitPath"].endswith("/7A")]
        return answer

    snapshot = read_with(alter, document())

    assert names(snapshot) == ["ada", "bo", "cy", "di"]
    assert snapshot.doubts == Doubts(unlisted_org_units=frozenset({"/Elever/7A"}))


def test_a_selected_ou_that_only_the_second_list_has_is_in_doubt():
    lists: list[None] = []

    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        if path.endswith("/orgunits"):
            lists.append(None)
            hidden = {"/Personal", "/Elever/7A"} if len(lists) == 1 else set()
            units = answer["organizationUnits"]
            units[:] = [unit for unit in units if unit["orgUnitPath"] not in hidden]
        return answer

    both = tenant({"students": {"orgUnits": ["/Elever", "/Personal"]}})
    snapshot = read_with(alter, both)

    assert names(snapshot) == ["ada", "bo", "cy"]
    assert snapshot.doubts == Doubts(org_units=frozenset({"/Personal"}))


def test_a_reading_that_agrees_has_no_doubts_and_lists_the_ous_once():
    with DirectoryServer(school()) as server:
        assert reading(server, document()).doubts == Doubts()
        assert len(asked(server, "/orgunits")) == 1


# Members of protected groups


def hidden_group(*hidden: Any, **more: Any) -> dict[str, Any]:
    groups = [{"email": MA}, {"email": TEACHERS}, {"email": HIDDEN}]
    return {"groups": groups, "members": {HIDDEN: list(hidden), TEACHERS: [f"di{AT}"]}, **more}


def no_ids(path: str, query: Mapping[str, str], answer: Any) -> Any:
    if path.endswith(f"{HIDDEN.replace('@', '%40')}/members"):
        for member in answer["members"]:
            del member["id"]
    return answer


def aliased(member: str) -> Alter:
    """The protected group's only member is this address, without an id."""

    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        if path.endswith(f"{HIDDEN.replace('@', '%40')}/members"):
            return {"members": [{"email": member, "type": "USER"}]}
        return answer

    return alter


PROTECTING = {"protected": {"groups": [HIDDEN]}}


def test_a_protected_member_named_by_an_alias_is_identified():
    people = [person("ada", "/Elever/7A", aliases=[f"a.ek{AT}"]), person("di", "/Personal")]
    hidden = hidden_group("extern@gmail.com", users=people)

    snapshot = read_with(aliased(f"A.Ek{AT}"), document(**PROTECTING), **hidden)

    assert snapshot.protected == {id_of("ada")}
    assert names(snapshot) == ["di"]
    assert snapshot.unidentified == ()


def test_a_protected_member_whom_nobody_knows_is_counted():
    hidden = hidden_group(f"ada{AT}")

    snapshot = read_with(aliased(f"okänd{AT}"), document(**PROTECTING), **hidden)

    assert snapshot.protected == frozenset()
    assert snapshot.unidentified == (UnidentifiedMembers(HIDDEN, 1),)
    (found,) = [
        each
        for each in select(document(**PROTECTING), snapshot).findings
        if each.code == "protected-member-unknown"
    ]
    assert (found.severity, found.subject, found.values) == ("error", HIDDEN, (("count", "1"),))
    assert "okänd" not in found.message


def test_a_protected_member_from_elsewhere_is_nobody_of_ours():
    hidden = hidden_group("x@gmail.com")

    snapshot = read_with(aliased("x@gmail.com"), document(**PROTECTING), **hidden)

    assert snapshot.unidentified == ()


def test_a_protected_member_who_was_read_costs_no_question():
    with other_server(no_ids, **hidden_group(f"ada{AT}")) as server:
        snapshot = reading(server, document(**PROTECTING))
        assert asked(server, f"/users/ada{AT}") == []

    assert snapshot.protected == {id_of("ada")}
    assert snapshot.unidentified == ()


@pytest.mark.parametrize("entry", ODD_ENTRIES)
def test_a_protected_member_that_cannot_be_read_is_counted(entry: Any):
    end = f"{HIDDEN.replace('@', '%40')}/members"
    alter = altered("members", lambda found: [*found, entry], end)
    snapshot = read_with(alter, document(**PROTECTING), **hidden_group(f"ada{AT}"))

    assert snapshot.protected == {id_of("ada")}
    assert snapshot.unidentified == (UnidentifiedMembers(HIDDEN, 1),)


def test_protected_members_whom_the_list_leaves_out_are_counted():
    hidden = hidden_group(f"ada{AT}", f"bo{AT}", f"cy{AT}")
    snapshot = read_with(without("bo", "cy", everywhere=True), document(**PROTECTING), **hidden)

    assert snapshot.protected == {id_of("ada")}
    assert UnidentifiedMembers(HIDDEN, 2) in snapshot.unidentified


def test_accounts_of_a_protected_ou_that_cannot_be_read_are_counted():
    protecting = document(protected={"orgUnits": ["/Elever/7A"]})

    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        if "users" in answer and "7A" in query["query"]:
            answer["users"] = [{"id": id_of("ada"), "orgUnitPath": 3}, {"x": 1}]
        return answer

    snapshot = read_with(alter, protecting)

    assert id_of("ada") in snapshot.protected
    assert snapshot.unidentified == (UnidentifiedMembers("/Elever/7A", 1),)

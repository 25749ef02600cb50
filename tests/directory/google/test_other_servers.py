"""Directory servers that somebody else wrote: what they leave out or say in another way."""

from collections.abc import Mapping
from typing import Any

import pytest

from addon.directory.errors import DirectoryError
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.domain import Domain
from addon.sandbox.google_objects import group_id
from tests.directory.school import (
    AT,
    TEACHERS,
    OtherServer,
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


def document(**more: Any) -> Any:
    return tenant(
        {
            "students": {"orgUnits": ["/Elever"], "groups": [TEACHERS]},
            "teachingGroups": {"from": "group", "pattern": "^7a-(?P<name>.+)@"},
        },
        **more,
    )


def test_a_server_without_domains_will_do():
    with DirectoryServer(school()) as server:
        server.fail("/domains", status=404, reason="notFound", times=None)
        snapshot = reading(server, document())

    assert names(snapshot) == ["ada", "bo", "cy", "di"]
    assert snapshot.domains == ()


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_users_get_is_asked_for_everybody(status: int):
    with DirectoryServer(school()) as server:
        server.fail("/users/", status=status, reason="notFound", times=None)
        snapshot = reading(server, document())
        assert len(asked(server, "/users")) == 2

    assert names(snapshot) == ["ada", "bo", "cy", "di"]


def test_a_server_that_gives_more_than_was_asked_for_will_do():
    class Whole(DirectoryServer):
        def answer(self, path: str, query: Mapping[str, str]) -> bytes:
            left = {"fields", "projection", "customFieldMask"}
            return super().answer(path, {k: v for k, v in query.items() if k not in left})

    with Whole(school()) as server:
        snapshot = reading(server, document())

    assert names(snapshot) == ["ada", "bo", "cy", "di"]
    assert all(user.attributes == {} for user in snapshot.users)


def test_an_empty_page_token_is_the_last_page():
    with other_server(lambda path, query, answer: answer | {"nextPageToken": ""}) as server:
        assert names(reading(server, document())) == ["ada", "bo", "cy", "di"]
        assert len(asked(server, "/users")) == 1


def test_an_empty_page_with_a_token_is_not_the_last():
    seen: list[str] = []

    def first_empty(path: str, query: Mapping[str, str], answer: Any) -> Any:
        if path.endswith("/users") and not seen:
            seen.append(path)
            return {"nextPageToken": "more"}
        return answer

    class Forgiving(OtherServer):
        def answer(self, path: str, query: Mapping[str, str]) -> bytes:
            return super().answer(path, {k: v for k, v in query.items() if k != "pageToken"})

    with Forgiving(school(), first_empty) as server:
        assert names(reading(server)) == ["ada", "bo", "cy"]


def test_a_named_group_that_the_list_lacks_has_its_own_id():
    def unlisted(path: str, query: Mapping[str, str], answer: Any) -> Any:
        return {} if path.endswith("/groups") else answer

    with other_server(unlisted) as server:
        snapshot = reading(server, document())

    assert [group.id for group in snapshot.groups] == [group_id(TEACHERS)]
    assert members(snapshot, "larare") == {id_of("di")}


def test_a_server_without_groups_get_will_do():
    def unlisted(path: str, query: Mapping[str, str], answer: Any) -> Any:
        return {} if path.endswith("/groups") else answer

    with other_server(unlisted) as server:
        server.fail("/groups/", status=404, reason="notFound", query_contains="fields=id,email")
        snapshot = reading(server, document())

    assert snapshot.missing_groups == ()
    assert members(snapshot, "larare") == {id_of("di")}


def users_changed(change: Any) -> Any:
    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        for user in answer.get("users", ()):
            change(user)
        return answer

    return alter


@pytest.mark.parametrize("key", ["suspended", "archived"])
def test_a_boolean_that_is_absent_is_false(key: str):
    with other_server(users_changed(lambda user: user.pop(key))) as server:
        assert not any(getattr(user, key) for user in reading(server).users)


@pytest.mark.parametrize("key", ["name", "primaryEmail", "orgUnitPath"])
def test_a_user_may_lack_anything_but_an_id(key: str):
    with other_server(users_changed(lambda user: user.pop(key))) as server:
        users = reading(server).users

    assert len(users) == 3
    assert all(user.org_unit_path.startswith("/Elever") for user in users)


def test_a_user_without_an_id_ends_the_reading():
    with (
        other_server(users_changed(lambda user: user.pop("id"))) as server,
        pytest.raises(DirectoryError, match=r"users\[0\].*missing required field `id`"),
    ):
        reading(server)


def test_people_keep_their_protection_when_paths_come_in_other_case():
    domain = school(users=[person("ada", "/Elever/7A"), person("bo", "/Elever/Skyddade")])

    def shout(user: dict[str, Any]) -> None:
        user["orgUnitPath"] = user["orgUnitPath"].upper()

    with OtherServer(domain, users_changed(shout)) as server:
        snapshot = reading(server, tenant(protected={"orgUnits": ["/Elever/Skyddade"]}))

    assert names(snapshot) == ["ada"]
    assert snapshot.protected == {id_of("bo")}


def test_a_server_that_forgets_the_query_does_not_make_everybody_protected():
    class Forgetful(DirectoryServer):
        def answer(self, path: str, query: Mapping[str, str]) -> bytes:
            return super().answer(path, {k: v for k, v in query.items() if k != "query"})

    domain = school(users=[person("ada", "/Elever/7A"), person("bo", "/Skyddade")], members={})
    with Forgetful(domain) as server:
        snapshot = reading(server, tenant(protected={"orgUnits": ["/Skyddade"]}))

    assert names(snapshot) == ["ada"]
    assert snapshot.protected == {id_of("bo")}


def members_changed(group: str, change: Any) -> Any:
    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        if f"{group}/members" in path.replace("%40", "@"):
            for member in answer.get("members", ()):
                change(member)
        return answer

    return alter


def test_a_member_without_an_id_is_found_by_address():
    with other_server(members_changed(MA, lambda member: member.pop("id"))) as server:
        snapshot = reading(server, document())

    assert members(snapshot, "7a-ma") == {id_of("ada"), id_of("di")}


def test_a_selected_member_without_an_id_is_fetched_by_address():
    with other_server(members_changed(TEACHERS, lambda member: member.pop("id"))) as server:
        snapshot = reading(server, document())

    assert names(snapshot) == ["ada", "bo", "cy", "di"]
    assert members(snapshot, "larare") == {id_of("di")}


def test_an_address_is_in_no_error():
    with other_server(members_changed(TEACHERS, lambda member: member.pop("id"))) as server:
        server.fail("/users/", status=500, times=None)
        with pytest.raises(DirectoryError, match=r"^users\.get by a member's address: ") as raised:
            reading(server, document())

    assert "@" not in str(raised.value)


def test_a_member_who_is_nobody_ends_the_reading():
    with (
        other_server(members_changed(MA, dict.clear)) as server,
        pytest.raises(DirectoryError, match=r"^members\.list of 7a-ma@.*neither id nor email"),
    ):
        reading(server, document())


def test_a_member_without_a_type_is_a_user():
    with other_server(members_changed(MA, lambda member: member.pop("type"))) as server:
        assert members(reading(server, document()), "7a-ma") == {id_of("ada"), id_of("di")}


def test_the_customer_is_known_by_its_id_too():
    def untyped(path: str, query: Mapping[str, str], answer: Any) -> Any:
        if path.endswith("/members"):
            return {"members": [{"id": "C0storkoping"}]}
        return answer

    with other_server(untyped) as server:
        snapshot = reading(server, document())

    assert [group.everyone for group in snapshot.groups if group.email == MA] == [True]
    assert members(snapshot, "7a-ma") == frozenset()


def test_a_customer_without_ous_has_the_root():
    domain = Domain.from_json({"users": [{"primaryEmail": f"ada{AT}"}]})
    with DirectoryServer(domain) as server:
        assert names(reading(server, tenant({"students": {"orgUnits": ["/"]}}))) == ["ada"]

"""People with protected identity are in no part of a reading but `protected`."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from addon.directory.errors import DirectoryError
from addon.directory.protected import Members, ProtectedPeople
from addon.directory.snapshot import Snapshot, User
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.domain import Domain
from addon.tenants.model import Tenant
from tests.directory.school import (
    AT,
    TEACHERS,
    OtherServer,
    asked,
    id_of,
    members,
    names,
    person,
    reading,
    school,
    tenant,
)

HIDDEN = f"skyddade{AT}"
GROUPS = [{"email": HIDDEN}, {"email": f"7a-ma{AT}"}, {"email": TEACHERS}]


def guarded(*hidden: Any, **more: Any) -> Domain:
    """The school with these members of its protected group; all are in 7A Ma too."""
    everybody = [f"{name}{AT}" for name in ("ada", "bo", "cy", "di", "ed")]
    groups = {HIDDEN: list(hidden), f"7a-ma{AT}": everybody, TEACHERS: [f"di{AT}", f"ed{AT}"]}
    return school(groups=GROUPS, members=groups, **more)


def document(**protected: Any) -> Tenant:
    return tenant(
        {
            "students": {"orgUnits": ["/Elever"]},
            "staff": {"groups": [TEACHERS]},
            "teachingGroups": {"from": "group", "pattern": "^7a-(?P<name>.+)@"},
        },
        protected=protected or {"groups": [HIDDEN]},
    )


def nowhere(snapshot: Snapshot, *hidden: str) -> bool:
    """Whether the people are in `protected`, and neither id nor address anywhere else."""
    if not snapshot.protected >= set(map(id_of, hidden)):
        return False
    rest = msgspec.json.encode(msgspec.structs.replace(snapshot, protected=frozenset())).decode()
    return not any(id_of(name) in rest or name + AT in rest for name in hidden)


def test_members_of_a_protected_group_are_nowhere():
    with DirectoryServer(guarded(f"ada{AT}", f"di{AT}")) as server:
        snapshot = reading(server, document())

    assert nowhere(snapshot, "ada", "di")
    assert snapshot.protected == {id_of("ada"), id_of("di")}
    assert names(snapshot) == ["bo", "cy", "ed"]
    assert members(snapshot, "7a-ma") == {id_of("bo"), id_of("cy"), id_of("ed")}


def test_nothing_about_them_is_asked_for():
    with DirectoryServer(guarded(f"ed{AT}")) as server:
        reading(server, document())
        assert not any(id_of("ed") in request.path for request in server.requests)


def test_members_of_groups_in_a_protected_group_are_protected():
    with DirectoryServer(guarded(TEACHERS)) as server:
        assert nowhere(reading(server, document()), "di", "ed")


def test_people_in_a_protected_ou_are_nowhere():
    with DirectoryServer(guarded()) as server:
        server.domain.add_org_unit("/Skyddade/Djupt")
        for name in ("bo", "di"):
            server.domain.move_user(name + AT, "/Skyddade/Djupt")
        snapshot = reading(server, document(orgUnits=["/Skyddade"]))
        fields = {request.query["fields"] for request in asked(server, "/users")}

    assert nowhere(snapshot, "bo", "di")
    assert names(snapshot) == ["ada", "cy", "ed"]
    assert "users(id,orgUnitPath),nextPageToken" in fields


def test_a_protected_ou_within_a_selected_one_is_protected():
    with DirectoryServer(guarded()) as server:
        snapshot = reading(server, document(orgUnits=["/elever/7A/"]))

    assert nowhere(snapshot, "ada", "bo")
    assert names(snapshot) == ["cy", "di", "ed"]


def test_those_who_are_read_by_listing_everybody_are_protected_too():
    with DirectoryServer(guarded(f"di{AT}")) as server:
        server.domain.move_user(f"cy{AT}", "/Övriga")
        server.domain.add_member(TEACHERS, "*")
        snapshot = reading(server, document(groups=[HIDDEN], orgUnits=["/Övriga"]))

    assert nowhere(snapshot, "cy", "di", "ed")
    assert names(snapshot) == ["ada", "bo"]


def test_the_whole_customer_in_a_protected_group_ends_the_reading():
    with (
        DirectoryServer(guarded("*")) as server,
        pytest.raises(DirectoryError, match="the whole organisation is a member of skyddade@"),
    ):
        reading(server, document())


def nameless(name: str) -> Any:
    """A server whose protected group has one member, who has an address and no id."""

    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        if "skyddade" in path:
            return {"members": [{"email": (name + AT).upper(), "type": "USER"}]}
        return answer

    return alter


@pytest.mark.parametrize("name", ["ada", "di"])
def test_a_protected_member_without_an_id_is_known_by_address(name: str):
    with OtherServer(guarded(), nameless(name)) as server:
        snapshot = reading(server, document())
        assert not any(id_of(name) in request.path for request in server.requests)

    assert nowhere(snapshot, name)
    assert len(snapshot.users) == 4


def test_so_is_one_who_is_in_a_teaching_group_only():
    with OtherServer(guarded(), nameless("ed")) as server:
        server.domain.remove_member(TEACHERS, f"ed{AT}")
        snapshot = reading(server, document())

    assert nowhere(snapshot, "ed")


def test_so_is_one_who_is_met_by_listing_everybody():
    with OtherServer(guarded(), nameless("ed")) as server:
        server.domain.remove_member(TEACHERS, f"ed{AT}")
        server.domain.remove_member(f"7a-ma{AT}", f"ed{AT}")
        server.domain.add_member(TEACHERS, "*")
        snapshot = reading(server, document())

    assert nowhere(snapshot, "ed")
    assert names(snapshot) == ["ada", "bo", "cy", "di"]


def test_an_unknown_protected_group_ends_the_reading():
    with (
        DirectoryServer(guarded()) as server,
        pytest.raises(DirectoryError, match=r"no group borta@.*Nothing was sent.*new address"),
    ):
        reading(server, document(groups=[f"borta{AT}"]))


def test_an_unknown_protected_ou_ends_the_reading():
    with (
        DirectoryServer(guarded()) as server,
        pytest.raises(DirectoryError, match=r"no organisational unit /Borta.*new path"),
    ):
        reading(server, document(orgUnits=["/Borta"]))


def user(name: str, org_unit: str = "/Elever") -> User:
    return User(
        id=id_of(name),
        primary_email=name + AT,
        given_name=name,
        family_name="Ek",
        org_unit_path=org_unit,
    )


def test_somebody_who_was_moved_during_the_reading_is_protected():
    protection = ProtectedPeople((), (), ("/Skyddade",))
    protection.meet([user("ada"), user("bo", "/skyddade/7A")])

    assert protection.ids == {id_of("bo")}


def test_nobody_is_protected_when_nobody_is_said_to_be():
    protection = ProtectedPeople((), (Members(),), ())
    protection.meet([user("ada")])
    protection.meet_members([Members(ids=frozenset({"1"}), addresses={"1": f"ada{AT}"})])

    assert protection.ids == set()
    assert not protection.by_address


def test_a_user_without_an_address_is_not_taken_for_somebody_else():
    protection = ProtectedPeople((), (Members(nameless=frozenset({f"ada{AT}"})),), ())
    protection.meet([msgspec.structs.replace(user("bo"), primary_email="")])

    assert protection.ids == set()
    assert protection.by_address


def test_reading_says_who_is_protected_even_when_they_are_selected_nowhere():
    with DirectoryServer(guarded(f"ed{AT}", users=[person("ed", "/Övriga")])) as server:
        snapshot = reading(server, tenant(protected={"groups": [HIDDEN]}))

    assert snapshot.protected == {id_of("ed")}

"""A reconciliation finds how the vendor differs from the ledger, and the next run corrects it."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey, UnusableKeyError
from addon.ss12000.resources import SCHOOL_USER
from addon.sync.context import NotFoundError
from addon.sync.drift import TypeDrift
from addon.sync.reconcile import reconcile
from addon.vendors.profiles import NotConfigured
from tests.support.small_school import PUPILS, TENANT, address, small_school
from tests.support.world import World

KEY = LedgerKey(TENANT, "all", "live")


@pytest.fixture(params=["paged", "whole"])
def world(request, tmp_path):
    with small_school(tmp_path, listing=request.param, page_limit=5) as world:
        world.run("sync", TENANT)
        world.forget_requests()
        yield world


def reconciled(world: World):
    with world.sync_context() as context:
        return reconcile(context, TENANT, "all")


def drift(world: World, resource_type: str = "User") -> TypeDrift:
    return next(d for d in reconciled(world).types if d.resource_type == resource_type)


def vendor_id(world: World, who: tuple[str, str]) -> str:
    held = world.vendor("all").held("User").items()
    return next(key for key, user in held if user["userName"] == address(*who))


def next_run(world: World) -> dict[str, dict[str, int]]:
    world.forget_requests()
    operations = world.run("sync", TENANT, "--vendor", "all", "--json").part("all")["operations"]
    assert len(world.vendor("all").held("User")) == 14
    assert len(set(world.vendor("all").externalIds("User"))) == 14
    world.forget_requests()
    world.run("sync", TENANT, "--vendor", "all")
    assert world.requests == []
    return operations


def test_no_drift_changes_nothing(world):
    found = reconciled(world)
    assert found.whole
    assert [d.there for d in found.types if d.there] == [1, 1, 14, 2, 2]
    for each in found.types:
        assert each == TypeDrift(each.resource_type, there=each.there)
    assert {method for method, _ in world.requests} == {"GET"}
    assert next_run(world) == {"create": {}, "update": {}, "delete": {}}


def test_what_is_missing_there_is_there_after_the_next_run(world):
    world.vendor("all")._state._delete("Users", vendor_id(world, PUPILS["7A"][0]))
    assert drift(world) == TypeDrift("User", there=13, missing=1)
    assert next_run(world) == {"create": {}, "update": {"User": 1}, "delete": {}}


def test_what_is_there_under_another_id_is_known_again(world):
    old = vendor_id(world, PUPILS["7A"][0])
    body = world.vendor("all").held("User")[old]
    world.vendor("all")._state._delete("Users", old)
    world.vendor("all")._state._create("Users", body)
    assert drift(world) == TypeDrift("User", there=14, different_id=1)
    assert next_run(world) == {"create": {}, "update": {}, "delete": {}}


def test_what_is_there_more_than_once_is_there_once_after_the_next_run(world):
    body = world.vendor("all").held("User")[vendor_id(world, PUPILS["7A"][0])]
    world.vendor("all")._state._create("Users", body)
    assert drift(world) == TypeDrift("User", there=15, several=1)
    next_run(world)


def test_what_the_ledger_does_not_know_is_taken_up(world):
    with world.open_store() as store:
        gone = next(iter(store.ledger(KEY).entries["User"]))
        store.record(KEY, [LedgerChange("User", gone, forget=True)])
    assert drift(world) == TypeDrift("User", there=14, adopted=1)
    next_run(world)


def test_others_are_left_alone(world):
    world.vendor("all")._state._create("Users", {"externalId": "theirs", "userName": "x"})
    world.vendor("all")._state._create("Users", {"externalId": "", "userName": "y"})
    assert drift(world) == TypeDrift("User", there=16, others=2)
    world.run("sync", TENANT)
    assert "theirs" in world.vendor("all").externalIds("User")


def test_a_vendor_that_cannot_list_is_reported_and_the_ledger_stays(world):
    world.vendor("all").knobs.listing = "none"
    found = reconciled(world)
    assert not found.whole
    assert not any(d.listed for d in found.types)
    world.forget_requests()
    world.run("sync", TENANT)
    assert world.requests == []


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503, "retry_after": 0},
        {"drop": True},
        {"status": 401},
        {"status": 200, "body": b"nonsense"},
        {"status": 200, "body": b'{"totalResults": 14, "Resources": []}'},
        {"truncate": True},
    ],
    ids=str,
)
def test_a_list_that_cannot_be_had_makes_nobody_missing(world, fault):
    world.vendor("all").fail(times=None, endpoint="Users", **fault)
    found = reconciled(world)
    assert not found.whole
    assert found.detail
    world.forget_requests()
    assert world.run("sync", TENANT).status == 0
    assert world.requests == []


def test_a_connection_that_is_off_or_not_set_up_is_reported(world):
    with world.sync_context() as context, pytest.raises(NotFoundError, match="nobody"):
        reconcile(context, TENANT, "nobody")
    world.environ["SKOLSYNK_ALL_LIVE_KEY"] = " "
    with (
        world.sync_context() as context,
        pytest.raises(NotConfigured, match="SKOLSYNK_ALL_LIVE_KEY"),
    ):
        reconcile(context, TENANT, "all")
    world.change_connection("all", mode="off")
    with world.sync_context() as context, pytest.raises(NotFoundError, match="is off"):
        reconcile(context, TENANT, "all")


# What has no externalId of ours is nobody's


def of_a_school_unit(world: World, **more: Any) -> dict[str, Any]:
    """An account that refers to the tenant's school unit, as one made by hand may do."""
    (unit,) = (body["externalId"] for body in world.vendor("all").held("SchoolUnit").values())
    enrolments = [{"value": unit, "$ref": f"SchoolUnits/{unit}"}]
    return {"userName": "hand@x", SCHOOL_USER: {"enrolments": enrolments}, **more}


@pytest.mark.parametrize(
    "external_id", ["", " ", "7", "hand-made", "5b0b9a5e-8f2f-4d0c-9a55-6a4a3f1c2d77", None]
)
def test_accounts_made_by_hand_are_never_taken_up(world, external_id):
    server = world.vendor("all")
    made = [
        server.put("User", of_a_school_unit(world, externalId=external_id or "")) for _ in "abc"
    ]
    if external_id is None:
        server.show(lambda endpoint, listed: [without(e, "externalId", made) for e in listed])
    assert drift(world).adopted == 0
    world.run("sync", TENANT)
    assert set(made) <= server.held("User").keys()
    with world.open_store() as store:
        assert len(store.ledger(KEY).entries["User"]) == 14


def without(resource: dict[str, Any], field: str, ids: list[str]) -> dict[str, Any]:
    return {k: v for k, v in resource.items() if k != field or resource["id"] not in ids}


def test_a_vendor_that_lists_no_external_ids_keeps_everybody(world):
    server = world.vendor("all")
    server.put("User", of_a_school_unit(world))
    before = {kind: server.externalIds(kind) for kind in ("User", "StudentGroup", "Employment")}

    def nameless(endpoint: str, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{k: v for k, v in each.items() if k != "externalId"} for each in listed]

    server.show(nameless)
    assert drift(world) == TypeDrift("User", there=15, others=15)
    world.run("sync", TENANT)
    assert {kind: server.externalIds(kind) for kind in before} == before


def test_what_an_earlier_version_took_up_is_forgotten_and_not_removed(world):
    server = world.vendor("all")
    made = server.put("User", of_a_school_unit(world))
    with world.open_store() as store, pytest.raises(UnusableKeyError):
        store.record(KEY, [LedgerChange("User", "", LedgerEntry(made, b""))])
    with closing(sqlite3.connect(world.folder / "skolsynk.db")) as db, db:
        (number,) = db.execute("SELECT id FROM connections WHERE vendor = 'all'").fetchone()
        db.execute("INSERT INTO entries VALUES (?, 'User', '', ?, ?)", (number, made, b""))
    world.forget_requests()
    assert world.run("sync", TENANT).status == 0
    assert world.requests == []
    assert made in server.held("User")
    with world.open_store() as store:
        assert "" not in store.ledger(KEY).entries["User"]


# What a list says, and what it does not


def test_what_is_listed_twice_is_one(world):
    server = world.vendor("all")
    server.show(lambda endpoint, listed: [each for each in listed for _ in range(2)])
    assert drift(world) == TypeDrift("User", there=14)
    with world.open_store() as store:
        store.record(
            KEY, [LedgerChange("User", each, LedgerEntry("", b"")) for each in users(world)]
        )
    assert next_run(world)["delete"] == {}


def users(world: World) -> list[str]:
    found: list[str] = world.vendor("all").externalIds("User")
    return found


@pytest.mark.parametrize("kept", [0, 1, 6])
def test_a_list_that_lacks_many_is_asked_about_and_changes_nothing(world, kept):
    world.vendor("all").show(lambda endpoint, listed: listed[:kept])
    with world.open_store() as store:
        before = store.ledger(KEY).entries
    held = world.run("reconcile", TENANT, "--vendor", "all")
    assert held.status == 3
    assert f"Held: {14 - kept} of 14 User are missing" in held.out
    assert "right address" in held.out
    with world.open_store() as store:
        assert store.ledger(KEY).entries == before
    world.vendor("all").show(lambda endpoint, listed: listed)
    assert next_run(world) == {"create": {}, "update": {}, "delete": {}}


def test_a_vendor_that_has_lost_everything_gets_it_again_when_a_person_says_so(world):
    server = world.vendor("all")
    for endpoint in server._state.held:
        for each in list(server._state.held[endpoint]):
            server._state._delete(endpoint, each)
    assert world.run("reconcile", TENANT, "--vendor", "all").status == 3
    assert world.run("reconcile", TENANT, "--vendor", "all", "--yes").status == 0
    next_run(world)


def test_a_thinned_list_removes_nobody_and_doubles_nobody(world):
    server = world.vendor("all")
    server.knobs.filter = "ignored"
    missing = users(world)[:2]
    server.show(lambda endpoint, listed: [e for e in listed if e["externalId"] not in missing])
    before = server.externalIds()
    assert drift(world).missing == 2
    assert world.run("sync", TENANT).status == 0
    assert server.externalIds() == before


def test_a_list_with_the_total_of_the_page_is_read_to_its_end(world):
    server = world.vendor("all")
    server.knobs.total, server.knobs.page_limit = "page", 100
    for n in range(150):
        server.put("User", {"externalId": f"other-{n}", "userName": f"o{n}"})
    assert drift(world) == TypeDrift("User", there=164, others=150)


# Content


def change_there(world: World, kind: str, **values: Any) -> None:
    """Change one resource at the vendor, as somebody may do there."""
    endpoint, state = f"{kind}s", world.vendor("all")._state
    resource_id, body = next(
        (i, b) for i, b in state.held[endpoint].items() if kind != "User" or SCHOOL_USER in b
    )
    state._keep(endpoint, resource_id, {**body, **values})


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("User", {"userName": "somebody@else"}),
        ("User", {SCHOOL_USER: {"enrolments": []}}),
        ("StudentGroup", {"studentMemberships": []}),
    ],
)
def test_what_has_other_content_there_is_sent_again(world, kind, values):
    change_there(world, kind, **values)
    assert drift(world, kind).changed == 1
    assert next_run(world)["update"] == {kind: 1}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("User", {"displayName": "Somebody Else"}),
        ("User", {SCHOOL_USER: None}),
        ("StudentGroup", {"studentMemberships": [{"value": "their-own-id"}]}),
        ("StudentGroup", {"studentMemberships": "many"}),
    ],
)
def test_what_the_list_does_not_tell_is_not_doubted(world, kind, values):
    change_there(world, kind, **values)
    assert drift(world, kind).changed == 0

"""A reconciliation finds how the vendor differs from the ledger, and the next run corrects it."""

import pytest

from addon.planning.ledger import LedgerChange, LedgerKey
from addon.sync.context import NotFoundError
from addon.sync.reconcile import TypeDrift, reconcile
from addon.vendors.profiles import NotConfigured
from tests.support.small_school import PUPILS, TENANT, address, small_school
from tests.support.world import World


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


def test_what_is_missing_there_is_created_by_the_next_run(world):
    world.vendor("all")._state._delete("Users", vendor_id(world, PUPILS["7A"][0]))
    assert drift(world) == TypeDrift("User", there=13, missing=1)
    assert next_run(world)["create"] == {"User": 1}


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
        key = LedgerKey(TENANT, "all", "live")
        gone = next(iter(store.ledger(key).entries["User"]))
        store.record(key, [LedgerChange("User", gone, forget=True)])
    assert drift(world) == TypeDrift("User", there=14, adopted=1)
    next_run(world)


def test_others_are_left_alone(world):
    world.vendor("all")._state._create("Users", {"externalId": "theirs", "userName": "x"})
    world.vendor("all")._state._create("Users", {"externalId": "", "userName": "y"})
    assert drift(world) == TypeDrift("User", there=16, others=2)
    world.run("sync", TENANT)
    assert "theirs" in world.vendor("all").externalIds("User")


def test_a_vendor_that_cannot_list_is_told_and_the_ledger_stays(world):
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


def test_a_connection_that_is_off_or_not_set_up_is_told(world):
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

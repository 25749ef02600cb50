"""Whoever becomes protected is removed wherever a ledger has them, whatever else stops."""

import json

import pytest
from msgspec import structs

from addon.planning.ledger import LedgerKey
from addon.sync.protected_removal import read_protected, remove_protected_everywhere
from addon.sync.reconcile import reconcile
from addon.tasks.handlers import PROTECT, TaskHandler
from tests.support.small_school import HIDDEN, PUPILS, TENANT, address, small_school

WHO = address(*PUPILS["7A"][0])
LIVE = LedgerKey(TENANT, "all", "live")


@pytest.fixture
def world(tmp_path):
    """Everybody is at the vendors, and `all` was tried in test mode first."""
    with small_school(tmp_path) as world:
        world.change_connection("all", mode="test")
        assert world.run("sync", TENANT).status == 0
        world.change_connection("all", mode="live")
        assert world.run("sync", TENANT).status == 0
        world.forget_requests()
        yield world


def names(server):
    return {user["userName"] for user in server.held("User").values()}


def everywhere(world):
    return [names(server) for server in world.vendors.values()]


def protect(world):
    world.domain.move_user(WHO, "/Skyddade")


def remove(world):
    with world.sync_context() as context:
        read_protected(context, TENANT)
        return remove_protected_everywhere(context, TENANT)


def off(world):
    for vendor in ("all", "some"):
        world.change_connection(vendor, mode="off")


def gone(world):
    world.document["connections"] = []
    world.import_document()


def pause(world):
    world.document["schedule"] = {"pause": {"from": "2020-01-01", "until": "2099-12-31"}}
    world.import_document()


def held(world):
    for name in PUPILS["7B"]:
        world.domain.remove_user(address(*name))
    assert world.run("sync", TENANT).status == 3


@pytest.mark.parametrize("stopped", [lambda world: None, off, gone, pause, held])
def test_whatever_stops_the_rest(world, stopped):
    stopped(world)
    protect(world)
    before = {id(server): server.held("StudentGroup") for server in world.vendors.values()}
    found = remove(world)
    assert {(r.key.vendor, r.key.mode) for r in found} == set(world.vendors)
    assert {(r.outcome.removed, r.outcome.left, r.outcome.problem) for r in found} == {(1, 0, "")}
    assert all(WHO not in people for people in everywhere(world))
    assert all(len(people) >= 12 for people in everywhere(world))
    assert before
    world.forget_requests()
    assert remove(world) == ()
    assert world.requests == []


@pytest.mark.parametrize(("stopped", "status"), [(off, 0), (gone, 0), (pause, 2)])
def test_the_command_line_does_it_too(world, stopped, status):
    stopped(world)
    protect(world)
    assert world.run("sync", TENANT).status == status
    assert all(WHO not in people for people in everywhere(world))


def test_a_class_has_none_of_them_left(world):
    off(world)
    protect(world)
    (who,) = [
        user["externalId"]
        for user in world.vendor("all").held("User").values()
        if user["userName"] == WHO
    ]
    remove(world)
    for server in world.vendors.values():
        assert who not in json.dumps(list(server.held("StudentGroup").values()))


@pytest.mark.parametrize("status", [409, 400, 403, 503])
def test_it_is_tried_again_until_it_is_done(world, status):
    off(world)
    protect(world)
    for server in world.vendors.values():
        server.fail(status, times=None, method="DELETE")
    for _ in range(2):
        found = remove(world)
        assert {(r.outcome.removed, r.outcome.left) for r in found} == {(0, 1)}
        assert all(r.outcome.problem for r in found)
        assert [m for m, _ in world.requests].count("DELETE") >= 3
        for server in world.vendors.values():
            server.requests.clear()
    result = world.run("sync", TENANT, "--json")
    assert result.status == 1
    world.forget_requests()
    assert {r.outcome.removed for r in remove(world)} == {1}
    assert all(WHO not in people for people in everywhere(world))


@pytest.mark.parametrize("body", [b"<html>no route</html>", b'{"message": "no route"}', b""])
def test_a_gateways_404_is_not_done(world, body):
    off(world)
    protect(world)
    for server in world.vendors.values():
        server.fail(404, times=None, body=body)
    for _ in range(2):
        found = remove(world)
        assert {(r.outcome.removed, r.outcome.left) for r in found} == {(0, 1)}
    for server in world.vendors.values():
        server.clear()
    assert {r.outcome.removed for r in remove(world)} == {1}
    assert all(WHO not in people for people in everywhere(world))


def test_a_conflict_does_not_rest_for_a_day_in_a_run_either(world):
    protect(world)
    world.vendor("all").fail(409, times=None, method="DELETE")
    assert world.run("sync", TENANT).status == 1
    world.forget_requests()
    assert world.run("sync", TENANT).status == 0
    assert WHO not in names(world.vendor("all"))


def test_a_vendor_that_is_not_set_up_is_reported(world):
    off(world)
    protect(world)
    del world.environ["SKOLSYNK_ALL_LIVE_KEY"]
    found = {r.key: r.outcome for r in remove(world)}
    assert found[LIVE].left == 1
    assert "SKOLSYNK_ALL_LIVE_KEY" in found[LIVE].problem
    assert WHO not in names(world.vendor("some"))


def test_a_directory_that_cannot_be_read_stops_nobody_who_is_known(world):
    off(world)
    protect(world)
    with world.sync_context() as context:
        read_protected(context, TENANT)
    world.directory.fail(status=500, times=None)
    assert len(remove(world)) == 3
    assert all(WHO not in people for people in everywhere(world))


def test_growth_beyond_the_limit_removes_nobody_here_either(world):
    for name in PUPILS["7A"]:
        world.domain.move_user(address(*name), "/Skyddade")
    assert remove(world) == ()
    assert world.requests == []


def test_nobody_is_removed_who_is_not_protected(world):
    assert remove(world) == ()
    assert world.requests == []
    assert address(*HIDDEN) not in names(world.vendor("all"))


def test_it_stops_when_its_time_is_over_and_goes_on_later(world):
    off(world)
    protect(world)
    with world.sync_context() as context:
        read_protected(context, TENANT)
        found = remove_protected_everywhere(context, TENANT, seconds=0.0)
        assert all(r.outcome.left for r in found)
        slow = structs.replace(context)
        assert {r.outcome.removed for r in remove_protected_everywhere(slow, TENANT)} == {1}


def test_the_task_does_it_and_is_tried_again_while_some_are_left(world):
    off(world)
    protect(world)
    told = []
    with world.sync_context() as context:
        handler = TaskHandler(lambda: context, Taking, tell=lambda *about: told.append(about))
        world.vendor("some").fail(409, times=None, method="DELETE")
        assert handler.handle(PROTECT, {"tenant": TENANT}).status == 500
        world.forget_requests()
        assert handler.handle(PROTECT, {"tenant": TENANT}).done
        assert told == [(TENANT, None)] * 2
        assert handler.handle(PROTECT, {"tenant": TENANT}).done
        assert len(told) == 2
        assert handler.handle(PROTECT, {"tenant": "C0nobody"}).done
    assert all(WHO not in people for people in everywhere(world))


def test_who_comes_back_into_a_ledger_is_removed_again(world):
    """A place that was clear of everybody is looked at again when its ledger has changed."""
    (body,) = [b for b in world.vendor("all").held("User").values() if b["userName"] == WHO]
    protect(world)
    remove(world)
    assert remove(world) == ()
    restored = {name: value for name, value in body.items() if name not in ("id", "meta")}
    world.vendor("all").put("User", restored)
    with world.sync_context() as context:
        assert reconcile(context, TENANT, "all").total("adopted") == 1
    off(world)
    assert {(r.key, r.outcome.removed, r.outcome.left) for r in remove(world)} == {(LIVE, 1, 0)}
    assert WHO not in names(world.vendor("all"))


class Taking:
    """A queue that nothing is put in."""

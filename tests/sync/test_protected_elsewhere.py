"""Who has got protected identity is removed where a vendor was tried, too."""

import json

import pytest

from addon.planning.ledger import LedgerKey
from addon.sync.holds import record_refusal
from addon.sync.run import deliver, plan_run, sync
from tests.support.small_school import HIDDEN, PUPILS, TENANT, address, small_school

WHO = address(*PUPILS["7A"][0])
TEST = LedgerKey(TENANT, "all", "test")


@pytest.fixture
def world(tmp_path):
    """A vendor that was tried with everybody, and then turned on."""
    with small_school(tmp_path) as world:
        world.change_connection("all", mode="test")
        run(world)
        world.change_connection("all", mode="live")
        run(world)
        world.forget_requests()
        yield world


def run(world):
    with world.sync_context() as context:
        return sync(context, TENANT, "all").connections[0]


def names(server):
    return {user["userName"] for user in server.held("User").values()}


def id_of(server, name):
    return next(u["externalId"] for u in server.held("User").values() if u["userName"] == name)


def test_as_long_as_nobody_is_hidden_the_other_environment_is_left_alone(world):
    world.domain.rename_user(WHO, "Torvald", "Blom")
    assert run(world).status == "delivered"
    assert world.vendor("all", "test").requests == []


def test_who_is_hidden_is_removed_there_as_well_and_from_the_groups(world):
    gone = id_of(world.vendor("all", "test"), WHO)
    world.domain.move_user(WHO, "/Skyddade")
    assert run(world).status == "delivered"
    for server in (world.vendor("all"), world.vendor("all", "test")):
        assert WHO not in names(server)
        assert gone not in json.dumps(list(server.held("StudentGroup").values()))
    assert len(names(world.vendor("all", "test"))) == 13
    world.forget_requests()
    assert run(world).status == "unchanged"
    assert world.requests == []


def test_they_are_removed_though_nothing_is_to_be_done_in_the_other(world):
    world.domain.move_user(WHO, "/Skyddade")
    world.vendor("all", "test").fail(503, times=None)
    report = run(world)
    assert report.status == "failed"
    assert "protected identity could not be removed from the test environment" in report.detail
    assert WHO not in names(world.vendor("all"))
    world.forget_requests()
    assert run(world).status == "unchanged"
    assert WHO not in names(world.vendor("all", "test"))
    assert world.vendor("all").requests == []


def test_a_hold_stops_it_neither_here_nor_there(world):
    world.domain.move_user(WHO, "/Skyddade")
    for each in (*PUPILS["7A"], *PUPILS["7B"]):
        if address(*each) != WHO:
            world.domain.remove_user(address(*each))
    assert run(world).status == "held"
    assert WHO not in names(world.vendor("all"))
    assert WHO not in names(world.vendor("all", "test"))
    assert len(names(world.vendor("all", "test"))) == 13


def test_what_waits_for_a_word_there_goes_on_waiting(world):
    withdrawn = world.run("withdraw", TENANT, "--vendor", "all", "--json")
    assert withdrawn.status == 3
    with world.open_store() as store:
        before = store.hold(TEST)
    assert before is not None
    world.domain.move_user(WHO, "/Skyddade")
    run(world)
    with world.open_store() as store:
        assert store.hold(TEST) == before
    assert WHO not in names(world.vendor("all", "test"))


def test_an_environment_that_is_not_set_up_any_more_is_reported(world):
    del world.environ["SKOLSYNK_ALL_TEST_KEY"]
    world.domain.move_user(WHO, "/Skyddade")
    report = run(world)
    assert report.status == "failed"
    assert "SKOLSYNK_ALL_TEST_KEY" in report.detail
    assert WHO not in names(world.vendor("all"))


def test_a_run_in_several_parts_does_it_too(world):
    world.domain.move_user(WHO, "/Skyddade")
    with world.sync_context() as context:
        begun = plan_run(context, TENANT)
        assert "all" in begun.vendors
        for vendor in begun.vendors:
            deliver(context, TENANT, vendor, begun.run, 60.0)
    assert WHO not in names(world.vendor("all"))
    assert WHO not in names(world.vendor("all", "test"))


def test_a_run_whose_time_is_spent_leaves_it_to_the_next(world):
    world.domain.move_user(WHO, "/Skyddade")
    with world.sync_context() as context:
        (report,) = sync(context, TENANT, "all", seconds=1e-6).connections
    assert report.status != "failed"
    run(world)
    assert WHO not in names(world.vendor("all", "test"))


def test_the_groups_are_asked_for_until_they_are_without_them_whoever_is_left(world):
    gone = id_of(world.vendor("all", "test"), WHO)
    world.domain.move_user(WHO, "/Skyddade")
    world.vendor("all", "test").fail(503, times=None, method="GET")
    assert run(world).status == "failed"
    assert WHO not in names(world.vendor("all", "test"))
    assert gone in json.dumps(list(world.vendor("all", "test").held("StudentGroup").values()))
    held = world.run("status", TENANT, "--json").json["connections"][0]["hold"]
    assert held is None
    for person in (WHO, address(*HIDDEN)):
        world.domain.remove_user(person)
    world.forget_requests()
    assert run(world).status == "unchanged"
    assert gone not in json.dumps(list(world.vendor("all", "test").held("StudentGroup").values()))


def test_a_withdrawal_that_is_held_and_refused_forgets_nobody(world):
    gone = id_of(world.vendor("all", "test"), WHO)
    world.domain.move_user(WHO, "/Skyddade")
    world.vendor("all", "test").fail(503, times=None, method="GET")
    run(world)
    world.forget_requests()
    assert world.run("withdraw", TENANT, "--vendor", "all", "--mode", "test").status == 3
    with world.open_store() as store:
        assert gone in store.hold(TEST).protected_being_removed
        record_refusal(store, TENANT, "all", 0.0, "test")
        assert not store.hold(TEST).waits
    run(world)
    assert gone not in json.dumps(list(world.vendor("all", "test").held("StudentGroup").values()))
    with world.open_store() as store:
        assert store.hold(TEST) is None

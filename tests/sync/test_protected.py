"""Who has got protected identity is removed where a vendor was tried, too."""

import json

import pytest

from addon.planning.ledger import LedgerKey
from addon.sync.holds import record_refusal
from addon.sync.run import deliver, plan_run, sync
from tests.support.installation import HIDDEN, PUPILS, TENANT, Installation, address

WHO = address(*PUPILS["7A"][0])
TEST = LedgerKey(TENANT, "all", "test")


@pytest.fixture
def here(tmp_path):
    """A vendor that was tried with everybody, and then turned on."""
    with Installation(tmp_path) as here:
        here.connection("all", mode="test")
        run(here)
        here.connection("all", mode="live")
        run(here)
        here.forget_requests()
        yield here


def run(here):
    with here.sync_context() as context:
        return sync(context, TENANT, "all").connections[0]


def names(server):
    return {user["userName"] for user in server.held("User").values()}


def id_of(server, name):
    return next(u["externalId"] for u in server.held("User").values() if u["userName"] == name)


def test_as_long_as_nobody_is_hidden_the_other_environment_is_left_alone(here):
    here.domain.rename_user(WHO, "Torvald", "Blom")
    assert run(here).status == "delivered"
    assert here.test.requests == []


def test_who_is_hidden_is_removed_there_as_well_and_from_the_groups(here):
    gone = id_of(here.test, WHO)
    here.domain.move_user(WHO, "/Skyddade")
    assert run(here).status == "delivered"
    for server in (here.all, here.test):
        assert WHO not in names(server)
        assert gone not in json.dumps(list(server.held("StudentGroup").values()))
    assert len(names(here.test)) == 13
    here.forget_requests()
    assert run(here).status == "unchanged"
    assert here.requests == []


def test_they_are_removed_though_nothing_is_to_be_done_in_the_other(here):
    here.domain.move_user(WHO, "/Skyddade")
    here.test.fail(503, times=None)
    report = run(here)
    assert report.status == "failed"
    assert "protected identity could not be removed from the test environment" in report.detail
    assert WHO not in names(here.all)
    here.forget_requests()
    assert run(here).status == "unchanged"
    assert WHO not in names(here.test)
    assert here.all.requests == []


def test_a_hold_stops_it_neither_here_nor_there(here):
    here.domain.move_user(WHO, "/Skyddade")
    for given, family in PUPILS["7B"]:
        here.domain.move_user(address(given, family), "/Elever/Slutat")
    here.domain.rename_org_unit("/Elever", "Borta")
    assert run(here).status == "held"
    assert WHO not in names(here.all)
    assert WHO not in names(here.test)
    assert len(names(here.test)) == 13


def test_what_waits_for_a_word_there_goes_on_waiting(here):
    withdrawn = here.run("withdraw", TENANT, "--vendor", "all", "--json")
    assert withdrawn.status == 3
    with here.store() as store:
        before = store.hold(TEST)
    assert before is not None
    here.domain.move_user(WHO, "/Skyddade")
    run(here)
    with here.store() as store:
        assert store.hold(TEST) == before
    assert WHO not in names(here.test)


def test_an_environment_that_is_not_set_up_any_more_is_told(here):
    del here.environ["SKOLSYNK_ALL_TEST_KEY"]
    here.domain.move_user(WHO, "/Skyddade")
    report = run(here)
    assert report.status == "failed"
    assert "SKOLSYNK_ALL_TEST_KEY" in report.detail
    assert WHO not in names(here.all)


def test_a_run_in_stretches_does_it_too(here):
    here.domain.move_user(WHO, "/Skyddade")
    with here.sync_context() as context:
        begun = plan_run(context, TENANT)
        assert "all" in begun.vendors
        for vendor in begun.vendors:
            deliver(context, TENANT, vendor, begun.run, 60.0)
    assert WHO not in names(here.all)
    assert WHO not in names(here.test)


def test_a_run_whose_time_is_spent_leaves_it_to_the_next(here):
    here.domain.move_user(WHO, "/Skyddade")
    with here.sync_context() as context:
        (report,) = sync(context, TENANT, "all", seconds=1e-6).connections
    assert report.status != "failed"
    run(here)
    assert WHO not in names(here.test)


def test_the_groups_are_asked_for_until_they_are_without_them_whoever_is_left(here):
    gone = id_of(here.test, WHO)
    here.domain.move_user(WHO, "/Skyddade")
    here.test.fail(503, times=None, method="GET")
    assert run(here).status == "failed"
    assert WHO not in names(here.test)
    assert gone in json.dumps(list(here.test.held("StudentGroup").values()))
    held = here.run("status", TENANT, "--json").json["connections"][0]["hold"]
    assert held is None
    for person in (WHO, address(*HIDDEN)):
        here.domain.remove_user(person)
    here.forget_requests()
    assert run(here).status == "unchanged"
    assert gone not in json.dumps(list(here.test.held("StudentGroup").values()))


def test_a_withdrawal_that_is_held_and_refused_forgets_nobody(here):
    gone = id_of(here.test, WHO)
    here.domain.move_user(WHO, "/Skyddade")
    here.test.fail(503, times=None, method="GET")
    run(here)
    here.forget_requests()
    assert here.run("withdraw", TENANT, "--vendor", "all", "--mode", "test").status == 3
    with here.store() as store:
        assert gone in store.hold(TEST).protected_being_removed
        record_refusal(store, TENANT, "all", 0.0, "test")
        assert not store.hold(TEST).waits
    run(here)
    assert gone not in json.dumps(list(here.test.held("StudentGroup").values()))
    with here.store() as store:
        assert store.hold(TEST) is None

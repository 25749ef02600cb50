"""A withdrawal removes everything of this tenant at one vendor, and nothing else."""

import json

import pytest

from addon.report import HELD
from addon.rooms import Unknown
from addon.withdraw import withdraw
from tests.installation import TENANT, Installation


@pytest.fixture
def here(tmp_path):
    with Installation(tmp_path) as here:
        here.run("sync", TENANT)
        here.forget_requests()
        yield here


def withdrawn(here: Installation, vendor: str = "all", confirmed: bool = True):
    with here.rooms() as rooms:
        return withdraw(rooms, TENANT, vendor, confirmed)


def modes(here: Installation) -> dict[str, str]:
    document = json.loads(here.run("tenant", "export", TENANT).out)
    return {c["vendor"]: c["mode"] for c in document["connections"]}


def test_everything_is_removed_and_the_connection_is_off(here):
    here.directory.forget_requests()
    (part,) = withdrawn(here).connections
    assert part.status == "delivered"
    assert part.operations["delete"] == {
        "StudentGroup": 2,
        "Employment": 2,
        "User": 14,
        "SchoolUnit": 1,
        "Organisation": 1,
    }
    assert here.all.externalIds() == []
    assert modes(here) == {"all": "off", "some": "live"}
    assert here.directory.queries == 0
    assert len(here.some.held("User")) == 14


def test_deletes_go_against_the_order_of_creates(here):
    withdrawn(here)
    order = [r.path.split("/")[1] for r in here.all.requests]
    expected = "StudentGroups Employments Users SchoolUnits Organisations"
    assert sorted(set(order), key=order.index) == expected.split()
    assert order == sorted(order, key=expected.index)


def test_what_others_have_there_is_left_alone(here):
    here.all._state._create("Users", {"externalId": "theirs", "userName": "x"})
    withdrawn(here)
    assert here.all.externalIds() == ["theirs"]


def test_without_a_confirmation_it_is_held_like_any_other_removal(here):
    report = withdrawn(here, confirmed=False)
    assert report.exit_status == HELD
    assert here.requests == []
    assert modes(here) == {"all": "live", "some": "live"}
    assert here.run("approve", TENANT, "--vendor", "all").status == 0
    assert here.all.externalIds() == []
    assert modes(here) == {"all": "off", "some": "live"}


def test_the_document_otherwise_stays_as_it_was_written(here):
    withdrawn(here)
    here.document["connections"][0]["mode"] = "off"
    assert json.loads(here.run("tenant", "export", TENANT).out) == here.document


def test_what_could_not_be_removed_is_removed_when_asked_again(here):
    here.all.fail(500, times=None, method="DELETE", endpoint="Users")
    assert withdrawn(here).exit_status == 1
    left = len(here.all.externalIds())
    assert left >= 14
    here.all.clear()
    assert withdrawn(here).exit_status == 0
    assert here.all.externalIds() == []
    deletes = [r for r in here.all.requests if r.method == "DELETE"]
    assert len(deletes) == left


def test_a_run_after_a_withdrawal_sends_nothing(here):
    withdrawn(here)
    here.forget_requests()
    assert here.run("sync", TENANT).status == 0
    assert here.requests == []


def test_turning_it_on_again_is_a_first_delivery(here):
    withdrawn(here)
    here.connection("all", mode="live")
    ran = here.run("sync", TENANT, "--json")
    assert ran.part("all")["operations"]["create"]["User"] == 14


def test_test_and_live_are_both_withdrawn(here):
    here.connection("all", mode="test")
    here.run("sync", TENANT, "--vendor", "all")
    withdrawn(here)
    assert here.all.externalIds() == here.test.externalIds() == []


def test_a_vendor_of_which_there_is_nothing_is_told(here):
    with pytest.raises(Unknown, match="nobody"):
        withdrawn(here, "nobody")

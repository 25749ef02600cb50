"""What is held goes when a person says so: that much, and no more."""

import pytest

from addon.approve import approve, find_hold
from addon.report import HELD
from addon.rooms import Unknown
from addon.sync import sync
from tests.installation import HIDDEN, PUPILS, TENANT, Installation, address


@pytest.fixture
def here(tmp_path):
    with Installation(tmp_path) as here:
        here.run("sync", TENANT)
        here.forget_requests()
        here.leave(*PUPILS["7A"][:4])
        here.run("sync", TENANT)
        yield here


def approved(here: Installation):
    with here.rooms() as rooms:
        return approve(rooms, TENANT, "all")


def test_what_was_held_goes(here):
    report = approved(here)
    (part,) = report.connections
    assert (part.status, part.operations["delete"]) == ("delivered", {"User": 4})
    assert len(here.all.held("User")) == 10
    assert here.some.requests == []
    with here.store() as store:
        assert find_hold(store, TENANT, "all") is None
        assert find_hold(store, TENANT, "some") is not None


def test_an_approval_is_for_one_plan_only(here):
    approved(here)
    here.leave(*PUPILS["7B"][:4])
    assert here.run("sync", TENANT, "--vendor", "all").status == HELD
    assert len(here.all.held("User")) == 10


def test_more_than_was_approved_is_held_anew(here):
    here.leave(PUPILS["7A"][4])
    report = approved(here)
    (part,) = report.connections
    assert part.status == "held"
    assert part.hold is not None
    assert part.hold.people == 5
    assert here.requests == []
    assert approved(here).connections[0].status == "delivered"
    assert len(here.all.held("User")) == 9


def test_less_than_was_approved_goes(here):
    here.domain.add_user(
        {
            "primaryEmail": "ny@edu.storvik.se",
            "orgUnitPath": "/Elever/7A",
            "name": {"givenName": "Nyfiken", "familyName": "Nykomling"},
        }
    )
    report = approved(here)
    assert report.connections[0].operations["create"] == {"User": 1}
    assert report.connections[0].operations["delete"] == {"User": 4}


def test_approving_twice_is_told(here):
    approved(here)
    with pytest.raises(Unknown, match="nothing of C0storvik waits for approval at all"):
        approved(here)


def test_an_approval_that_the_vendor_could_not_carry_out_still_holds(here):
    here.all.fail(500, times=None, method="DELETE")
    assert approved(here).connections[0].status == "failed"
    here.all.clear()
    with here.rooms() as rooms:
        (part,) = sync(rooms, TENANT, "all").connections
    assert part.status == "delivered"
    assert len(here.all.held("User")) == 10


def test_protected_people_go_however_much_is_held(here):
    here.forget_requests()
    hidden = PUPILS["7B"][0]
    here.domain.move_user(address(*hidden), "/Skyddade")
    ran = here.run("sync", TENANT, "--json")
    assert ran.status == HELD
    for server in (here.all, here.some):
        names = {user["userName"] for user in server.held("User").values()}
        assert address(*hidden) not in names
        assert address(*HIDDEN) not in names
        assert len(names) == 13
        assert [r.method for r in server.requests if r.path.startswith("/Users")] == ["DELETE"]

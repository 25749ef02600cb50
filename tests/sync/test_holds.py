"""What is held goes when a person says so: that much, and no more."""

import pytest
from msgspec import structs

from addon.planning.guard import Hold
from addon.sync.context import NotFoundError
from addon.sync.holds import approve, find_hold, record_approval, record_refusal
from addon.sync.report import HELD
from addon.sync.run import sync
from tests.support.installation import HIDDEN, PUPILS, TENANT, Installation, address


@pytest.fixture
def here(tmp_path):
    with Installation(tmp_path) as here:
        here.run("sync", TENANT)
        here.forget_requests()
        here.leave(*PUPILS["7A"][:4])
        here.run("sync", TENANT)
        yield here


def approved(here: Installation):
    with here.sync_context() as context:
        return approve(context, TENANT, "all")


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
    with pytest.raises(NotFoundError, match="nothing of C0storvik waits for approval at all"):
        approved(here)


def test_an_approval_that_the_vendor_could_not_carry_out_still_holds(here):
    here.all.fail(500, times=None, method="DELETE")
    assert approved(here).connections[0].status == "failed"
    here.all.clear()
    with here.sync_context() as context:
        (part,) = sync(context, TENANT, "all").connections
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
    assert [(c["status"], c["protected"]) for c in ran.json["connections"]] == [("held", 1)] * 2


# A protected person's removal, and the groups, while a hold stands


NOT_ANSWERED = [
    {"status": 500, "method": "GET"},
    {"status": 503, "method": "PUT"},
    {"status": 429, "method": "PUT", "retry_after": 1},
]


def in_groups(here: Installation) -> set[str]:
    """ExternalIds of those who are in a class at the vendor."""
    groups = here.all.held("StudentGroup").values()
    return {m["value"] for group in groups for m in group["studentMemberships"]}


def at_the_vendor(here: Installation) -> set[str]:
    return {user["externalId"] for user in here.all.held("User").values()}


def held(here: Installation) -> Hold | None:
    with here.store() as store:
        found = find_hold(store, TENANT, "all")
    return None if found is None else found[1]


def synced(here: Installation):
    """A run, by those who do not wait long."""
    with here.sync_context() as context:
        return sync(context, TENANT, "all")


@pytest.mark.parametrize("fault", NOT_ANSWERED, ids=str)
def test_a_vendor_that_does_not_say_its_groups_is_asked_again_by_the_next_run(here, fault):
    here.domain.move_user(address(*PUPILS["7B"][0]), "/Skyddade")
    here.all.fail(times=None, **fault)
    synced(here)
    assert len(at_the_vendor(here)) == 13  # they themselves are gone at once
    assert len(in_groups(here) - at_the_vendor(here)) == 1
    here.all.clear()

    assert synced(here).exit_status == HELD
    assert in_groups(here) == at_the_vendor(here) - teachers(here)
    here.forget_requests()
    assert synced(here).exit_status == HELD
    assert here.all.requests == []
    found = held(here)
    assert found is not None
    assert found.protected_being_removed == ()


def test_that_the_groups_could_not_be_asked_for_is_told(here):
    here.domain.move_user(address(*PUPILS["7B"][0]), "/Skyddade")
    here.all.fail(500, method="GET", times=None)
    (part,) = synced(here).connections
    assert (part.status, part.people) == ("held", 13)
    assert "the next run tries again" in (part.detail or "")


def test_a_removal_during_a_hold_that_is_cut_off_before_the_groups_goes_on(here, monkeypatch):
    here.domain.move_user(address(*PUPILS["7B"][0]), "/Skyddade")

    async def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as cut, here.sync_context() as context:
        cut.setattr("addon.sync.session.updates_without", die)
        with pytest.raises(KeyboardInterrupt):
            sync(context, TENANT, "all")
    assert len(in_groups(here) - at_the_vendor(here)) == 1
    with here.sync_context() as context:
        sync(context, TENANT, "all")
    assert in_groups(here) <= at_the_vendor(here)


def test_who_was_hidden_and_then_deleted_in_workspace_is_taken_out_of_the_groups_too(here):
    hidden = address(*PUPILS["7B"][0])
    here.domain.move_user(hidden, "/Skyddade")
    here.all.fail(500, method="GET", times=None)
    synced(here)
    here.all.clear()
    here.domain.remove_user(hidden)
    here.run("sync", TENANT, "--vendor", "all")
    assert in_groups(here) <= at_the_vendor(here)


def teachers(here: Installation) -> set[str]:
    return {e["user"]["value"] for e in here.all.held("Employment").values()}


# A no


def refused(here: Installation) -> Hold:
    with here.store() as store:
        return record_refusal(store, TENANT, "all", 1_800_000_000.0)


def test_a_no_stands_while_the_same_or_fewer_would_go(here):
    refused(here)
    here.run("sync", TENANT)
    found = held(here)
    assert found is not None
    assert found.refused == 1_800_000_000.0
    here.connection("all", limits={"deletions": 2, "deletionsPercent": 50})
    here.domain.add_user(
        {
            "primaryEmail": "ny@edu.storvik.se",
            "orgUnitPath": "/Elever/7A",
            "name": {"givenName": "Nyfiken", "familyName": "Nykomling"},
        }
    )
    here.run("sync", TENANT)
    found = held(here)
    assert found is not None
    assert found.refused == 1_800_000_000.0
    assert here.all.requests == []


def test_one_person_more_and_it_is_asked_anew(here):
    refused(here)
    here.leave(PUPILS["7A"][4])
    here.run("sync", TENANT)
    found = held(here)
    assert found is not None
    assert (len(found.people), found.refused) == (5, 0.0)


def test_a_no_takes_back_an_earlier_yes(here):
    with here.store() as store:
        record_approval(store, TENANT, "all", 1_700_000_000.0)
    refused(here)
    assert here.run("sync", TENANT, "--vendor", "all").status == HELD
    assert len(here.all.held("User")) == 14


def test_a_yes_takes_back_an_earlier_no(here):
    refused(here)
    with here.sync_context() as context:
        hold = record_approval(context.store, TENANT, "all", context.clock())
        assert hold.refused == 0.0
        assert find_hold(context.store, TENANT, "all")[1].refused == 0.0
        assert sync(context, TENANT, "all").connections[0].status == "delivered"
    assert held(here) is None


def test_a_withdrawal_that_is_refused_is_no_more(here):
    here.run("withdraw", TENANT, "--vendor", "all")
    assert refused(here).withdrawal
    assert held(here) is None


def test_nothing_can_be_refused_where_nothing_is_held(here):
    approved(here)
    with pytest.raises(NotFoundError):
        refused(here)


def test_a_hold_that_was_left_in_test_mode_is_not_what_is_approved_in_live_mode(here):
    with here.store() as store:
        key, hold = find_hold(store, TENANT, "all")
        test = structs.replace(key, mode="test")
        store.set_hold(test, structs.replace(hold, people=hold.people[:1]))
    report = approved(here)
    assert report.connections[0].operations["delete"] == {"User": 4}
    with here.store() as store:
        assert store.approval(test) is None
        assert store.hold(test) is not None

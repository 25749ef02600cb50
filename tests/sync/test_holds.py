"""What is held goes when a person says so: that much, and no more."""

import pytest
from msgspec import structs

from addon.directory.evidence import all_unknown
from addon.planning.ledger import LedgerKey
from addon.planning.limits import Hold
from addon.sync.context import NotFoundError
from addon.sync.holds import (
    HoldChangedError,
    approve,
    find_hold,
    record_approval,
    record_refusal,
)
from addon.sync.report import HELD
from addon.sync.run import sync
from addon.web.presenters.hold import approval_of
from addon.web.waiting_holds import WaitingHold
from tests.support.small_school import (
    DOMAIN,
    HIDDEN,
    PUPILS,
    TENANT,
    address,
    deliver,
    leave,
    small_school,
)
from tests.support.world import World


@pytest.fixture
def world(tmp_path):
    with small_school(tmp_path) as world:
        world.run("sync", TENANT)
        world.forget_requests()
        leave(world, *PUPILS["7A"][:4])
        world.run("sync", TENANT)
        yield world


def approved(world: World):
    with world.sync_context() as context:
        return approve(context, TENANT, "all")


def test_what_was_held_goes(world):
    report = approved(world)
    (part,) = report.connections
    assert (part.status, part.operations["delete"]) == ("delivered", {"User": 4})
    assert len(world.vendor("all").held("User")) == 10
    assert world.vendor("some").requests == []
    with world.open_store() as store:
        assert find_hold(store, TENANT, "all") is None
        assert find_hold(store, TENANT, "some") is not None


def test_an_approval_is_for_one_plan_only(world):
    approved(world)
    leave(world, *PUPILS["7B"][:4])
    assert world.run("sync", TENANT, "--vendor", "all").status == HELD
    assert len(world.vendor("all").held("User")) == 10


def members_at(world: World) -> dict[str, int]:
    groups = world.vendor("all").held("StudentGroup").values()
    return {each["displayName"]: len(each["studentMemberships"]) for each in groups}


def test_who_left_after_the_hold_is_not_removed_by_its_approval(world):
    """What was approved goes at once, and nothing else; the next run judges the rest."""
    leave(world, PUPILS["7A"][4])
    (part,) = approved(world).connections
    assert (part.status, part.operations["delete"]) == ("delivered", {"User": 4})
    assert (len(world.vendor("all").held("User")), members_at(world)["7A"]) == (10, 2)
    with world.sync_context() as context:
        (part,) = sync(context, TENANT, "all").connections
    assert (part.status, part.operations["delete"]) == ("delivered", {"User": 1})
    with world.open_store() as store:
        assert find_hold(store, TENANT, "all") is None
        assert store.approval(LedgerKey(TENANT, "all", "live")) is None


def test_more_than_the_limit_after_an_approval_is_a_hold_of_its_own(world):
    """The approved go, out of their classes too; the others are held, and nothing else is sent."""
    leave(world, *PUPILS["7B"][:4])
    (part,) = approved(world).connections
    assert (part.status, part.approved, part.protected) == ("held", 4, 0)
    assert part.operations["delete"] == {"User": 4}
    assert (len(world.vendor("all").held("User")), members_at(world)) == (10, {"7A": 2, "7B": 6})
    with world.open_store() as store:
        found = find_hold(store, TENANT, "all")
        assert found is not None
        assert (len(found[1].people), found[1].held) == (4, 10)
        assert store.approval(found[0]) is None
    (part,) = approved(world).connections
    assert (part.status, part.operations["delete"]) == ("delivered", {"User": 4})
    assert (len(world.vendor("all").held("User")), members_at(world)) == (6, {"7A": 2, "7B": 2})


def test_an_approval_that_failed_is_tried_again_beside_the_hold_of_the_rest(world):
    """It stays an approval of those whom it names, and is none of the new hold."""
    leave(world, *PUPILS["7B"][:4])
    world.vendor("all").fail(500, times=None, method="DELETE")
    (part,) = approved(world).connections
    assert (part.status, part.approved) == ("held", 0)
    with world.open_store() as store:
        held = find_hold(store, TENANT, "all")
        assert held is not None
        assert len(held[1].people) == 4
        waiting = WaitingHold(held[0], "all", held[1])
        assert store.approval(held[0]) is not None
        assert approval_of(store, waiting, world.clock()) is None
    world.vendor("all").clear()
    with world.sync_context() as context:
        (part,) = sync(context, TENANT, "all").connections
        assert (part.status, part.approved) == ("held", 4)
        (part,) = sync(context, TENANT, "all").connections
        assert (part.status, part.approved) == ("held", 0)
    assert (len(world.vendor("all").held("User")), members_at(world)) == (10, {"7A": 2, "7B": 6})


def test_less_than_was_approved_goes(world):
    world.domain.add_user(
        {
            "primaryEmail": "ny@edu.storvik.se",
            "orgUnitPath": "/Elever/7A",
            "name": {"givenName": "Nyfiken", "familyName": "Nykomling"},
        }
    )
    report = approved(world)
    assert report.connections[0].operations["create"] == {"User": 1}
    assert report.connections[0].operations["delete"] == {"User": 4}


def without_members(snapshot):
    groups = tuple(structs.replace(each, members=frozenset()) for each in snapshot.groups)
    return structs.replace(snapshot, groups=groups)


def without_groups(snapshot):
    return structs.replace(snapshot, groups=())


def without_the_others(snapshot):
    kept = {address(*name) for name in PUPILS["7B"]}
    return structs.replace(
        snapshot, users=tuple(user for user in snapshot.users if user.primary_email in kept)
    )


@pytest.mark.parametrize("odd", [without_members, without_groups])
def test_an_approval_of_people_is_no_evidence_about_groups(tmp_path, odd):
    with small_school(tmp_path) as world:
        pupils = [address(*name) for name in PUPILS["7B"]]
        world.domain.add_group({"email": f"kurs-ma@{DOMAIN}", "name": "Matte"}, pupils)
        rule = {"from": "group", "pattern": "^kurs-(?P<name>.+)@"}
        world.document["schoolUnits"][0]["teachingGroups"] = rule
        world.import_document()
        deliver(world)
        leave(world, *PUPILS["7A"][:4])
        deliver(world, 3)
        with world.sync_context() as context:
            read = context.read_directory
            context = structs.replace(
                context, read_directory=lambda t: odd(read(t)), ask_directory=all_unknown
            )
            (part,) = approve(context, TENANT, "all").connections
        assert part.operations["delete"] == {"User": 4}
        groups = world.vendor("all").held("StudentGroup").values()
        members = {each["displayName"]: len(each["studentMemberships"]) for each in groups}
        assert members == {"7A": 2, "7B": 6, "ma": 6}
        assert part.unconfirmed


def test_an_approval_is_evidence_for_those_whom_it_names(world):
    """They go although the reading does not confirm it, their employments and classes too."""
    with world.sync_context() as context:
        read = context.read_directory
        context = structs.replace(
            context,
            read_directory=lambda t: without_the_others(read(t)),
            ask_directory=all_unknown,
        )
        assert sync(context, TENANT, "all").connections[0].status == "held"
        (part,) = approve(context, TENANT, "all").connections
    assert part.operations["delete"] == {"User": 8, "Employment": 2, "StudentGroup": 1}
    assert not part.unconfirmed


def test_approving_twice_is_reported(world):
    approved(world)
    with pytest.raises(NotFoundError, match="nothing of C0storvik waits for approval at all"):
        approved(world)


def test_an_approval_that_the_vendor_could_not_carry_out_still_holds(world):
    world.vendor("all").fail(500, times=None, method="DELETE")
    assert approved(world).connections[0].status == "failed"
    world.vendor("all").clear()
    with world.sync_context() as context:
        (part,) = sync(context, TENANT, "all").connections
    assert part.status == "delivered"
    assert len(world.vendor("all").held("User")) == 10


def test_protected_people_go_however_much_is_held(world):
    world.forget_requests()
    hidden = PUPILS["7B"][0]
    world.domain.move_user(address(*hidden), "/Skyddade")
    ran = world.run("sync", TENANT, "--json")
    assert ran.status == HELD
    for server in (world.vendor("all"), world.vendor("some")):
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


def in_groups(world: World) -> set[str]:
    """ExternalIds of those who are in a class at the vendor."""
    groups = world.vendor("all").held("StudentGroup").values()
    return {m["value"] for group in groups for m in group["studentMemberships"]}


def at_the_vendor(world: World) -> set[str]:
    return {user["externalId"] for user in world.vendor("all").held("User").values()}


def held(world: World) -> Hold | None:
    with world.open_store() as store:
        found = find_hold(store, TENANT, "all")
    return None if found is None else found[1]


def synced(world: World):
    """A run, by those who do not wait long."""
    with world.sync_context() as context:
        return sync(context, TENANT, "all")


def behind(world: World) -> None:
    """Let it be unknown which reading's plan was carried out last: no change of a class is sent."""
    with world.open_store() as store:
        store.set_delivered(LedgerKey(TENANT, "all", "live"), 9e12)


@pytest.mark.parametrize("fault", NOT_ANSWERED, ids=str)
def test_a_vendor_that_does_not_say_its_groups_is_asked_again_by_the_next_run(world, fault):
    behind(world)
    world.domain.move_user(address(*PUPILS["7B"][0]), "/Skyddade")
    world.vendor("all").fail(times=None, **fault)
    synced(world)
    assert len(at_the_vendor(world)) == 13  # they themselves are gone at once
    assert len(in_groups(world) - at_the_vendor(world)) == 1
    world.vendor("all").clear()

    assert synced(world).exit_status == HELD
    assert in_groups(world) == at_the_vendor(world) - teachers(world)
    world.forget_requests()
    assert synced(world).exit_status == HELD
    assert world.vendor("all").requests == []
    found = held(world)
    assert found is not None
    assert found.protected_being_removed == ()


def test_that_the_groups_could_not_be_asked_for_is_reported(world):
    behind(world)
    world.domain.move_user(address(*PUPILS["7B"][0]), "/Skyddade")
    world.vendor("all").fail(500, method="GET", times=None)
    part = synced(world).connections[0]
    assert (part.status, part.people) == ("held", 13)
    assert "the next run tries again" in (part.detail or "")


def test_a_removal_during_a_hold_that_is_cut_off_before_the_groups_goes_on(world, monkeypatch):
    behind(world)
    world.domain.move_user(address(*PUPILS["7B"][0]), "/Skyddade")

    async def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as cut, world.sync_context() as context:
        cut.setattr("addon.sync.session.updates_without", die)
        with pytest.raises(KeyboardInterrupt):
            sync(context, TENANT, "all")
    assert len(in_groups(world) - at_the_vendor(world)) == 1
    with world.sync_context() as context:
        sync(context, TENANT, "all")
    assert in_groups(world) <= at_the_vendor(world)


def test_who_was_hidden_and_then_deleted_in_workspace_is_taken_out_of_the_groups_too(world):
    hidden = address(*PUPILS["7B"][0])
    world.domain.move_user(hidden, "/Skyddade")
    world.vendor("all").fail(500, method="GET", times=None)
    synced(world)
    world.vendor("all").clear()
    world.domain.remove_user(hidden)
    world.run("sync", TENANT, "--vendor", "all")
    assert in_groups(world) <= at_the_vendor(world)


def teachers(world: World) -> set[str]:
    return {e["user"]["value"] for e in world.vendor("all").held("Employment").values()}


# A no


def refused(world: World) -> Hold:
    with world.open_store() as store:
        return record_refusal(store, TENANT, "all", 1_800_000_000.0)


def test_a_no_stands_while_the_same_or_fewer_would_go(world):
    refused(world)
    world.run("sync", TENANT)
    found = held(world)
    assert found is not None
    assert found.refused == 1_800_000_000.0
    world.change_connection("all", limits={"deletions": 2, "deletionsPercent": 50})
    world.domain.add_user(
        {
            "primaryEmail": "ny@edu.storvik.se",
            "orgUnitPath": "/Elever/7A",
            "name": {"givenName": "Nyfiken", "familyName": "Nykomling"},
        }
    )
    world.run("sync", TENANT)
    found = held(world)
    assert found is not None
    assert found.refused == 1_800_000_000.0
    methods = [request.method for request in world.vendor("all").requests]
    assert (methods.count("POST"), methods.count("PUT"), "DELETE" in methods) == (1, 1, False)
    assert len(in_groups(world)) == 13  # with the new one and the four who wait


def test_one_person_more_and_approval_is_asked_for_again(world):
    refused(world)
    leave(world, PUPILS["7A"][4])
    world.run("sync", TENANT)
    found = held(world)
    assert found is not None
    assert (len(found.people), found.refused) == (5, 0.0)


def test_a_no_takes_back_an_earlier_yes(world):
    with world.open_store() as store:
        record_approval(store, TENANT, "all", 1_700_000_000.0)
    refused(world)
    assert world.run("sync", TENANT, "--vendor", "all").status == HELD
    assert len(world.vendor("all").held("User")) == 14


def test_a_yes_takes_back_an_earlier_no(world):
    refused(world)
    with world.sync_context() as context:
        hold = record_approval(context.store, TENANT, "all", context.clock())
        assert hold.refused == 0.0
        assert find_hold(context.store, TENANT, "all")[1].refused == 0.0
        assert sync(context, TENANT, "all").connections[0].status == "delivered"
    assert held(world) is None


def test_a_withdrawal_that_is_refused_is_no_more(world):
    world.run("withdraw", TENANT, "--vendor", "all")
    assert refused(world).withdrawal
    assert held(world) is None


def test_nothing_can_be_refused_where_nothing_is_held(world):
    approved(world)
    with pytest.raises(NotFoundError):
        refused(world)


def test_a_hold_that_was_left_in_test_mode_is_not_what_is_approved_in_live_mode(world):
    with world.open_store() as store:
        key, hold = find_hold(store, TENANT, "all")
        test = structs.replace(key, mode="test")
        store.set_hold(test, structs.replace(hold, people=hold.people[:1]))
    report = approved(world)
    assert report.connections[0].operations["delete"] == {"User": 4}
    with world.open_store() as store:
        assert store.approval(test) is None
        assert store.hold(test) is not None


def test_what_was_not_shown_is_not_approved(world):
    with world.open_store() as store:
        key, shown = find_hold(store, TENANT, "all")
        more = structs.replace(shown, people=(*shown.people, "another"))
        store.set_hold(key, more)
        with pytest.raises(HoldChangedError):
            record_approval(store, TENANT, "all", 1.0, shown=shown)
        assert store.approval(key) is None
        again = structs.replace(shown, at=shown.at + 1)
        store.set_hold(key, again)
        record_approval(store, TENANT, "all", 1.0, shown=shown)
        assert store.approval(key).people == frozenset(shown.people)

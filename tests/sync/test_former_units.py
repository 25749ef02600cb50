"""Nobody protected stays employed at a school unit that has left the tenant document."""

import copy
import json

import pytest
from msgspec import structs

from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey
from addon.planning.protected_set import (
    ProtectedReading,
    ProtectedSet,
    after_reading,
    with_units,
)
from addon.ss12000.ids import Ids
from addon.sync.planner import planner_for
from addon.sync.prepare import read_and_prepare
from addon.sync.protected_removal import read_protected, remove_protected_everywhere
from addon.sync.protected_set import record_reading
from addon.sync.reconcile import own_resources
from addon.sync.run import deliver, plan_run, sync
from addon.sync.vendor_lookup import lookup_person
from addon.tenants.document import load_tenant
from addon.tenants.model import ProtectedLimit
from tests.support.small_school import (
    DOMAIN,
    STAFF,
    TENANT,
    UNIT,
    address,
    person,
    small_school,
    user_id,
)

SOUTH = "12345680"
CLASS = f"sodra-8a@{DOMAIN}"
GUNNEL, RICKARD = STAFF
LIVE, TEST = LedgerKey(TENANT, "all", "live"), LedgerKey(TENANT, "all", "test")
IDS = Ids(TENANT)


@pytest.fixture
def world(tmp_path):
    """Everybody is at `all`, all staff at both schools, and it was tried in test mode."""
    with small_school(tmp_path) as world:
        world.document["connections"] = world.document["connections"][:1]
        for path in ("/Södra", "/Slutat"):
            world.domain.add_org_unit(path)
        pupils = [("Sven", "Söder"), ("Siv", "Söder")]
        for name in pupils:
            world.domain.add_user(person(*name, "/Södra"))
        members = [address(*name) for name in (*pupils, *STAFF)]
        world.domain.add_group({"email": CLASS, "name": "8A"}, members)
        north = world.document["schoolUnits"][0]
        world.document["schoolUnits"].append(
            {
                **copy.deepcopy(north),
                "code": SOUTH,
                "name": "Södra skolan",
                "students": {"orgUnits": ["/Södra"]},
                "classes": {"from": "group", "pattern": "^sodra-(?P<name>[^@]+)"},
            }
        )
        for connection in world.document["connections"]:
            connection["schoolUnits"].append(SOUTH)
            connection["limits"] = {"deletions": 0}
        for mode in ("test", "live"):
            world.change_connection("all", mode=mode)
            assert world.run("sync", TENANT).status == 0
        world.forget_requests()
        for server in servers(world):
            assert employed(world, GUNNEL) <= at(server)
        yield world


def employed(world, name):
    """The externalIds of a teacher's employments, at both schools."""
    return {IDS.employment(unit, user_id(world, *name)) for unit in (UNIT, SOUTH)}


def servers(world):
    return [world.vendor("all"), world.vendor("all", "test")]


def at(server):
    return {each["externalId"] for each in server.held("Employment").values()}


def leave(world):
    """Take the southern school out of the document."""
    world.document["schoolUnits"] = world.document["schoolUnits"][:1]
    for connection in world.document["connections"]:
        connection["schoolUnits"] = [UNIT]
    world.import_document()


def protect(world):
    world.domain.move_user(address(*GUNNEL), "/Skyddade")


def remove(world):
    """The hourly pass."""
    with world.sync_context() as context:
        read_protected(context, TENANT)
        return remove_protected_everywhere(context, TENANT)


def assert_gone(world, servers):
    """Nothing of Gunnel is there, and no activity refers to her; Rickard is there as before."""
    gone = {IDS.user(user_id(world, *GUNNEL)), *employed(world, GUNNEL)}
    for server in servers:
        assert at(server).isdisjoint(gone)
        assert employed(world, RICKARD) <= at(server)
        (activity,) = server.held("Activity").values()
        said = json.dumps([activity, *server.held("User").values()])
        assert not [each for each in gone if each in said]
        assert IDS.employment(SOUTH, user_id(world, *RICKARD)) in said


def off(world):
    world.change_connection("all", mode="off")


def no_connections(world):
    world.document["connections"] = []
    world.import_document()


def nothing(world):
    pass


# The hourly pass


@pytest.mark.parametrize("connections", [nothing, off, no_connections])
def test_who_becomes_protected_after_the_unit_has_left(world, connections):
    leave(world)
    connections(world)
    protect(world)
    found = remove(world)
    assert {(r.outcome.removed, r.outcome.left, r.outcome.problem) for r in found} == {(1, 0, "")}
    assert_gone(world, servers(world))
    world.forget_requests()
    assert remove(world) == ()
    assert world.requests == []


@pytest.mark.parametrize("connections", [off, no_connections])
def test_whose_unit_leaves_after_they_became_protected(world, connections):
    connections(world)
    protect(world)
    for server in servers(world):
        server.fail(503, times=None)
    assert {r.outcome.left for r in remove(world)} == {1}
    if world.document["connections"]:
        leave(world)
    world.document["schoolUnits"] = world.document["schoolUnits"][:1]
    world.import_document()
    for server in servers(world):
        server.clear()
    assert {r.outcome.removed for r in remove(world)} == {1}
    assert_gone(world, servers(world))


def test_who_has_only_an_employment_left_is_left(world):
    """The account goes, the vendor refuses to remove the employment: that is not done."""
    leave(world)
    off(world)
    protect(world)
    employment = IDS.employment(SOUTH, user_id(world, *GUNNEL))
    world.vendor("all").fail(403, times=None, method="DELETE", external_id=employment)
    found = {r.key: r.outcome for r in remove(world)}
    assert (found[LIVE].removed, found[LIVE].left) == (0, 1)
    assert found[LIVE].problem
    world.vendor("all").clear()
    remove(world)
    assert_gone(world, servers(world))


def test_a_place_that_was_clear_is_looked_at_again_when_another_unit_is_known(world):
    protect(world)
    remove(world)
    other = IDS.employment("87654321", user_id(world, *GUNNEL))
    with world.open_store() as store:
        store.record(LIVE, [LedgerChange("Employment", other, LedgerEntry("x", b"0" * 16))])
    remove(world)
    with world.open_store() as store:
        assert other in store.ledger(LIVE).entries["Employment"]
        store.update_protected_set(TENANT, lambda known: with_units(known, {"87654321"}))
    remove(world)
    with world.open_store() as store:
        assert other not in store.ledger(LIVE).entries["Employment"]


# Units whose codes nobody knows


def forget_the_south(world):
    """The school left the document before codes were kept, and its connection is off."""
    leave(world)
    off(world)
    protect(world)
    with world.open_store() as store:
        known = frozenset({UNIT})
        store.update_protected_set(TENANT, lambda found: structs.replace(found, units=known))


def test_a_code_that_nobody_knows_is_asked_for_at_the_vendor(world):
    forget_the_south(world)
    remove(world)
    assert known_units(world) == {UNIT, SOUTH}
    assert_gone(world, servers(world))
    remove(world)
    world.forget_requests()
    assert remove(world) == ()
    assert world.requests == []


def test_a_code_is_believed_only_when_the_units_id_follows_from_it(world):
    forget_the_south(world)
    for server in servers(world):
        units = [{**u, "schoolUnitCode": "87654321"} for u in server.held("SchoolUnit").values()]
        body = json.dumps({"totalResults": len(units), "Resources": units}).encode()
        server.fail(200, times=None, method="GET", endpoint="SchoolUnits", body=body)
    remove(world)
    assert known_units(world) == {UNIT}


def test_a_vendor_that_does_not_answer_is_asked_again(world):
    forget_the_south(world)
    for server in servers(world):
        server.fail(503, times=None, method="GET", endpoint="SchoolUnits")
    for _ in range(2):
        remove(world)
    assert known_units(world) == {UNIT}
    for server in servers(world):
        server.clear()
    remove(world)
    assert known_units(world) == {UNIT, SOUTH}
    assert_gone(world, servers(world))


EMPTY = json.dumps({"totalResults": 0, "Resources": []}).encode()


def empty(server):
    """Whatever is asked of its school units, nothing is there."""
    server.fail(200, times=None, method="GET", endpoint="SchoolUnits", body=EMPTY)


def empty_list(server):
    """A list of nothing; what is asked for by its id is there."""
    server.show(lambda endpoint, found: [] if endpoint == "SchoolUnits" else found)


def without_the_south(server):
    server.show(
        lambda endpoint, found: [
            each
            for each in found
            if endpoint != "SchoolUnits" or each["externalId"] != IDS.school_unit(SOUTH)
        ]
    )


def test_an_empty_answer_is_no_word_on_a_school_unit(world):
    """It is asked for again, until it is shown."""
    forget_the_south(world)
    for server in servers(world):
        empty(server)
    for _ in range(2):
        remove(world)
    assert known_units(world) == {UNIT}
    for server in servers(world):
        server.clear()
    remove(world)
    assert known_units(world) == {UNIT, SOUTH}
    assert_gone(world, servers(world))


@pytest.mark.parametrize("short", [empty_list, without_the_south])
def test_a_school_unit_that_a_list_lacks_is_read_by_its_id(world, short):
    forget_the_south(world)
    for server in servers(world):
        short(server)
    remove(world)
    assert known_units(world) == {UNIT, SOUTH}
    assert_gone(world, servers(world))


def test_a_school_unit_that_a_vendor_has_no_more_is_asked_for_once(world):
    """The list lacks it, its id is answered 404, and the filter does not find it."""
    forget_the_south(world)
    for server in servers(world):
        (resource_id,) = (
            i
            for i, each in server.held("SchoolUnit").items()
            if each["externalId"] == IDS.school_unit(SOUTH)
        )
        server._state._delete("SchoolUnits", resource_id)
    remove(world)
    remove(world)
    world.forget_requests()
    assert remove(world) == ()
    assert world.requests == []


def test_a_vendor_that_cannot_list_is_asked_once(world):
    forget_the_south(world)
    for server in servers(world):
        server.fail(501, times=None, method="GET", endpoint="SchoolUnits")
    remove(world)
    remove(world)
    world.forget_requests()
    assert remove(world) == ()
    assert world.requests == []


# Runs


def test_a_run_that_is_held_removes_them(world):
    """That a school has left is held; that somebody there became protected is not."""
    leave(world)
    protect(world)
    assert world.run("sync", TENANT).status == 3
    assert_gone(world, servers(world))


def test_a_run_removes_them_in_the_other_environment(world):
    """There nothing is sent any more, so the school is there still."""
    for connection in world.document["connections"]:
        connection["limits"] = {"deletions": 100, "deletionsPercent": 100}
    leave(world)
    with world.sync_context() as context:
        assert sync(context, TENANT, "all").connections[0].status == "delivered"
    protect(world)
    with world.sync_context() as context:
        assert sync(context, TENANT, "all").connections[0].status == "delivered"
    assert_gone(world, [world.vendor("all", "test")])


def test_a_plan_has_them_among_those_whom_no_limit_stops(world):
    leave(world)
    protect(world)
    with world.sync_context() as context:
        tenant = load_tenant(context.store.tenant(TENANT))
        connection = tenant.connection("all")
        prepared = read_and_prepare(context, tenant, (connection,), remember=False)
        planner = planner_for(context, prepared, connection, LIVE, remember=False)
        assert employed(world, GUNNEL) <= planner.protected
        plan = planner.decide().plan
        assert {op.external_id for op in plan.protected} >= employed(world, GUNNEL)
        ours = own_resources(prepared, planner.mapper, planner.ledger, planner.now)
        assert all(("Employment", each) in ours for each in employed(world, GUNNEL))


def test_what_a_vendor_has_of_a_person_is_asked_for_former_units_too(world):
    leave(world)
    with world.sync_context() as context:
        found = lookup_person(context, TENANT, "all", user_id(world, *RICKARD))
    assert [each.resource_type for each in found] == ["User", "Employment", "Employment"]
    assert {each.external_id for each in found[1:]} == employed(world, RICKARD)
    assert all(each.body for each in found)


# What is known of units


def known_units(world):
    with world.open_store() as store:
        return store.protected_set(TENANT).units


def test_units_are_known_from_the_first_reading_on(world):
    assert known_units(world) == {UNIT, SOUTH}
    leave(world)
    remove(world)
    assert known_units(world) == {UNIT, SOUTH}


def test_units_of_before_this_version_are_those_of_what_was_known(world):
    """A set of an earlier version has no units; the last reading knew the school."""
    with world.open_store() as store:
        store.update_protected_set(TENANT, lambda known: structs.replace(known, units=frozenset()))
    leave(world)
    off(world)
    protect(world)
    remove(world)
    assert_gone(world, servers(world))


def test_a_unit_that_only_a_delivery_knew_is_known(world):
    """The document got it after the run had read, and lost it before the next reading."""
    world.domain.rename_user(address(*GUNNEL), "Gunvor", "Pärlbåt")
    with world.sync_context() as context:
        run = plan_run(context, TENANT).run
    new = {**copy.deepcopy(world.document["schoolUnits"][1]), "code": "12345681"}
    world.document["schoolUnits"].append({**new, "students": {"orgUnits": ["/Slutat"]}})
    world.document["connections"][0]["schoolUnits"].append("12345681")
    world.import_document()
    with world.sync_context() as context:
        deliver(context, TENANT, "all", run, 60.0)
    assert "12345681" in known_units(world)


def test_a_reading_that_finds_nothing_new_writes_nothing(world):
    with world.sync_context() as context:
        tenant = load_tenant(context.store.tenant(TENANT))
        snapshot = context.read_directory(tenant)

        class NoWrites:
            def __getattr__(self, name):
                assert name != "update_protected_set"
                return getattr(context.store, name)

        still = structs.replace(context, store=NoWrites())
        assert record_reading(still, tenant, snapshot, context.clock()).units == {UNIT, SOUTH}


def test_units_alone_are_no_knowledge_of_who_is_protected():
    """The first protected group of a tenant with many people is no growth."""
    known = with_units(None, {UNIT})
    assert known.knows_nobody
    reading = ProtectedReading(frozenset("abcdefgh"), frozenset(), 1.0)
    after = after_reading(known, reading, ProtectedLimit(3), now=2.0, sent=frozenset())
    assert (after.ids, after.pending) == (frozenset("abcdefgh"), frozenset())
    sent = after_reading(known, reading, ProtectedLimit(3), now=2.0, sent=frozenset("abcd"))
    assert sent.pending == frozenset("abcdefgh")
    assert not after.knows_nobody
    assert ProtectedSet().knows_nobody

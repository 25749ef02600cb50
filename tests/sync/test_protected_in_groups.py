"""No class or activity at a vendor refers to a protected person who was removed."""

import json
from dataclasses import replace

import pytest
from msgspec import structs

from addon.directory.snapshot import Doubts
from addon.planning.ledger import LedgerKey
from addon.ss12000.ids import Ids
from addon.sync.farewell import KEPT_ITEMS
from addon.sync.protected_removal import read_protected, remove_protected_everywhere
from addon.sync.run import sync
from addon.sync.withdraw import withdraw
from tests.support.generated_tenant import TENANT as GENERATED
from tests.support.generated_tenant import UNITS, Spot, held_at, with_spots
from tests.support.odd_school import COURSE, odd_school
from tests.support.small_school import (
    DOMAIN,
    PUPILS,
    STAFF,
    TENANT,
    address,
    small_school,
    user_id,
)
from tests.trust.odd_directory import OddReading

GROUPS = ("StudentGroup", "Activity")
PUPIL, TEACHER = 0, 20
EMPTY = b'{"totalResults": 0, "Resources": []}'


# Groups that a run does not write


@pytest.fixture
def school(tmp_path):
    """A school whose course has a second teacher, so that it keeps its activity."""
    with odd_school(tmp_path) as school:
        teachers = {n: Spot("/Personal/A", groups=frozenset({COURSE})) for n in (TEACHER, 21)}
        school.change_to(with_spots(school.state, teachers))
        school.hourly()
        yield school


def missing(school):
    school.reading = OddReading(groups=frozenset({COURSE}), answered=frozenset())


def without_members(school):
    school.reading = OddReading(without_members=frozenset({COURSE}), answered=frozenset())


def nothing_known(school):
    school.store.erase_items(GENERATED, KEPT_ITEMS)


def always_short(school):
    nothing_known(school)
    doubts = Doubts(unlisted_org_units=frozenset({"/X"}))
    school.change = lambda snapshot: structs.replace(snapshot, doubts=doubts)


def group_in_doubt(school):
    nothing_known(school)
    doubts = Doubts(groups=frozenset({f"g-{COURSE}"}))
    school.change = lambda snapshot: structs.replace(snapshot, doubts=doubts)


def referring(school, number):
    """The names of groups at the vendor that refer to somebody."""
    ids = Ids(GENERATED)
    theirs = {school.external_id(number)} | {ids.employment(u, f"id{number}") for u in UNITS}
    return [
        group["displayName"]
        for kind in GROUPS
        for group in held_at(school.server)[kind].values()
        if any(each in json.dumps(group) for each in theirs)
    ]


@pytest.mark.parametrize("number", [PUPIL, TEACHER])
@pytest.mark.parametrize(
    "waits", [missing, without_members, nothing_known, always_short, group_in_doubt]
)
def test_a_group_that_waits_for_evidence_loses_only_the_protected_person(school, waits, number):
    waits(school)
    members = school.members()
    spot = replace(school.state.spots[number], protected=True)
    school.change_to(with_spots(school.state, {number: spot}))
    assert school.hourly().status == "delivered"
    assert school.external_id(number) not in held_at(school.server)["User"]
    assert referring(school, number) == []
    assert school.members() == members - (number == PUPIL)
    assert pending(school.store, school.key) == ()


def pending(store, key):
    held = store.hold(key)
    return () if held is None else held.protected_being_removed


# Runs that are cut, and lists that are short


LIVE = LedgerKey(TENANT, "all", "live")
GONE = STAFF[0]


@pytest.fixture
def world(tmp_path):
    """Everybody is at the vendor; no removal goes without a person."""
    with small_school(tmp_path) as world:
        world.document["connections"] = world.document["connections"][:1]
        pattern = "^course-(?P<name>[^@]+)"
        world.document["schoolUnits"][0]["teachingGroups"] = {"from": "group", "pattern": pattern}
        members = [address(*name) for name in (*PUPILS["7B"], *STAFF)]
        world.domain.add_group({"email": f"course-music@{DOMAIN}", "name": "Music"}, members)
        world.change_connection("all", limits={"deletions": 0})
        run(world)
        assert said_of_gone(world)
        yield world


def run(world):
    with world.sync_context() as context:
        return sync(context, TENANT, "all").connections[0]


def hourly_pass(world):
    with world.sync_context() as context:
        read_protected(context, TENANT)
        return remove_protected_everywhere(context, TENANT)


def protect(world):
    world.domain.move_user(address(*GONE), "/Skyddade")


def off(world):
    world.change_connection("all", mode="off")


def a_pupil_leaves(world):
    """More than the limit: the runs are held."""
    world.domain.remove_user(address(*PUPILS["7A"][0]))


def said_of_gone(world):
    """The groups at the vendor that refer to her."""
    ids, user = Ids(TENANT), user_id(world, *GONE)
    units = [unit["code"] for unit in world.document["schoolUnits"]]
    theirs = {ids.user(user), *(ids.employment(unit, user) for unit in units)}
    server = world.vendor("all")
    found = [json.dumps(each) for kind in GROUPS for each in server.held(kind).values()]
    return [each for each in found if any(one in each for one in theirs)]


@pytest.mark.parametrize("then", [off, a_pupil_leaves])
def test_what_an_ordinary_run_could_not_change_is_changed_later_whatever_comes(world, then):
    """The vendor refuses the PUT of the activity; then the connection is off, or a run is held."""
    protect(world)
    world.vendor("all").fail(500, times=None, method="PUT")
    run(world)
    assert said_of_gone(world)
    world.vendor("all").clear()
    then(world)
    if then is off:
        hourly_pass(world)
    else:
        assert run(world).status == "held"
    assert said_of_gone(world) == []
    with world.open_store() as store:
        assert pending(store, LIVE) == ()


def test_an_ordinary_run_that_dies_after_the_removal_is_gone_on_with(world, monkeypatch):
    protect(world)
    with monkeypatch.context() as cut, world.sync_context() as context:

        def die(*_):
            raise KeyboardInterrupt

        cut.setattr("addon.sync.connection._count_only_removed", die)
        world.vendor("all").fail(500, times=None, method="PUT")
        with pytest.raises(KeyboardInterrupt):
            sync(context, TENANT, "all")
    world.vendor("all").clear()
    off(world)
    hourly_pass(world)
    assert said_of_gone(world) == []


def test_an_ordinary_run_that_writes_all_groups_asks_for_none(world):
    protect(world)
    world.forget_requests()
    assert run(world).status == "delivered"
    assert said_of_gone(world) == []
    assert {r.method for r in world.vendor("all").requests} <= {"DELETE", "PUT"}
    world.forget_requests()
    assert run(world).status == "unchanged"
    assert world.requests == []


def empty(server):
    server.show(lambda endpoint, found: found if endpoint != "Activities" else [])


def empty_once(server):
    server.fail(200, method="GET", endpoint="Activities", body=EMPTY)


def list_refused(server):
    """It lists nothing and filters nothing, but shows what is asked for by its id."""
    server.fail(
        501, times=None, method="GET", where=lambda request: "Activities/" not in request.path
    )


@pytest.mark.parametrize("lies", [empty, empty_once, list_refused])
def test_a_held_run_reads_by_its_id_what_the_list_lacks(world, lies):
    a_pupil_leaves(world)
    assert run(world).status == "held"
    protect(world)
    lies(world.vendor("all"))
    run(world)
    assert said_of_gone(world) == []


def behind(world):
    """Let it be unknown which reading's plan was carried out last: no change of a class is sent."""
    with world.open_store() as store:
        store.set_delivered(LIVE, 9e12)


def test_what_neither_the_list_nor_its_id_shows_is_asked_for_again(world):
    a_pupil_leaves(world)
    run(world)
    behind(world)
    protect(world)
    world.vendor("all").fail(200, times=None, method="GET", endpoint="Activities", body=EMPTY)
    report = run(world)
    assert "not in its list" in report.detail
    assert said_of_gone(world)
    world.vendor("all").clear()
    run(world)
    assert said_of_gone(world) == []


def test_that_a_vendor_can_show_no_groups_is_said_in_each_report(world):
    a_pupil_leaves(world)
    run(world)
    behind(world)
    protect(world)
    world.vendor("all").fail(501, times=None, method="GET")
    for _ in range(2):
        assert "can neither list its groups" in run(world).detail
    world.document["connections"][0]["limits"] = {"deletions": 100, "deletionsPercent": 100}
    world.import_document()
    assert run(world).detail is None
    assert said_of_gone(world) == []


def test_a_group_that_the_vendor_lost_is_not_asked_for_again(world):
    """The list lacks it, its id is answered 404, and the filter does not find it."""
    a_pupil_leaves(world)
    run(world)
    protect(world)
    (activity,) = world.vendor("all").held("Activity")
    world.vendor("all")._state._delete("Activities", activity)
    run(world)
    with world.open_store() as store:
        assert pending(store, LIVE) == ()
    world.forget_requests()
    assert run(world).status == "held"
    assert world.requests == []


def test_a_withdrawal_that_is_not_complete_forgets_nobody(world):
    protect(world)
    world.vendor("all").fail(500, times=None, method="PUT")
    run(world)
    world.vendor("all").clear()
    world.vendor("all").fail(403, times=None, method="DELETE", endpoint="Activities")
    with world.sync_context() as context:
        withdraw(context, TENANT, "all", confirmed=True)
    assert said_of_gone(world)
    hourly_pass(world)
    assert said_of_gone(world) == []

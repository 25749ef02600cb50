"""What a held run sends: everything that takes nothing from anybody, once."""

import pytest

from addon.planning.ledger import LedgerKey
from addon.sync.holds import find_hold, record_approval
from addon.sync.report import HELD
from addon.sync.run import preview, sync
from tests.support.small_school import PUPILS, TENANT, address, leave, person, small_school

LEAVERS = PUPILS["7A"][:4]
STAYS = PUPILS["7A"][4]
MOVES = PUPILS["7A"][5]


@pytest.fixture
def world(tmp_path):
    """A school where four pupils of 7A leave, more than the limit, and one moves to 7B."""
    with small_school(tmp_path) as world:
        world.run("sync", TENANT)
        world.forget_requests()
        leave(world, *LEAVERS)
        world.domain.move_user(address(*MOVES), "/Elever/7B")
        world.domain.add_org_unit("/Elever/7C")
        world.domain.add_user(person("Ny", "Elev", "/Elever/7A"))
        world.domain.add_user(person("Annan", "Elev", "/Elever/7C"))
        yield world


def run(world):
    with world.sync_context() as context:
        return sync(context, TENANT)


def part_of(report, vendor="all"):
    return next(part for part in report.connections if part.vendor == vendor)


def names_by_class(world, vendor="all"):
    """The family names of each class's students at a vendor."""
    server = world.vendor(vendor)
    names = {u["externalId"]: u["name"]["familyName"] for u in server.held("User").values()}
    return {
        group["displayName"]: {names[m["value"]] for m in group["studentMemberships"]}
        for group in server.held("StudentGroup").values()
    }


def family(names):
    return {name for _, name in names}


def writes(world, vendor="all"):
    return [r for r in world.vendor(vendor).requests if r.method != "GET"]


def test_new_people_and_classes_go_and_nobody_loses_a_class(world):
    assert run(world).exit_status == HELD
    classes = names_by_class(world)
    assert classes["7A"] == {*family(PUPILS["7A"]), "Elev"}
    assert classes["7B"] == {*family(PUPILS["7B"]), MOVES[1]}
    assert classes["7C"] == {"Elev"}
    assert len(world.vendor("all").held("User")) == 16


def test_at_a_vendor_that_takes_one_class_who_moves_stays_in_the_old_one(world):
    run(world)
    classes = names_by_class(world, "some")
    assert classes["7A"] == {*family(PUPILS["7A"]), "Elev"}
    assert classes["7B"] == family(PUPILS["7B"])


def test_the_next_runs_send_nothing(world):
    run(world)
    for _ in range(2):
        world.forget_requests()
        assert run(world).exit_status == HELD
        assert world.requests == []


def test_the_report_says_what_went_and_what_waits(world):
    with world.sync_context() as context:
        foreseen = part_of(preview(context, TENANT)[0])
    done = part_of(run(world))
    assert (foreseen.status, foreseen.sent, foreseen.hold) == ("held", done.sent, done.hold)
    assert done.sent == {
        "create": {"User": 2, "StudentGroup": 1},
        "update": {"StudentGroup": 2},
        "delete": {},
    }
    assert done.hold.waiting == {
        "create": {},
        "update": {"StudentGroup": 1},
        "delete": {"User": 4},
    }


def test_a_process_that_dies_before_it_delivers_forgets_nothing(world, monkeypatch):
    def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as cut, world.sync_context() as context:
        cut.setattr("addon.sync.run.sync_connection_safely", die)
        with pytest.raises(KeyboardInterrupt):
            sync(context, TENANT)
    run(world)
    assert names_by_class(world)["7A"] == {*family(PUPILS["7A"]), "Elev"}


def shown(world):
    with world.open_store() as store:
        found = find_hold(store, TENANT, "all")
    assert found is not None
    return found[1]


def test_people_who_come_meanwhile_leave_the_approval_as_it_is(world):
    run(world)
    seen = shown(world)
    world.domain.add_user(person("Sen", "Nykomling", "/Elever/7A"))
    run(world)
    assert shown(world).at == seen.at
    with world.open_store() as store:
        record_approval(store, TENANT, "all", world.clock(), shown=seen)
    assert part_of(run(world)).status == "delivered"
    assert names_by_class(world)["7A"] == {STAYS[1], "Elev", "Nykomling"}


def test_another_removal_is_not_in_what_was_seen(world):
    run(world)
    seen = shown(world)
    leave(world, STAYS)
    run(world)
    assert shown(world).content != seen.content


def test_new_people_do_not_end_a_hold_by_a_percentage(world):
    world.change_connection("all", limits={"deletions": 50, "deletionsPercent": 30})
    leave(world, STAYS)
    for n in range(8):
        world.domain.add_user(person(f"Elev{n}", "Ny", "/Elever/7C"))
    for _ in range(2):
        assert part_of(run(world)).status == "held"
    assert len(world.vendor("all").held("User")) == 14 + 2 + 8


def test_what_there_would_be_too_many_of_is_not_created(world):
    limits = {"deletions": 50, "deletionsPercent": 100, "changes": {"User": {"number": 1}}}
    with world.open_store():
        world.domain.add_user(person("Tredje", "Elev", "/Elever/7A"))
        for n in range(5):
            world.domain.add_user(person(f"Till{n}", "Elev", "/Elever/7C"))
    world.change_connection("all", limits=limits)
    assert part_of(run(world)).status == "held"
    assert len(world.vendor("all").held("User")) == 14
    assert all("Elev" not in names for names in names_by_class(world).values())


def test_where_it_is_unknown_what_a_change_takes_only_what_is_new_is_sent(world):
    with world.open_store() as store:
        store.set_delivered(LedgerKey(TENANT, "all", "live"), 9e12)
    run(world)
    assert {request.method for request in writes(world)} == {"POST"}
    assert names_by_class(world)["7A"] == family(PUPILS["7A"])
    assert len(world.vendor("all").held("User")) == 16

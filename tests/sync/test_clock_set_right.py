"""A clock that was a year ahead, and is set right: nothing rests, waits or lasts until then."""

import pytest
from msgspec import structs

from addon.planning.ledger import LedgerKey
from addon.planning.limits import Approval
from addon.planning.protected_set import ProtectedReading, ProtectedSet, after_reading, missing
from addon.planning.recent_removals import DAY
from addon.store.records import RunRecord
from addon.sync.holds import approve
from addon.sync.run import sync
from addon.sync.run_records import start_run
from addon.sync.status import status
from addon.tasks.schedule import Scheduler
from addon.tenants.model import ProtectedLimit
from tests.support.small_school import PUPILS, TENANT, address, deliver, leave, small_school
from tests.support.world import World

NOW, YEAR = 1_800_000_000.0, 365 * 86400.0
KEY = LedgerKey(TENANT, "all", "live")
HELD, DONE, FAILED = "held", "delivered", "failed"


@pytest.fixture
def world(tmp_path):
    """Nobody has left yet; at most three people may go, and half of the school."""
    with small_school(tmp_path) as world:
        deliver(world)
        yield world


def run(world: World) -> str:
    with world.sync_context() as context:
        timed = structs.replace(context, clock=world.clock)
        return sync(timed, TENANT, "all").connections[0].status


def there(world: World) -> int:
    return len(world.vendor("all").held("User"))


def test_a_resource_that_was_refused_then_is_tried_again(world):
    pupil = address(*PUPILS["7A"][0])
    with world.later(2 * DAY):
        world.domain.rename_user(pupil, family_name="Ek")
        world.vendor("all").fail(422, method="PUT", times=1)
        assert run(world) == FAILED
    assert run(world) == DONE


def test_removals_of_then_count_for_a_day(world):
    with world.later(2 * DAY):
        leave(world, *PUPILS["7A"][:2])
        assert run(world) == DONE
    assert there(world) == 12
    leave(world, *PUPILS["7A"][2:4])
    assert run(world) == HELD
    with world.sync_context() as context:
        assert approve(context, TENANT, "all").connections[0].status == DONE
    with world.later(DAY):
        leave(world, *PUPILS["7B"][:3])
        assert run(world) == DONE
    assert there(world) == 7


def test_a_hold_of_then_is_dated_again(world):
    leave(world, *PUPILS["7A"][:4])
    with world.later(YEAR):
        assert run(world) == HELD
    assert run(world) == HELD
    with world.sync_context() as context:
        assert abs(context.store.hold(KEY).at - world.clock()) < 60


def test_an_approval_of_then_is_asked_for_again(world):
    leave(world, *PUPILS["7A"][:4])
    assert run(world) == HELD
    with world.sync_context() as context:
        hold = context.store.hold(KEY)
        context.store.set_approval(KEY, hold.approval(at=world.clock() + YEAR))
    assert run(world) == HELD
    with world.sync_context() as context:
        context.store.set_approval(KEY, hold.approval(at=world.clock() + 60))
    assert run(world) == DONE


def test_the_latest_run_is_the_one_that_began_last(world):
    with world.later(YEAR):
        run(world)
    run(world)
    with world.sync_context() as context:
        found = status(context.settings, context.store, TENANT)
        assert found.last_run.started < world.clock() + 60
        assert found.connections[0].last.finished < world.clock() + 60


def test_a_run_that_began_then_and_never_ended_is_cut_off(world):
    with world.sync_context() as context:
        lost = RunRecord("lost", TENANT, NOW + YEAR, "running", holder="elsewhere|1|1|1")
        context.store.save_run(lost)
        start_run(context.store, TENANT, NOW)
        assert [r.status for r in context.store.runs(TENANT, 2)] == ["running", "cut off"]


def test_a_run_of_then_is_no_run_in_this_window(world):
    with world.sync_context() as context:
        context.store.save_run(RunRecord("ahead", TENANT, NOW + YEAR, "done", NOW + YEAR))
        enqueued = []

        class Queue:
            def enqueue(self, task):
                enqueued.append(task.payload["tenant"])
                return True

        Scheduler(lambda: context.store, Queue, 6, lambda: NOW).tick()
    assert enqueued == [TENANT]


def test_expired_items_are_removed_also_after_the_clock_was_set_right():
    now, swept = NOW + YEAR, []

    class NoTenants:
        def tenants(self):
            return []

        def delete_expired(self, at):
            swept.append(at)

    scheduler = Scheduler(NoTenants, lambda: None, 6, lambda: now)
    scheduler.tick()
    now = NOW
    scheduler.tick()
    assert swept == [NOW + YEAR, NOW]


def test_protection_that_a_reading_of_then_changed_can_end():
    known = ProtectedSet(ids=frozenset({"1"}), updated=NOW + YEAR)
    reading = ProtectedReading(frozenset(), frozenset({"1"}), NOW)
    after = after_reading(known, reading, ProtectedLimit(), now=NOW)
    assert (after.ended, after.updated) == ({"1": NOW}, NOW)
    nowhere = structs.replace(reading, seen=frozenset())
    assert missing(known, nowhere, NOW) == {"1"}


def test_a_reading_that_is_older_than_the_set_ends_nothing():
    known = ProtectedSet(ids=frozenset({"1"}), updated=NOW - 60)
    reading = ProtectedReading(frozenset(), frozenset({"1"}), NOW - 1800)
    assert after_reading(known, reading, ProtectedLimit(), now=NOW) == known
    assert missing(known, structs.replace(reading, seen=frozenset()), NOW) == frozenset()


def test_an_approval_of_another_machine_counts():
    assert Approval(at=NOW + 60).is_valid(NOW)
    assert not Approval(at=NOW + YEAR).is_valid(NOW)

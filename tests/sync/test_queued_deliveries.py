"""However many runs there are while a vendor's queue is full, one delivery waits there."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.directory.push_state import JOINED_FOR
from addon.planning.ledger import LEASE_SECONDS, LedgerKey
from addon.store.process_identity import process_holder
from addon.sync import run as run_module
from addon.sync import small_delivery
from addon.sync.run import SNAPSHOT_KEPT, plan_changes
from addon.tasks.base import Task
from tests.support.push_world import PushWorld, push_world
from tests.support.small_school import TENANT, address

PUPIL = address("Bo", "Ek")
QUEUE = "deliver-all"


class Killed(BaseException):
    """The process is killed."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch) -> Iterator[PushWorld]:
    """A school whose changes wait, because the vendor's queue is busy with others'."""
    monkeypatch.setattr(small_delivery, "MOST_OPERATIONS", 0)
    with push_world(tmp_path) as world:
        world.first_run()
        world.queue.busy = {QUEUE}
        world.domain.move_people("/Elever/7A", "/Elever/7B")
        world.advance(20)
        yield world


def waiting(world: PushWorld) -> list[Task]:
    return [task for task in world.queue.waiting if task.queue == QUEUE]


def names(world: PushWorld) -> set[str]:
    people = world.vendors["all", "live"].held("User").values()
    return {each["name"]["familyName"] for each in people}


def rename(world: PushWorld, name: str, seconds: float = 70) -> None:
    world.domain.rename_user(PUPIL, "Bo", name)
    world.advance(seconds, step=5)


def go_on(world: PushWorld) -> None:
    """Have the vendor's queue come to this tenant, and to all stages of its delivery."""
    world.queue.waiting = waiting(world)
    world.queue.busy.clear()
    world.run_tasks()
    world.clock.advance(2400)
    world.run_tasks()


def test_later_runs_leave_their_deliveries_to_the_one_that_waits(world):
    for number in range(4):
        rename(world, f"Namn{number}")
    assert world.runs() >= 5
    assert len(waiting(world)) == 1
    go_on(world)
    assert "Namn3" in names(world)
    assert world.state.queued == {}
    assert len([task for task in world.queue.done if task.queue == QUEUE]) <= 3  # by stages


def test_a_change_that_is_taken_back_meanwhile_is_not_sent(world):
    rename(world, "Ekman")
    rename(world, "Ek")
    world.vendors["all", "live"].clear()
    go_on(world)
    bodies = [r.body for r in world.vendors["all", "live"].requests if r.method == "PUT"]
    assert bodies
    assert "Ekman" not in str(bodies)


def test_the_snapshots_of_runs_that_another_replaces_are_removed(world):
    for number in range(3):
        rename(world, f"Namn{number}")
    runs = [run.id for run in world.store.runs(TENANT) if run.parent == run.id]
    kept = [run for run in runs if world.store.snapshot(TENANT, run, world.clock()) is not None]
    assert len(kept) == 2  # of the delivery that waits, and the newest
    go_on(world)
    world.advance(3600, step=20)
    assert not [run for run in runs if world.store.snapshot(TENANT, run, world.clock())]


@pytest.mark.parametrize("where", ["enqueue", "end"])
def test_a_process_that_is_killed_before_its_delivery_is_enqueued_loses_nothing(
    tmp_path, monkeypatch, where
):
    monkeypatch.setattr(small_delivery, "MOST_OPERATIONS", 0)
    with push_world(tmp_path) as world:
        world.first_run()
        world.domain.move_people("/Elever/7A", "/Elever/7B")
        world.domain.rename_user(PUPIL, "Bo", "Ekman")

        def killed(*_: object):
            raise Killed

        with monkeypatch.context() as patched:
            if where == "enqueue":
                patched.setattr(type(world.services.task_handler), "_enqueue", killed)
            else:
                patched.setattr("addon.tasks.push_tasks.end_reading", killed)
            with pytest.raises(Killed):
                world.advance(30)
        world.start()
        world.advance(180)
        assert "Ekman" in names(world)
        assert world.state.queued == {}


def test_a_delivery_that_is_killed_when_it_has_begun_is_followed_by_the_next(world, monkeypatch):
    def killed(*_: object):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("addon.sync.run.load_delivered_tenant", killed)
        with pytest.raises(Killed):
            go_on(world)
    world.queue.waiting = [task for task in world.queue.waiting if task.queue != QUEUE]  # lost
    rename(world, "Ekman")
    assert "Ekman" in names(world)


def test_a_delivery_whose_task_was_lost_is_waited_for_an_hour_at_most(world):
    world.queue.waiting = [task for task in world.queue.waiting if task.queue != QUEUE]
    world.queue.busy.clear()
    rename(world, "Ekman")
    assert "Ekman" not in names(world)
    world.advance(JOINED_FOR, step=30)
    rename(world, "Ekqvist")
    assert "Ekqvist" in names(world)


def test_a_whole_reading_has_a_delivery_of_its_own(world):
    world.queue.enqueue(Task("runs", "whole", "/tasks/run", {"tenant": TENANT, "window": "0"}))
    world.advance(70, step=5)
    assert len(waiting(world)) == 2
    world.directory.forget_requests()
    go_on(world)
    assert not waiting(world)
    assert world.directory.requests == []  # what the first has delivered is not read again


def test_a_delivery_whose_snapshot_is_gone_reads_the_directory_again(world):
    world.clock.advance(SNAPSHOT_KEPT + 1)
    world.domain.rename_user(PUPIL, "Bo", "Ekman")
    go_on(world)
    assert "Ekman" in names(world)


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[PushWorld]:
    """A school of whose changes the vendor's queue carries out nothing."""
    with push_world(tmp_path) as world:
        world.first_run()
        world.queue.busy = {QUEUE}
        yield world


def test_a_small_change_is_delivered_by_the_run_itself(idle):
    rename(idle, "Ekman", 20)
    assert "Ekman" in names(idle)
    assert not waiting(idle)
    (run,) = idle.store.runs(TENANT, limit=1)
    assert (run.status, run.parent) == ("done", run.id)


def test_a_small_change_waits_behind_a_delivery_that_waits(idle, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(small_delivery, "MOST_OPERATIONS", 0)
        rename(idle, "Ekman")
    rename(idle, "Ekqvist")
    assert not {"Ekman", "Ekqvist"} & names(idle)
    assert len(waiting(idle)) == 1
    go_on(idle)
    assert "Ekqvist" in names(idle)


def test_a_small_change_is_enqueued_while_another_delivers_there(idle):
    key = LedgerKey(TENANT, "all", "live")
    now = idle.clock()
    assert idle.store.acquire(key, process_holder("R"), now + LEASE_SECONDS, now) is None
    rename(idle, "Ekman", 20)
    assert len(waiting(idle)) == 1
    idle.store.release(key, process_holder("R"))
    go_on(idle)
    assert "Ekman" in names(idle)


def test_a_delivery_that_began_before_a_small_change_does_not_set_it_back(idle, monkeypatch):
    """It has its reading, and waits for the lease, when the change is made."""
    with monkeypatch.context() as patched:
        patched.setattr(small_delivery, "MOST_OPERATIONS", 0)
        rename(idle, "Ekman")
    real, found = run_module.sync_connection, []

    async def slow(*arguments, **more):
        idle.clock.advance(70)
        idle.domain.rename_user(PUPIL, "Bo", "Ekqvist")
        idle.delivery.send_due()
        await asyncio.to_thread(plan_changes, idle.services.sync_context(), TENANT)
        found.append(names(idle))
        report = await real(*arguments, **more)
        found.append(names(idle))
        return report

    monkeypatch.setattr(run_module, "sync_connection", slow)
    (task,) = waiting(idle)
    assert idle.services.task_handler.handle(task.path, task.payload).outcome == "unchanged"
    assert ["Ekqvist" in each for each in found] == [True, True]

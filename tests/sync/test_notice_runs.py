"""From a notice to the vendors: soon, once, and never lost."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from addon.directory.push_state import SOON_AGAIN
from addon.tasks.changes import changes_at
from addon.tasks.channel_schedule import channels_at
from addon.tasks.push_tasks import PushTasks
from tests.support.push_world import PushWorld, push_world
from tests.support.small_school import TENANT, address

PUPIL = address("Bo", "Ek")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PushWorld]:
    with push_world(tmp_path) as world:
        world.first_run()
        yield world


def family_name(world: PushWorld, name: str) -> bool:
    people = world.vendors["all", "live"].held("User").values()
    return any(each["name"]["familyName"] == name for each in people)


def test_a_change_is_at_the_vendor_within_seconds(world):
    world.domain.rename_user(PUPIL, "Bo", "Ekman")
    world.advance(12)
    assert family_name(world, "Ekman")
    assert world.runs() == 1
    assert world.state.unread.is_empty


def test_notices_that_come_together_are_one_run(world):
    for name in ("Ett", "Två", "Tre"):
        world.domain.rename_user(PUPIL, "Bo", name)
    world.push.change({"doubled": True, "reversed": True})
    world.domain.move_people("/Elever/7A", "/Elever/7B")
    world.advance(15)
    assert world.runs() == 1


def test_a_storm_is_a_run_or_two(world):
    for _ in range(70):
        world.push.tell(world.domain.users)
    world.advance(120)
    assert world.runs() <= 2
    assert set(world.answers) == {200}


def test_a_tenant_begins_at_most_one_run_a_minute(world):
    for number in range(30):
        world.domain.rename_user(PUPIL, "Bo", f"Namn{number}")
        world.advance(10)
    assert 4 <= world.runs() <= 6
    world.advance(70)
    assert family_name(world, "Namn29")


@pytest.mark.parametrize("early", [0.4, 0.0, -0.01])
def test_a_reading_that_is_put_off_is_not_refused_for_the_name_of_its_task(world, early):
    """The name of a task is taken once for hours, and clocks differ by some milliseconds."""
    world.domain.rename_user(PUPIL, "Bo", "Ekman")
    world.delivery.send_due()
    at = math.ceil(world.clock()) + 60.0
    world.queue.waiting.clear()
    world.store.update_push_state(TENANT, lambda known: replace(known, began=at - 60 + early))
    task = changes_at(TENANT, at)
    world.queue.enqueue(task)
    world.clock.set(at - 0.005)
    world.services.task_handler.handle(task.path, task.payload)
    world.queue.waiting.remove(task)
    world.advance(3)
    assert family_name(world, "Ekman")


@pytest.mark.parametrize("early", [0.3, 0.0, -0.3])
def test_channels_are_looked_at_again_when_their_task_came_early_or_late(world, early):
    at = math.ceil(world.clock()) + 60
    task = channels_at(TENANT, at - 0.6)
    assert task.due == at
    world.clock.set(at - early)
    tasks = PushTasks(world.services.sync_context, lambda: world.queue, lambda _: at + 0.2)
    world.queue.waiting.clear()
    tasks.channels(TENANT)
    (again,) = world.queue.waiting
    assert again.due > task.due
    assert again.name != task.name


def test_what_changed_is_read_once_more_after_three_minutes(world):
    world.domain.lag = 3600.0  # Google's list does not show it yet
    world.domain.add_user(
        {
            "primaryEmail": "ny@edu.storvik.se",
            "orgUnitPath": "/Elever/7A",
            "name": {"givenName": "Ny", "familyName": "Elev"},
        }
    )
    world.advance(20)
    world.domain.lag = 0.0
    world.directory._api._lag._before.clear()
    world.advance(SOON_AGAIN + 20)
    assert family_name(world, "Elev")
    runs = world.runs()
    world.advance(1000, step=10)
    assert world.runs() == runs <= 2


@pytest.mark.parametrize("knob", ["lost", "late", "doubled", "reversed"])
def test_however_notices_come_the_next_whole_reading_has_everything(world, knob):
    world.push.change({knob: 7200.0 if knob == "late" else True})
    world.domain.rename_user(PUPIL, "Bo", "Ekman")
    world.advance(60)
    world.queue.enqueue(_hourly(world))
    world.advance(1)
    assert family_name(world, "Ekman")


def _hourly(world: PushWorld):
    from addon.tasks.base import Task

    return Task("runs", f"run-{world.clock()}", "/tasks/run", {"tenant": TENANT, "window": "0"})


class Killed(BaseException):
    """The process is killed."""


@pytest.mark.parametrize("where", ["read", "enqueue", "end"])
def test_a_process_that_is_killed_after_a_notice_loses_nothing(world, monkeypatch, where):
    world.domain.rename_user(PUPIL, "Bo", "Ekman")
    world.delivery.send_due()
    assert world.answers == [200]
    handler = world.services.task_handler

    def killed(*_: object):
        raise Killed

    with monkeypatch.context() as patched:
        if where == "read":
            patched.setattr("addon.sync.run.prepare_changes", killed)
        elif where == "enqueue":
            patched.setattr(type(handler), "_enqueue", killed)
        else:
            patched.setattr("addon.tasks.push_tasks.end_reading", killed)
        with pytest.raises(Killed):
            world.advance(30)
    world.start()
    world.advance(180)
    assert family_name(world, "Ekman")
    assert world.state.unread.is_empty


def test_a_reading_that_fails_keeps_the_mark(world):
    world.domain.rename_user(PUPIL, "Bo", "Ekman")
    world.directory.fail("/users", status=400, reason="invalid", times=None)
    world.advance(30)
    assert not family_name(world, "Ekman")
    assert not world.state.unread.is_empty
    world.directory.clear_failures()
    world.advance(200)
    assert family_name(world, "Ekman")
    assert world.state.unread.is_empty


def test_a_vendor_in_trouble_does_not_have_the_directory_read_for_ever(world):
    world.vendors["all", "live"].fail(status=503, times=None)
    world.domain.rename_user(PUPIL, "Bo", "Ekman")
    world.advance(600, step=5)
    assert world.state.unread.is_empty
    assert world.runs() <= 2


def test_in_a_pause_notices_are_taken_and_protected_people_removed(world):
    world.save_document(schedule={"pause": {"from": "2020-01-01", "until": "2040-01-01"}})
    world.domain.rename_user(PUPIL, "Bo", "Ekman")
    world.domain.move_user(address("Li", "Xu"), "/Skyddade")
    world.advance(90)
    assert not family_name(world, "Ekman")
    assert not family_name(world, "Xu")
    assert set(world.answers) == {200}
    assert not world.state.unread.is_empty
    world.save_document(schedule={})
    world.queue.enqueue(_hourly(world))
    world.advance(70)
    assert family_name(world, "Ekman")
    assert world.state.unread.is_empty

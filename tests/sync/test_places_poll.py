"""Groups and OUs, of which Google does not notify: looked at each ten minutes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.tasks.base import Task
from tests.support.push_world import PushWorld, push_world
from tests.support.small_school import DOCUMENT, DOMAIN, TENANT, address, small_domain

GROUP = f"7a-ma@{DOMAIN}"
UNITS = [
    DOCUMENT["schoolUnits"][0]
    | {"teachingGroups": {"from": "group", "pattern": rf"^(?P<name>[^@]+-ma)@{DOMAIN}$"}}
]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PushWorld]:
    domain = small_domain()
    domain.add_group({"email": GROUP, "name": "7A Ma"}, [address("Bo", "Ek")])
    domain.add_group({"email": f"alla@{DOMAIN}", "name": "Alla"})
    with push_world(tmp_path, domain, DOCUMENT | {"schoolUnits": UNITS}) as world:
        world.first_run()
        poll(world)
        world.advance(70)
        world.queue.enqueue(Task("runs", "second", "/tasks/run", {"tenant": TENANT}))
        world.run_tasks()
        world.advance(300)
        world.forget()
        yield world


def poll(world: PushWorld) -> None:
    assert world.services.task_handler.handle("/tasks/places", {"tenant": TENANT}).done


def test_what_is_as_it_was_costs_two_queries_and_no_reading(world):
    poll(world)
    world.advance(70)
    assert world.directory.queries == 2
    assert world.runs() == 0


def test_a_new_member_is_at_the_vendor_soon_after(world):
    world.domain.add_member(GROUP, address("Li", "Xu"))
    poll(world)
    world.advance(10)
    assert world.runs() == 1
    groups = world.vendors["all", "live"].held("StudentGroup").values()
    (ma,) = [each for each in groups if each["displayName"].startswith("7a-ma")]
    assert len(ma["studentMemberships"]) == 2
    world.forget()
    poll(world)
    world.advance(240)
    assert world.runs() <= 1  # the second look


def test_a_group_that_nothing_needs_has_nothing_read(world):
    world.domain.add_member(f"alla@{DOMAIN}", address("Li", "Xu"))
    poll(world)
    world.advance(70)
    assert world.runs() == 0


def test_a_new_ou_has_the_directory_read(world):
    world.domain.add_org_unit("/Elever/7C")
    poll(world)
    world.advance(10)
    assert world.runs() == 1


def test_a_failure_is_looked_at_again_and_marks_nothing(world):
    world.directory.fail("/groups", status=400, reason="invalid", times=None)
    world.domain.add_member(GROUP, address("Li", "Xu"))
    poll(world)
    assert world.state.unread.is_empty
    world.directory.clear_failures()
    poll(world)
    assert world.state.unread.groups


def test_nothing_is_listed_while_the_audit_log_is_watched(tmp_path):
    with push_world(tmp_path, SKOLSYNK_AUDIT_WATCH="on") as world:
        world.first_run()
        poll(world)
        assert world.directory.queries == 0


def test_the_directory_is_read_whole_each_six_hours_while_google_notifies(world):
    hours = [world.services.is_due(TENANT, str(window)) for window in range(12)]
    assert hours == [True] + [False] * 5 + [True] + [False] * 5
    world.save_document(notices={"email": ["it@edu.storvik.se"]})  # it is to be heeded soon
    assert all(world.services.is_due(TENANT, str(window)) for window in range(12))
    world.clock.advance(2 * 86_400)  # the channels have ended
    assert all(world.services.is_due(TENANT, str(window)) for window in range(12))

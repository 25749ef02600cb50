"""Removals count against the limits for a day, however many runs they are spread over."""

import pytest
from msgspec import structs

from addon.planning.recent_removals import DAY
from addon.sync.holds import approve
from addon.sync.run import sync
from tests.support.small_school import PUPILS, TENANT, address, deliver, leave, small_school
from tests.support.world import World

HELD, DONE = "held", "delivered"


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


def test_promise_6_a_few_at_a_time_are_no_more_than_a_few_a_day(world):
    leave(world, *PUPILS["7A"][:2])
    assert run(world) == DONE
    leave(world, *PUPILS["7A"][2:4])
    assert run(world) == HELD
    assert there(world) == 12
    with world.sync_context() as context:
        assert approve(context, TENANT, "all").connections[0].status == DONE
    assert there(world) == 10
    leave(world, PUPILS["7A"][4])
    assert run(world) == DONE  # the two that a person approved do not count
    leave(world, PUPILS["7A"][5])
    assert run(world) == HELD


def test_a_new_day_has_a_limit_of_its_own(world):
    leave(world, *PUPILS["7A"][:3])
    assert run(world) == DONE
    leave(world, *PUPILS["7A"][3:])
    assert run(world) == HELD
    with world.later(DAY):
        assert run(world) == DONE
    assert there(world) == 8


def test_what_the_vendor_did_not_remove_does_not_count(world):
    world.vendor("all").fail(422, method="DELETE", times=2)
    leave(world, *PUPILS["7A"][:2])
    run(world)
    assert there(world) == 14
    leave(world, *PUPILS["7A"][2:5])
    assert run(world) != HELD
    assert there(world) == 11


def test_who_came_back_does_not_count(world):
    first, later = PUPILS["7A"][:2], PUPILS["7A"][2:5]
    for suspended in (True, False):
        for name in first:
            world.domain.suspend(address(*name), suspended)
        assert run(world) == DONE
    assert there(world) == 14
    leave(world, *later)
    assert run(world) == DONE
    assert there(world) == 11

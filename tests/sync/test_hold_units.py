"""A hold says at which units its people are, or were."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.planning.ledger import LedgerKey
from addon.planning.limits import Hold
from addon.ss12000.ids import Ids
from addon.sync.hold_units import with_units
from tests.support.small_school import HELD, PUPILS, TENANT, UNIT, cause_hold, deliver, small_school
from tests.support.world import World

HOUR = 3600.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school(tmp_path) as world:
        yield world


def hold_of(world: World) -> Hold:
    with world.open_store() as store:
        found = store.hold(LedgerKey(TENANT, "all", "live"))
    assert found is not None
    return found


def test_who_has_left_is_still_counted_where_they_were_run_after_run(world: World) -> None:
    cause_hold(world)
    for _ in range(3):
        hold = hold_of(world)
        assert dict(hold.units()) == dict.fromkeys(hold.people, UNIT)
        with world.later(HOUR):
            deliver(world, HELD)


def test_a_unit_that_is_no_longer_chosen_is_where_its_people_are(world: World) -> None:
    deliver(world)
    assert world.document is not None
    world.document["schoolUnits"].append({"code": "87654321", "name": "Södra skolan"})
    world.change_connection("all", schoolUnits=["87654321"])
    deliver(world, HELD)
    hold = hold_of(world)
    pupils = sum(map(len, PUPILS.values()))
    assert len(hold.people) >= pupils
    assert {unit for _person, unit in hold.units()} == {UNIT}


def test_a_withdrawal_has_everybody_where_they_are(world: World) -> None:
    deliver(world)
    assert world.run("withdraw", TENANT, "--vendor", "all").status == HELD
    hold = hold_of(world)
    assert dict(hold.units()) == dict.fromkeys(hold.people, UNIT)


def test_the_first_place_counts_and_what_is_unknown_is_left_out() -> None:
    ids = Ids("C1")
    people = tuple(sorted(map(ids.user, ("a", "b", "c", "d"))))
    hold = Hold(people, 4, "", {})
    earlier = with_units(hold, [("a", "9"), ("b", "9")], ids.user, None)
    found = with_units(hold, [("a", "1"), ("a", "2"), ("c", "2"), ("x", "3")], ids.user, earlier)
    units = {"a": "1", "b": "9", "c": "2"}
    assert dict(found.units()) == {ids.user(user): unit for user, unit in units.items()}
    assert found.placed_in == ("1", "2", "9")
    assert with_units(hold, [], ids.user, None) == hold

"""What a run did to whom is kept by ids, with the run: created, changed, removed and why."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.planning.history import DeliveryHistory, HistoryEntry, subject_of
from addon.ss12000.ids import Ids
from addon.store.base import StoreError
from addon.store.sqlite.store import SQLiteStore
from addon.sync.protected_set import protect
from tests.support.small_school import (
    HELD,
    PUPILS,
    STAFF,
    TENANT,
    UNIT,
    address,
    cause_hold,
    deliver,
    leave,
    small_school,
)
from tests.support.world import World

HOUR = 3600.0
IDS = Ids(TENANT)
PUPIL, OTHER = PUPILS["7A"][0], PUPILS["7A"][1]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school(tmp_path) as world:
        yield world


def account(world: World, name: tuple[str, str]) -> str:
    user = world.domain.find_user(address(*name))
    assert user is not None
    return str(user["id"])


def newest(world: World) -> dict[str, DeliveryHistory]:
    """What the newest run did, by vendor."""
    with world.open_store() as store:
        run = store.runs(TENANT, 1)[0]
        found = store.history_of_run(TENANT, run.id)
        assert all(each.run == run.id for each in found)
    return {each.vendor: each for each in found}


def about(world: World, external_id: str, vendor: str = "all") -> list[HistoryEntry]:
    """What runs did to one person at a vendor, the newest first."""
    with world.open_store() as store:
        parts = store.history_about(TENANT, subject_of(external_id), 50)
    return [
        entry
        for part in parts
        if part.vendor == vendor
        for entry in part.entries
        if external_id in entry.people()
    ]


def test_a_first_delivery_has_everybody_once_at_each_vendor(world: World) -> None:
    deliver(world)
    found = newest(world)
    assert found.keys() == {"all", "some"}
    users = [e for e in found["all"].entries if e.resource_type == "User"]
    assert len(users) == sum(map(len, PUPILS.values())) + len(STAFF)
    assert all(e.operation == "create" and e.units == (UNIT,) for e in users)
    jobs = [e for e in found["all"].entries if e.resource_type == "Employment"]
    assert {e.person for e in jobs} == {IDS.user(account(world, name)) for name in STAFF}


def test_nothing_changed_keeps_nothing(world: World) -> None:
    deliver(world)
    deliver(world)
    assert newest(world) == {}


def test_who_changes_class_has_left_one_and_joined_the_other(world: World) -> None:
    deliver(world)
    user = account(world, PUPIL)
    world.domain.move_user(address(*PUPIL), "/Elever/7B")
    with world.later(HOUR):
        deliver(world)
    found = [e for e in about(world, IDS.user(user)) if e.resource_type == "StudentGroup"]
    assert sorted((e.operation, e.changed, len(e.joined), len(e.left)) for e in found) == [
        ("update", ("members",), 0, 1),
        ("update", ("members",), 1, 0),
    ]


def test_a_new_school_year_is_said_to_have_changed(world: World) -> None:
    deliver(world)
    user = account(world, PUPIL)
    world.domain.add_org_unit("/Elever/8A")
    world.domain.move_user(address(*PUPIL), "/Elever/8A")
    with world.later(HOUR):
        deliver(world)
    changed = [e for e in about(world, IDS.user(user)) if e.resource_type == "User"]
    assert [(e.operation, e.changed) for e in changed] == [("update", ("year",)), ("create", ())]


def test_who_is_removed_says_why(world: World) -> None:
    deliver(world)
    gone, suspended = account(world, PUPIL), account(world, OTHER)
    leave(world, PUPIL)
    world.domain.update_user(address(*OTHER), {"suspended": True})
    with world.later(HOUR):
        deliver(world)
    for user, why in ((gone, "gone"), (suspended, "suspended")):
        entry = next(e for e in about(world, IDS.user(user)) if e.resource_type == "User")
        assert (entry.operation, entry.why, entry.units) == ("delete", why, (UNIT,))


def test_who_is_left_out_at_a_vendor_is_removed_there_for_that(world: World) -> None:
    deliver(world)
    user = account(world, PUPIL)
    world.change_connection("some", **{"except": {"users": [user]}})
    deliver(world)
    entry = next(e for e in about(world, IDS.user(user), "some") if e.resource_type == "User")
    assert (entry.operation, entry.why) == ("delete", "excepted")
    assert newest(world).keys() == {"some"}


def test_what_a_vendor_refuses_is_kept_as_refused(tmp_path: Path) -> None:
    with small_school(tmp_path) as world:
        world.vendor("all").fail(422, times=None, method="POST", endpoint="Users")
        world.run("sync", TENANT)
        users = [e for e in newest(world)["all"].entries if e.resource_type == "User"]
        assert users
        assert {e.result for e in users} == {"refused"}


def test_what_waits_in_a_hold_is_in_no_history(world: World) -> None:
    cause_hold(world, HELD)
    found = newest(world)
    assert not [e for h in found.values() for e in h.entries if e.operation == "delete"]


def test_who_becomes_protected_is_removed_from_the_history_and_in_none_after(world: World) -> None:
    deliver(world)
    person = IDS.user(account(world, PUPIL))
    assert about(world, person)
    world.domain.move_user(address(*PUPIL), "/Skyddade")
    with world.later(HOUR):
        deliver(world)
    with world.open_store() as store:
        assert store.history_about(TENANT, subject_of(person), 50) == []
    named = {i for h in newest(world).values() for e in h.entries for i in e.people()}
    assert person not in named


def test_whom_a_person_says_to_be_protected_is_removed_at_once(world: World) -> None:
    deliver(world)
    user = account(world, PUPIL)
    with world.open_store() as store:
        protect(store, TENANT, {user})
        assert store.history_about(TENANT, subject_of(IDS.user(user)), 50) == []


def test_a_withdrawal_says_that_it_was_one_and_names_no_protected_person(world: World) -> None:
    deliver(world)
    hidden, person = account(world, OTHER), IDS.user(account(world, PUPIL))
    with world.open_store() as store:
        protect(store, TENANT, {hidden})
    assert world.run("withdraw", TENANT, "--vendor", "all", "--yes").status == 0
    assert next((e.operation, e.why) for e in about(world, person)) == ("delete", "withdrawn")
    assert about(world, IDS.user(hidden)) == []


def test_a_store_that_cannot_keep_it_costs_the_history_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("full")

    monkeypatch.setattr(SQLiteStore, "add_history", fail)
    deliver(world)
    assert world.vendor("all").held("User")
    assert newest(world) == {}

"""A run that a page asks for one person reads their account alone, at the pace of all runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.directory.push_state import AT_MOST_EVERY, ChangeMark
from addon.sync.change_marks import mark_changes
from addon.tasks.page_requests import request_id, request_person
from tests.support.push_world import PushWorld, push_world
from tests.support.small_school import TENANT, address, person

PUPIL = address("Bo", "Ek")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PushWorld]:
    with push_world(tmp_path) as world:
        world.first_run()
        yield world


def user_id(world: PushWorld, email: str) -> str:
    user = world.domain.find_user(email)
    assert user is not None
    return str(user["id"])


def ask(world: PushWorld, email: str) -> str:
    """Ask for a person as the page does, and return the request's id."""
    mark = ChangeMark(frozenset({user_id(world, email)}), last=world.clock())
    mark_changes(world.store, TENANT, mark)
    request_person(world.queue, TENANT, world.clock())
    return request_id(world.clock())


def run_of(world: PushWorld, request: str):
    return next((run for run in world.store.runs(TENANT) if run.request == request), None)


def test_the_account_is_asked_for_and_nobody_else_is_read(world: PushWorld) -> None:
    request = ask(world, PUPIL)
    assert user_id(world, PUPIL) not in str(world.queue.waiting)
    world.advance(5)
    run = run_of(world, request)
    assert run is not None
    assert run.status == "done"
    asked = [query.path.rsplit("/", 2)[1:] for query in world.directory.requests]
    assert asked.count(["users", user_id(world, PUPIL)]) == 1
    assert world.directory.queries <= 6
    assert not [r for r in world.vendors["all", "live"].requests if r.method != "GET"]


def test_who_could_not_be_sent_before_is_sent_though_their_account_is_as_it_was(
    world: PushWorld,
) -> None:
    vendor = world.vendors["all", "live"]
    vendor.fail(503, times=None, method="POST", endpoint="Users")
    world.domain.add_user(person("Nya", "Eleven", "/Elever/7A"))
    world.advance(400)
    vendor.clear()
    before = len(vendor.held("User"))
    request = ask(world, address("Nya", "Eleven"))
    world.advance(70)
    assert run_of(world, request) is not None
    assert len(vendor.held("User")) == before + 1


def test_it_waits_for_its_turn_and_is_not_lost(world: PushWorld) -> None:
    world.domain.rename_user(PUPIL, "Bo", "Ekman")
    world.advance(12)
    began = world.state.began
    request = ask(world, PUPIL)
    world.advance(5)
    assert run_of(world, request) is None
    world.advance(AT_MOST_EVERY)
    run = run_of(world, request)
    assert run is not None
    assert run.started >= began + AT_MOST_EVERY - 1


def test_in_a_pause_nothing_is_sent(world: PushWorld) -> None:
    world.domain.rename_user(PUPIL, "Bo", "Ekman")
    world.save_document(schedule={"pause": {"from": "2020-01-01", "until": "2099-01-01"}})
    for server in world.vendors.values():
        server.clear()
    request = ask(world, PUPIL)
    world.advance(70)
    assert run_of(world, request) is None
    assert not [r for r in world.vendors["all", "live"].requests if r.method != "GET"]

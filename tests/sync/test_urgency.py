"""Where others wait for a vendor, a delivery is made in stages, each of the newest reading."""

import pytest
from msgspec import structs

from addon.sync.run import IN_QUEUE, deliver, plan_run
from tests.support.small_school import PUPILS, TENANT, address, leave, person, small_school


@pytest.fixture
def world(tmp_path):
    """A delivered school of which one pupil leaves, one changes class, and one starts."""
    with small_school(tmp_path) as world:
        world.run("sync", TENANT)
        world.forget_requests()
        leave(world, PUPILS["7A"][0])
        world.domain.rename_user(address(*PUPILS["7A"][1]), "Annat", "Namn")
        world.domain.add_user(person("Ny", "Elev", "/Elever/7B"))
        yield world


@pytest.fixture
def context(world):
    with world.sync_context() as context:
        yield structs.replace(context, clock=world.clock)


def writes(world):
    """The method and endpoint of each write to the vendor, in order, and forget them."""
    requests = world.vendor("all").requests
    found = [(r.method, r.path.split("/")[1]) for r in requests if r.method != "GET"]
    world.forget_requests()
    return found


def test_new_people_then_changes_then_removals(world, context):
    run = plan_run(context, TENANT).run
    report = deliver(context, TENANT, "all", run, 60.0, "new")
    assert (report.status, report.operations["create"]) == ("delivered", {"User": 1})
    assert report.left > 0
    assert writes(world) == [("POST", "Users"), ("PUT", "StudentGroups")]
    deliver(context, TENANT, "all", run, 60.0, "changes")
    assert writes(world) == [("PUT", "Users"), ("PUT", "StudentGroups")]
    assert deliver(context, TENANT, "all", run, 60.0).left == 0
    assert writes(world) == [("DELETE", "Users")]


def test_nothing_is_asked_of_the_vendor_when_nothing_is_new(world, context):
    world.domain.remove_user(address("Ny", "Elev"))
    run = plan_run(context, TENANT).run
    report = deliver(context, TENANT, "all", run, 60.0, "new")
    assert report.left > 0
    assert world.vendor("all").requests == []


def test_a_name_that_a_leaver_has_is_no_failure_until_the_removals(world, context):
    world.vendor("all").knobs.unique_user_names = True
    gone = address(*PUPILS["7A"][0])
    world.domain.add_user({**person("Annan", "Elev", "/Elever/7B"), "primaryEmail": gone})
    run = plan_run(context, TENANT).run
    report = deliver(context, TENANT, "all", run, 60.0, "new")
    assert (report.status, report.failures) == ("delivered", ())
    last = deliver(context, TENANT, "all", run, 60.0)
    assert (last.status, last.left) == ("delivered", 0)
    held = world.vendor("all").held("User").values()
    assert [each["displayName"] for each in held if each["userName"] == gone] == ["Annan Elev"]


def test_a_later_part_sets_nothing_back_that_a_newer_run_has_sent(world, context):
    older = plan_run(context, TENANT).run
    deliver(context, TENANT, "all", older, 60.0, "new")
    world.clock.advance(IN_QUEUE)
    world.domain.rename_user(address(*PUPILS["7A"][1]), "Tredje", "Namnet")
    newer = plan_run(context, TENANT).run
    deliver(context, TENANT, "all", newer, 60.0)
    writes(world)
    assert deliver(context, TENANT, "all", older, 60.0, "changes").left == 0
    assert writes(world) == []


def test_the_newest_reading_is_what_a_later_part_sends(world, context):
    older = plan_run(context, TENANT).run
    world.clock.advance(IN_QUEUE)
    world.domain.rename_user(address(*PUPILS["7A"][1]), "Tredje", "Namnet")
    plan_run(context, TENANT)
    deliver(context, TENANT, "all", older, 60.0)
    names = {each["displayName"] for each in world.vendor("all").held("User").values()}
    assert "Tredje Namnet" in names
    assert "Annat Namn" not in names

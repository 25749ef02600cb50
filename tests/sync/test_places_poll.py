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
        settled(world)
        yield world


def settled(world: PushWorld) -> None:
    """Read whole twice, after which nothing waits for evidence."""
    world.first_run()
    poll(world)
    world.advance(70)
    world.queue.enqueue(Task("runs", "second", "/tasks/run", {"tenant": TENANT}))
    world.run_tasks()
    world.advance(300)
    world.forget()


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


def read(world: PushWorld) -> list[str]:
    """What was read of groups and people, without who is protected."""
    found = [request.path.split("/v1/")[1] for request in world.directory.requests]
    kinds = [path.split("/")[0] + "/" + path.split("/")[-1] for path in found]
    return sorted(kind for kind in kinds if kind.startswith(("groups/", "users/")))


def test_of_a_changed_group_nothing_is_read_but_its_members(world):
    """The group itself says how many there are; whoever is missing is asked about."""
    group = world.domain.find_group(GROUP)["id"]
    poll(world)
    world.forget()
    world.domain.add_member(GROUP, address("Li", "Xu"))
    poll(world)
    world.directory.forget_requests()
    world.advance(10)
    assert read(world) == [f"groups/{group}", "groups/members", "users/users"]
    assert world.directory.queries <= 5
    world.domain.remove_member(GROUP, address("Bo", "Ek"))
    world.advance(70)
    world.forget()
    poll(world)
    world.advance(10)
    groups = world.vendors["all", "live"].held("StudentGroup").values()
    (ma,) = [each for each in groups if each["displayName"].startswith("7a-ma")]
    assert len(ma["studentMemberships"]) == 1
    assert world.directory.queries <= 10


def test_a_group_that_may_have_the_changed_one_for_a_member_is_read_too(tmp_path):
    domain = small_domain()
    inner = domain.add_group({"email": f"7a-no-ma@{DOMAIN}", "name": "No"}, [address("Bo", "Ek")])
    domain.add_group({"email": GROUP, "name": "7A Ma"}, [inner["email"], address("Li", "Xu")])
    with push_world(tmp_path, domain, DOCUMENT | {"schoolUnits": UNITS}) as world:
        settled(world)
        world.domain.add_member(inner["email"], address("Ylva", "O'Leary"))
        poll(world)
        world.advance(10)
        groups = world.vendors["all", "live"].held("StudentGroup").values()
        sizes = {each["displayName"]: len(each["studentMemberships"]) for each in groups}
        assert sizes["7a-ma"] == 3
        assert sizes["7a-no-ma"] == 2


@pytest.mark.parametrize("what", ["renamed", "new", "empty"])
def test_whatever_else_changes_ends_as_a_whole_reading_does(world, what):
    if what == "renamed":
        world.domain.rename_group(GROUP, name="Matte")
    elif what == "new":
        world.domain.add_group({"email": f"7b-ma@{DOMAIN}", "name": "7B Ma"}, [address("Li", "Xu")])
    else:
        world.domain.remove_member(GROUP, address("Bo", "Ek"))
    poll(world)
    world.advance(10)
    world.forget()
    world.queue.enqueue(Task("runs", "third", "/tasks/run", {"tenant": TENANT}))
    world.run_tasks()
    assert world.vendors["all", "live"].writes == []


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
    assert world.state.unread.members


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

"""Reading only what notices have named: as few queries as it takes, and never another outcome."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.sync.kept_reading import load_kept
from addon.tasks.base import Task
from tests.support.push_world import PushWorld, push_world
from tests.support.small_school import (
    DOCUMENT,
    DOMAIN,
    PUPILS,
    TENANT,
    address,
    person,
    small_domain,
)

PUPIL = address("Bo", "Ek")
GROUP = f"7a-ma@{DOMAIN}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PushWorld]:
    with push_world(tmp_path) as world:
        settle(world)
        yield world


def settle(world: PushWorld) -> None:
    """Read whole twice, after which nothing waits for evidence."""
    world.first_run()
    whole(world)
    world.clock.advance(3600)
    world.forget()


def whole(world: PushWorld) -> None:
    world.queue.enqueue(Task("runs", f"w{world.clock()}", "/tasks/run", {"tenant": TENANT}))
    world.run_tasks()


def names(world: PushWorld) -> set[str]:
    people = world.vendors["all", "live"].held("User").values()
    return {f"{each['name']['givenName']} {each['name']['familyName']}" for each in people}


def readings(world: PushWorld) -> list[str]:
    """How much the runs since `forget` have read."""
    return [
        json.loads(run.report)["reading"]
        for run in world.store.runs(TENANT)
        if run.report and run.started >= world._forgotten and run.parent == run.id
    ]


def test_a_changed_person_costs_few_queries(world):
    world.domain.rename_user(PUPIL, "Bo", "Ekman")
    world.advance(12)
    assert "Bo Ekman" in names(world)
    assert readings(world) == ["changes"]
    assert world.directory.queries <= 6
    assert not [
        r
        for r in world.directory.requests
        if r.path.endswith("/users") and "Elever" in str(r.query)
    ]


def test_a_notice_that_changes_nothing_of_ours_costs_one_query_and_sends_nothing(world):
    world.domain.update_user(PUPIL, {"lastLoginTime": "2026-01-01T00:00:00.000Z"})
    world.domain.add_user(person("Utan", "Skola", "/"))
    world.advance(12)
    asked = [request.path.rsplit("/", 2)[1] for request in world.directory.requests]
    assert asked == ["users"] * 2
    assert world.vendors["all", "live"].requests == []
    assert world.runs() == 0
    assert world.state.unread.is_empty


def test_who_is_new_moves_or_leaves_is_at_the_vendor(world):
    world.domain.add_user(person("Ny", "Elev", "/Elever/7A"))
    world.domain.move_user(PUPIL, "/Elever/7B")
    world.domain.remove_user(address("Li", "Xu"))
    world.advance(12)
    assert readings(world) == ["changes"]
    assert "Ny Elev" in names(world)
    assert "Li Xu" not in names(world)
    world.forget()
    whole(world)
    assert [r for r in world.vendors["all", "live"].requests if r.method != "GET"] == []


def test_changes_add_up_until_the_next_whole_reading(world):
    for number, name in enumerate(PUPILS["7A"]):
        world.domain.rename_user(address(*name), name[0], f"Namn{number}")
        world.advance(61, step=5)
    assert set(readings(world)) == {"changes"}
    assert {f"{name[0]} Namn{n}" for n, name in enumerate(PUPILS["7A"])} <= names(world)


def test_who_gets_protected_meanwhile_is_not_sent(tmp_path):
    domain = small_domain()
    hidden = domain.add_group({"email": f"skyddade@{DOMAIN}", "name": "Skyddade"})
    document = DOCUMENT | {
        "protected": {"orgUnits": ["/Skyddade"], "groups": [hidden["email"]]},
    }
    with push_world(tmp_path, domain, document) as world:
        settle(world)
        world.domain.add_member(hidden["email"], PUPIL)  # Google tells nothing of groups
        world.domain.rename_user(PUPIL, "Bo", "Ekman")
        world.domain.rename_user(address("Li", "Xu"), "Li", "Xi")
        world.advance(12)
        assert readings(world) == ["changes"]
        assert "Li Xi" in names(world)
        assert not {"Bo Ek", "Bo Ekman"} & names(world)
        assert load_kept(world.store, TENANT, world.clock()) is None  # it has a protected person


def test_nobody_is_sent_when_who_is_protected_cannot_be_read(tmp_path):
    domain = small_domain()
    hidden = domain.add_group({"email": f"skyddade@{DOMAIN}", "name": "Skyddade"})
    document = DOCUMENT | {"protected": {"groups": [hidden["email"]]}}
    with push_world(tmp_path, domain, document) as world:
        settle(world)
        world.directory.fail("/members", status=400, reason="invalid", times=None)
        world.domain.rename_user(PUPIL, "Bo", "Ekman")
        world.advance(20)
        assert "Bo Ekman" not in names(world)
        assert not world.state.unread.is_empty
        world.directory.clear_failures()
        world.advance(200)
        assert "Bo Ekman" in names(world)


@pytest.mark.parametrize("what", ["org-unit", "document", "no-answer", "nothing-kept", "storm"])
def test_what_does_not_fit_has_the_directory_read_whole(world, what):
    if what == "org-unit":
        world.domain.add_org_unit("/Elever/7C")
    elif what == "document":
        units = json.loads(json.dumps(world.document["schoolUnits"]))
        units[0]["name"] = "Södra skolan"
        world.save_document(schoolUnits=units)
    elif what == "no-answer":
        world.directory.fail("/users/", status=404, reason="odd", times=None)
    elif what == "nothing-kept":
        world.clock.advance(25 * 3600)
        world.keep_channels()
    else:
        world.store.update_push_state(
            TENANT, lambda s: s.with_mark(type(s.marked)(whole=True, last=1.0))
        )
    world.domain.rename_user(PUPIL, "Bo", "Ekman")
    world.advance(12)
    assert "Bo Ekman" in names(world)
    assert readings(world) == ["whole"]


def test_a_removal_that_is_not_proven_is_not_proven_by_reading_changes_again(world):
    """Who is missing from a list once is missing from the kept reading too."""
    xu = world.domain.find_user(address("Li", "Xu"))["id"]
    world.domain.lag = 1e9
    world.directory._api._lag._before[xu] = (1e18, None)  # the list lacks her
    world.directory.fail(f"/users/{xu}", status=400, reason="invalid", times=None)
    whole(world)
    assert load_kept(world.store, TENANT, world.clock()) is None
    world.clock.advance(700)
    world.domain.lag = 0.0
    world.directory._api._lag._before.clear()
    world.domain.rename_user(PUPIL, "Bo", "Ekman")
    world.advance(12)
    assert readings(world) == ["whole", "whole"]
    assert {"Bo Ekman", "Li Xu"} <= names(world)


def test_the_kept_reading_is_gone_after_a_day_and_with_the_tenant(world):
    assert load_kept(world.store, TENANT, world.clock()) is not None
    assert load_kept(world.store, TENANT, world.clock() + 86_401) is None
    world.store.erase_items(TENANT, frozenset())
    assert load_kept(world.store, TENANT, world.clock()) is None


CHANGES = st.one_of(
    st.tuples(st.just("rename"), st.integers(0, 11), st.integers(0, 3)),
    st.tuples(st.just("move"), st.integers(0, 11), st.sampled_from(["7A", "7B", "Slutat"])),
    st.tuples(st.just("suspend"), st.integers(0, 11), st.booleans()),
    st.tuples(st.just("remove"), st.integers(0, 11), st.none()),
    st.tuples(st.just("protect"), st.integers(0, 11), st.none()),
    st.tuples(st.just("add"), st.integers(0, 3), st.none()),
    st.tuples(st.just("member"), st.integers(0, 11), st.booleans()),
)
STEPS = st.lists(st.tuples(st.lists(CHANGES, min_size=1, max_size=3), st.booleans()), max_size=4)
EVERYBODY = [*PUPILS["7A"], *PUPILS["7B"]]


def change(world: PushWorld, kind: str, number: int, value: object) -> None:
    user = world.domain.find_user(address(*EVERYBODY[number]))
    if kind == "add":
        if world.domain.find_user(address("Ny", f"Elev{number}")) is None:
            world.domain.add_user(person("Ny", f"Elev{number}", "/Elever/7A"))
    elif user is None:
        return
    elif kind == "rename":
        world.domain.rename_user(user["id"], EVERYBODY[number][0], f"Namn{value}")
    elif kind == "move":
        world.domain.move_user(user["id"], f"/Elever/{value}")
    elif kind == "suspend":
        world.domain.suspend(user["id"], bool(value))
    elif kind == "protect":
        world.domain.move_user(user["id"], "/Skyddade")
    elif kind == "member":
        group = world.domain.find_group(GROUP)
        is_member = user["id"] in world.domain.members[group["id"]]
        if value and not is_member:
            world.domain.add_member(GROUP, user["primaryEmail"])
        elif is_member and not value:
            world.domain.remove_member(GROUP, user["primaryEmail"])
    else:
        world.domain.remove_user(user["id"])


def poll(world: PushWorld) -> None:
    """Look whether groups have changed."""
    assert world.services.task_handler.handle("/tasks/places", {"tenant": TENANT}).done


def outcome(folder: Path, steps, by_changes: bool) -> list[object]:
    folder.mkdir()
    domain = small_domain()
    domain.add_group({"email": GROUP, "name": "7A Ma"}, [PUPIL, address("Li", "Xu")])
    rule = {"from": "group", "pattern": rf"^(?P<name>[^@]+-ma)@{DOMAIN}$"}
    units = [DOCUMENT["schoolUnits"][0] | {"teachingGroups": rule}]
    with push_world(folder, domain, DOCUMENT | {"schoolUnits": units}) as world:
        for connection in world.document["connections"]:
            connection["limits"] = {"deletions": 100, "deletionsPercent": 100}
        world.save_document(protected=world.document["protected"])
        world.keep_channels()
        poll(world)
        settle(world)
        for changes, notified in steps:
            world.push.change({"lost": not (notified and by_changes)})
            for each in changes:
                change(world, *each)
            if notified and by_changes:
                poll(world)
            world.advance(70, step=5)
            if not (notified and by_changes):
                whole(world)
        world.clock.advance(4000)
        whole(world)
        found: list[object] = []
        for server in world.vendors.values():
            for kind in ("User", "Employment", "StudentGroup", "Activity"):
                held = server.held(kind).values()
                found.append(
                    sorted(
                        json.dumps(
                            {k: v for k, v in each.items() if k not in ("id", "meta")},
                            sort_keys=True,
                        )
                        for each in held
                    )
                )
        return found


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_any_mix_of_readings_ends_as_whole_readings_alone(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("mix")
    assert outcome(folder / "changes", steps, True) == outcome(folder / "whole", steps, False)

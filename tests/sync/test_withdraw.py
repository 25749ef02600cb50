"""A withdrawal removes everything of this tenant at one vendor, and nothing else."""

import json

import pytest
from msgspec import structs

from addon.planning.ledger import LOOK_AFTER, LedgerChange, LedgerEntry, LedgerKey
from addon.store.base import StoreError
from addon.sync.context import NotFoundError
from addon.sync.report import HELD
from addon.sync.withdraw import looks_later, turn_off, withdraw
from addon.tasks.handlers import WITHDRAW, TaskHandler
from tests.support.small_school import TENANT, small_school
from tests.support.world import World


@pytest.fixture
def world(tmp_path):
    with small_school(tmp_path) as world:
        world.run("sync", TENANT)
        world.forget_requests()
        yield world


def withdrawn(world: World, vendor: str = "all", confirmed: bool = True):
    with world.sync_context() as context:
        return withdraw(context, TENANT, vendor, confirmed)


def modes(world: World) -> dict[str, str]:
    document = json.loads(world.run("tenant", "export", TENANT).out)
    return {c["vendor"]: c["mode"] for c in document["connections"]}


def test_everything_is_removed_and_the_connection_is_off(world):
    world.directory.forget_requests()
    (part,) = withdrawn(world).connections
    assert part.status == "delivered"
    assert part.operations["delete"] == {
        "StudentGroup": 2,
        "Employment": 2,
        "User": 14,
        "SchoolUnit": 1,
        "Organisation": 1,
    }
    assert world.vendor("all").externalIds() == []
    assert modes(world) == {"all": "off", "some": "live"}
    assert world.directory.queries == 0
    assert len(world.vendor("some").held("User")) == 14


def test_one_environment_alone_is_emptied_and_the_connection_stays_on(world):
    world.change_connection("all", mode="test")
    world.run("sync", TENANT)
    world.change_connection("all", mode="live")
    ran = world.run("withdraw", TENANT, "--vendor", "all", "--mode", "test", "--json")
    assert ran.status == HELD
    assert world.run("approve", TENANT, "--vendor", "all").status == 0
    assert world.vendor("all", "test").externalIds() == []
    assert len(world.vendor("all").held("User")) == 14
    assert modes(world) == {"all": "live", "some": "live"}


def test_the_environment_that_the_connection_is_in_is_emptied_and_it_is_turned_off(world):
    ran = world.run("withdraw", TENANT, "--vendor", "all", "--mode", "live", "--yes")
    assert ran.status == 0
    assert world.vendor("all").externalIds() == []
    assert modes(world) == {"all": "off", "some": "live"}


def test_deletes_go_against_the_order_of_creates(world):
    withdrawn(world)
    order = [r.path.split("/")[1] for r in world.vendor("all").requests]
    expected = "StudentGroups Employments Users SchoolUnits Organisations"
    assert sorted(set(order), key=order.index) == expected.split()
    assert order == sorted(order, key=expected.index)


def test_what_others_have_there_is_left_alone(world):
    world.vendor("all")._state._create("Users", {"externalId": "theirs", "userName": "x"})
    withdrawn(world)
    assert world.vendor("all").externalIds() == ["theirs"]


def test_without_a_confirmation_it_is_held_like_any_other_removal(world):
    report = withdrawn(world, confirmed=False)
    assert report.exit_status == HELD
    assert world.requests == []
    assert modes(world) == {"all": "live", "some": "live"}
    assert world.run("approve", TENANT, "--vendor", "all").status == 0
    assert world.vendor("all").externalIds() == []
    assert modes(world) == {"all": "off", "some": "live"}


def test_the_document_otherwise_stays_as_it_was_written(world):
    withdrawn(world)
    world.document["connections"][0]["mode"] = "off"
    assert json.loads(world.run("tenant", "export", TENANT).out) == world.document


def test_what_could_not_be_removed_is_removed_when_asked_again(world):
    world.vendor("all").fail(500, times=None, method="DELETE", endpoint="Users")
    assert withdrawn(world).exit_status == 1
    left = len(world.vendor("all").externalIds())
    assert left >= 14
    world.vendor("all").clear()
    assert withdrawn(world).exit_status == 0
    assert world.vendor("all").externalIds() == []
    deletes = [r for r in world.vendor("all").requests if r.method == "DELETE"]
    assert len(deletes) == left


@pytest.mark.parametrize("body", [b"<html>no route</html>", b'{"message": "no route"}', b""])
def test_a_gateways_404_is_no_withdrawal(world, body):
    """Everybody is still there, so it is not done, and all of them are known."""
    server = world.vendor("all")
    everything = server.externalIds()
    server.fail(404, times=None, body=body)
    (part,) = withdrawn(world).connections
    assert part.status == "failed"
    assert part.left == len(everything)
    server.clear()
    (part,) = withdrawn(world).connections
    assert part.status == "delivered"
    assert server.externalIds() == []


def test_a_run_after_a_withdrawal_sends_nothing(world):
    withdrawn(world)
    world.forget_requests()
    assert world.run("sync", TENANT).status == 0
    assert world.requests == []


def test_turning_it_on_again_is_a_first_delivery(world):
    withdrawn(world)
    world.change_connection("all", mode="live")
    ran = world.run("sync", TENANT, "--json")
    assert ran.part("all")["operations"]["create"]["User"] == 14


def test_test_and_live_are_both_withdrawn(world):
    world.change_connection("all", mode="test")
    world.run("sync", TENANT, "--vendor", "all")
    withdrawn(world)
    assert world.vendor("all").externalIds() == world.vendor("all", "test").externalIds() == []


def test_a_vendor_of_which_there_is_nothing_is_reported(world):
    with pytest.raises(NotFoundError, match="nobody"):
        withdrawn(world, "nobody")


def test_turning_it_off_is_in_the_log_of_changes(world):
    withdrawn(world)
    with world.open_store() as store:
        (entry,) = (e for e in store.audit_entries(TENANT) if e.what == "vendor.mode")
    assert (entry.who, entry.subject) == ("command line", "all")
    (change,) = entry.changes
    assert (change.place, change.before, change.after) == ("connections[all].mode", '"live"', None)


def test_what_others_change_in_the_document_meanwhile_stays(world):
    with world.sync_context() as context:
        store = context.store
        first = store.replace_tenant
        world.document["organisation"]["name"] = "Storvik"
        changed = json.dumps(world.document).encode()

        def overtaken(customer_id, document, was, entry=None):
            store.replace_tenant = first
            store.save_tenant(customer_id, changed)
            return first(customer_id, document, was, entry)

        store.replace_tenant = overtaken
        turn_off(context, TENANT, "all")
    document = json.loads(world.run("tenant", "export", TENANT).out)
    assert document["organisation"]["name"] == "Storvik"
    assert modes(world) == {"all": "off", "some": "live"}


def test_no_run_stays_open_when_the_store_fails(world, monkeypatch):
    def broken(*_):
        raise StoreError("the disk is full")

    with world.sync_context() as context:
        with monkeypatch.context() as full:
            full.setattr("addon.sync.withdraw._one", broken)
            with pytest.raises(StoreError):
                withdraw(context, TENANT, "all", confirmed=True)
        assert context.store.running(TENANT) == []
        assert context.store.runs(TENANT)[0].status == "failed"


# As a task


def order(world: World, queue: "Tasks", seconds: float = 480.0, **payload: str):
    with world.sync_context() as context:
        work = TaskHandler(lambda: context, lambda: queue, seconds=seconds)
        return work.handle(WITHDRAW, payload or {"tenant": TENANT, "vendor": "all"})


class Tasks:
    """A queue that keeps what it is given."""

    def __init__(self) -> None:
        self.tasks: list = []

    def enqueue(self, task) -> bool:
        self.tasks.append(task)
        return True


def test_a_task_withdraws_however_many_it_removes(world):
    answer = order(world, Tasks())
    assert (answer.done, answer.outcome) == (True, "done")
    assert world.vendor("all").externalIds() == []
    assert modes(world)["all"] == "off"


def test_a_task_that_the_vendor_kept_from_its_end_is_tried_again(world):
    world.vendor("all").fail(500, times=None, method="DELETE", endpoint="Users")
    assert not order(world, Tasks()).done
    world.vendor("all").clear()
    assert order(world, Tasks()).done
    assert world.vendor("all").externalIds() == []


def test_a_task_whose_time_is_spent_goes_on_in_another(world):
    queue, answers = Tasks(), []
    world.vendor("all").knobs.latency = 0.02
    payload = {"tenant": TENANT, "vendor": "all"}
    for _ in range(40):
        answers.append(order(world, queue, 0.05, **payload))
        if world.vendor("all").externalIds() == []:
            break
        if queue.tasks:
            payload = queue.tasks[-1].payload
    assert world.vendor("all").externalIds() == []
    assert "goes on" in {answer.outcome for answer in answers}
    assert len({task.name for task in queue.tasks}) == len(queue.tasks)


def test_a_task_for_a_vendor_of_which_there_is_nothing_is_given_up(world):
    answer = order(world, Tasks(), tenant=TENANT, vendor="nobody")
    assert (answer.done, answer.outcome) == (True, "given up")


# Removed in doubt


def lose_a_create(world: World) -> None:
    """Leave a create whose answer was lost, and cannot be asked for, a moment ago."""
    now = world.clock()
    with world.open_store() as store:
        lost = LedgerEntry.lost("", now + 60)
        store.record(LedgerKey(TENANT, "all", "live"), [LedgerChange("User", "late", lost)])


def withdrawn_now(world: World, **more):
    """A withdrawal at the time that the world's clock shows."""
    with world.sync_context() as context:
        context = structs.replace(context, clock=world.clock)
        return withdraw(context, TENANT, "all", True, **more)


def entries(world: World) -> list[str]:
    with world.open_store() as store:
        ledger = store.ledger(LedgerKey(TENANT, "all", "live"))
        return [name for found in ledger.entries.values() for name in found]


def test_what_may_show_up_after_a_withdrawal_is_said_and_looked_for_by_the_next(world):
    lose_a_create(world)
    (part,) = withdrawn_now(world).connections
    assert (part.status, looks_later(part)) == ("delivered", True)
    assert "withdraw once more in three minutes" in part.detail
    assert entries(world) == ["late"]
    world.vendor("all").put("User", {"externalId": "late"})
    (part,) = withdrawn_now(world).connections
    assert looks_later(part), "it is too early"
    world.clock.advance(2 * LOOK_AFTER)
    (part,) = withdrawn_now(world).connections
    assert not looks_later(part)
    assert world.vendor("all").externalIds() == entries(world) == []


def test_a_look_removes_nothing_of_a_connection_that_was_turned_on_again(world):
    lose_a_create(world)
    withdrawn_now(world)
    world.change_connection("all", mode="live")
    world.run("sync", TENANT, "--vendor", "all")
    there = len(world.vendor("all").externalIds())
    world.vendor("all").put("User", {"externalId": "late"})
    world.clock.advance(2 * LOOK_AFTER)
    withdrawn_now(world, only_looks=True)
    assert len(world.vendor("all").externalIds()) == there > 0
    assert modes(world)["all"] == "live"


def test_a_task_looks_by_itself_for_what_it_has_removed_in_doubt(world):
    lose_a_create(world)
    queue = Tasks()
    assert order(world, queue).status == 200
    (task,) = queue.tasks
    assert (task.path, task.payload["looks"]) == (WITHDRAW, "yes")
    assert LOOK_AFTER < task.due - world.clock() <= LOOK_AFTER + 1

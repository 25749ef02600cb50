"""A withdrawal removes everything of this tenant at one vendor, and nothing else."""

import json

import pytest

from addon.store.base import StoreError
from addon.sync.context import NotFoundError
from addon.sync.report import HELD
from addon.sync.withdraw import turn_off, withdraw
from addon.tasks.handlers import WITHDRAW, TaskHandler
from tests.support.installation import TENANT, Installation


@pytest.fixture
def here(tmp_path):
    with Installation(tmp_path) as here:
        here.run("sync", TENANT)
        here.forget_requests()
        yield here


def withdrawn(here: Installation, vendor: str = "all", confirmed: bool = True):
    with here.sync_context() as context:
        return withdraw(context, TENANT, vendor, confirmed)


def modes(here: Installation) -> dict[str, str]:
    document = json.loads(here.run("tenant", "export", TENANT).out)
    return {c["vendor"]: c["mode"] for c in document["connections"]}


def test_everything_is_removed_and_the_connection_is_off(here):
    here.directory.forget_requests()
    (part,) = withdrawn(here).connections
    assert part.status == "delivered"
    assert part.operations["delete"] == {
        "StudentGroup": 2,
        "Employment": 2,
        "User": 14,
        "SchoolUnit": 1,
        "Organisation": 1,
    }
    assert here.all.externalIds() == []
    assert modes(here) == {"all": "off", "some": "live"}
    assert here.directory.queries == 0
    assert len(here.some.held("User")) == 14


def test_one_environment_alone_is_emptied_and_the_connection_stays_on(here):
    here.connection("all", mode="test")
    here.run("sync", TENANT)
    here.connection("all", mode="live")
    ran = here.run("withdraw", TENANT, "--vendor", "all", "--mode", "test", "--json")
    assert ran.status == HELD
    assert here.run("approve", TENANT, "--vendor", "all").status == 0
    assert here.test.externalIds() == []
    assert len(here.all.held("User")) == 14
    assert modes(here) == {"all": "live", "some": "live"}


def test_the_environment_that_the_connection_is_in_is_emptied_and_it_is_turned_off(here):
    ran = here.run("withdraw", TENANT, "--vendor", "all", "--mode", "live", "--yes")
    assert ran.status == 0
    assert here.all.externalIds() == []
    assert modes(here) == {"all": "off", "some": "live"}


def test_deletes_go_against_the_order_of_creates(here):
    withdrawn(here)
    order = [r.path.split("/")[1] for r in here.all.requests]
    expected = "StudentGroups Employments Users SchoolUnits Organisations"
    assert sorted(set(order), key=order.index) == expected.split()
    assert order == sorted(order, key=expected.index)


def test_what_others_have_there_is_left_alone(here):
    here.all._state._create("Users", {"externalId": "theirs", "userName": "x"})
    withdrawn(here)
    assert here.all.externalIds() == ["theirs"]


def test_without_a_confirmation_it_is_held_like_any_other_removal(here):
    report = withdrawn(here, confirmed=False)
    assert report.exit_status == HELD
    assert here.requests == []
    assert modes(here) == {"all": "live", "some": "live"}
    assert here.run("approve", TENANT, "--vendor", "all").status == 0
    assert here.all.externalIds() == []
    assert modes(here) == {"all": "off", "some": "live"}


def test_the_document_otherwise_stays_as_it_was_written(here):
    withdrawn(here)
    here.document["connections"][0]["mode"] = "off"
    assert json.loads(here.run("tenant", "export", TENANT).out) == here.document


def test_what_could_not_be_removed_is_removed_when_asked_again(here):
    here.all.fail(500, times=None, method="DELETE", endpoint="Users")
    assert withdrawn(here).exit_status == 1
    left = len(here.all.externalIds())
    assert left >= 14
    here.all.clear()
    assert withdrawn(here).exit_status == 0
    assert here.all.externalIds() == []
    deletes = [r for r in here.all.requests if r.method == "DELETE"]
    assert len(deletes) == left


def test_a_run_after_a_withdrawal_sends_nothing(here):
    withdrawn(here)
    here.forget_requests()
    assert here.run("sync", TENANT).status == 0
    assert here.requests == []


def test_turning_it_on_again_is_a_first_delivery(here):
    withdrawn(here)
    here.connection("all", mode="live")
    ran = here.run("sync", TENANT, "--json")
    assert ran.part("all")["operations"]["create"]["User"] == 14


def test_test_and_live_are_both_withdrawn(here):
    here.connection("all", mode="test")
    here.run("sync", TENANT, "--vendor", "all")
    withdrawn(here)
    assert here.all.externalIds() == here.test.externalIds() == []


def test_a_vendor_of_which_there_is_nothing_is_told(here):
    with pytest.raises(NotFoundError, match="nobody"):
        withdrawn(here, "nobody")


def test_turning_it_off_is_in_the_log_of_changes(here):
    withdrawn(here)
    with here.store() as store:
        (entry,) = (e for e in store.audit_entries(TENANT) if e.what == "vendor.mode")
    assert (entry.who, entry.subject) == ("command line", "all")
    (change,) = entry.changes
    assert (change.place, change.before, change.after) == ("connections[all].mode", '"live"', None)


def test_what_others_change_in_the_document_meanwhile_stays(here):
    with here.sync_context() as context:
        store = context.store
        first = store.replace_tenant
        here.document["organisation"]["name"] = "Storvik"
        changed = json.dumps(here.document).encode()

        def overtaken(customer_id, document, was, entry=None):
            store.replace_tenant = first
            store.save_tenant(customer_id, changed)
            return first(customer_id, document, was, entry)

        store.replace_tenant = overtaken
        turn_off(context, TENANT, "all")
    document = json.loads(here.run("tenant", "export", TENANT).out)
    assert document["organisation"]["name"] == "Storvik"
    assert modes(here) == {"all": "off", "some": "live"}


def test_no_run_stays_open_when_the_store_fails(here, monkeypatch):
    def broken(*_):
        raise StoreError("the disk is full")

    with here.sync_context() as context:
        with monkeypatch.context() as full:
            full.setattr("addon.sync.withdraw._one", broken)
            with pytest.raises(StoreError):
                withdraw(context, TENANT, "all", confirmed=True)
        assert context.store.running(TENANT) == []
        assert context.store.runs(TENANT)[0].status == "failed"


# As a task


def order(here: Installation, queue: "Tasks", seconds: float = 480.0, **payload: str):
    with here.sync_context() as context:
        work = TaskHandler(lambda: context, lambda: queue, seconds=seconds)
        return work.handle(WITHDRAW, payload or {"tenant": TENANT, "vendor": "all"})


class Tasks:
    """A queue that keeps what it is given."""

    def __init__(self) -> None:
        self.tasks: list = []

    def enqueue(self, task) -> bool:
        self.tasks.append(task)
        return True


def test_a_task_withdraws_however_many_it_removes(here):
    answer = order(here, Tasks())
    assert (answer.done, answer.outcome) == (True, "done")
    assert here.all.externalIds() == []
    assert modes(here)["all"] == "off"


def test_a_task_that_the_vendor_kept_from_its_end_is_tried_again(here):
    here.all.fail(500, times=None, method="DELETE", endpoint="Users")
    assert not order(here, Tasks()).done
    here.all.clear()
    assert order(here, Tasks()).done
    assert here.all.externalIds() == []


def test_a_task_whose_time_is_spent_goes_on_in_another(here):
    queue, answers = Tasks(), []
    here.all.knobs.latency = 0.02
    payload = {"tenant": TENANT, "vendor": "all"}
    for _ in range(40):
        answers.append(order(here, queue, 0.05, **payload))
        if here.all.externalIds() == []:
            break
        if queue.tasks:
            payload = queue.tasks[-1].payload
    assert here.all.externalIds() == []
    assert "goes on" in {answer.outcome for answer in answers}
    assert len({task.name for task in queue.tasks}) == len(queue.tasks)


def test_a_task_for_a_vendor_of_which_there_is_nothing_is_given_up(here):
    answer = order(here, Tasks(), tenant=TENANT, vendor="nobody")
    assert (answer.done, answer.outcome) == (True, "given up")

"""The real client library against a stand-in that speaks Cloud Tasks' own API."""

import json
import re
from collections.abc import Iterator

import grpc
import pytest

from addon.settings import CloudTasks
from addon.tasks.base import NoSuchQueueError, Task, TaskQueueError, deliveries_to
from addon.tasks.cloud_tasks import CloudTasksQueue, task_id
from tests.support.cloud_tasks_stand_in import CloudTasksStandIn

WHERE = CloudTasks("skolsynk", "europe-west1")
PARENT = "projects/skolsynk/locations/europe-west1/queues"
TASK = Task("runs", "run-C01-7", "/tasks/run", {"tenant": "C01"}, due=4e9)


@pytest.fixture
def tasks() -> Iterator[CloudTasksStandIn]:
    with CloudTasksStandIn(queues=["runs", "deliver-binogi"]) as stand_in:
        yield stand_in


@pytest.fixture
def queue(tasks: CloudTasksStandIn) -> CloudTasksQueue:
    return CloudTasksQueue(WHERE, emulator=tasks.address)


def test_on_app_engine_a_task_comes_back_to_app_engine(
    tasks: CloudTasksStandIn, queue: CloudTasksQueue
) -> None:
    assert queue.enqueue(TASK)
    (task,) = tasks.waiting
    assert "app_engine_http_request" in task
    request = task.app_engine_http_request
    assert request.http_method.name == "POST"
    assert request.relative_uri == "/tasks/run"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == {"tenant": "C01"}
    assert task.schedule_time.timestamp() == 4e9
    assert task.dispatch_deadline.total_seconds() == 600
    assert task.name == f"{PARENT}/runs/tasks/{task_id('run-C01-7')}"


def test_elsewhere_a_task_carries_a_token_for_the_address_it_comes_back_to(
    tasks: CloudTasksStandIn,
) -> None:
    account = "skolsynk@p.iam.gserviceaccount.com"
    queue = CloudTasksQueue(WHERE, "https://skolsynk.example.se", account, tasks.address)
    assert queue.enqueue(TASK)
    (task,) = tasks.waiting
    request = task.http_request
    assert request.url == "https://skolsynk.example.se/tasks/run"
    assert request.http_method.name == "POST"
    assert json.loads(request.body) == {"tenant": "C01"}
    assert request.oidc_token.service_account_email == account
    assert request.oidc_token.audience == "https://skolsynk.example.se"


def test_a_task_that_is_due_at_once_has_no_time(
    tasks: CloudTasksStandIn, queue: CloudTasksQueue
) -> None:
    tasks.app_engine = "http://127.0.0.1:9"
    queue.enqueue(Task("runs", "now", "/tasks/run", {}))
    assert not tasks.created[0].schedule_time


def test_a_name_is_taken_once(tasks: CloudTasksStandIn, queue: CloudTasksQueue) -> None:
    assert queue.enqueue(TASK)
    assert not queue.enqueue(TASK)
    assert len(tasks.waiting) == 1


def test_a_lost_answer_makes_no_double(tasks: CloudTasksStandIn, queue: CloudTasksQueue) -> None:
    tasks.refuse(grpc.StatusCode.UNAVAILABLE, after=True)
    queue.enqueue(TASK)
    assert len(tasks.waiting) == 1


def test_a_brief_failure_is_retried(tasks: CloudTasksStandIn, queue: CloudTasksQueue) -> None:
    tasks.refuse(grpc.StatusCode.UNAVAILABLE, times=2)
    assert queue.enqueue(TASK)
    assert len(tasks.waiting) == 1


def test_a_queue_that_was_not_deployed_is_told_so(queue: CloudTasksQueue) -> None:
    with pytest.raises(NoSuchQueueError, match=r"no queue deliver-gleerups.*make deploy"):
        queue.enqueue(Task(deliveries_to("gleerups"), "x", "/tasks/deliver", {}))


def test_what_else_is_refused_says_which_roles_are_needed(
    tasks: CloudTasksStandIn, queue: CloudTasksQueue
) -> None:
    tasks.refuse(grpc.StatusCode.PERMISSION_DENIED)
    with pytest.raises(TaskQueueError, match=r"PermissionDenied.*Cloud Tasks Enqueuer") as error:
        queue.enqueue(TASK)
    assert not isinstance(error.value, NoSuchQueueError)


@pytest.mark.parametrize("name", ["run-C01-7", "åäö/..", "x" * 2000, "", "deliver-C0 1-a_b"])
def test_a_name_becomes_one_that_cloud_tasks_allows(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,500}", task_id(name))


def test_names_that_differ_stay_different_and_do_not_begin_alike() -> None:
    names = [f"run-C01-{n}" for n in range(50)] + ["run-C01-å", "run-C01-ä"]
    assert len({task_id(name) for name in names}) == len(names)
    assert len({task_id(name)[:8] for name in names}) == len(names)


def test_a_vendors_queue_has_a_name_that_cloud_tasks_allows() -> None:
    assert deliveries_to("natur_och-kultur") == "deliver-natur-och-kultur"

"""The task queue in Cloud Tasks, which sends each task as a request when it is due."""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import grpc  # type: ignore[import-untyped]
import msgspec
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

from addon.settings import CloudTasks
from addon.tasks.base import NoSuchQueueError, Task, TaskQueueError

ANSWERS_WITHIN = timedelta(minutes=10)
"""The time limit of an attempt: App Engine's limit for a request with automatic scaling."""

_JSON = {"Content-Type": "application/json"}
_AGAIN = Retry(
    predicate=if_exception_type(exceptions.ServiceUnavailable, exceptions.DeadlineExceeded),
    initial=0.1,
    maximum=2.0,
    timeout=20.0,
)
"""The library does not retry creations automatically. Tasks have names, so retries are safe."""


class CloudTasksQueue:
    """A `TaskQueue` in Cloud Tasks. See `addon.tasks.base.TaskQueue`.

    Without `url`, tasks are sent to the App Engine application. With `url`, they are sent there
    with an OIDC token of `service_account` whose audience is `url`. `emulator` is the host:port
    of an emulator. Queues are not created here, but at deployment: `addon.tasks.queues`.
    """

    def __init__(
        self,
        where: CloudTasks,
        url: str | None = None,
        service_account: str | None = None,
        emulator: str | None = None,
    ) -> None:
        self._parent = f"projects/{where.project}/locations/{where.location}/queues"
        self._url = url
        self._service_account = service_account
        try:
            self._client = _client(emulator)
        except GoogleAuthError as error:
            raise TaskQueueError(
                f"Cloud Tasks cannot be used ({type(error).__name__}): on Google Cloud the service "
                "account needs the role Cloud Tasks Enqueuer; elsewhere run `gcloud auth "
                "application-default login`."
            ) from None

    def enqueue(self, task: Task) -> bool:
        parent = f"{self._parent}/{task.queue}"
        wanted = self._task(task)
        wanted.name = f"{parent}/tasks/{task_id(task.name)}"
        wanted.dispatch_deadline = ANSWERS_WITHIN
        if task.due:
            wanted.schedule_time = datetime.fromtimestamp(task.due, UTC)
        try:
            self._client.create_task(parent=parent, task=wanted, retry=_AGAIN)
        except exceptions.AlreadyExists:
            return False
        except exceptions.NotFound:
            raise NoSuchQueueError(
                f"Cloud Tasks has no queue {task.queue}: run `make deploy`, or the commands that "
                "`python -m addon.tasks.queues` prints, with the vendor profiles that are in use"
            ) from None
        except (exceptions.GoogleAPIError, GoogleAuthError) as error:
            raise TaskQueueError(
                f"Cloud Tasks did not take a task for {task.queue} ({type(error).__name__}): see "
                f"that {parent} exists, and that the service account has the roles Cloud Tasks "
                "Enqueuer and, for OIDC tokens, Service Account User"
            ) from None
        return True

    def _task(self, task: Task) -> tasks_v2.Task:
        """Return the task as Cloud Tasks' message, with its target and body."""
        body = msgspec.json.encode(task.payload)
        post = tasks_v2.HttpMethod.POST
        if self._url is None:
            return tasks_v2.Task(
                app_engine_http_request=tasks_v2.AppEngineHttpRequest(
                    http_method=post, relative_uri=task.path, headers=_JSON, body=body
                )
            )
        return tasks_v2.Task(
            http_request=tasks_v2.HttpRequest(
                http_method=post,
                url=self._url + task.path,
                headers=_JSON,
                body=body,
                oidc_token=tasks_v2.OidcToken(
                    service_account_email=self._service_account, audience=self._url
                ),
            )
        )


def task_id(name: str) -> str:
    """Return a valid Cloud Tasks id: letters, digits, hyphens and underscores, 500 at most.

    It starts with a hash, because ids with a common prefix slow Cloud Tasks down:
    https://cloud.google.com/tasks/docs/reference/rpc/google.cloud.tasks.v2#createtaskrequest
    """
    readable = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:400]
    return f"{sha256(name.encode()).hexdigest()[:32]}-{readable}"


def _client(emulator: str | None) -> tasks_v2.CloudTasksClient:
    if emulator is None:
        return tasks_v2.CloudTasksClient()
    channel = grpc.insecure_channel(emulator)
    return tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))

"""Cloud Tasks on loopback: the real gRPC API for the real client, and HTTP calls back.

    with CloudTasksStandIn(queues=["runs"], app_engine=served.url) as tasks:
        ... CloudTasksQueue(CloudTasks("p", "europe-west1"), emulator=tasks.address) ...
        tasks.advance(3600)
        tasks.settle()

It holds tasks until they are due, does one at a time of each queue, tries again what was not
answered with 2xx, after a back-off, and refuses names that are or were there, as
https://cloud.google.com/tasks/docs/reference/rpc/google.cloud.tasks.v2 has it.
"""

import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
from google.cloud import tasks_v2

QUEUE = re.compile(r"projects/([\w.:-]+)/locations/([a-z0-9-]+)/queues/([A-Za-z0-9-]{1,100})")
TASK = re.compile(QUEUE.pattern + r"/tasks/([A-Za-z0-9_-]{1,500})")
LARGEST = 100 * 1024
SECONDS = 60.0
"""Longer than anything here takes, even on a busy machine."""

Token = Callable[[str, str], str]
"""Makes an OIDC token of an account for an audience."""


@dataclass(frozen=True)
class Attempt:
    """One call back; `status` is 0 when nobody answered."""

    queue: str
    task: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int


@dataclass
class _Held:
    task: tasks_v2.Task
    queue: str
    due: float
    tried: int = 0


@dataclass
class _Refusal:
    code: grpc.StatusCode
    times: int = 1
    after: bool = False


@dataclass
class CloudTasksStandIn:
    """Serves from `with` until its end; all methods thread-safe.

    `app_engine` is where App Engine targets are; `token` makes the tokens of HTTP targets.
    `backoff` is the seconds before the second try; each next waits twice as long.
    """

    queues: Sequence[str]
    app_engine: str | None = None
    token: Token | None = None
    backoff: float = 0.01
    tries: int = 100
    created: list[tasks_v2.Task] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._names: set[str] = set()
        self._refusals: list[_Refusal] = []
        self._ahead = 0.0
        self._busy = 0
        self._stopped = False
        self._changed = threading.Condition()
        self._server = grpc.server(ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((self._handlers(),))
        port = self._server.add_insecure_port("127.0.0.1:0")
        self.address = f"127.0.0.1:{port}"
        self._workers = [
            threading.Thread(target=self._work, args=(queue,), daemon=True) for queue in self.queues
        ]

    def __enter__(self) -> Self:
        self._server.start()
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for worker in self._workers:
            worker.join(SECONDS)
        self._server.stop(None).wait()

    @property
    def waiting(self) -> list[tasks_v2.Task]:
        """The tasks that are not done."""
        with self._changed:
            return [held.task for held in self._held.values()]

    def now(self) -> float:
        """Seconds since 1970 UTC, and how far it was let go by."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let its time go by."""
        with self._changed:
            self._ahead += seconds
            self._changed.notify_all()

    def settle(self) -> None:
        """Wait until all that is due, or is to be tried again, is done. Raises AssertionError when
        that takes for ever."""
        with self._changed:
            assert self._changed.wait_for(self._idle, SECONDS), self._held

    def until(self, happened: Callable[[Self], bool]) -> None:
        """Wait until something is seen to have happened."""
        with self._changed:
            assert self._changed.wait_for(lambda: happened(self), SECONDS), self.attempts

    def refuse(self, code: grpc.StatusCode, times: int = 1, after: bool = False) -> None:
        """Answer the next creations with an error, `after` they have had their effect or not."""
        with self._changed:
            self._refusals.append(_Refusal(code, times, after))

    # The API

    def _handlers(self) -> grpc.GenericRpcHandler:
        calls: dict[str, tuple[Callable[..., Any], Any, Any]] = {
            "CreateTask": (self._create, tasks_v2.CreateTaskRequest, tasks_v2.Task),
            "GetTask": (self._get, tasks_v2.GetTaskRequest, tasks_v2.Task),
            "ListTasks": (self._list, tasks_v2.ListTasksRequest, tasks_v2.ListTasksResponse),
            "GetQueue": (self._get_queue, tasks_v2.GetQueueRequest, tasks_v2.Queue),
        }
        return grpc.method_handlers_generic_handler(
            "google.cloud.tasks.v2.CloudTasks",
            {
                name: grpc.unary_unary_rpc_method_handler(
                    call, asked.deserialize, answered.serialize
                )
                for name, (call, asked, answered) in calls.items()
            },
        )

    def _create(
        self, request: tasks_v2.CreateTaskRequest, context: grpc.ServicerContext
    ) -> tasks_v2.Task:
        refusal = self._refusal()
        if refusal is not None and not refusal.after:
            context.abort(refusal.code, "as the test wants it")
        queue = self._queue(request.parent, context)
        task = request.task
        if problem := _problem(request):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, problem)
        due = task.schedule_time.timestamp() if task.schedule_time else 0.0
        with self._changed:
            if task.name in self._names:
                context.abort(grpc.StatusCode.ALREADY_EXISTS, "The task cannot be created")
            self._names.add(task.name)
            self._held[task.name] = _Held(task, queue, due)
            self.created.append(task)
            self._changed.notify_all()
        if refusal is not None:
            context.abort(refusal.code, "as the test wants it")
        return task

    def _get(
        self, request: tasks_v2.GetTaskRequest, context: grpc.ServicerContext
    ) -> tasks_v2.Task:
        with self._changed:
            held = self._held.get(request.name)
        if held is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "The task does not exist")
        return held.task

    def _list(
        self, request: tasks_v2.ListTasksRequest, context: grpc.ServicerContext
    ) -> tasks_v2.ListTasksResponse:
        queue = self._queue(request.parent, context)
        with self._changed:
            tasks = [held.task for held in self._held.values() if held.queue == queue]
        return tasks_v2.ListTasksResponse(tasks=tasks)

    def _get_queue(
        self, request: tasks_v2.GetQueueRequest, context: grpc.ServicerContext
    ) -> tasks_v2.Queue:
        self._queue(request.name, context)
        return tasks_v2.Queue(name=request.name, state=tasks_v2.Queue.State.RUNNING)

    def _queue(self, name: str, context: grpc.ServicerContext) -> str:
        match = QUEUE.fullmatch(name)
        if match is None:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "Invalid queue name")
        if match[3] not in self.queues:
            context.abort(grpc.StatusCode.NOT_FOUND, "Queue does not exist.")
        return match[3]

    def _refusal(self) -> _Refusal | None:
        with self._changed:
            for refusal in self._refusals:
                if refusal.times:
                    refusal.times -= 1
                    return refusal
        return None

    # Calling back

    def _idle(self) -> bool:
        now = self.now()
        return not self._busy and all(h.due > now and not h.tried for h in self._held.values())

    def _work(self, queue: str) -> None:
        while (held := self._next(queue)) is not None:
            attempt = self._attempt(held)
            with self._changed:
                self.attempts.append(attempt)
                held.tried += 1
                held.due = self.now() + self.backoff * 2.0 ** min(held.tried - 1, 5)
                if 200 <= attempt.status < 300 or held.tried >= self.tries:
                    del self._held[held.task.name]
                self._busy -= 1
                self._changed.notify_all()

    def _next(self, queue: str) -> _Held | None:
        with self._changed:
            while not self._stopped:
                held = min(
                    (h for h in self._held.values() if h.queue == queue),
                    key=lambda h: h.due,
                    default=None,
                )
                if held is not None and held.due <= self.now():
                    self._busy += 1
                    return held
                self._changed.wait(None if held is None else held.due - self.now())
        return None

    def _attempt(self, held: _Held) -> Attempt:
        url, method, body, headers = self._request(held)
        request = urllib.request.Request(url, data=body, headers=headers, method=method)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=SECONDS) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
            error.close()
        except OSError:
            status = 0
        name = held.task.name.rpartition("/")[2]
        return Attempt(held.queue, name, method, url, headers, body, status)

    def _request(self, held: _Held) -> tuple[str, str, bytes, dict[str, str]]:
        """Address, method, body and headers, as a task's kind of target has them."""
        task = held.task
        told = {
            "QueueName": held.queue,
            "TaskName": task.name.rpartition("/")[2],
            "TaskRetryCount": str(held.tried),
            "TaskExecutionCount": str(held.tried),
            "TaskETA": f"{held.due:.6f}",
        }
        if "app_engine_http_request" in task:
            to = task.app_engine_http_request
            assert self.app_engine is not None, "there is no App Engine here"
            own = {f"X-AppEngine-{name}": value for name, value in told.items()}
            own["User-Agent"] = "AppEngine-Google; (+http://code.google.com/appengine)"
            url = self.app_engine + to.relative_uri
            return url, to.http_method.name, to.body, {**to.headers, **own}
        asked = task.http_request
        own = {f"X-CloudTasks-{name}": value for name, value in told.items()}
        own["User-Agent"] = "Google-Cloud-Tasks"
        if asked.oidc_token and self.token is not None:
            token = asked.oidc_token
            made = self.token(token.service_account_email, token.audience or asked.url)
            own["Authorization"] = f"Bearer {made}"
        return asked.url, asked.http_method.name, asked.body, {**asked.headers, **own}


def _problem(request: tasks_v2.CreateTaskRequest) -> str | None:
    """What Cloud Tasks would not take."""
    task = request.task
    match = TASK.fullmatch(task.name)
    if match is None or not task.name.startswith(request.parent + "/"):
        return "Task name must be formatted …/queues/<QUEUE_ID>/tasks/<TASK_ID>"
    if len(tasks_v2.Task.serialize(task)) > LARGEST:
        return "Task size too large"
    seconds = task.dispatch_deadline.total_seconds() if task.dispatch_deadline else 600.0
    if "app_engine_http_request" in task:
        if not task.app_engine_http_request.relative_uri.startswith("/"):
            return "relative_uri must begin with /"
        return None if 15 <= seconds <= 24 * 3600 + 15 else "Invalid dispatch_deadline"
    if not task.http_request.url.startswith(("https://", "http://")):
        return "HttpRequest.url must start with http:// or https://"
    return None if 15 <= seconds <= 1800 else "Invalid dispatch_deadline"

"""A small school whose directory notifies, on a clock that stands still until it is moved.

    with push_world(tmp_path) as world:
        world.keep_channels()
        world.domain.rename_user(user, "Ada", "Ek")
        world.advance(30)

Notices come to the application when they are due, and tasks are carried out when they are.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from msgspec import structs

from addon import EXTENSION_KEY, create_app
from addon.bootstrap import open_store
from addon.directory.push_state import PushState
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.domain import Domain
from addon.sandbox.environment import write_environment
from addon.sandbox.notice_delivery import NoticeDelivery, PushNotice
from addon.sandbox.push_notifications import PushNotifications
from addon.settings import Settings
from addon.store.base import Store
from addon.tasks.base import Task
from addon.web import services
from addon.web.services import Services
from tests.support.clock import Clock
from tests.support.egil_server import EgilServer
from tests.support.short_waits import QUICK
from tests.support.small_school import DOCUMENT, PROFILES, TENANT, small_domain
from tests.support.world import JSON

URL = "https://skolsynk.example"
BEGINS = 1_800_000_000.0
SECRET = "s" * 40


class TimedQueue:
    """A queue whose tasks are carried out by `run_due`; it takes each name once.

    Tasks of the queues in `busy` wait.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.waiting: list[Task] = []
        self.done: list[Task] = []
        self.busy: set[str] = set()
        self._clock = clock
        self._names: set[str] = set()

    def enqueue(self, task: Task) -> bool:
        if task.name in self._names:
            return False
        self._names.add(task.name)
        self.waiting.append(task)
        return True

    def run_due(self, handle: Callable[[Task], bool]) -> None:
        """Carry out what is due; what fails is left."""
        tried: set[str] = set()
        while due := [
            task
            for task in self.waiting
            if task.due <= self._clock() and task.name not in tried and task.queue not in self.busy
        ]:
            tried.add(due[0].name)
            if handle(due[0]):
                self.waiting.remove(due[0])
                self.done.append(due[0])


class PushWorld:
    """The parts of a test; `start` may be called again, as another process does."""

    def __init__(
        self,
        folder: Path,
        domain: Domain,
        environ: Mapping[str, str],
        document: JSON,
        clock: Clock,
    ) -> None:
        self.clock = clock
        self.clock.set(BEGINS)
        self.domain = domain
        self.delivery = NoticeDelivery(self.clock, self._post, threads=False)
        self.push = PushNotifications(domain, self.clock, self.delivery)
        self.directory = DirectoryServer(domain, push=self.push)
        self.vendors = {("all", "live"): EgilServer(), ("some", "live"): EgilServer()}
        self.document = copy.deepcopy(document)
        self._folder = folder
        self._environ = environ
        self.answers: list[int] = []
        self._forgotten = BEGINS
        self.store: Store

    def __enter__(self) -> "PushWorld":
        for server in (self.directory, *self.vendors.values()):
            server.__enter__()
        environ = write_environment(self._folder, PROFILES, self.vendors, self.directory.url)
        environ |= {
            "SKOLSYNK_URL": URL,
            "SKOLSYNK_REGISTER": "off",
            "SKOLSYNK_SESSION_SECRET": SECRET,
        }
        self.settings = Settings.from_environ(environ | dict(self._environ))
        self.store = open_store(self.settings)
        self.save_document()
        self.queue = TimedQueue(self.clock)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()
        for server in (self.directory, *self.vendors.values()):
            server.__exit__(None, None, None)

    def start(self) -> None:
        """Start the application, whose queue has what was not done."""
        self.app = create_app(self.settings, store=self.store, queue=self.queue, clock=self.clock)

    @property
    def services(self) -> Services:
        found: Services = self.app.extensions[EXTENSION_KEY]
        return found

    @property
    def state(self) -> PushState:
        return self.store.push_state(TENANT) or PushState()

    def save_document(self, **changes: Any) -> None:
        """Store the document with these keys changed."""
        import json

        self.document |= changes
        self.store.save_tenant(TENANT, json.dumps(self.document).encode())

    def keep_channels(self) -> None:
        """Look at the channels that are due, and have their first messages sent."""
        for tenant in self.store.push_due(self.clock()):
            self.services.keep_channels(tenant)
        self.delivery.send_due()

    def advance(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass: notices and tasks come when they are due, channels are kept."""
        end = self.clock() + seconds
        while self.clock() < end:
            self.clock.advance(min(step, end - self.clock()))
            self.delivery.send_due()
            self.run_tasks()
            self.keep_channels()

    def run_tasks(self) -> None:
        """Carry out the tasks that are due."""
        handler = self.services.task_handler
        self.queue.run_due(lambda task: handler.handle(task.path, task.payload).done)

    def first_run(self) -> None:
        """Send everybody for the first time, and forget what was asked."""
        self.keep_channels()
        self.queue.enqueue(Task("runs", "first", "/tasks/run", {"tenant": TENANT}))
        self.run_tasks()
        self.clock.advance(3600)
        self.forget()

    def forget(self) -> None:
        """Forget what directory and vendors were asked."""
        self.directory.forget_requests()
        for server in self.vendors.values():
            server.clear()
        self.queue.done.clear()
        self.answers.clear()
        self._forgotten = self.clock()

    def runs(self) -> int:
        """How many runs have begun since `forget`."""
        runs = self.store.runs(TENANT)
        return sum(run.started >= self._forgotten and run.parent == run.id for run in runs)

    def post(self, headers: Mapping[str, str], body: Any = None) -> Any:
        """Send a notice of our own making."""
        return self.app.test_client().post("/push/google", headers=dict(headers), json=body)

    def _post(self, notice: PushNotice) -> int:
        assert notice.address == f"{URL}/push/google"
        answer = self.post(notice.headers, notice.body)
        self.answers.append(answer.status_code)
        return int(answer.status_code)


@contextmanager
def push_world(
    folder: Path,
    domain: Domain | None = None,
    document: JSON = DOCUMENT,
    clock: Clock | None = None,
    **environ: str,
) -> Iterator[PushWorld]:
    """The world, with settings in `environ` on top of its own; what fails is repeated at once."""
    domain = domain or small_domain()
    original = services.sync_context
    quick = lambda *given: structs.replace(original(*given), retry_policy=QUICK)  # noqa: E731
    with (
        mock.patch.object(services, "sync_context", quick),
        PushWorld(folder, domain, environ, document, clock or Clock()) as world,
    ):
        yield world

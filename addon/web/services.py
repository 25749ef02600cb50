"""What the web application's parts share: the store, the queue, and work that is done by itself."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from jinja2 import Environment
from msgspec import structs

from addon.bootstrap import open_register, open_store, read_directory, rooms, secret_manager
from addon.directory.snapshot import Snapshot
from addon.notifications.mailer import Mailer, mailer
from addon.notifications.notify import after_run
from addon.school_register.model import RegisterError
from addon.settings import CloudTasks, Settings
from addon.store.base import Store, StoreError
from addon.sync.context import Rooms, find_tenant
from addon.tasks.base import Queue
from addon.tasks.handlers import SECONDS, Work
from addon.tasks.local import LocalQueue
from addon.tasks.schedule import Schedule, is_turn
from addon.tenants.model import Tenant
from addon.web.directory import snapshot_store
from addon.web.directory.background import prefer_pages
from addon.web.directory.cache import Study

T = TypeVar("T")
log = logging.getLogger(__name__)

REGISTER_EVERY = 3600.0
"""Seconds between looks at the age of the register's copy."""


class House:
    """Store and queue of one process, opened when they are first asked for.

    Gunicorn forks after the application is made, and neither SQLite's nor gRPC's connections
    may go from one process to another.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store | None = None,
        queue: Queue | None = None,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.store = _Once(lambda: store or open_store(settings))
        self.queue = _Once(lambda: queue or _open_queue(settings, self.store, clock))
        self.work = Work(
            self.rooms,
            self.queue,
            seconds=seconds,
            read=self.read,
            tell=lambda tenant, vendor: after_run(self.rooms, tenant, vendor),
            is_turn=self.is_turn,
        )
        self.study = Study(self.rooms)
        self.register = _Once(lambda: open_register(settings, self.store(), clock))
        self._schedule: Schedule | None = None
        self._register_again = 0.0

    def rooms(self) -> Rooms:
        """What a run needs."""
        return structs.replace(rooms(self.settings, self.store()), clock=self.clock)

    def mailer(self) -> Mailer | None:
        """What sends notices, where mail is set up."""
        return mailer(self.settings.web.mail, secret_manager())

    def is_turn(self, tenant_id: str, window: str) -> bool:
        """Whether the tenant runs in this window. Raises Unknown and StoreError."""
        tenant = find_tenant(self.store(), tenant_id)
        return is_turn(tenant, window, self.settings.schedule_hours)

    def tidy(self) -> None:
        """Forget the directories whose day is over, and renew the copy of the school unit register
        where it is old; trouble is only logged.
        """
        self.study.sweep(self.clock())
        if self.settings.web.register is None or self.clock() < self._register_again:
            return
        self._register_again = self.clock() + REGISTER_EVERY
        try:
            self.register().see_to()
        except (RegisterError, StoreError) as error:
            log.warning("the copy of the school unit register stays as it is: %s", error)

    def read(self, tenant_id: str) -> None:
        """Read a tenant's whole directory for the pages. Raises Unknown and StoreError."""
        tenant = find_tenant(self.store(), tenant_id)

        def told(tenant: Tenant, progress: Callable[[int, int], None]) -> Snapshot:
            return read_directory(self.settings, tenant, progress)

        snapshot_store.take(told, self.store(), tenant, self.clock)

    def start(self, templates: Environment) -> None:
        """Make ready for pages; where tasks are done in this process, begin: with those that were
        left, then as scheduled. Once, in the process that serves. Raises StoreError.
        """
        prefer_pages(templates)
        queue = self.queue()
        if not isinstance(queue, LocalQueue):
            return
        queue.start(lambda path, payload: self.work.do(path, payload).done)
        hours = self.settings.schedule_hours
        self._schedule = Schedule(self.store, self.queue, hours, self.clock, self.tidy)
        self._schedule.start()

    def stop(self) -> None:
        """Begin nothing more; what is under way has a moment to end."""
        if self._schedule is not None:
            self._schedule.stop()
            queue = self.queue()
            if isinstance(queue, LocalQueue):
                queue.stop()


class _Once(Generic[T]):
    """Makes something when it is first asked for; if that fails, when it is next."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: T | None = None

    def __call__(self) -> T:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


def _open_queue(
    settings: Settings, store: Callable[[], Store], clock: Callable[[], float]
) -> Queue:
    """The queue that the settings name. Raises QueueError."""
    if not isinstance(settings.tasks, CloudTasks):
        return LocalQueue(store, clock)
    from addon.tasks.cloud_tasks import CloudTasksQueue  # its client takes a second to import

    return CloudTasksQueue(
        settings.tasks, settings.tasks_url, settings.service_account, settings.tasks_emulator
    )

"""Services that the web application shares: the store, the task queue and scheduled work."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from flask import current_app
from jinja2 import Environment
from msgspec import structs

from addon import EXTENSION_KEY
from addon.bootstrap import open_register, open_store, read_directory, secret_manager, sync_context
from addon.directory.channel_tokens import ChannelTokens
from addon.directory.snapshot import Snapshot
from addon.notifications.mailer import Mailer
from addon.notifications.notify import after_run
from addon.notifications.smtp import mailer
from addon.planning.protected_set import ProtectedSet
from addon.school_register.model import RegisterError
from addon.settings import CloudTasks, Settings
from addon.store.base import Store, StoreError
from addon.sync.channels import keep_channels
from addon.sync.context import SyncContext, load_tenant_or_raise
from addon.sync.kept_reading import is_kept_for
from addon.sync.licence import admit, remember_domains
from addon.sync.protected_set import record_reading
from addon.sync.status import push_status
from addon.tasks.base import TaskQueue
from addon.tasks.changes import places_of, places_window
from addon.tasks.channel_schedule import ChannelSchedule
from addon.tasks.handlers import SECONDS, TaskHandler
from addon.tasks.local import LocalTaskQueue
from addon.tasks.schedule import PeriodicTasks, Scheduler, is_due
from addon.tenants.licence import FarewellError
from addon.tenants.model import Tenant
from addon.web.directory import snapshot_store
from addon.web.directory.background import tune_for_latency
from addon.web.directory.cache import DirectoryCache
from addon.web.security.refused_sign_in import TenantDomains
from addon.web.security.signing_keys import SigningKeys
from addon.web.waiting import WaitingRequests

T = TypeVar("T")
log = logging.getLogger(__name__)

PUSH_HOURS = 6
"""Hours between the whole readings of a tenant of whose changes Google notifies us."""
REGISTER_EVERY = 3600.0
"""Seconds between checks of the age of the register's copy."""


class Services:
    """The store and the queue of one process, opened on first use.

    Gunicorn forks after the application is created, and neither SQLite's nor gRPC's connections
    may be used across processes.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store | None = None,
        queue: TaskQueue | None = None,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.store = _Lazy(lambda: store or open_store(settings))
        self.queue = _Lazy(lambda: queue or _open_queue(settings, self.store, clock))
        self.task_handler = TaskHandler(
            self.sync_context,
            self.queue,
            seconds=seconds,
            read=self.read_directory,
            tell=lambda tenant, vendor: after_run(self.sync_context, tenant, vendor),
            is_due=self.is_due,
            keep=self.keep_channels if settings.push else None,
        )
        self.signing_keys = SigningKeys(settings, self.store, clock)
        self.tenant_domains = TenantDomains(settings, self.store, clock)
        self.directories = DirectoryCache(self.sync_context)
        self.waiting = WaitingRequests()
        self.register = _Lazy(lambda: open_register(settings, self.store(), clock))
        self._schedule: Scheduler | None = None
        self._channels: ChannelSchedule | None = None
        self._register_again = 0.0

    def channel_tokens(self) -> ChannelTokens:
        """Return the tokens of channels. Raises NotConfigured and StoreError."""
        return ChannelTokens(*self.signing_keys())

    def sync_context(self) -> SyncContext:
        """Return the context of a run."""
        return structs.replace(sync_context(self.settings, self.store()), clock=self.clock)

    def mailer(self) -> Mailer | None:
        """Return the mailer of the notifications, or None when mail is not configured."""
        return mailer(self.settings.web.mail, secret_manager())

    def is_due(self, tenant_id: str, window: str) -> bool:
        """Whether the tenant runs in this window. Raises NotFoundError and StoreError."""
        tenant = load_tenant_or_raise(self.store(), tenant_id)
        at_least = PUSH_HOURS if self._is_notified(tenant) else 0
        return is_due(tenant, window, self.settings.schedule_hours, at_least)

    def _is_notified(self, tenant: Tenant) -> bool:
        """Whether notices replace most whole readings: they come, and nothing waits for one."""
        if not self.settings.push:
            return False
        store, now, tenant_id = self.store(), self.clock(), tenant.customer_id
        if push_status(self.settings, store, tenant, now).state != "on":
            return False
        state, last = store.push_state(tenant_id), store.runs(tenant_id, limit=1)
        waits = state is None or not state.unread.is_empty
        trouble = not last or last[0].status != "done"
        return not (waits or trouble) and is_kept_for(store, tenant, now)

    def keep_channels(self, tenant_id: str) -> float:
        """Make, renew and stop a tenant's channels; return when they must be looked at again.

        Raises NotFoundError, StoreError and NotConfigured.
        """
        tokens = self.channel_tokens() if self.settings.push else ChannelTokens("")
        return keep_channels(self.sync_context(), tenant_id, tokens)

    def maintain(self) -> None:
        """Drop expired directories from memory and refresh an old copy of the school unit
        register.

        A failure to refresh the register is only logged.
        """
        self.directories.drop_expired(self.clock())
        if self.settings.web.register is None or self.clock() < self._register_again:
            return
        self._register_again = self.clock() + REGISTER_EVERY
        try:
            self.register().refresh_if_old()
        except (RegisterError, StoreError) as error:
            log.warning("the copy of the school unit register stays as it is: %s", error)

    def read_directory(self, tenant_id: str) -> None:
        """Read a tenant's whole directory for the pages.

        Raises NotFoundError, FarewellError and StoreError.
        """
        tenant = load_tenant_or_raise(self.store(), tenant_id)
        context = self.sync_context()
        try:
            admission = admit(context, tenant_id)
        except FarewellError as left:
            state = snapshot_store.ReadingState(
                "failed", self.clock(), detail=str(left), problem="access"
            )
            snapshot_store.save_reading_state(self.store(), tenant_id, state)
            raise

        def told(tenant: Tenant, progress: Callable[[int, int], None]) -> Snapshot:
            return read_directory(self.settings, tenant, progress)

        def record(tenant: Tenant, snapshot: Snapshot, started: float) -> ProtectedSet:
            remember_domains(context, tenant_id, admission, snapshot.domains)
            return record_reading(context, tenant, snapshot, started)

        snapshot_store.read_and_store(told, self.store(), tenant, self.clock, record)

    def start(self, templates: Environment) -> None:
        """Prepare the process to serve pages and, where tasks run in this process, start them:
        first those that were left undone, then the scheduled ones.

        Call it once, in the process that serves. Raises StoreError.
        """
        tune_for_latency(templates)
        for gap in self.settings.gaps:
            log.warning("%s", gap)
        queue = self.queue()
        if not isinstance(queue, LocalTaskQueue):
            return
        queue.start(lambda path, payload: self.task_handler.handle(path, payload).done)
        hours = self.settings.schedule_hours
        removals = PeriodicTasks(self.store, self.queue, self.clock)

        places = PeriodicTasks(self.store, self.queue, self.clock, places_of, places_window)

        def upkeep() -> None:
            removals.tick()
            if self.settings.push:
                places.tick()
            self.maintain()

        self._schedule = Scheduler(self.store, self.queue, hours, self.clock, upkeep)
        self._schedule.start()
        self._channels = ChannelSchedule(
            self.store, self.keep_channels, self.clock, renewing=self.settings.push
        )
        self._channels.start()

    def stop(self) -> None:
        """Start no more tasks, and wait briefly for the one that is running."""
        if self._channels is not None:
            self._channels.stop()
        if self._schedule is not None:
            self._schedule.stop()
            queue = self.queue()
            if isinstance(queue, LocalTaskQueue):
                queue.stop()


def current_services() -> Services:
    """Return the services of the application that answers this request."""
    found: Services = current_app.extensions[EXTENSION_KEY]
    return found


class _Lazy(Generic[T]):
    """A value that is made on first use; a failure is retried on the next use."""

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
) -> TaskQueue:
    """Open the queue that the settings name. Raises TaskQueueError."""
    if not isinstance(settings.tasks, CloudTasks):
        return LocalTaskQueue(store, clock)
    from addon.tasks.cloud_tasks import CloudTasksQueue  # its client takes a second to import

    return CloudTasksQueue(
        settings.tasks, settings.tasks_url, settings.service_account, settings.tasks_emulator
    )

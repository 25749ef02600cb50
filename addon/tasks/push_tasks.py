"""What tasks do of notifications: when marks are read, and that channels are kept."""

import logging
from collections.abc import Callable

from addon.directory.errors import DirectoryError
from addon.directory.push_state import PushState
from addon.logs import log_context
from addon.sync.change_marks import end_reading
from addon.sync.context import SyncContext
from addon.sync.places_poll import poll_places
from addon.sync.run import PlannedRun
from addon.tasks.base import TaskQueue
from addon.tasks.changes import PLACES, changes_at
from addon.tasks.channel_schedule import CHANNELS, channels_at
from addon.tasks.results import DONE, TaskResult, result_of_error

log = logging.getLogger(__name__)

AHEAD = 1.0
"""Seconds by which the clocks of the queue and of an instance may differ."""


class PushTasks:
    """The pace of a tenant's runs, and its channels; all parts are called when they are needed."""

    def __init__(
        self,
        context: Callable[[], SyncContext],
        queue: Callable[[], TaskQueue],
        keep: Callable[[str], float] | None,
    ) -> None:
        self._context = context
        self._queue = queue
        self._keep = keep

    @property
    def _is_on(self) -> bool:
        return self._keep is not None

    def paced(self, tenant: str) -> float | None:
        """Return when a scheduled run may begin, None for now. Raises StoreError."""
        state = self._state(tenant)
        now = self._context().clock() if state is not None else 0.0
        at = 0.0 if state is None else state.may_begin_at(now)
        return _later(at, now) if at > now else None

    def is_due(self, tenant: str) -> bool:
        """Whether there is something to read, and a run may begin now. Raises StoreError."""
        state, now = self._state(tenant), self._context().clock()
        at = None if state is None else state.next_reading(now)
        return at is not None and at <= now

    def enqueue_next(self, tenant: str) -> None:
        """Enqueue the next reading of what is marked. Raises StoreError and TaskQueueError."""
        self._enqueue_next(tenant, self._state(tenant))

    def _enqueue_next(self, tenant: str, state: PushState | None) -> None:
        now = self._context().clock()
        at = None if state is None else state.next_reading(now)
        if at is not None:
            self._queue().enqueue(changes_at(tenant, _later(at, now)))

    def reading_done(self, tenant: str, found: PlannedRun) -> None:
        """Remove the marks that a whole reading has taken, and enqueue the next.

        Raises StoreError and TaskQueueError.
        """
        if self._is_on:
            run = "" if found.run == found.reading else found.run
            reading = found.reading or found.run
            self._enqueue_next(tenant, end_reading(self._context(), tenant, reading, run))

    def places(self, tenant: str) -> TaskResult:
        """Look whether the tenant's OUs or groups have changed, and enqueue their reading if so."""
        if not self._is_on:
            return TaskResult(DONE, "no notifications")
        with log_context(tenant=tenant):
            try:
                if poll_places(self._context(), tenant):
                    self.enqueue_next(tenant)
                return TaskResult(DONE, "done")
            except DirectoryError as error:
                log.warning("groups and OUs were not looked at: %s", error)
                return TaskResult(DONE, "not read")  # they are looked at again in ten minutes
            except Exception as error:
                return result_of_error(error, PLACES)

    def channels(self, tenant: str) -> TaskResult:
        """Keep the tenant's channels, and enqueue when they must be looked at again."""
        if self._keep is None:
            return TaskResult(DONE, "no channels")
        with log_context(tenant=tenant):
            try:
                at = self._keep(tenant)
                self._queue().enqueue(channels_at(tenant, _later(at, self._context().clock())))
                return TaskResult(DONE, "done")
            except Exception as error:
                return result_of_error(error, CHANNELS)

    def _state(self, tenant: str) -> PushState | None:
        return self._context().store.push_state(tenant) if self._is_on else None


def _later(at: float, now: float) -> float:
    """Return a time for another task than the one that is carried out now, whose name is taken."""
    return max(at, now + AHEAD)

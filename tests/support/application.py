"""The application in this process, with a queue whose end a test can wait for."""

import time
from collections.abc import Callable

from flask import Flask

from addon import EXTENSION_KEY, create_app
from addon.settings import Settings
from addon.tasks.local import LocalTaskQueue
from addon.web.services import Services

PATIENCE = 60.0
"""Seconds that a test waits for tasks."""


class WaitableQueue(LocalTaskQueue):
    """The queue of one process; `all_done` waits until it is empty."""

    def all_done(self, within: float) -> bool:
        """Whether nothing is left within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._tasks, within)

    def _finish(self, name: str) -> None:
        super()._finish(name)
        with self._changed:
            self._changed.notify_all()


class Application:
    """A started application; `stop` ends its queue and closes its store."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._queue = WaitableQueue(lambda: self.services.store(), clock)
        self.app: Flask = create_app(settings, queue=self._queue, clock=clock)
        self.app.testing = False
        self._queue.start(
            lambda path, payload: self.services.task_handler.handle(path, payload).done
        )

    @property
    def services(self) -> Services:
        """The parts that its views use."""
        found: Services = self.app.extensions[EXTENSION_KEY]
        return found

    def wait_for_tasks(self, within: float = PATIENCE) -> None:
        """Wait until all tasks are done. Raises AssertionError when that takes too long."""
        assert self._queue.all_done(within), "tasks are not done"

    def stop(self) -> None:
        """End the application."""
        self._queue.stop()
        self.services.store().close()

"""What cron calls: a task for each tenant's run, and what has expired is removed."""

import logging
import time
from collections.abc import Callable

from flask import Blueprint

from addon.store.base import Store, StoreError
from addon.tasks.base import TaskQueue, TaskQueueError
from addon.tasks.schedule import enqueue_runs, nearest_window

log = logging.getLogger(__name__)


def blueprint(
    store: Callable[[], Store],
    queue: Callable[[], TaskQueue],
    hours: int,
    clock: Callable[[], float] = time.time,
    tidy: Callable[[], object] = lambda: None,
) -> Blueprint:
    """The endpoints below /cron."""
    cron = Blueprint("cron", __name__, url_prefix="/cron")

    @cron.get("/sync")
    def sync() -> tuple[dict[str, int | str], int]:
        """Enqueue the runs of the window that begins now; a second call makes no doubles.

        Cron tries 503 again.
        """
        try:
            found = enqueue_runs(store().tenants(), queue(), nearest_window(clock(), hours))
        except (StoreError, TaskQueueError) as error:
            log.error("no runs were enqueued: %s", error)
            return {"error": "store or queue unavailable"}, 503
        log.info("%d tenants, %d runs enqueued", found.tenants, found.enqueued)
        _sweep(store(), clock())
        told: dict[str, int | str] = {"tenants": found.tenants, "enqueued": found.enqueued}
        return told, 503 if found.failed else 200

    @cron.get("/register")
    def register() -> tuple[dict[str, str], int]:
        """Have the copy of the school unit register renewed where it is old."""
        tidy()
        return {"outcome": "done"}, 200

    return cron


def _sweep(store: Store, now: float) -> None:
    """Remove what has expired; what cannot be now is removed the next time."""
    try:
        log.info("%d papers had expired", store.sweep(now))
    except StoreError as error:
        log.error("what has expired was not removed: %s", error)

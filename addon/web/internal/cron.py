"""The endpoints that cron calls: enqueue each tenant's run, and delete expired data."""

import logging

from flask import Blueprint

from addon.store.base import Store, StoreError
from addon.tasks.base import TaskQueueError
from addon.tasks.changes import PLACES_EVERY, places_of, places_window
from addon.tasks.channel_schedule import channels_now
from addon.tasks.schedule import enqueue_each, enqueue_runs, nearest_window, removal_of
from addon.web.services import current_services

log = logging.getLogger(__name__)

bp = Blueprint("cron", __name__, url_prefix="/cron")


@bp.get("/sync")
def sync() -> tuple[dict[str, int | str], int]:
    """Enqueue the runs of the window that begins now; a second call adds no duplicates.

    Cron retries after a 503.
    """
    services = current_services()
    now = services.clock()
    window = nearest_window(now, services.settings.schedule_hours)
    try:
        store = services.store()
        found = enqueue_runs(store.tenants(), services.queue(), window)
    except (StoreError, TaskQueueError) as error:
        log.error("no runs were enqueued: %s", error)
        return {"error": "store or queue unavailable"}, 503
    log.info("%d tenants, %d runs enqueued", found.tenants, found.enqueued)
    _delete_expired(store, now)
    counts: dict[str, int | str] = {"tenants": found.tenants, "enqueued": found.enqueued}
    return counts, 503 if found.failed else 200


@bp.get("/protected")
def protected() -> tuple[dict[str, int | str], int]:
    """Enqueue for each tenant the removal of protected people, once an hour.

    Cron retries after a 503.
    """
    services = current_services()
    window = nearest_window(services.clock(), 1)
    try:
        found = enqueue_runs(services.store().tenants(), services.queue(), window, removal_of)
    except (StoreError, TaskQueueError) as error:
        log.error("no removals were enqueued: %s", error)
        return {"error": "store or queue unavailable"}, 503
    counts: dict[str, int | str] = {"tenants": found.tenants, "enqueued": found.enqueued}
    return counts, 503 if found.failed else 200


@bp.get("/push")
def push() -> tuple[dict[str, int | str], int]:
    """Enqueue for each tenant whose channels are due that they are looked at, once a minute.

    The next call comes within a minute, so that a failure is only told.
    """
    services = current_services()
    now = services.clock()
    if not services.settings.push:
        return {"tenants": 0, "enqueued": 0}, 200
    try:
        due = services.store().push_due(now)
        found = enqueue_each(due, services.queue(), lambda tenant: channels_now(tenant, now))
    except (StoreError, TaskQueueError) as error:
        log.error("no channels were looked at: %s", error)
        return {"error": "store or queue unavailable"}, 503
    return {"tenants": found.tenants, "enqueued": found.enqueued}, 503 if found.failed else 200


@bp.get("/places")
def places() -> tuple[dict[str, int | str], int]:
    """Enqueue for each tenant that its OUs and groups are looked at, each ten minutes."""
    services = current_services()
    if not services.settings.push:
        return {"tenants": 0, "enqueued": 0}, 200
    window = places_window(services.clock() + PLACES_EVERY / 2)
    try:
        found = enqueue_runs(services.store().tenants(), services.queue(), window, places_of)
    except (StoreError, TaskQueueError) as error:
        log.error("no OUs and groups were looked at: %s", error)
        return {"error": "store or queue unavailable"}, 503
    return {"tenants": found.tenants, "enqueued": found.enqueued}, 503 if found.failed else 200


@bp.get("/register")
def register() -> tuple[dict[str, str], int]:
    """Refresh the copy of the school unit register when it is old."""
    current_services().maintain()
    return {"outcome": "done"}, 200


def _delete_expired(store: Store, now: float) -> None:
    """Delete expired data; what cannot be deleted now is deleted the next time."""
    try:
        log.info("%d items had expired", store.delete_expired(now))
    except StoreError as error:
        log.error("what has expired was not removed: %s", error)

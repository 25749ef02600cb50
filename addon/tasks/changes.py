"""The tasks of runs that notices ask for: notices that come together are one run."""

import math

from addon.tasks.base import RUNS, Task
from addon.tasks.schedule import RunWindow

CHANGES = "/tasks/changes"
TOGETHER = 5.0
"""Seconds within which notices are one task."""
DELAY = 3.0
"""Seconds from the last of these notices to the task, within which its mark is written."""
PLACES = "/tasks/places"
PLACES_EVERY = 600.0
"""Seconds between two looks at a tenant's OUs and groups."""
AFTER_FAILURE = 120.0
"""Seconds after which the directory is read again that could not be read whole."""


def changes_of_notice(tenant: str, now: float) -> Task:
    """Return the task for a notice that came at `now`, the same for those that come with it."""
    period = int(now // TOGETHER)
    due = (period + 1) * TOGETHER + DELAY
    return Task(RUNS, f"changes-{tenant}-{period}", CHANGES, {"tenant": tenant}, due)


def changes_at(tenant: str, at: float) -> Task:
    """Return the task that reads the tenant's marks at a time, in seconds since 1970 UTC.

    It is due at a whole second, which is its name: a queue takes no name twice, and a task that is
    carried out too early must not be refused when it is put off.
    """
    due = math.ceil(at)
    return Task(RUNS, f"changes-{tenant}-at-{due}", CHANGES, {"tenant": tenant}, due)


def requested_changes(tenant: str, request: str, at: float) -> Task:
    """Return the task of a run by the tenant's marks that a page has requested, due at `at`.

    `request` identifies it, see `addon.tasks.page_requests.request_id`.
    """
    due = math.ceil(at)
    payload = {"tenant": tenant, "request": request}
    return Task(RUNS, f"changes-{tenant}-{request}-at-{due}", CHANGES, payload, due)


def places_window(now: float) -> RunWindow:
    """Return the period in which each tenant's OUs and groups are looked at once."""
    return RunWindow(int(now // PLACES_EVERY), PLACES_EVERY)


def places_of(tenant: str, window: RunWindow) -> Task:
    """Return the task that looks at the tenant's OUs and groups in a period."""
    name = f"places-{tenant}-{window.number}"
    return Task(RUNS, name, PLACES, {"tenant": tenant}, window.due_at(tenant))

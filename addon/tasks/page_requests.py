"""Enqueue what a person requests on the pages, without duplicates."""

from msgspec.structs import replace

from addon.sync.withdraw import LedgerMode
from addon.tasks.base import RUNS, Task, TaskQueue
from addon.tasks.changes import requested_changes
from addon.tasks.handlers import RECONCILE, RUN, WITHDRAW

SAME_WITHIN = 5.0
"""Seconds within which an identical second request is considered a duplicate."""


def request_run(queue: TaskQueue, tenant: str, now: float, why: str = "") -> bool:
    """Enqueue a run of the tenant. Raises TaskQueueError.

    `why` (letters, digits and hyphens) identifies the reason of the request. Requests with
    different reasons are not duplicates: a run that has started may not know of the second.
    """
    task = _task("run", RUN, now, {"tenant": tenant}, why)
    return queue.enqueue(replace(task, payload={**task.payload, "request": request_id(now)}))


def request_person(queue: TaskQueue, tenant: str, now: float) -> bool:
    """Enqueue a run that reads the accounts that are marked. Raises TaskQueueError."""
    return queue.enqueue(requested_changes(tenant, request_id(now), now))


def request_id(now: float) -> str:
    """Return the id of a run request at `now`, which the run's record has.

    Duplicate requests have the same id.
    """
    return str(int(now // SAME_WITHIN * SAME_WITHIN))


def request_withdrawal(
    queue: TaskQueue, tenant: str, vendor: str, now: float, mode: LedgerMode | None = None
) -> bool:
    """Enqueue the removal of everything that the tenant has at the vendor, or of one `mode`.

    Raises TaskQueueError.
    """
    payload = {"tenant": tenant, "vendor": vendor} | ({} if mode is None else {"mode": mode})
    return queue.enqueue(_task("withdraw", WITHDRAW, now, payload))


def request_reconciliation(
    queue: TaskQueue, tenant: str, vendor: str, now: float, confirmed: bool = False
) -> bool:
    """Enqueue a reconciliation of the tenant with the vendor. Raises TaskQueueError.

    `confirmed`: also if the vendor lacks more than the connection's limits allow.
    """
    payload = {"tenant": tenant, "vendor": vendor} | ({"confirmed": "yes"} if confirmed else {})
    return queue.enqueue(_task("reconcile", RECONCILE, now, payload))


def _task(what: str, path: str, now: float, payload: dict[str, str], why: str = "") -> Task:
    about = "-".join((*payload.values(), why) if why else payload.values())
    return Task(RUNS, f"{what}-{about}-now-{int(now // SAME_WITHIN)}", path, payload)

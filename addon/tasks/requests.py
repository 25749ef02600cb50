"""What a person asks for on the pages, as tasks: done soon, by the queue, and once."""

from msgspec.structs import replace

from addon.sync.withdraw import LedgerMode
from addon.tasks.base import RUNS, Task, TaskQueue
from addon.tasks.handlers import RECONCILE, RUN, WITHDRAW

SAME_WITHIN = 5.0
"""Seconds within which a second request for the same is the first one sent twice."""


def request_run(queue: TaskQueue, tenant: str, now: float, why: str = "") -> bool:
    """Have a run of the tenant begin. Raises TaskQueueError.

    `why` (letters, digits and hyphens) stands for what the run is to take along: requests for
    different reasons are different, since a run that has begun may not know of the second.
    """
    task = _task("run", RUN, now, {"tenant": tenant}, why)
    return queue.enqueue(replace(task, payload={**task.payload, "request": request_id(now)}))


def request_id(now: float) -> str:
    """What stands for a run that is asked for at `now`, pressed twice or not: its record has it."""
    return str(int(now // SAME_WITHIN * SAME_WITHIN))


def request_withdrawal(
    queue: TaskQueue, tenant: str, vendor: str, now: float, mode: LedgerMode | None = None
) -> bool:
    """Have everything that the tenant has at the vendor removed, of one mode alone if it is given.

    Raises TaskQueueError.
    """
    payload = {"tenant": tenant, "vendor": vendor} | ({} if mode is None else {"mode": mode})
    return queue.enqueue(_task("withdraw", WITHDRAW, now, payload))


def request_reconciliation(queue: TaskQueue, tenant: str, vendor: str, now: float) -> bool:
    """Have the vendor asked for what it has of the tenant. Raises TaskQueueError."""
    return queue.enqueue(_task("reconcile", RECONCILE, now, {"tenant": tenant, "vendor": vendor}))


def _task(what: str, path: str, now: float, payload: dict[str, str], why: str = "") -> Task:
    about = "-".join((*payload.values(), why) if why else payload.values())
    return Task(RUNS, f"{what}-{about}-now-{int(now // SAME_WITHIN)}", path, payload)

"""What a person asks for on the pages, as tasks: done soon, by the queue, and once."""

from addon.sync.withdraw import LedgerMode
from addon.tasks.base import RUNS, Task, TaskQueue
from addon.tasks.handlers import RECONCILE, RUN, WITHDRAW

SAME_WITHIN = 5.0
"""Seconds within which a second wish for the same is the first one pressed twice."""


def request_run(queue: TaskQueue, tenant: str, now: float, why: str = "") -> bool:
    """Have a run of the tenant begin. Raises TaskQueueError.

    `why` (letters, digits and hyphens) stands for what the run is to take along: wishes for
    different reasons are different, since a run that has begun may not know of the second.
    """
    return queue.enqueue(_task("run", RUN, now, {"tenant": tenant}, why))


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

"""The deliveries of a tenant that wait in vendors' queues: at most one a vendor.

A delivery takes the newest reading when it begins, so that a later run leaves its own to one that
waits. It is kept before its task is enqueued, and a run that finds it enqueues the task again by
the same name, which the queue takes once: a process that is killed in between loses nothing. It is
removed before the newest reading is looked for: a run that has planned by then is found, and one
that plans later enqueues a delivery of its own. Kept with the tenant's notifications; of a tenant
without them each run has its own deliveries.
"""

from collections.abc import Mapping, Sequence

from msgspec import structs

from addon.age import is_future
from addon.directory.push_state import PushState
from addon.store.ids import time_of_run
from addon.sync.context import SyncContext


def queue_deliveries(
    context: SyncContext, tenant_id: str, run: str, vendors: Sequence[str], joining: bool
) -> Mapping[str, str]:
    """Keep that `run` has planned; return for each of `vendors` the run whose task delivers.

    A run that is `joining` leaves its delivery to one that waits. The snapshots that it replaces
    are removed. Raises StoreError.
    """
    own = dict.fromkeys(vendors, run)
    if not context.settings.push or not vendors:
        return own
    now, before = context.clock(), [""]

    def queue(known: PushState | None) -> PushState | None:
        if known is None:
            return None
        before[0] = known.planned
        after = known.deliveries_queued(run, vendors, joining, now)
        return with_planned(after, run, now)

    state = context.store.update_push_state(tenant_id, queue)
    if state is None:
        return own
    if state.planned != run:
        return own  # a newer run has planned meanwhile, which a delivery takes in its place
    chosen = {vendor: state.queued[vendor].run for vendor in vendors}
    for vendor, by in chosen.items():
        if by != run and before[0] not in ("", by, run):
            context.store.done_with_snapshot(tenant_id, before[0], vendor)
    return chosen


def begin_delivery(context: SyncContext, tenant_id: str, vendor: str, run: str) -> str | None:
    """Keep that the delivery of `run` waits no longer; return the newest run that has planned.

    None if that is not kept. Raises StoreError.
    """
    if not context.settings.push:
        return None

    def begin(known: PushState | None) -> PushState | None:
        return None if known is None else known.delivery_begins(run, vendor)

    state = context.store.update_push_state(tenant_id, begin)
    return None if state is None else state.planned or None


def with_planned(state: PushState, run: str, now: float) -> PushState:
    """Return the state when `run` has planned, unless a later one has."""
    known, own = time_of_run(state.planned), time_of_run(run)
    if known is not None and own is not None and own < known and not is_future(known, now):
        return state
    return structs.replace(state, planned=run)

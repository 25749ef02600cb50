"""What notices have named: marked when they come, taken by a reading, removed when it was whole."""

from msgspec import Struct, structs

from addon.directory.push_state import ChangeMark, PushState
from addon.store.base import PushStore
from addon.sync.context import SyncContext
from addon.sync.queued_deliveries import with_planned


class TakenMarks(Struct, frozen=True):
    """What a reading has taken; `retried` if an earlier reading of it did not end.

    `queued` are the vendors in whose queues a delivery of the tenant waits.
    """

    mark: ChangeMark = ChangeMark()
    retried: bool = False
    queued: frozenset[str] = frozenset()


def begin_reading(context: SyncContext, tenant_id: str, reading: str) -> TakenMarks:
    """Take the tenant's marks for a reading, which `reading` names, and return them.

    Nothing is written of a tenant that never had a channel. Raises StoreError.
    """
    now = context.clock()

    def begin(known: PushState | None) -> PushState | None:
        return None if known is None else known.reading_begins(reading, now)

    state = context.store.update_push_state(tenant_id, begin) if context.settings.push else None
    if state is None:
        return TakenMarks()
    queued = frozenset(vendor for vendor, each in state.queued.items() if each.joins(now))
    return TakenMarks(state.taken, state.retried, queued)


def end_reading(
    context: SyncContext, tenant_id: str, reading: str, run: str = ""
) -> PushState | None:
    """Remove the marks that a whole reading has taken, unless another has taken them since.

    `run` is the run that has planned by it, if any. Return what is kept of the tenant's
    notifications then. Raises StoreError.
    """
    now = context.clock()

    def end(known: PushState | None) -> PushState | None:
        if known is None:
            return None
        done = known.reading_done(reading)
        return with_planned(done, run, now) if run else done

    if not context.settings.push:
        return None
    return context.store.update_push_state(tenant_id, end)


def mark_changes(store: PushStore, tenant_id: str, mark: ChangeMark) -> None:
    """Mark what notices have named; nothing is written of what is marked already.

    Raises StoreError.
    """

    def change(known: PushState | None) -> PushState | None:
        return None if known is None else known.with_mark(mark)

    store.update_push_state(tenant_id, change)


def begin_pause_reading(context: SyncContext, tenant_id: str) -> None:
    """Save that who is protected is read now, in a pause; all marks stay. Raises StoreError."""
    now = context.clock()

    def begin(known: PushState | None) -> PushState | None:
        return None if known is None else structs.replace(known, began=now)

    context.store.update_push_state(tenant_id, begin)

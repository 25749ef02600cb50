"""Remove people with protected identity from the environment that a connection has left.

A connection that changed from test to live mode does not update the test environment any more.
But people who have got a protected identity since must not remain there: every run of the
connection removes them from it too, regardless of the limits.
"""

import asyncio
import logging
from collections.abc import Set
from typing import Literal

from msgspec import Struct, structs

from addon.delivery.lease import LeaseHeldByOther
from addon.planning.ledger import Ledger, LedgerKey, LedgerWriteError, shard_of
from addon.planning.limits import Hold
from addon.planning.plan import make_plan
from addon.sync.context import SyncContext
from addon.sync.prepare import PreparedRun
from addon.sync.readiness import ReadyConnection, check_readiness
from addon.sync.session import VendorSession
from addon.sync.unexplained_removals import external_ids_of
from addon.tenants.model import Connection

log = logging.getLogger(__name__)

UNREACHED = "people with protected identity could not be removed from the {} environment: {}"


class OtherEnvironment(Struct, frozen=True):
    """The externalIds to remove from the other environment, and the key of its ledger.

    `pending` have been removed already, but may still be in the vendor's groups.
    """

    connection: Connection
    key: LedgerKey
    protected: frozenset[str]
    pending: frozenset[str]


def find_protected_elsewhere(
    context: SyncContext, prepared: PreparedRun, connection: Connection
) -> OtherEnvironment | None:
    """Return the people to remove from the connection's other environment, or None if nobody.

    Costs one read of the store if there is nobody, and reads only the shards of the ledger that
    would contain them. Raises LedgerWriteError.
    """
    if connection.vendor not in prepared.vendor_rosters or not prepared.removable:
        return None
    mode: Literal["test", "live"] = "test" if connection.mode == "live" else "live"
    other = structs.replace(connection, mode=mode)
    key = LedgerKey(prepared.tenant.customer_id, other.vendor, mode)
    state = context.store.connection_state(key)
    ledger, held = state.ledger, state.hold
    pending = frozenset(() if held is None else held.protected_being_removed)
    if not len(ledger) and not pending:
        return None
    protected = external_ids_of(prepared.removable, prepared.mapper(other))
    context.store.load(key, ledger, {shard_of(each) for each in protected} & ledger.unread.keys())
    there = protected & _held_in(ledger)
    return OtherEnvironment(other, key, protected, pending) if there or pending else None


async def remove_protected_elsewhere(
    context: SyncContext, found: OtherEnvironment, session: VendorSession
) -> str | None:
    """Remove the people in `found` with the run's session; return what prevented it, or None.

    A run whose time is over, or that was cancelled, leaves the rest to the next run.
    """
    ready = check_readiness(context, found.key.tenant, found.connection)
    if not isinstance(ready, ReadyConnection):
        return UNREACHED.format(found.key.mode, ready.detail)
    there = structs.replace(session, key=found.key, target=ready.target)
    try:
        return await _remove_protected(context, found, there)
    except (LeaseHeldByOther, LedgerWriteError) as stopped:
        return UNREACHED.format(found.key.mode, stopped)
    except Exception as error:  # it must not stop the rest of the run
        log.error("removing protected people from %s ended: %s", found.key, type(error).__name__)
        return UNREACHED.format(found.key.mode, type(error).__name__)


async def _remove_protected(
    context: SyncContext, found: OtherEnvironment, session: VendorSession
) -> str | None:
    store, key = context.store, found.key
    async with session.with_lease() as lease:
        ledger = await asyncio.to_thread(store.ledger, key)
        plan = make_plan((), ledger, context.clock(), found.protected).only_protected()
        gone = found.pending | {op.external_id for op in plan.protected}
        await asyncio.to_thread(_store_pending_removals, context, key, gone)
        result, groups_clean = await session.remove_protected(plan, gone, ledger, lease)
        if groups_clean:
            await asyncio.to_thread(_store_pending_removals, context, key, frozenset())
    if groups_clean or result.spent:
        return None
    return UNREACHED.format(
        key.mode, result.stopped or result.limitation or "the vendor refused it"
    )


def _store_pending_removals(context: SyncContext, key: LedgerKey, protected: Set[str]) -> None:
    """Save in the hold who is being removed, until the groups do not contain them."""
    held = context.store.hold(key)
    if held is None and not protected:
        return
    held = held or Hold((), 0, "", {}, at=context.clock())
    held = structs.replace(held, protected_being_removed=tuple(sorted(protected)))
    context.store.set_hold(key, held if held.waits else held.keep_only_protected())


def _held_in(ledger: Ledger) -> Set[str]:
    return {each for entries in ledger.entries.values() for each in entries}

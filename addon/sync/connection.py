"""One connection's part of a run: plan, hold or send, and save the outcome."""

import asyncio
import logging
from collections.abc import Set
from functools import partial
from math import inf

from msgspec import Struct, structs

from addon.age import is_future
from addon.delivery.lease import Lease, LeaseHeldByOther
from addon.logs import error_place, log_context
from addon.planning.ledger import LedgerKey, LedgerWriteError
from addon.planning.limits import Hold
from addon.planning.plan import Plan
from addon.planning.recent_removals import RecentRemovals
from addon.planning.result import DeliveryResult
from addon.planning.urgency import Stage, UrgentPart, urgent_part
from addon.store.base import Store
from addon.store.records import RunRecord
from addon.sync.context import SyncContext, forget_secret
from addon.sync.delivery_history import entries_of_delivery, keep_history
from addon.sync.ledger_check import LedgerCheck
from addon.sync.planner import ConnectionPlanner, Decision, planner_for
from addon.sync.prepare import PreparedRun
from addon.sync.protected_elsewhere import find_protected_elsewhere, remove_protected_elsewhere
from addon.sync.readiness import ReadyConnection
from addon.sync.report import (
    ConnectionReport,
    Status,
    delivery_report,
    failed_report,
    is_conflict,
    nothing_done,
    stopped_report,
)
from addon.sync.session import VendorSession, cancellation_reason
from addon.tenants.model import Connection

log = logging.getLogger(__name__)

KEY_REFUSED = (401, 403)


class RunShared(Struct, frozen=True):
    """The values that all connections of a run share: `run` is its record, `deadline` is a time of
    `time.monotonic`.

    `stage` is how far a plan is carried out, None for the whole of it. `checked` is when it was
    checked that the run may send, None if it must be before it does. With `may_be_late`, a later
    reading may have been delivered meanwhile, after which nothing of this one is sent.
    """

    context: SyncContext
    prepared: PreparedRun
    run: RunRecord
    deadline: float | None
    stage: Stage | None = None
    checked: float | None = None
    may_be_late: bool = False


async def sync_connection_safely(shared: RunShared, ready: ReadyConnection) -> ConnectionReport:
    """Run the connection's part of a run; an error becomes its report and is not raised."""
    connection, key = ready.connection, ready.key
    try:
        with log_context(vendor=key.vendor, mode=key.mode):
            return await sync_connection(shared, ready)
    except (LeaseHeldByOther, LedgerWriteError) as stopped:
        return stopped_report(connection, stopped)
    except Exception as error:
        what = error_place(error)
        log.error("the delivery of %s to %s ended: %s", key.tenant, key.vendor, what)
        return failed_report(connection, f"the delivery ended with an error: {what}")


async def sync_connection(
    shared: RunShared, ready: ReadyConnection, planned: bool = False
) -> ConnectionReport:
    """Plan and, if there is something to send, plan again under the lease and deliver.

    It is planned under the lease alone if that there is something to send was `planned` before.

    Raises LeaseHeldByOther when another run has the lease, LedgerWriteError when the store failed.
    """
    context, prepared = shared.context, shared.prepared
    connection, key = ready.connection, ready.key
    if not planned:
        look = finish_if_nothing_to_send
        done = await asyncio.to_thread(look, context, prepared, connection, key)
        if done is not None:
            return done
    session = VendorSession(
        context,
        key,
        ready.target,
        shared.run.holder,
        shared.deadline,
        partial(cancellation_reason, context, key, prepared.protection.hidden),
        shared.checked,
    )
    trouble = await _elsewhere(context, prepared, connection, session)
    async with session.with_lease() as lease:
        planner = await asyncio.to_thread(planner_for, context, prepared, connection, key)
        if shared.may_be_late and _is_late(planner):
            return ConnectionReport(key.vendor, key.mode, "unchanged", nothing_done())
        decision = await asyncio.to_thread(planner.decide)
        check = LedgerCheck(session, prepared, planner, lease)
        if await check.update_ledger(decision.sent):
            decision = await asyncio.to_thread(planner.decide)
        hold = decision.hold
        planner = await asyncio.to_thread(_mark_removals, context.store, planner, decision)
        pending = _pending_removals(planner)
        gone, groups_clean = planner.protected.union(pending), True
        if decision.only_removes:
            current = await asyncio.to_thread(planner.groups_without, gone, decision.mapper)
            result, groups_clean = await session.remove_protected(
                decision.sent, gone, planner.ledger, lease, current
            )
        else:
            result = check.limit(await _send(session, planner, decision, lease, shared.stage))
            if pending:
                current = await asyncio.to_thread(planner.groups_without, gone, decision.mapper)
                result, groups_clean = await session.clear_groups(
                    result, gone, planner.ledger, lease, current
                )
        await asyncio.to_thread(_keep_delivered, context.store, planner, decision, result)
        await asyncio.to_thread(_keep_history, shared, planner, decision, result)
    if result.status in KEY_REFUSED:
        forget_secret(context, connection)
    if hold is not None:
        hold = structs.replace(hold, protected_being_removed=() if groups_clean else pending)
    left = () if groups_clean else pending
    report = await asyncio.to_thread(
        _conclude, context.store, planner, decision, hold, result, left, delivered=True
    )
    return report if trouble is None else _with_trouble(report, trouble)


def _keep_history(
    shared: RunShared, planner: ConnectionPlanner, decision: Decision, result: DeliveryResult
) -> None:
    """Save what was done to whom."""
    store, mapper, connection = shared.context.store, decision.mapper, planner.connection
    prepared, now = shared.prepared, shared.context.clock()
    keep_history(
        store,
        shared.run,
        planner.key,
        now,
        lambda: entries_of_delivery(store, prepared, connection, mapper, result, now),
    )


def _is_late(planner: ConnectionPlanner) -> bool:
    """Whether the plan of a later reading has been carried out whole."""
    delivered = planner.delivered
    return delivered > planner.prepared.evidence.mark and not is_future(delivered, planner.now)


async def _send(
    session: VendorSession,
    planner: ConnectionPlanner,
    decision: Decision,
    lease: Lease,
    stage: Stage | None,
) -> DeliveryResult:
    """Send what is sent of a decision; removals that nobody has approved count for later runs."""
    store, plan = session.context.store, decision.sent
    if stage is not None:
        return await _send_urgent(session, planner, decision, lease, urgent_part(plan, stage))
    if decision.going is not None:
        return await session.send(plan, decision.replan, planner.ledger, lease)
    counted = await asyncio.to_thread(_count_removals, store, planner, plan)
    result = await session.send(plan, decision.replan, planner.ledger, lease)
    await asyncio.to_thread(_count_only_removed, store, planner, plan, counted)
    return result


async def _send_urgent(
    session: VendorSession,
    planner: ConnectionPlanner,
    decision: Decision,
    lease: Lease,
    part: UrgentPart,
) -> DeliveryResult:
    """Send what comes first of a decision; the rest is left, and who waits for what it removes."""

    def replan(absent: Set[str]) -> Plan:
        return part.of(decision.replan(absent))

    if part.plan.empty:
        return DeliveryResult(nothing_done(), (), left=part.later)
    result = await session.send(part.plan, replan, planner.ledger, lease)
    if not part.later:
        return result
    failures = tuple(each for each in result.failures if not is_conflict(each))
    left = result.left + part.later + len(result.failures) - len(failures)
    return structs.replace(result, failures=failures, left=left)


async def _elsewhere(
    context: SyncContext, prepared: PreparedRun, connection: Connection, session: VendorSession
) -> str | None:
    """Remove protected people from the environment that the connection is not in.

    This comes before anything else. Return what prevented it, or None.
    """
    found = await asyncio.to_thread(find_protected_elsewhere, context, prepared, connection)
    return None if found is None else await remove_protected_elsewhere(context, found, session)


def _with_trouble(report: ConnectionReport, trouble: str) -> ConnectionReport:
    status: Status = "held" if report.status == "held" else "failed"
    detail = trouble if report.detail is None else f"{report.detail}; {trouble}"
    return structs.replace(report, status=status, detail=detail)


def finish_if_nothing_to_send(
    context: SyncContext, prepared: PreparedRun, connection: Connection, key: LedgerKey
) -> ConnectionReport | None:
    """Return the connection's report if there is nothing to send, else None.

    Raises LedgerWriteError.
    """
    found = finish_or_count(context, prepared, connection, key)
    return found if isinstance(found, ConnectionReport) else None


def finish_or_count(
    context: SyncContext, prepared: PreparedRun, connection: Connection, key: LedgerKey
) -> ConnectionReport | float:
    """Return the connection's report if there is nothing to send, else the number of operations.

    It is infinite where other things must be done too. Raises LedgerWriteError.
    """
    planner = planner_for(context, prepared, connection, key)
    decision = planner.decide()
    if planner.doubted or _pending_removals(planner):
        return inf
    if not decision.sent.empty:
        return sum(1 for _ in decision.sent.operations())
    if find_protected_elsewhere(context, prepared, connection) is not None:
        return inf
    nothing = DeliveryResult(nothing_done(), ())
    return _conclude(context.store, planner, decision, decision.hold, nothing)


def _count_removals(store: Store, planner: ConnectionPlanner, plan: Plan) -> RecentRemovals:
    """Save, before they are sent, which removals count against the limits of later runs."""
    counted = planner.counting(plan)
    if counted != planner.recent:
        store.set_recent_removals(planner.key, counted)
    return counted


def _count_only_removed(
    store: Store, planner: ConnectionPlanner, plan: Plan, counted: RecentRemovals
) -> None:
    """Save the removals without what the vendor has after all, or again, by the ledger."""
    found = counted
    for resource_type, entries in planner.ledger.entries.items():
        planned = (*plan.deletes[resource_type], *plan.writes[resource_type])
        there = [
            op.external_id
            for op in planned
            if (entry := entries.get(op.external_id)) is not None and not entry.is_removed
        ]
        found = found.without(resource_type, there)
    if found is not counted:
        store.set_recent_removals(planner.key, found, with_release=True)


def _conclude(
    store: Store,
    planner: ConnectionPlanner,
    decision: Decision,
    hold: Hold | None,
    result: DeliveryResult,
    pending: tuple[str, ...] = (),
    delivered: bool = False,
) -> ConnectionReport:
    """Save the outcome of a plan apart from the ledger's entries, and return its report.

    `pending` are people who are removed but may still be in groups. With `delivered`, it is saved
    already whether the plan is carried out whole.
    """
    key, plan = planner.key, decision.plan
    if plan.obsolete:
        store.record(key, plan.obsolete)
    _keep_hold(store, key, planner.held, hold, pending)
    _keep_approval(store, planner, decision, result)
    if not delivered:
        _keep_delivered(store, planner, decision, result)
    log.info(
        "%s to %s (%s): %s",
        key.tenant,
        key.vendor,
        key.mode,
        result.operations,
        extra={"operations": result.operations, "left": result.left},
    )
    people = planner.ledger.people()
    if hold is None:
        return delivery_report(planner.connection, plan, result, hold, people)
    plan = plan.without_removals({op.external_id for op in decision.removed})
    report = delivery_report(planner.connection, plan, result, hold, people)
    users = planner.ledger.entries["User"]
    removed = (op for op in decision.removed if op.resource_type == "User")
    entries = (users.get(op.external_id) for op in removed)
    return report.with_approved(sum(entry is None or entry.is_removed for entry in entries))


def _keep_delivered(
    store: Store, planner: ConnectionPlanner, decision: Decision, result: DeliveryResult
) -> None:
    """Save that this reading's plan is carried out whole: nothing of earlier readings is left.

    What the vendor refuses is not held for a person later. A plan without operations is saved only
    when the reading had departures, so that an unchanged tenant costs no write.
    """
    evidence = planner.prepared.evidence
    if decision.going is not None or planner.keeps_groups or not _is_carried_out(result):
        return
    departed = evidence.departures.readings
    is_first = not planner.delivered and evidence.departures.since > 0
    if not decision.plan.empty or is_first or (departed and departed[-1].at >= evidence.read):
        store.set_delivered(planner.key, evidence.mark)


def _is_carried_out(result: DeliveryResult) -> bool:
    """Whether every change and removal was accepted or refused."""
    if result.left or result.stopped is not None:
        return False
    return all(failed.refused or failed.operation == "create" for failed in result.failures)


def _keep_approval(
    store: Store, planner: ConnectionPlanner, decision: Decision, result: DeliveryResult
) -> None:
    """Keep an approval until what it names is removed; that of a hold only as long as that is so.

    If the plan went further than it, the next run sends the rest.
    """
    approved = planner.approved
    if approved is None:
        return
    named = bool(decision.removed)
    if named and not (result.complete and decision.hold is not None):
        if not approved.tried:
            store.set_approval(planner.key, structs.replace(approved, tried=True))
    elif decision.hold is not None or result.complete:
        store.set_approval(planner.key, None)


def _keep_hold(
    store: Store,
    key: LedgerKey,
    earlier: Hold | None,
    hold: Hold | None,
    pending: tuple[str, ...] = (),
) -> Hold | None:
    """Save the hold of the plan and return it; without one, only who is `pending`.

    A hold that is the same as before keeps its time, unless that lies in the future. The hold of
    a withdrawal is not removed.
    """
    if hold is None:
        if earlier is None:
            return None
        kept: Hold | None = structs.replace(earlier, protected_being_removed=pending)
        if kept is not None and not earlier.withdrawal:
            kept = kept.keep_only_protected()
        if kept != earlier:
            store.set_hold(key, kept)
        return kept
    if earlier is not None and hold.answered_by(earlier):
        hold = structs.replace(hold, refused=earlier.refused)
    same = earlier is not None and earlier.waits and hold.content == earlier.content
    if earlier is not None and same and not is_future(earlier.at, hold.at):
        hold = structs.replace(hold, at=earlier.at)
    if hold == earlier:
        return earlier
    store.set_hold(key, hold)
    return hold


def _mark_removals(
    store: Store, planner: ConnectionPlanner, decision: Decision
) -> ConnectionPlanner:
    """Save which people are about to be removed, until no group has them any more.

    These are the protected, and those who are approved where nothing else of the plan is sent.

    Once they are removed they are not in the ledger, and a plan may leave out groups: those of a
    hold, those that wait for evidence, those that the vendor did not accept. The saved ids tell
    the next run, and the hourly removal, which people to remove from groups.
    """
    earlier = _pending_removals(planner)
    of_people = [op for op in decision.removed if op.resource_type in ("User", "Employment")]
    leaving = [*decision.sent.protected, *of_people]
    removed = tuple(sorted({op.external_id for op in leaving}.union(earlier)))
    if decision.hold is not None:
        marked = structs.replace(decision.hold, protected_being_removed=removed)
        kept = _keep_hold(store, planner.key, planner.held, marked)
    elif removed == earlier:
        return planner
    else:
        kept = planner.held or Hold((), 0, "", {}, at=planner.now)
        kept = structs.replace(kept, protected_being_removed=removed)
        store.set_hold(planner.key, kept)
    return structs.replace(planner, held=kept)


def _pending_removals(planner: ConnectionPlanner) -> tuple[str, ...]:
    """Return externalIds that were removed and may still be in groups."""
    return () if planner.held is None else planner.held.protected_being_removed

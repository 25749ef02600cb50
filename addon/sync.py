"""The corridor: walks one run through the rooms, from the directory to the ledger."""

import asyncio
import logging
import time
import traceback
from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from addon.delivery.deliver import Result
from addon.delivery.guard import Hold
from addon.delivery.lease import Taken
from addon.delivery.ledger import Key, NotKept
from addon.delivery.plan import Plan
from addon.directory.errors import DirectoryError
from addon.outcome import delivered, failed, foreseen, idle
from addon.prepared import Prepared, intend, prepare
from addon.report import (
    ConnectionReport,
    DirectoryCounts,
    RunReport,
    finding_reports,
    nothing_done,
    roster_counts,
)
from addon.rooms import Rooms, chosen, find_tenant, ledger_key, target_of
from addon.runs import begin, end, finish, new_run_id
from addon.sending import Line
from addon.store import Store
from addon.tenant import Connection
from addon.vendors import NotConfigured, Target

log = logging.getLogger(__name__)


def preview(rooms: Rooms, tenant_id: str, vendor: str | None = None) -> tuple[RunReport, Prepared]:
    """What a run would do; nothing is sent and nothing is kept.

    Raises Unknown, DirectoryError, StoreError.
    """
    tenant = find_tenant(rooms.store, tenant_id)
    connections = chosen(tenant, vendor)
    prepared = prepare(rooms, tenant, connections)
    reports = [_foreseen(rooms, prepared, connection) for connection in connections]
    return _report(prepared, new_run_id(rooms.clock()), reports), prepared


def sync(
    rooms: Rooms, tenant_id: str, vendor: str | None = None, seconds: float | None = None
) -> RunReport:
    """One run, for at most about `seconds`; what is left then is for the next.

    Raises Unknown, StoreError, and DirectoryError: then nothing was sent.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    tenant = find_tenant(rooms.store, tenant_id)
    connections = chosen(tenant, vendor)
    run = begin(rooms.store, tenant_id, rooms.clock())
    targets = {c.vendor: target_of(rooms.settings, c) for c in connections if c.mode != "off"}
    prepared = None
    if any(isinstance(target, Target) for target in targets.values()):
        try:
            prepared = prepare(rooms, tenant, connections)
        except DirectoryError as error:
            log.warning("run %s of %s: the directory was not read", run.id, tenant_id)
            end(rooms.store, run, rooms.clock(), "unread", detail=str(error))
            raise
    errand = _Errand(rooms, prepared, run.holder, deadline)
    reports = asyncio.run(_all(errand, connections, targets))
    report = (
        RunReport(tenant_id, run.id, None, None, (), tuple(reports))
        if prepared is None
        else _report(prepared, run.id, reports)
    )
    finish(rooms.store, run, rooms.clock(), report)
    return report


class _Errand(Struct, frozen=True):
    """What all connections of one run share. `deadline` is a time of `time.monotonic`."""

    rooms: Rooms
    prepared: Prepared | None
    holder: str
    deadline: float | None


async def _all(
    errand: _Errand,
    connections: Sequence[Connection],
    targets: Mapping[str, Target | NotConfigured],
) -> list[ConnectionReport]:
    """Every connection side by side; the trouble of one stays its own."""
    parts = (_one(errand, c, targets.get(c.vendor)) for c in connections)
    return list(await asyncio.gather(*parts))


async def _one(
    errand: _Errand, connection: Connection, target: Target | NotConfigured | None
) -> ConnectionReport:
    if isinstance(target, NotConfigured):
        return failed(connection, str(target), configuration=True)
    if target is None or errand.prepared is None:
        return idle(connection)
    key = ledger_key(errand.prepared.tenant.customer_id, connection)
    assert key is not None
    try:
        return await _deliver(errand, errand.prepared, connection, key, target)
    except (Taken, NotKept) as stopped:
        return failed(connection, str(stopped))
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__} at {where.filename}:{where.lineno}"
        log.error("the delivery of %s to %s ended: %s", key.tenant, key.vendor, what)
        return failed(connection, f"the delivery ended with an error: {what}")


async def _deliver(
    errand: _Errand, prepared: Prepared, connection: Connection, key: Key, target: Target
) -> ConnectionReport:
    """Plan, and where there is something to do, plan again with the lease in hand and do it."""
    rooms, store = errand.rooms, errand.rooms.store
    line = Line(rooms, key, target, errand.holder, errand.deadline)
    intention = await asyncio.to_thread(intend, rooms, prepared, connection, key)
    plan, hold = intention.decide()
    result = Result(nothing_done(), ())
    if not _going(plan, hold).empty:
        async with line.exclusively() as lease:
            intention = await asyncio.to_thread(intend, rooms, prepared, connection, key)
            plan, hold = intention.decide()
            result = await line.send(
                _going(plan, hold),
                lambda absent: _going(intention.replan(absent), hold),
                intention.ledger,
                lease,
            )
    if plan.obsolete:
        store.record(key, plan.obsolete)
    _keep_hold(store, key, intention.held, hold)
    if intention.approved is not None and (hold is not None or result.complete):
        store.set_approval(key, None)
    log.info("%s to %s (%s): %s", key.tenant, key.vendor, key.mode, result.operations)
    return delivered(connection, plan, result, hold)


def _keep_hold(store: Store, key: Key, earlier: Hold | None, hold: Hold | None) -> None:
    """Keep what holds the plan; the same as before keeps its age, a withdrawal its wait."""
    if hold is None:
        if earlier is not None and not earlier.withdrawal:
            store.set_hold(key, None)
    elif earlier is None or structs.replace(earlier, at=hold.at) != hold:
        store.set_hold(key, hold)


def _going(plan: Plan, hold: Hold | None) -> Plan:
    """The part of a plan that goes, whether or not it is held."""
    return plan if hold is None else plan.only_protected()


def _foreseen(rooms: Rooms, prepared: Prepared, connection: Connection) -> ConnectionReport:
    """A connection's report for a preview."""
    key = ledger_key(prepared.tenant.customer_id, connection)
    if key is None or connection.vendor not in prepared.views:
        return idle(connection)
    return foreseen(connection, *intend(rooms, prepared, connection, key).decide())


def _report(prepared: Prepared, run: str, reports: Sequence[ConnectionReport]) -> RunReport:
    snapshot = prepared.snapshot
    return RunReport(
        tenant=prepared.tenant.customer_id,
        run=run,
        directory=DirectoryCounts(
            users=len(snapshot.users) + len(snapshot.protected),
            groups=len(snapshot.groups),
            org_units=len(snapshot.org_units),
            queries=snapshot.queries,
        ),
        roster=roster_counts(prepared.roster),
        findings=finding_reports(prepared.findings),
        connections=tuple(reports),
    )

"""The corridor: walks one run through the rooms, from the directory to the ledger."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence, Set
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct, structs

from addon import overview
from addon.delivery.deliver import Failure, Result
from addon.delivery.guard import Hold, check, counts
from addon.delivery.ledger import Key, Ledger
from addon.delivery.pace import Patience
from addon.delivery.plan import Plan, make_plan, standing_refusals
from addon.delivery.session import open_session
from addon.directory.errors import DirectoryError
from addon.directory.snapshot import Snapshot
from addon.document import load_tenant
from addon.report import (
    ConnectionReport,
    DirectoryCounts,
    HoldReport,
    RunReport,
    finding_reports,
    nothing_done,
    roster_counts,
)
from addon.roster.model import Finding, Roster
from addon.roster.select import select
from addon.settings import Settings
from addon.ss12000.translate import Translation
from addon.ss12000.view import View, view
from addon.store import Run, Store
from addon.tenant import Connection, Tenant
from addon.vendors import NotConfigured, Target, Vendor

log = logging.getLogger(__name__)

ReadDirectory = Callable[[Tenant], Snapshot]


class Unknown(Exception):
    """There is no such tenant, connection or hold; the message says what there is."""


class Rooms(Struct, frozen=True):
    """What a run needs from outside: settings, store, the directory, and how to show progress.

    `progress` is told a vendor, operations done and operations planned.
    """

    settings: Settings
    store: Store
    read: ReadDirectory
    progress: Callable[[str, int, int], None] = lambda vendor, done, planned: None
    patience: Patience = Patience()
    clock: Callable[[], float] = time.time


class Prepared(Struct, frozen=True):
    """A run before anything is planned: who the people are and what each connection carries."""

    tenant: Tenant
    snapshot: Snapshot
    roster: Roster
    views: dict[str, View]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the data and the vendors' abilities give cause to say."""
        return self.roster.findings + tuple(f for v in self.views.values() for f in v.findings)

    def overview(self) -> Iterator[overview.Row]:
        """Who is sent where, and who is not and why."""
        return overview.rows(self.snapshot, self.roster, self.views.items())


def find_tenant(store: Store, tenant_id: str) -> Tenant:
    """The tenant's document. Raises Unknown."""
    document = store.tenant(tenant_id)
    if document is None:
        known = ", ".join(store.tenants()) or "none; import one with `tenant import FILE`"
        raise Unknown(f"there is no tenant {tenant_id}; known are: {known}")
    return load_tenant(document)


def preview(rooms: Rooms, tenant_id: str, vendor: str | None = None) -> tuple[RunReport, Prepared]:
    """What a run would do; nothing is sent and nothing is kept.

    Raises Unknown, DirectoryError, StoreError.
    """
    tenant = find_tenant(rooms.store, tenant_id)
    connections = chosen(tenant, vendor)
    prepared = prepare(rooms, tenant, connections)
    reports = [_foreseen(rooms, prepared, connection) for connection in connections]
    return _report(prepared, new_run_id(rooms.clock()), reports), prepared


def sync(rooms: Rooms, tenant_id: str, vendor: str | None = None) -> RunReport:
    """One run. Raises Unknown, StoreError, and DirectoryError: then nothing was sent."""
    tenant = find_tenant(rooms.store, tenant_id)
    connections = chosen(tenant, vendor)
    run = Run(new_run_id(rooms.clock()), tenant_id, rooms.clock(), "running")
    rooms.store.save_run(run)
    targets = {c.vendor: target_of(rooms.settings, c) for c in connections if c.mode != "off"}
    prepared = None
    if any(isinstance(target, Target) for target in targets.values()):
        try:
            prepared = prepare(rooms, tenant, connections)
        except DirectoryError as error:
            log.warning("run %s of %s: the directory was not read", run.id, tenant_id)
            _close(rooms, run, "unread", detail=str(error))
            raise
    reports = asyncio.run(_all(rooms, prepared, connections, targets))
    report = (
        RunReport(tenant_id, run.id, None, None, (), tuple(reports))
        if prepared is None
        else _report(prepared, run.id, reports)
    )
    finish(rooms, run, report)
    return report


def chosen(tenant: Tenant, vendor: str | None) -> tuple[Connection, ...]:
    """The tenant's connections, or the one to `vendor`. Raises Unknown."""
    if vendor is None:
        return tenant.connections
    connection = tenant.connection(vendor)
    if connection is None:
        known = ", ".join(c.vendor for c in tenant.connections) or "none"
        raise Unknown(f"{tenant.customer_id} has no connection to {vendor}; it has: {known}")
    return (connection,)


def ledger_key(tenant_id: str, connection: Connection) -> Key | None:
    """Whose ledger the connection writes, or None while it is off."""
    return None if connection.mode == "off" else Key(tenant_id, connection.vendor, connection.mode)


def new_run_id(now: float) -> str:
    """An id for a run that sorts by time."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


# From the directory to what each connection carries


def prepare(rooms: Rooms, tenant: Tenant, connections: Sequence[Connection]) -> Prepared:
    """Read and select, once for all connections. Raises DirectoryError."""
    snapshot = rooms.read(tenant)
    roster = select(tenant, snapshot)
    vendors = rooms.settings.vendors
    views = {
        c.vendor: view(roster, tenant, c, vendors[c.vendor])
        for c in connections
        if c.mode != "off" and c.vendor in vendors
    }
    return Prepared(tenant, snapshot, roster, views)


class _Intention(Struct, frozen=True):
    """What one connection is about to do, and the means to think again."""

    key: Key
    ledger: Ledger
    translation: Translation
    protected: frozenset[str]
    now: float
    approved: frozenset[str]
    connection: Connection

    def plan(self, absent: Set[str] | None = None) -> Plan:
        """The plan from the ledger as it is now."""
        if absent is None:
            absent = standing_refusals(self.ledger, self.now)
        resources = self.translation.resources(absent)
        return make_plan(resources, self.ledger, self.now, self.protected, absent)

    def hold(self, plan: Plan) -> Hold | None:
        """What stops the plan, if anything does."""
        found = check(plan, self.ledger, self.connection.limits, self.approved)
        return found and structs.replace(found, at=self.now)


def _intention(rooms: Rooms, prepared: Prepared, connection: Connection, key: Key) -> _Intention:
    translation = Translation(prepared.views[connection.vendor], prepared.tenant, connection)
    return _Intention(
        key=key,
        ledger=rooms.store.ledger(key),
        translation=translation,
        protected=frozenset(
            i for user in prepared.roster.protected for i in translation.external_ids(user)
        ),
        now=rooms.clock(),
        approved=rooms.store.approval(key),
        connection=connection,
    )


def _foreseen(rooms: Rooms, prepared: Prepared, connection: Connection) -> ConnectionReport:
    """A connection's report for a preview."""
    key = ledger_key(prepared.tenant.customer_id, connection)
    if key is None or connection.vendor not in prepared.views:
        return _idle(connection)
    intention = _intention(rooms, prepared, connection, key)
    plan = intention.plan()
    hold = intention.hold(plan)
    return ConnectionReport(
        vendor=connection.vendor,
        mode=connection.mode,
        status="held" if hold else "unchanged" if plan.empty else "delivered",
        operations=counts(plan),
        refused=plan.left_alone,
        hold=_hold_report(hold),
    )


# Delivering


async def _all(
    rooms: Rooms,
    prepared: Prepared | None,
    connections: Sequence[Connection],
    targets: dict[str, "Target | NotConfigured"],
) -> list[ConnectionReport]:
    """Every connection side by side; the trouble of one stays its own."""
    return list(
        await asyncio.gather(
            *(_one(rooms, prepared, c, targets.get(c.vendor)) for c in connections)
        )
    )


async def _one(
    rooms: Rooms,
    prepared: Prepared | None,
    connection: Connection,
    target: "Target | NotConfigured | None",
) -> ConnectionReport:
    if isinstance(target, NotConfigured):
        return failed(connection, str(target), configuration=True)
    if target is None or prepared is None:
        return _idle(connection)
    key = ledger_key(prepared.tenant.customer_id, connection)
    assert key is not None
    try:
        return await _deliver(rooms, prepared, connection, key, target)
    except Exception as error:
        log.exception("delivery of %s to %s ended", key.tenant, key.vendor)
        return failed(connection, f"the delivery ended with an error ({type(error).__name__})")


async def _deliver(
    rooms: Rooms, prepared: Prepared, connection: Connection, key: Key, target: Target
) -> ConnectionReport:
    intention = await asyncio.to_thread(_intention, rooms, prepared, connection, key)
    plan = intention.plan()
    hold = intention.hold(plan)
    going = plan.only_protected() if hold else plan
    result = Result(nothing_done(), ())
    if not going.empty:
        vendor = rooms.settings.vendors[connection.vendor]
        async with open_session(
            vendor, target, rooms.store, key, intention.ledger, rooms.patience
        ) as session:
            result = await session.carry_out(
                going,
                intention.plan,
                lambda done, planned: rooms.progress(connection.vendor, done, planned),
                rooms.clock,
            )
    earlier = rooms.store.hold(key)
    if hold is not None or (earlier is not None and not earlier.withdrawal):
        rooms.store.set_hold(key, hold)
    if hold is None and intention.approved and result.complete:
        rooms.store.set_approval(key, frozenset())
    log.info(
        "%s to %s (%s): %s, %d failed, %d left",
        key.tenant,
        key.vendor,
        key.mode,
        result.operations,
        len(result.failures),
        result.left,
    )
    return delivered(connection, plan, result, hold)


def delivered(
    connection: Connection, plan: Plan, result: Result, hold: Hold | None
) -> ConnectionReport:
    """A connection's report from what came of its plan."""
    stopped = result.stopped is not None
    failures = result.failures
    if stopped and not result.spent:
        failures = (*failures, _connection_failure(result, plan))
    done = any(result.operations.values())
    status: Literal["held", "failed", "delivered", "unchanged"] = "unchanged"
    if hold is not None:
        status = "held"
    elif failures or result.left:
        status = "failed"
    elif done:
        status = "delivered"
    return ConnectionReport(
        vendor=connection.vendor,
        mode=connection.mode,
        status=status,
        operations=counts(plan) if hold else result.operations,
        failures=failures,
        left=result.left,
        refused=plan.left_alone + sum(1 for f in result.failures if f.refused),
        detail=result.stopped,
        hold=_hold_report(hold),
    )


def _connection_failure(result: Result, plan: Plan) -> Failure:
    """The one clear message about a connection that failed as a whole."""
    first = next(iter(plan.operations()))
    return Failure(
        first.kind, first.resource_type, first.external_id, result.status, result.stopped or ""
    )


# Small things


def target_of(settings: Settings, connection: Connection) -> "Target | NotConfigured":
    """Where the connection sends to, or why that is not known."""
    vendor: Vendor | None = settings.vendors.get(connection.vendor)
    if vendor is None:
        return NotConfigured(f"{connection.vendor} is not among the vendor profiles")
    endpoint = vendor.live if connection.mode == "live" else vendor.test
    if endpoint is None:
        return NotConfigured(
            f"{connection.vendor} has no {connection.mode} endpoint in the vendor profiles"
        )
    try:
        return endpoint.resolve(settings.environ)
    except NotConfigured as error:
        return error


def _hold_report(hold: Hold | None) -> HoldReport | None:
    return None if hold is None else HoldReport(len(hold.people), hold.reason)


def _idle(connection: Connection) -> ConnectionReport:
    return ConnectionReport(connection.vendor, connection.mode, "off", nothing_done())


def failed(connection: Connection, detail: str, configuration: bool = False) -> ConnectionReport:
    """The report of a connection of which nothing was tried."""
    return ConnectionReport(
        connection.vendor,
        connection.mode,
        "failed",
        nothing_done(),
        detail=detail,
        configuration=configuration,
    )


def _report(prepared: Prepared, run: str, reports: Sequence[ConnectionReport]) -> RunReport:
    snapshot = prepared.snapshot
    return RunReport(
        tenant=prepared.tenant.customer_id,
        run=run,
        directory=DirectoryCounts(
            users=len(snapshot.users),
            groups=len(snapshot.groups),
            org_units=len(snapshot.org_units),
            queries=snapshot.queries,
        ),
        roster=roster_counts(prepared.roster),
        findings=finding_reports(prepared.findings),
        connections=tuple(reports),
    )


def finish(rooms: Rooms, run: Run, report: RunReport) -> None:
    """Keep a run with what came of it."""
    statuses = {c.status for c in report.connections}
    status = "held" if "held" in statuses else "failed" if "failed" in statuses else "done"
    _close(rooms, run, status, report.json())


def _close(
    rooms: Rooms, run: Run, status: str, report: bytes | None = None, detail: str = ""
) -> None:
    ended = structs.replace(
        run, status=status, finished=rooms.clock(), report=report, detail=detail
    )
    rooms.store.save_run(ended)

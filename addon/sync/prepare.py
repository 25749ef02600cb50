"""Prepare a run before anything is sent: select people and plan each connection."""

from collections.abc import Iterator, Sequence, Set

from msgspec import Struct, structs

from addon.directory.snapshot import Snapshot
from addon.planning.ledger import Ledger, LedgerKey
from addon.planning.limits import (
    Approval,
    Hold,
    check_limits,
    count_removals,
    growth_hold,
)
from addon.planning.plan import Plan, digests, make_plan, plan_for, standing_refusals
from addon.planning.protection import ProtectedSet
from addon.planning.recent_removals import RecentRemovals
from addon.roster.findings import finding
from addon.roster.model import Finding, Roster
from addon.roster.select import select
from addon.ss12000.mapping import ResourceMapper
from addon.ss12000.vendor_roster import VendorRoster, vendor_roster
from addon.sync.context import SyncContext
from addon.sync.people_csv import PersonDecisionRow, decision_rows
from addon.sync.protection import load_protection, record_reading
from addon.tenants.model import Connection, Tenant


class PreparedRun(Struct, frozen=True):
    """A run before planning: the roster, and each connection's view of it by vendor.

    None of these has anybody who is in `protection`, except in `protected`.
    """

    tenant: Tenant
    snapshot: Snapshot
    roster: Roster
    vendor_rosters: dict[str, VendorRoster]
    protection: ProtectedSet = ProtectedSet()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings about the data and about the vendors' capabilities."""
        of_vendors = tuple(f for v in self.vendor_rosters.values() for f in v.findings)
        ended = tuple(finding("protection-ended", i) for i in sorted(self.protection.ended))
        return (*self.roster.findings, *ended, *of_vendors)

    @property
    def removable(self) -> frozenset[str]:
        """The ids of the protected people who are removed wherever they are, limits or not."""
        return self.roster.protected - self.protection.pending

    def decision_rows(self) -> Iterator[PersonDecisionRow]:
        """Yield who is sent where, or why not."""
        return decision_rows(self.snapshot, self.roster, self.vendor_rosters.items())


def read_and_prepare(
    context: SyncContext, tenant: Tenant, connections: Sequence[Connection]
) -> PreparedRun:
    """Read the directory and select, once for all connections.

    Whom the reading finds protected is saved. Raises DirectoryError and StoreError.
    """
    started = context.clock()
    snapshot = context.read_directory(tenant)
    protection = record_reading(context, tenant, snapshot, started)
    return _select(context, tenant, connections, snapshot, protection)


def prepare_from_snapshot(
    context: SyncContext, tenant: Tenant, connections: Sequence[Connection], snapshot: Snapshot
) -> PreparedRun:
    """Select from a snapshot of the directory, without who is protected now.

    Raises StoreError.
    """
    protection = load_protection(context.store, tenant.customer_id)
    return _select(context, tenant, connections, snapshot, protection)


def _select(
    context: SyncContext,
    tenant: Tenant,
    connections: Sequence[Connection],
    snapshot: Snapshot,
    protection: ProtectedSet,
) -> PreparedRun:
    snapshot = snapshot.without(protection.hidden)
    roster = select(tenant, snapshot)
    vendors = context.settings.vendors
    views = {
        c.vendor: vendor_roster(roster, tenant, c, vendors[c.vendor])
        for c in connections
        if c.mode != "off" and c.vendor in vendors
    }
    return PreparedRun(tenant, snapshot, roster, views, protection)


class ConnectionPlanner(Struct, frozen=True):
    """Makes the plan of one connection, and makes it again during the delivery.

    `growth` is how many people became protected in one step and the limit that this exceeds.
    """

    key: LedgerKey
    ledger: Ledger
    mapper: ResourceMapper
    protected: frozenset[str]
    now: float
    held: Hold | None
    approved: Approval | None
    connection: Connection
    growth: tuple[int, int] = (0, 0)
    recent: RecentRemovals = RecentRemovals()

    def replan(self, absent: Set[str]) -> Plan:
        """Return the plan from the current ledger, without references to `absent` externalIds."""
        resources = self.mapper.resources(absent)
        return make_plan(resources, self.ledger, self.now, self.protected, absent)

    def decide(self) -> tuple[Plan, Hold | None]:
        """Return the plan from the current ledger, and its hold if it exceeds a limit.

        While many who became protected at once wait for a person, there is no other plan than to
        remove those who are protected beyond doubt.
        """
        plan = plan_for(self.mapper.resources, self.ledger, self.now, self.protected)
        if self.growth[0]:
            plan = plan.only_protected()
            hold: Hold | None = growth_hold(plan, self.ledger, *self.growth)
        else:
            limits = self.connection.limits
            hold = check_limits(plan, self.ledger, limits, self.approved, self.recent)
        return plan, None if hold is None else structs.replace(hold, at=self.now)

    def counting(self, plan: Plan) -> RecentRemovals:
        """Return the recent removals with those of `plan`, which is about to be carried out."""
        limits = self.connection.limits
        return count_removals(plan, limits, self.approved, self.recent, self.now)


def planner_for(
    context: SyncContext, prepared: PreparedRun, connection: Connection, key: LedgerKey
) -> ConnectionPlanner:
    """Return the planner of a connection, with its ledger from the store.

    Only those shards of the ledger are read that differ from the wanted resources.
    """
    mapper = ResourceMapper(prepared.vendor_rosters[connection.vendor], prepared.tenant, connection)
    now, standing = context.clock(), context.store.connection_state(key)
    ledger, approved = standing.ledger, standing.approval
    if ledger.unread:
        wanted = digests(mapper.resources(standing_refusals(ledger, now)))
        differing = {n for n, part in ledger.unread.items() if wanted.get(n) != part.digest}
        context.store.load(key, ledger, differing)
    return ConnectionPlanner(
        key=key,
        ledger=ledger,
        mapper=mapper,
        protected=frozenset(i for user in prepared.removable for i in mapper.external_ids(user)),
        now=now,
        held=standing.hold,
        approved=approved if approved is not None and approved.is_valid(now) else None,
        connection=connection,
        growth=(len(prepared.protection.pending), prepared.protection.pending_limit),
        recent=standing.recent.as_of(now),
    )

"""A run before anything is sent: who the people are, and what each connection would do."""

from collections.abc import Iterator, Sequence, Set

from msgspec import Struct, structs

from addon.directory.snapshot import Snapshot
from addon.planning.guard import Approval, Hold, check_limits
from addon.planning.ledger import Ledger, LedgerKey
from addon.planning.plan import Plan, digests, make_plan, plan_for, standing_refusals
from addon.roster.model import Finding, Roster
from addon.roster.select import select
from addon.ss12000.mapping import ResourceMapper
from addon.ss12000.vendor_roster import VendorRoster, vendor_roster
from addon.sync import overview
from addon.sync.context import SyncContext
from addon.tenants.model import Connection, Tenant


class PreparedRun(Struct, frozen=True):
    """A run before anything is planned: who the people are and what each connection carries."""

    tenant: Tenant
    snapshot: Snapshot
    roster: Roster
    vendor_rosters: dict[str, VendorRoster]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the data and the vendors' abilities give cause to say."""
        return self.roster.findings + tuple(
            f for v in self.vendor_rosters.values() for f in v.findings
        )

    def overview(self) -> Iterator[overview.OverviewRow]:
        """Who is sent where, and who is not and why."""
        return overview.rows(self.snapshot, self.roster, self.vendor_rosters.items())


def read_and_prepare(
    context: SyncContext, tenant: Tenant, connections: Sequence[Connection]
) -> PreparedRun:
    """Read and select, once for all connections. Raises DirectoryError."""
    return prepare_from_snapshot(context, tenant, connections, context.read_directory(tenant))


def prepare_from_snapshot(
    context: SyncContext, tenant: Tenant, connections: Sequence[Connection], snapshot: Snapshot
) -> PreparedRun:
    """Select from a directory that was read."""
    roster = select(tenant, snapshot)
    vendors = context.settings.vendors
    views = {
        c.vendor: vendor_roster(roster, tenant, c, vendors[c.vendor])
        for c in connections
        if c.mode != "off" and c.vendor in vendors
    }
    return PreparedRun(tenant, snapshot, roster, views)


class ConnectionPlanner(Struct, frozen=True):
    """What one connection is about to do, and the means to think again."""

    key: LedgerKey
    ledger: Ledger
    mapper: ResourceMapper
    protected: frozenset[str]
    now: float
    held: Hold | None
    approved: Approval | None
    connection: Connection

    def replan(self, absent: Set[str]) -> Plan:
        """The plan from the ledger as it is now, without references to what is `absent`."""
        resources = self.mapper.resources(absent)
        return make_plan(resources, self.ledger, self.now, self.protected, absent)

    def decide(self) -> tuple[Plan, Hold | None]:
        """The plan from the ledger as it is, and what holds it, if anything does."""
        plan = plan_for(self.mapper.resources, self.ledger, self.now, self.protected)
        hold = check_limits(plan, self.ledger, self.connection.limits, self.approved)
        return plan, None if hold is None else structs.replace(hold, at=self.now)


def planner_for(
    context: SyncContext, prepared: PreparedRun, connection: Connection, key: LedgerKey
) -> ConnectionPlanner:
    """What the connection would do, from its ledger as the store has it now.

    Of the ledger only those parts are read that are not known to be as they should.
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
        protected=frozenset(
            i for user in prepared.roster.protected for i in mapper.external_ids(user)
        ),
        now=now,
        held=standing.hold,
        approved=approved if approved is not None and approved.is_valid(now) else None,
        connection=connection,
    )

"""Prepare a run before anything is sent: read, compare with what was known, select people."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial

from msgspec import Struct, structs

from addon.directory.snapshot import Snapshot
from addon.planning.protected_set import ProtectedSet
from addon.roster.findings import finding
from addon.roster.model import Finding, Roster
from addon.roster.moves import moves_between
from addon.roster.placements import Placements
from addon.roster.select import select
from addon.roster.unconfirmed import with_unconfirmed
from addon.roster.years import autumn_of
from addon.ss12000.mapping import ResourceMapper
from addon.ss12000.vendor_roster import VendorRoster, vendor_roster
from addon.store.unit_claims import not_delivered
from addon.sync.context import SyncContext
from addon.sync.ended_memberships import approved_memberships
from addon.sync.evidence import ConfirmedReading, ReadingEvidence, confirm
from addon.sync.kept_reading import forget_reading, is_clean, keep_changes, keep_whole
from addon.sync.known_placements import (
    Beginning,
    KnownDirectory,
    load_known_or_beginning,
    save_known,
)
from addon.sync.known_places import as_documented, followed, place_org_units
from addon.sync.people_csv import PersonDecisionRow, decision_rows
from addon.sync.protected_set import load_protection, record_reading, record_units
from addon.sync.read_changes import ChangedAccounts, ContradictionError, read_changes
from addon.sync.report import ReadingKind
from addon.sync.unknown_exceptions import without_held_back
from addon.tenants.model import Connection, Tenant
from addon.tenants.pause import today
from addon.vendors.profiles import Vendor


class PreparedRun(Struct, frozen=True):
    """A run before planning: the roster, and each connection's part of it by vendor.

    `evidence` is what the reading proves of those who were known and are missing.
    Neither roster has anybody who is in `protection`, except in `protected`. `not_delivered` are
    the codes of school units that are delivered for other tenants.
    """

    tenant: Tenant
    snapshot: Snapshot
    roster: Roster
    vendor_rosters: dict[str, VendorRoster]
    evidence: ReadingEvidence = ReadingEvidence()
    protection: ProtectedSet = ProtectedSet()
    reading: ReadingKind = "whole"
    not_delivered: frozenset[str] = frozenset()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings about the data and about the vendors' capabilities."""
        return self.findings_at(self.vendor_rosters)

    def findings_at(self, vendors: Collection[str]) -> tuple[Finding, ...]:
        """Return the findings about the data, and about the capabilities of these vendors."""
        rosters = (r for vendor, r in self.vendor_rosters.items() if vendor in vendors)
        of_vendors = tuple(f for roster in rosters for f in roster.findings)
        ended = tuple(finding("protection-ended", i) for i in sorted(self.protection.ended))
        elsewhere = tuple(finding("unit-elsewhere", code) for code in sorted(self.not_delivered))
        own = (*elsewhere, *self.roster.findings, *self.evidence.findings)
        return (*own, *ended, *of_vendors)

    @property
    def removable(self) -> frozenset[str]:
        """The ids of the protected people who are removed wherever they are, limits or not."""
        return self.roster.protected - self.protection.pending

    def mapper(
        self, connection: Connection, vendor_roster: VendorRoster | None = None
    ) -> ResourceMapper:
        """Return the resources of a connection, of another roster than its own if one is given."""
        if vendor_roster is None:
            vendor_roster = self.vendor_rosters[connection.vendor]
        return ResourceMapper(vendor_roster, self.tenant, connection, self.protection.units)

    def decision_rows(self) -> Iterator[PersonDecisionRow]:
        """Yield who is sent where, or why not."""
        return decision_rows(self.snapshot, self.roster, self.vendor_rosters.items())


def read_and_prepare(
    context: SyncContext,
    tenant: Tenant,
    connections: Sequence[Connection],
    remember: bool = True,
) -> PreparedRun:
    """Read the directory and select, once for all connections.

    Whom the reading finds protected is saved, and who is missing is asked about. Without
    `remember` the reading is not kept as what is known.
    Raises DirectoryError and StoreError.
    """
    now = context.clock()
    known = load_known_or_beginning(context.store, tenant.customer_id, now)
    snapshot = _read_whole(context, tenant, known, now)
    found, protection = _confirmed(context, tenant, snapshot, known, now)
    if remember:
        saved = save_known(context.store, tenant.customer_id, found.known, known)
        if context.settings.push:
            keep_whole(context.store, tenant, found, protection, saved, now)
    return _run_of(context, tenant, connections, found, protection)


def prepare_changes(
    context: SyncContext,
    tenant: Tenant,
    connections: Sequence[Connection],
    changed: ChangedAccounts,
) -> PreparedRun:
    """Prepare a run as `read_and_prepare` does, by the accounts that have changed alone.

    Raises ContradictionError, after which nothing is kept, DirectoryError and StoreError.
    """
    now, tenant_id = context.clock(), tenant.customer_id
    snapshot = read_changes(context, changed)
    found, protection = _confirmed(context, tenant, snapshot, changed.known, now, whole=False)
    if not is_clean(found):
        raise ContradictionError("unconfirmed")
    if changed.kept.hidden - protection.hidden:
        raise ContradictionError("released")
    saved = save_known(context.store, tenant_id, found.known, changed.known)
    if protection.hidden - changed.kept.hidden:
        forget_reading(context.store, tenant_id)  # it has people who are protected by now
    else:
        there = {user.id for user in found.snapshot.users}
        ours = {
            key: user
            for key, user in changed.users.items()
            if key not in protection.hidden and (user is None or key in there)
        }
        members = {key: each - protection.hidden for key, each in changed.members.items()}
        keep_changes(context.store, tenant_id, changed.kept, ours, members, saved, now)
    run = _run_of(context, tenant, connections, found, protection)
    return structs.replace(run, reading="changes")


def _read_whole(
    context: SyncContext, tenant: Tenant, known: KnownDirectory | Beginning, now: float
) -> Snapshot:
    """Read all that the document needs, where the selections' OUs are now."""
    asked = followed(tenant, known.places.org_units)
    snapshot = context.read_directory(asked)
    moved = followed(tenant, place_org_units(tenant, known.places, snapshot.org_units))
    if moved != asked:  # an OU was renamed or moved since the last reading
        snapshot = context.read_directory(moved)
    return structs.replace(snapshot, autumn=autumn_of(today(now)))


def _confirmed(
    context: SyncContext,
    tenant: Tenant,
    snapshot: Snapshot,
    known: KnownDirectory | Beginning,
    now: float,
    whole: bool = True,
) -> tuple[ConfirmedReading, ProtectedSet]:
    """Save whom a reading finds protected, and compare it with what was known."""
    protection = record_reading(context, tenant, snapshot, now, whole)
    snapshot = snapshot.without(protection.hidden)
    approved = partial(approved_memberships, context.store, tenant.customer_id, now)
    found = confirm(
        tenant, snapshot, known, context.ask_directory, now, approved, protection.pending
    )
    return _with_moves(found, known, protection), protection


def _with_moves(
    found: ConfirmedReading, known: KnownDirectory | Beginning, protection: ProtectedSet
) -> ConfirmedReading:
    """Return the reading with what has changed since the last one; nothing if there was none."""
    if isinstance(known, Beginning):
        return found
    moves = moves_between(known.placements, found.known.placements, protection.hidden)
    return structs.replace(found, evidence=structs.replace(found.evidence, moves=moves))


def _run_of(
    context: SyncContext,
    tenant: Tenant,
    connections: Sequence[Connection],
    found: ConfirmedReading,
    protection: ProtectedSet,
) -> PreparedRun:
    return prepared_run(
        context,
        tenant,
        connections,
        found.snapshot,
        found.evidence,
        found.roster,
        protection,
    )


def prepare_from_snapshot(
    context: SyncContext,
    tenant: Tenant,
    connections: Sequence[Connection],
    snapshot: Snapshot,
    evidence: ReadingEvidence,
) -> PreparedRun:
    """Select from a snapshot and the evidence of its reading, without who is protected now.

    Raises StoreError.
    """
    protection = load_protection(context.store, tenant.customer_id)
    protection = record_units(context, tenant, protection)
    snapshot = snapshot.without(protection.hidden)
    selected = select(tenant, as_documented(tenant, snapshot, evidence.org_units))
    roster = without_held_back(selected, evidence.held_back)
    return prepared_run(context, tenant, connections, snapshot, evidence, roster, protection)


def prepared_run(
    context: SyncContext,
    tenant: Tenant,
    connections: Sequence[Connection],
    snapshot: Snapshot,
    evidence: ReadingEvidence,
    roster: Roster,
    protection: ProtectedSet,
) -> PreparedRun:
    """Return the run with the part of the roster that each connection sends."""
    vendors = context.settings.vendors
    rosters = {
        c.vendor: vendor_roster(roster, tenant, c, vendors[c.vendor])
        for c in connections
        if c.mode != "off" and c.vendor in vendors
    }
    elsewhere = not_delivered(context.store, tenant.customer_id, context.clock())
    return PreparedRun(
        tenant, snapshot, roster, rosters, evidence, protection, not_delivered=elsewhere
    )


def cautious_roster(
    prepared: PreparedRun, connection: Connection, vendor: Vendor, kept: Placements
) -> VendorRoster:
    """Return what a connection sends with the placements in `kept`, which are unconfirmed."""
    roster = with_unconfirmed(prepared.roster, kept, prepared.tenant.unit_names)
    return vendor_roster(roster, prepared.tenant, connection, vendor)

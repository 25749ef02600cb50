"""What of a tenant's setup has been tried in test mode without faults, and what remains."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from addon.store.base import TenantStore
from addon.store.records import RunRecord
from addon.sync.report import ConnectionReport, stored_report
from addon.tenants.model import Connection, Tenant
from addon.vendors.profiles import Vendor
from addon.web.presenters.school_units import has_selection

RECENT = 30
"""Newest audit entries that are searched for changes since a trial."""


class TrialCoverage(Struct, frozen=True):
    """What remains to be tried, by vendor id, and how many units with a selection go nowhere.

    The newest trial of those in `failed` did not deliver everything, that of those in `held` waits
    for a decision, and after that of those in `changed` what they get was changed. `possible` is
    whether any vendor with units has a test environment.
    """

    possible: bool
    untried: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unassigned: int = 0

    @property
    def complete(self) -> bool:
        """Whether all that is set up and can be tried has been tried without faults."""
        left = self.untried or self.failed or self.held or self.changed or self.unassigned
        return self.possible and not left


def trial_coverage(
    store: TenantStore,
    tenant: Tenant,
    runs: Sequence[RunRecord],
    vendors: Mapping[str, Vendor],
) -> TrialCoverage:
    """Return what the newest trials cover, of the vendors with a test environment.

    Raises StoreError.
    """
    tried = {c.vendor: c for c in tenant.connections if c.school_units and _has_test(vendors, c)}
    parts = _newest_parts(runs, tried)
    failed = [v for v, (part, _) in parts.items() if part.status != "held" and not _is_whole(part)]
    held = [v for v, (part, _) in parts.items() if part.status == "held"]
    whole = {v: since for v, (_, since) in parts.items() if v not in (*failed, *held)}
    assigned = {code for c in tenant.connections for code in c.school_units}
    return TrialCoverage(
        possible=bool(tried),
        untried=tuple(v for v in tried if v not in parts),
        failed=tuple(failed),
        held=tuple(held),
        changed=tuple(_changed_since(store, tenant, whole)) if whole else (),
        unassigned=sum(u.code not in assigned for u in tenant.school_units if has_selection(u)),
    )


def _has_test(vendors: Mapping[str, Vendor], connection: Connection) -> bool:
    vendor = vendors.get(connection.vendor)
    return vendor is not None and vendor.test is not None


def _newest_parts(
    runs: Sequence[RunRecord], tried: Mapping[str, Connection]
) -> dict[str, tuple[ConnectionReport, float]]:
    """Return each connection's newest part in test mode, and when its run began."""
    found: dict[str, tuple[ConnectionReport, float]] = {}
    for run in runs:
        if len(found) == len(tried):
            break
        for part in stored_report(run).connections:
            if part.mode == "test" and part.status != "off" and part.vendor in tried:
                found.setdefault(part.vendor, (part, run.started))
    return found


def _is_whole(part: ConnectionReport) -> bool:
    """Whether a trial delivered everything."""
    faults = part.failures or part.left or part.refused or part.detail
    return part.status in ("delivered", "unchanged") and not faults


def _changed_since(store: TenantStore, tenant: Tenant, tried: Mapping[str, float]) -> Iterable[str]:
    """Return the vendors for which what they get was changed after their newest trial."""
    entries = store.audit_entries(tenant.customer_id, RECENT)
    for vendor, since in tried.items():
        connection = tenant.connection(vendor)
        if connection is None:
            continue
        places = (
            *(f"connections[{vendor}].{part}" for part in ("schoolUnits", "fields", "except")),
            *(f"schoolUnits[{code}]" for code in connection.school_units),
        )
        newer = (change for e in entries if e.at > since for change in e.changes)
        if any(change.place.startswith(places) for change in newer):
            yield vendor

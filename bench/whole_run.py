"""The work of one run on a sandbox domain of 30,000 students: reading, and then selecting,
translating, hashing and planning for two vendors. Arguments: the directory's address, and the
path of the tenant document.
"""

import sys
import time
from pathlib import Path

from addon.directory.google.credentials import anonymous
from addon.directory.google.reader import DirectorySource, read
from addon.planning.ledger import Ledger, LedgerChange, LedgerEntry
from addon.planning.plan import make_plan
from addon.roster.select import select
from addon.ss12000.mapping import ResourceMapper
from addon.ss12000.vendor_roster import vendor_roster
from addon.tenants.document import load_tenant
from addon.vendors.profiles import load_vendors
from bench.measure import report


def main(endpoint: str, document: str) -> None:
    tenant = load_tenant(Path(document).read_bytes())
    vendors = load_vendors(Path("vendors.toml"))
    start = time.perf_counter()
    snapshot = read(tenant, DirectorySource(credentials=anonymous(), endpoint=endpoint))
    read_at = time.perf_counter()
    roster = select(tenant, snapshot)
    selected_at = time.perf_counter()
    plans = {}
    for connection in tenant.connections:
        carried = vendor_roster(roster, tenant, connection, vendors[connection.vendor])
        mapper = ResourceMapper(carried, tenant, connection)
        plans[connection.vendor] = make_plan(mapper.resources(), Ledger(), 0.0)
    planned_at = time.perf_counter()
    ledger = Ledger()
    first = plans[tenant.connections[-1].vendor]
    ledger.apply(
        LedgerChange(op.resource_type, op.external_id, LedgerEntry(op.external_id, op.content))
        for op in first.operations()
    )
    again_from = time.perf_counter()
    again = make_plan(mapper.resources(), ledger, 0.0)
    again_at = time.perf_counter()
    assert again.empty, "a second run must have nothing to do"
    report(
        {
            "users": len(snapshot.users),
            "groups": len(snapshot.groups),
            "queries": snapshot.queries,
            "reading_seconds": read_at - start,
            "roster_seconds": selected_at - read_at,
            "first_plans_seconds": planned_at - selected_at,
            "roster_translation_hashing_plan_seconds": planned_at - read_at,
            "plan_with_nothing_changed_seconds": again_at - again_from,
            "resources": sum(1 for p in plans.values() for _ in p.operations()),
        }
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A run's own work when few people or none have changed: select, translate, hash, compare, deliver.

Arguments: size (1 is 12,821 resources, 5 is 64,101), students changed, address and CA bundle of
the vendor that gets the changes. The directory is given as a snapshot, so that only the process's
work after the reading is measured; the ledger comes from SQLite.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from addon.delivery.throttle import RetryPolicy
from addon.planning.ledger import Ledger, LedgerChange, LedgerEntry, LedgerKey
from addon.planning.plan import Plan, plan_for
from addon.store.sqlite.store import SQLiteStore
from addon.sync.session import open_session
from addon.vendors.profiles import Target
from bench.measure import report
from bench.nginx import KEY
from bench.workload import VENDOR, mapper, snapshot, tenant

OWNER = LedgerKey("C0bench", "bench", "live")


def main(size: str, changed: str, url: str = "", ca_bundle: str = "") -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.db")
        filling = [sys.executable, "-m", "bench.nothing_changed", "--fill", str(path), size]
        subprocess.run(filling, check=True)
        store = SQLiteStore(path)
        document, directory = tenant(int(size)), snapshot(int(size), int(changed))
        start = time.perf_counter()
        work = mapper(document, directory)
        ledger = store.ledger(OWNER)
        plan = plan_for(work.resources, ledger, time.time())
        planned = time.perf_counter()
        if not plan.empty:
            asyncio.run(_deliver(plan, ledger, store, Target(url, {"X-API-Key": KEY}, ca_bundle)))
        delivered = time.perf_counter()
        store.close()
    report(
        {
            "resources": len(ledger),
            "operations": sum(1 for _ in plan.operations()),
            "work_seconds": planned - start,
            "delivery_seconds": delivered - planned,
        }
    )


async def _deliver(plan: Plan, ledger: Ledger, store: SQLiteStore, target: Target) -> None:
    async with open_session(VENDOR, target, store, OWNER, ledger, RetryPolicy()) as session:
        result = await session.carry_out(plan, lambda absent: plan)
    assert result.complete, result


def fill(path: str, size: str) -> None:
    """Write the ledger after a delivery of the unchanged work.

    Runs in a separate process, so that its memory is not counted.
    """
    work = mapper(tenant(int(size)), snapshot(int(size)))
    plan = plan_for(work.resources, Ledger(), 0.0)
    entries = (
        LedgerChange(op.resource_type, op.external_id, LedgerEntry(op.external_id, op.content))
        for op in plan.operations()
    )
    store = SQLiteStore(Path(path))
    store.record(OWNER, list(entries))
    store.close()


if __name__ == "__main__":
    if sys.argv[1] == "--fill":
        fill(*sys.argv[2:])
    else:
        main(*sys.argv[1:])

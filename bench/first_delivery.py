"""The first delivery of the workload to a vendor, with the store. Arguments: address, CA bundle."""

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

from addon.delivery.throttle import RetryPolicy
from addon.planning.ledger import LedgerKey
from addon.planning.plan import plan_for
from addon.store.sqlite.store import SQLiteStore
from addon.sync.session import open_session
from addon.vendors.profiles import Target
from bench.measure import report
from bench.nginx import KEY
from bench.workload import VENDOR, mapper, snapshot, tenant


def main(url: str, ca_bundle: str) -> None:
    work = mapper(tenant(1), snapshot(1))
    key = LedgerKey("C0bench", "bench", "live")
    with tempfile.TemporaryDirectory() as folder:
        store = SQLiteStore(Path(folder, "bench.db"))
        ledger = store.ledger(key)
        plan = plan_for(work.resources, ledger, time.time())
        count = sum(1 for _ in plan.operations())
        cpu = _cpu()
        start = time.perf_counter()

        async def deliver() -> None:
            target = Target(url, {"X-API-Key": KEY}, ca_bundle)
            async with open_session(VENDOR, target, store, key, ledger, RetryPolicy()) as session:
                result = await session.carry_out(plan, lambda absent: plan)
                assert result.complete, result

        asyncio.run(deliver())
        seconds = time.perf_counter() - start
        used = _cpu() - cpu
        store.close()
    report(
        {
            "resources": count,
            "seconds": seconds,
            "resources_per_second": count / seconds,
            "cpu_seconds": used,
            "waiting_seconds": max(0.0, seconds - used),
        }
    )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(*sys.argv[1:])

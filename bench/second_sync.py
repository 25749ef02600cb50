"""Two real runs on the sandbox domain; prints how many requests the second sends.

Arguments: the directory's address, the path of the tenant document.
"""

import sys
import tempfile
import time
from pathlib import Path

from addon.bootstrap import open_store, sync_context
from addon.settings import Settings
from addon.sync.run import sync
from bench.measure import report
from tests.support.egil_server import EgilServer

PROFILE = """
[vendors.{id}]
name = "{id}"
groups = "{groups}"
placements = "{placements}"
fields = ["email", "schoolYear", "cloudId"]
requestsPerSecond = 100000
concurrency = 16
[vendors.{id}.live]
url = "{url}"
secret = "env:BENCH_KEY"
"""


def main(endpoint: str, document: str) -> None:
    with tempfile.TemporaryDirectory() as folder, EgilServer(ids="own") as one, EgilServer() as two:
        profiles = Path(folder, "vendors.toml")
        profiles.write_text(
            PROFILE.format(id="binogi", groups="classes", placements="one", url=one.url)
            + PROFILE.format(id="gleerups", groups="all", placements="many", url=two.url)
        )
        settings = Settings.from_environ(
            {
                "SKOLSYNK_STORE": f"sqlite:///{folder}/skolsynk.db",
                "SKOLSYNK_VENDORS": str(profiles),
                "SKOLSYNK_DIRECTORY_ENDPOINT": endpoint,
                "BENCH_KEY": one.key,
            }
        )
        two.knobs.key = one.key
        store = open_store(settings)
        data = Path(document).read_bytes()
        store.save_tenant("C0storkoping", data)
        start = time.perf_counter()
        first = sync(sync_context(settings, store), "C0storkoping")
        first_at = time.perf_counter()
        before = len(one.requests) + len(two.requests)
        second = sync(sync_context(settings, store), "C0storkoping")
        second_at = time.perf_counter()
        assert {c.status for c in first.connections} == {"delivered"}, first.connections
        assert {c.status for c in second.connections} == {"unchanged"}, second.connections
        report(
            {
                "first_run_seconds": first_at - start,
                "first_run_requests": before,
                "second_run_seconds": second_at - first_at,
                "second_run_requests": len(one.requests) + len(two.requests) - before,
            }
        )


if __name__ == "__main__":
    main(*sys.argv[1:])

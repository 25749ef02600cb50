"""`make bench [ARGS=--quick]`: all figures, as one JSON object."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from addon.sandbox.documents import tenant_document
from addon.sandbox.municipality import generate
from bench import firestore_costs, nginx
from bench.measure import machine, repeat

SIZE = {"students": 30_000, "staff": 3_000, "groups": 1_500}
TENANTS = (900, 27_000, 82_000)
"""Pupils of tenants with some 1,000, 30,000 and 90,000 people."""
SMALL = {"students": 1_000, "staff": 100, "groups": 50}


@contextmanager
def directory(size: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Run a sandbox directory in another process; yield its address and the document's path."""
    options = [f"--{name}={value}" for name, value in size.items()]
    server = subprocess.Popen(
        [sys.executable, "-m", "addon.sandbox.directory_server", *options, "--seed=1"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        address = next(word for word in server.stdout.readline().split() if "://" in word)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as document:
            json.dump(tenant_document(generate(**size, seed=1)), document)
            document.flush()
            yield address, document.name
    finally:
        server.kill()
        server.wait()


def deliveries(times: int) -> dict[str, object]:
    """The figures of deliveries to nginx over TLS in another process."""
    if lacking := nginx.missing():
        return {"deliveries": {"skipped": lacking}}
    found: dict[str, object] = {}
    for delay in (0.0, 0.02):
        with nginx.serve(delay) as server:
            place = (server.url, server.ca_bundle)
            name = f"first delivery, answers after {delay * 1000:.0f} ms"
            found[name] = repeat("first_delivery", place, times)
            if not delay:
                found["the server alone"] = nginx.alone(server)
                for size, changed in (("1", "0"), ("5", "0"), ("5", "641")):
                    name = f"size {size}, {changed} changed"
                    found[name] = repeat("nothing_changed", (size, changed, *place), times)
    return found


def pages(size: dict[str, int]) -> object:
    """The figures of the configuration pages, measured in a separate process."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.pages", *map(str, size.values())]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--quick", action="store_true", help="small sizes, two runs: a trial")
    quick = parser.parse_args().quick
    times, size = (2, SMALL) if quick else (5, SIZE)
    found = {"machine": machine()}
    with directory(size) as (address, document):
        found["a run's work"] = repeat("whole_run", (address, document), times)
        found["nothing changed"] = repeat("second_sync", (address, document), 1 if quick else 3)
    found["reconciling"] = repeat("reconciling", ("10000" if quick else "90000",), min(times, 3))
    size_of_all = "1" if quick else "9"
    found["a whole reconciliation"] = repeat("whole_reconcile", (size_of_all,), min(times, 3))
    found["from a change to the vendor"] = {
        f"{pupils} pupils": repeat("latency", (str(pupils),), 1)
        for pupils in TENANTS[: 1 if quick else None]
    }
    found["pages"] = pages(size)
    found.update(deliveries(times))
    found["Firestore"] = {"skipped": "a trial"} if quick else firestore_costs.counted()
    print(json.dumps(found, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()

"""A whole `reconcile` of one vendor: read, select, list everything over HTTP, compare.

Argument: size (1 is 11,000 people in 20 units, 9 is 99,000 in 180). The directory is given as a
snapshot, the ledger comes from SQLite, and the vendor lists in pages of 500 from another process.
"""

import json
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from addon.settings import Settings, SqliteAddress
from addon.ss12000.resources import ENDPOINTS
from addon.store.sqlite.store import SQLiteStore
from addon.sync.context import SyncContext
from addon.sync.reconcile import reconcile
from addon.vendors.profiles import Endpoint
from bench.measure import report
from bench.workload import VENDOR, mapper, snapshot, tenant


def main(size: str) -> None:
    vendor = subprocess.Popen(
        [sys.executable, "-m", "bench.whole_reconcile", "--vendor", size],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert vendor.stdout is not None
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "bench.db")
            filling = [sys.executable, "-m", "bench.nothing_changed", "--fill", str(path), size]
            subprocess.run(filling, check=True)
            _measure(path, size, vendor.stdout.readline().strip())
    finally:
        vendor.kill()
        vendor.wait()


def _measure(path: Path, size: str, url: str) -> None:
    document, directory = tenant(int(size)), snapshot(int(size))
    profile = msgspec.structs.replace(VENDOR, live=Endpoint(url=url, secret="env:KEY"))
    settings = Settings(SqliteAddress(path), vendors={VENDOR.id: profile}, environ={"KEY": "key"})
    store = SQLiteStore(path)
    store.save_tenant(document.customer_id, msgspec.json.encode(document))
    context = SyncContext(settings, store, lambda tenant: directory)
    start = time.perf_counter()
    found = reconcile(context, document.customer_id, VENDOR.id)
    seconds = time.perf_counter() - start
    store.close()
    assert found.whole, found
    assert not any(found.total(each) for each in ("missing", "changed", "adopted")), found
    report({"people": len(directory.users), "listed": found.total("there"), "seconds": seconds})


class _Vendor(BaseHTTPRequestHandler):
    """A vendor that has everything, and only lists."""

    protocol_version = "HTTP/1.1"
    resources: ClassVar[dict[str, list[bytes]]] = {}

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        listed = self.resources.get(parts.path.strip("/"), [])
        start, count = int(query.get("startIndex", ["1"])[0]), int(query.get("count", ["500"])[0])
        page = b",".join(listed[start - 1 : start - 1 + count])
        body = b'{"totalResults":%d,"Resources":[%s]}' % (len(listed), page)
        self.send_response(200)
        self.send_header("Content-Type", "application/scim+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def serve(size: str) -> None:
    for each in mapper(tenant(int(size)), snapshot(int(size))).resources():
        if each.body is not None:
            body = {**json.loads(each.body), "id": each.external_id}
            listed = _Vendor.resources.setdefault(ENDPOINTS[each.resource_type], [])
            listed.append(json.dumps(body).encode())
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Vendor)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "--vendor":
        serve(sys.argv[2])
    else:
        main(sys.argv[1])

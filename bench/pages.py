"""Response times and memory of the configuration pages in a municipality of 30,000 students.

Each page is requested from the application itself, through WSGI; all servers that it uses run in
another process. Times are of the whole response, in milliseconds. Arguments: how many students,
staff and groups. Prints one JSON object.
"""

import gc
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from flask.testing import FlaskClient

from addon.settings import Settings
from addon.store.ids import new_entry_id
from addon.store.records import AuditEntry
from addon.tenants.diff import Changed, places_of
from addon.tenants.document import load_tenant
from addon.tenants.model import Tenant
from addon.web.directory import snapshot_store
from addon.web.directory.background import tune_for_latency
from addon.web.directory.cache import StillComputing, WaitBudget
from bench.measure import machine
from bench.municipality import TENANT
from bench.page_list import Address, Form, addresses, forms, get
from tests.support.application import Application
from tests.support.page_content import form_of

TIMES = 20
LIMIT_MS = 200.0
OTHER = "C0other"
PATIENCE = 60.0
ACCEPTED = 202
Figures = dict[str, Any]


@contextmanager
def municipality(*size: str) -> Iterator[Mapping[str, str]]:
    """Run `bench.municipality` in another process and yield an application's environment."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", "-m", "bench.municipality", folder, *size]
        with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
            process.stdin.close()


class Bench:
    """The application in this process, with a signed-in administrator."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        settings = Settings.from_environ(environ)
        application = Application(settings)
        self.app, self.services = application.app, application.services
        tune_for_latency(self.app.jinja_env).join()
        self.client = self._signed_in()
        self._changes = 0

    @property
    def tenant(self) -> Tenant:
        return load_tenant(self.services.store().tenant(TENANT) or b"")

    def change(self) -> None:
        """Change the document, as if somebody had saved it."""
        store = self.services.store()
        document = json.loads(store.tenant(TENANT) or b"")
        self._changes += 1
        document["connections"][1]["limits"]["deletions"] = 50 + self._changes
        store.save_tenant(TENANT, json.dumps(document).encode())

    def ready(self, address: Address) -> float:
        """Wait until the page can be shown; return the seconds it took."""
        began = time.perf_counter()
        while get(self.client, address)[0] == ACCEPTED:
            assert time.perf_counter() - began < PATIENCE, address.path
            time.sleep(0.05)
        return time.perf_counter() - began

    def _signed_in(self) -> FlaskClient:
        client = self.app.test_client()
        page = client.get("/logga-in")
        begun = client.post("/logga-in", data=form_of(page, "/logga-in"))
        return _at_provider(client, begun.location)


def _at_provider(client: FlaskClient, location: str) -> FlaskClient:
    """Choose the first account that the provider offers."""
    with requests.Session() as session:
        offered = session.get(location, timeout=9).text
        account = offered.split('name="sub" value="', 1)[1].split('"', 1)[0]
        answer = session.post(location, data={"sub": account}, allow_redirects=False, timeout=9)
    back = urlsplit(answer.headers["Location"])
    assert client.get(f"{back.path}?{back.query}").status_code == 302
    return client


def timed(work: Callable[[], object]) -> float:
    """The milliseconds that `work` takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def spread(taken: list[float]) -> Figures:
    """The median and the slow end of some times."""
    ordered = sorted(taken)
    return {
        "median_ms": round(statistics.median(ordered), 1),
        "p95_ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 1),
    }


def memory() -> Figures:
    """The process's present and peak memory, in megabytes."""
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "mb": round(int(status["VmRSS"].split()[0]) / 1024),
        "peak_mb": round(int(status["VmHWM"].split()[0]) / 1024),
    }


def first_read(bench: Bench) -> Figures:
    """Measure the first read of the directory, while somebody looks at pages."""
    page = bench.client.get("/personer")
    assert page.status_code == ACCEPTED, page.status_code
    began = time.perf_counter()
    taken: dict[str, list[float]] = {"/personer": [], "/": [], "/installningar": []}
    while (
        state := snapshot_store.load_state(bench.services.store(), TENANT, time.time())
    ) is not None:
        if state.status != "reading":
            break
        for path, times in taken.items():
            times.append(timed(lambda path=path: bench.client.get(path)))
    assert state is not None
    assert state.status == "done", state
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "pages meanwhile": {path: spread(times) for path, times in taken.items()},
    }


def page(bench: Bench, address: Address, first: bool) -> Figures:
    """Measure one page: just after a change, and then with everything cached."""
    found: Figures = {}
    if first:
        bench.change()
        found["first_ms"] = round(timed(lambda: get(bench.client, address)), 1)
        found["ready_after_seconds"] = round(bench.ready(address), 2)
    else:
        found["first_ms"] = round(timed(lambda: get(bench.client, address)), 1)
        bench.ready(address)
    taken, processor = [], time.thread_time()
    for _ in range(TIMES):
        taken.append(timed(lambda: get(bench.client, address)))
    processor = (time.thread_time() - processor) * 1000 / TIMES
    status, size = get(bench.client, address)
    found |= spread(taken) | {"cpu_ms": round(processor, 1), "kb": size // 1024}
    return found if status == 200 else {**found, "status": status}


def form(bench: Bench, each: Form) -> Figures:
    """Measure a form that is sent repeatedly, with other values each time."""
    bench.ready(Address(each.page, each.page))
    fields = form_of(bench.client.get(each.page), each.action)
    headers = {"HX-Request": "true"} if each.part else {}
    taken, statuses = [], set()
    for n in range(TIMES):
        more = {name: value.replace("N", str(n + 1)) for name, value in each.values.items()}

        def send(data: Figures = fields | more) -> None:
            statuses.add(bench.client.post(each.action, data=data, headers=headers).status_code)

        taken.append(timed(send))
    return {"first_ms": round(taken[0], 1), **spread(taken), "status": sorted(statuses)}


def beside_another(bench: Bench, paths: list[Address]) -> Figures:
    """Measure one tenant's pages while an equally large directory of another tenant is loaded."""
    store, now = bench.services.store(), time.time()
    document = json.loads(store.tenant(TENANT) or b"") | {"customerId": OTHER}
    store.save_tenant(OTHER, json.dumps(document).encode())
    for name in ("directory", "state"):
        item = store.get(snapshot_store.namespace_of(TENANT), name, now)
        assert item is not None
        store.put(snapshot_store.namespace_of(OTHER), name, item.data, item.saved, item.expires)
    ended, rounds = threading.Event(), [0]

    def work() -> None:
        tenant = load_tenant(store.tenant(OTHER) or b"")
        while not ended.is_set():
            bench.services.directories.forget(OTHER)
            while not ended.is_set():
                try:
                    directory = bench.services.directories.directory(
                        tenant, "0", time.time(), WaitBudget(PATIENCE)
                    )
                    directory.get_or_compute("prepared", directory._prepare)
                    break
                except StillComputing:
                    continue
            rounds[0] += 1

    worker = threading.Thread(target=work)
    worker.start()
    try:
        found = {
            each.path: spread([timed(lambda e=each: get(bench.client, e)) for _ in range(TIMES)])
            for each in paths
        }
    finally:
        ended.set()
        worker.join()
    return {"times unpacked": rounds[0], "pages": found}


def logged_change(bench: Bench) -> str:
    """Log a change of the first unit's selection, as if it had just been saved; its id."""
    unit = bench.tenant.school_units[0].code
    place = f"schoolUnits[{unit}].students"
    change = Changed(place, '{"orgUnits":["/Elever"]}', places_of(bench.tenant)[place])
    entry = AuditEntry(new_entry_id(time.time()), time.time(), "", "unit.saved", unit, (change,))
    bench.services.store().append_audit(bench.tenant.customer_id, entry)
    return entry.id


def main(*size: str) -> None:
    with municipality(*size) as environ:
        bench = Bench(environ)
        held = {"signed in": memory()}
        reading = first_read(bench)
        bench.ready(Address("/personer", "/personer"))
        held["the directory read and placed"] = memory()
        directory = bench.services.directories.directory(bench.tenant, _version(bench), time.time())
        run = next(r for r in bench.services.store().runs(TENANT, 50) if r.status != "running")
        listed = list(addresses(bench.app, bench.tenant, directory, run.id, logged_change(bench)))
        del directory
        pages = {}
        rules = set()
        for each in listed:
            pages[each.path] = page(bench, each, first=each.rule not in rules)
            rules.add(each.rule)
        held["all pages seen"] = memory()
        posts = {each.name: form(bench, each) for each in forms(bench.tenant)}
        looked = [each for each in listed if each.rule in ("/", "/personer", "/leverantorer")]
        beside = beside_another(bench, looked)
        held["another as large beside"] = memory()
        slow = {
            path: figures
            for path, figures in (pages | posts).items()
            if max(figures["p95_ms"], figures.get("first_ms", 0)) > LIMIT_MS
        }
        print(
            json.dumps(
                {
                    "machine": machine(),
                    "first read": reading,
                    "pages": pages,
                    "forms": posts,
                    "while another is unpacked": beside,
                    "memory": held,
                    "over 200 ms": slow,
                },
                ensure_ascii=False,
                indent=2,
            )
        )
        bench.services.queue().stop()
        bench.services.store().close()


def _version(bench: Bench) -> str:
    from hashlib import sha256

    return sha256(bench.services.store().tenant(TENANT) or b"").hexdigest()[:16]


if __name__ == "__main__":
    main(*(sys.argv[1:] or ("30000", "3000", "1500")))

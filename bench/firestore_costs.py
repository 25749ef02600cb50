"""What runs cost in Firestore, counted at its client's API during real runs.

Google's own emulator is the database, a loopback EGIL server the vendor, and the directory is
given as a snapshot. Prints one JSON object.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from addon.delivery import lease, ledger_writer
from addon.directory.snapshot import Snapshot
from addon.settings import Settings
from addon.store.firestore.store import FirestoreStore
from addon.store.tenant_updates import TenantEdit, update_tenant
from addon.sync.context import SyncContext
from addon.sync.run import deliver, plan_run, sync
from bench import notice_costs
from bench.firestore_count import Count, Counted
from bench.workload import snapshot, tenant
from tests.support.directory_answers import answers_from
from tests.support.egil_server import EgilServer
from tests.support.emulator import HOST, emulator, missing

TENANT = "C0bench"
FASTER = 10
PROFILE = """
[vendors.bench]
name = "Bench"
groups = "all"
placements = "many"
fields = ["email", "schoolYear"]
requestsPerSecond = {rate}
concurrency = 16
[vendors.bench.live]
url = "{url}"
secret = "env:BENCH_KEY"
"""


class Workplace:
    """A tenant with one vendor, a store whose operations are counted, and an editable directory."""

    def __init__(
        self, store: FirestoreStore, settings: Settings, server: EgilServer, size: int
    ) -> None:
        self.store, self.settings, self.server = store, settings, server
        self.counted = Counted(store)
        self.directory: Snapshot = snapshot(size)
        document = tenant(size)
        edit = TenantEdit(msgspec.json.encode(document))
        told = {"actor": "command line", "action": "document.imported", "clock": time.time}
        update_tenant(store, TENANT, lambda _: edit, **told)
        self.counted.take()

    def _writes(self) -> int:
        return sum(1 for each in self.server.requests if each.method != "GET")

    def run(self) -> tuple[Count, int]:
        """Run once; return what it cost, and how many writes the vendor got."""
        before = self._writes()
        context = SyncContext(
            self.settings,
            self.store,
            read_directory=lambda tenant: self.directory,
            ask_directory=answers_from(lambda: self.directory),
        )
        report = sync(context, TENANT)
        status = report.connections[0].status
        assert status in ("delivered", "unchanged"), report.connections[0]
        return self.counted.take(), self._writes() - before

    def run_in_steps(self) -> tuple[Count, Count, float]:
        """Return what planning and delivering cost, in two processes' stores as on App Engine.

        The third value is the seconds that the delivery took.
        """
        context = SyncContext(
            self.settings,
            self.store,
            read_directory=lambda tenant: self.directory,
            ask_directory=answers_from(lambda: self.directory),
        )
        begun = plan_run(context, TENANT)
        first = self.counted.take()
        if not begun.vendors:
            return first, Count(), 0.0
        other = FirestoreStore(self.store._client.project, emulator=os.environ[HOST])
        counted = Counted(other)
        context = SyncContext(
            self.settings,
            other,
            read_directory=lambda tenant: self.directory,
            ask_directory=answers_from(lambda: self.directory),
        )
        began = time.monotonic()
        report = deliver(context, TENANT, begun.vendors[0], begun.run, seconds=480)
        seconds = time.monotonic() - began
        other.close()
        assert report.status == "delivered", report
        return first, counted.take(), seconds

    def rename(self, students: int) -> None:
        """Give the first `students` students another family name."""
        users = [
            replace(user, family_name=f"{user.family_name}-Ek") if n < students else user
            for n, user in enumerate(self.directory.users)
        ]
        self.directory = replace(self.directory, users=tuple(users))

    def move(self, student: str, group: str) -> None:
        """Move a student from all of their classes to another one."""
        groups = [replace(g, members=g.members - {student}) for g in self.directory.groups]
        groups = [replace(g, members=g.members | {student}) if g.id == group else g for g in groups]
        self.directory = replace(self.directory, groups=tuple(groups))

    def enrol(self, like: str, student: str) -> None:
        """Add a new student to the classes of another student."""
        model = next(user for user in self.directory.users if user.id == like)
        user = replace(model, id=student, primary_email=f"{student}@edu.bank.se")
        groups = tuple(
            replace(g, members=g.members | {student}) if like in g.members else g
            for g in self.directory.groups
        )
        self.directory = replace(self.directory, users=(*self.directory.users, user), groups=groups)


@contextmanager
def workplace(host: str, size: int = 1, rate: int = 100_000) -> Iterator[Workplace]:
    """Create a workplace on the emulator at `host`."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EgilServer() as server,
        patch.dict(os.environ, {HOST: host}),
    ):
        profiles = Path(folder, "vendors.toml")
        profiles.write_text(PROFILE.format(url=server.url, rate=rate))
        settings = Settings.from_environ(
            {"SKOLSYNK_VENDORS": str(profiles), "BENCH_KEY": server.key}
        )
        store = FirestoreStore(f"bench-{uuid4().hex[:12]}", emulator=host)
        try:
            yield Workplace(store, settings, server, size)
        finally:
            store.close()


@contextmanager
def played(times: float) -> Iterator[None]:
    """Speed up the clocks of deliveries by a factor, for a delivery paced to last minutes."""
    prolonged_after = lease.PROLONGED_AFTER / times
    with (
        patch.object(ledger_writer, "INTERVAL", ledger_writer.INTERVAL / times),
        patch.object(lease.Lease.__init__, "__defaults__", (time.time, prolonged_after)),
    ):
        yield


def story(place: Workplace) -> dict[str, Any]:
    """Measure a first delivery and the changes that may follow it."""
    found = {"first delivery": _shown(*place.run()), "nothing changed": _shown(*place.run())}
    place.rename(1)
    found["one person renamed"] = _shown(*place.run())
    place.move("s000001", "g00001")
    found["one student to another class"] = _shown(*place.run())
    place.enrol(like="s000002", student="s999999")
    found["one student more"] = _shown(*place.run())
    place.rename(200)
    found["200 people renamed"] = _shown(*place.run())
    place.rename(10_000_000)
    found["everyone renamed"] = _shown(*place.run())
    return found


def figures(host: str) -> dict[str, Any]:
    """All figures, by the size of the work and then by event."""
    found: dict[str, Any] = {}
    for size in (1, 5):
        with workplace(host, size) as place:
            found[f"{12_821 if size == 1 else 64_101} resources"] = story(place)
    found["notices"] = {
        name: msgspec.to_builtins(cost) for name, cost in notice_costs.counted(host).items()
    }
    with workplace(host, rate=20 * FASTER) as place, played(FASTER):
        began = time.perf_counter()
        costs = _shown(*place.run())
        lasted = FASTER * (time.perf_counter() - began)
        found[f"12821 resources at 20 a second, played {FASTER} times as fast"] = {
            "first delivery": {**costs, "as_if_it_lasted_seconds": round(lasted)}
        }
    return found


def counted() -> dict[str, Any]:
    """All figures, or the reason why there are none."""
    if lacking := missing():
        return {"skipped": lacking}
    with emulator() as host:
        return figures(host)


def _shown(count: Count, requests: int) -> dict[str, int]:
    return {**msgspec.to_builtins(count), "requests_to_vendor": requests}


if __name__ == "__main__":
    print(json.dumps(counted()))

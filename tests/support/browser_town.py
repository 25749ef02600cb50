"""The real application, served on loopback with all of the demo's servers around it.

A municipality of 240 pupils, its sign-in, its register, and two vendors with test environments.
"""

import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask
from msgspec import structs

from addon import EXTENSION_KEY, create_app
from addon.cli.progress import ProgressLine
from addon.directory.snapshot import Snapshot
from addon.sandbox.documents import tenant_document
from addon.sandbox.stage import Stage, set_stage
from addon.settings import Settings
from addon.sync.holds import record_refusal
from addon.sync.report import RunReport
from addon.sync.run import sync
from addon.tenants.model import Tenant
from addon.tenants.pause import today
from addon.web.services import Services
from tests.browser.clock import TownClock
from tests.support.application import WaitableQueue
from tests.support.served import Served

T = TypeVar("T")
NORTH = "/Elever/Norra skolan"
EARLIER = 30 * 24 * 3600.0
"""Seconds by which the town's clock is late, so that days can go by in it: who signs in is asked
for by a provider that has the real time, and would have come too early after them.
"""
READING, SENDING = 4.0, 0.05
"""Seconds that a reading, and some word of progress, take where the clock stands still."""
PATIENCE = 60.0
"""Seconds that a test waits for tasks."""


class Town:
    """The stage and the application on it. `url` is its address."""

    def __init__(
        self, stage: Stage, app: Flask, queue: WaitableQueue, clock: TownClock, url: str
    ) -> None:
        self.stage = stage
        self.app = app
        self.url = url
        self.clock = clock
        self._queue = queue

    @property
    def services(self) -> Services:
        found: Services = self.app.extensions[EXTENSION_KEY]
        return found

    @property
    def administrator(self) -> str:
        """The one that signs in."""
        return str(self.stage.administrators[0]["primaryEmail"])

    @property
    def colleague(self) -> str:
        """Another one."""
        return str(self.stage.administrators[1]["primaryEmail"])

    @property
    def today(self) -> date:
        """The day in Sweden."""
        return today(self.clock())

    def document(self) -> dict[str, Any]:
        """The tenant's document as it is, or else as it is after the first visit."""
        stored = self.stage.store.tenant(self.stage.tenant)
        found: dict[str, Any] = tenant_document(self.stage.domain)
        return found if stored is None else json.loads(stored)

    def save(self, document: dict[str, Any]) -> None:
        """Has the tenant's document be this."""
        self.stage.store.save_tenant(self.stage.tenant, json.dumps(document).encode())

    def set_up(self) -> None:
        """Has the tenant be as after the first visit, with both vendors on."""
        self.save(tenant_document(self.stage.domain))

    def refuse(self, vendor: str) -> None:
        """Says no to what is held at a vendor."""
        record_refusal(self.stage.store, self.stage.tenant, vendor, self.clock())

    def run(self) -> RunReport:
        """A run, as the schedule would have it."""
        stage, clock = self.stage, self.clock

        def read(tenant: Tenant) -> Snapshot:
            clock.works(READING)
            return stage.sync_context.read_directory(tenant)

        def progress(vendor: str, done: int, planned: int) -> None:
            clock.works(SENDING)

        context = structs.replace(
            stage.sync_context, clock=clock, read_directory=read, progress=progress
        )
        return apart(lambda: sync(context, stage.tenant))

    def read(self) -> None:
        """Has the directory be read, as the first page that needs it would."""
        apart(lambda: self.services.read_directory(self.stage.tenant))

    def later(self, seconds: float) -> None:
        """Has so much time go by."""
        self.clock.pass_by(seconds)

    def tasks(self) -> None:
        """Waits until all that was ordered is done."""
        assert self._queue.all_done(PATIENCE), "tasks are not done"

    def held(self, vendor: str, kind: str = "User") -> list[dict[str, object]]:
        """What a vendor holds."""
        return self.stage.vendors[vendor].resources()[kind]


@contextmanager
def town(folder: Path) -> Iterator[Town]:
    """The town, with its data in `folder`, until the end of the `with`."""
    clock = TownClock(-EARLIER)
    with set_stage(folder, ProgressLine(io.StringIO())) as stage:
        queue = WaitableQueue(lambda: services.store(), clock)
        app = create_app(Settings.from_environ(stage.environ), queue=queue, clock=clock)
        services: Services = app.extensions[EXTENSION_KEY]
        queue.start(lambda path, payload: services.task_handler.handle(path, payload).done)
        try:
            with Served(app) as served:
                yield Town(stage, app, queue, clock, served.url)
        finally:
            queue.stop()
            services.store().close()


def apart(deed: Callable[[], T]) -> T:
    """What a deed gives, done in a thread where no browser's event loop runs."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(deed).result()

"""The sandbox's municipality in a `World`: 240 students, the demo's two vendors, the application.

Its clock is late, so that days can pass: the identity provider has the real time, and who signs in
after them would have come too early otherwise.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from msgspec import structs

from addon.directory.snapshot import Snapshot
from addon.sandbox.demo_environment import PROFILES, QUICK_RETRIES, is_ordinary, vendor_servers
from addon.sandbox.documents import tenant_document
from addon.sandbox.identity import add_administrators
from addon.sandbox.municipality import generate
from addon.sandbox.register_server import sandbox_units
from addon.sync.holds import record_refusal
from addon.sync.report import RunReport
from addon.sync.run import sync
from addon.tenants import pause
from addon.tenants.model import Tenant
from tests.support.clock import Clock
from tests.support.world import JSON, Pages, World

T = TypeVar("T")
STUDENTS, STAFF = 240, 40
NORTH = "/Elever/Norra skolan"
EARLIER = 30 * 24 * 3600.0
"""Seconds by which the clock is late."""
READING, SENDING = 4.0, 0.05
"""Seconds that a reading, and a step of progress, take where the clock stands still."""


@contextmanager
def municipality(
    folder: Path, students: int = STUDENTS, staff: int = STAFF, others: bool = False
) -> Iterator[World]:
    """The municipality, whose administrators have never signed in.

    Without the schools of other habits unless `others`: fewer people are delivered sooner.
    """
    domain = generate(students, staff, others=others)
    accounts = add_administrators(domain)
    pages = Pages(accounts, tuple(sandbox_units(domain.units)), retry_policy=None)
    clock = Clock(-EARLIER)
    with World(folder, domain, vendor_servers(), PROFILES, pages=pages, clock=clock) as world:
        world.serve()
        yield world


def administrator(world: World) -> str:
    """The address of the administrator that signs in."""
    return next(iter(world.accounts))


def colleague(world: World) -> str:
    """The address of another administrator."""
    return list(world.accounts)[1]


def today_in_sweden(world: World) -> date:
    """The day in Sweden."""
    return pause.today(world.clock())


def document_of(world: World) -> JSON:
    """The tenant's document as stored, or else as it is after the first visit."""
    if world.store.tenant(world.tenant) is None:
        found: JSON = tenant_document(world.domain)
        return found
    return world.stored_document()


def save_document(world: World, document: JSON) -> None:
    """Store this document of the tenant."""
    world.store.save_tenant(world.tenant, json.dumps(document).encode())


def set_up(world: World) -> None:
    """Store the document as it is after the first visit, with both vendors on."""
    save_document(world, tenant_document(world.domain))


def refuse_hold(world: World, vendor: str) -> None:
    """Refuse what is held at a vendor."""
    record_refusal(world.store, world.tenant, vendor, world.clock())


def sync_now(world: World) -> RunReport:
    """Run as the schedule would."""
    return in_a_thread(lambda: _run(world))


def read_directory(world: World) -> None:
    """Read the directory, as the first page that needs it would."""
    in_a_thread(lambda: world.services.read_directory(world.tenant))


def held_by(world: World, vendor: str, kind: str = "User") -> list[dict[str, Any]]:
    """The resources of a kind that a vendor holds."""
    found: list[dict[str, Any]] = world.vendor(vendor).resources()[kind]
    return found


def student(world: World, org_unit: str) -> JSON:
    """An ordinary student in this OU."""
    return next(u for u in world.domain.users_directly_in(org_unit) if is_ordinary(world.domain, u))


def in_a_thread(work: Callable[[], T]) -> T:
    """The result of some work, done in a thread where no browser's event loop runs."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


def _run(world: World) -> RunReport:
    with world.sync_context(QUICK_RETRIES) as context:

        def read(tenant: Tenant) -> Snapshot:
            world.clock.advance_if_stopped(READING)
            return context.read_directory(tenant)

        def progress(vendor: str, done: int, planned: int) -> None:
            world.clock.advance_if_stopped(SENDING)

        return sync(
            structs.replace(context, clock=world.clock, read_directory=read, progress=progress),
            world.tenant,
        )

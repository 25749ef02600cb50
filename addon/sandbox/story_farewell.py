"""The end of the demo's story: a customer uninstalls the app, and is gone down to the bytes.

It is told on a copy of the store, whose clock goes ahead by weeks; the sandbox goes on.
"""

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from addon.bootstrap import open_store, sync_context
from addon.cli import output
from addon.directory.errors import AccessRefused
from addon.sandbox.demo_environment import DemoEnvironment, StoryError, expect
from addon.sandbox.terminal import Terminal
from addon.settings import SqliteAddress
from addon.store.base import Store
from addon.sync.context import SyncContext, load_tenant_or_raise
from addon.sync.deletion import delete_tenant
from addon.sync.run import sync
from addon.sync.status import status
from addon.tenants.licence import DAY, FarewellError
from addon.text import counted
from addon.web.directory import snapshot_store

PIECE = 24
"""Bytes of each piece of the packed directory that is searched for in the store's files."""


def the_farewell(demo: DemoEnvironment, terminal: Terminal) -> None:
    """Uninstall the app, and let the days pass until nothing is left of the customer."""
    folder = demo.folder / "farewell"
    folder.mkdir()
    path = folder / "skolsynk.db"
    _copy(demo, path)
    settings = replace(demo.sync_context.settings, store=SqliteAddress(path))
    with closing(open_store(settings)) as store:
        try:
            _tell(demo, terminal, store, sync_context(settings, store), path)
        finally:
            demo.directory.marketplace.install()


def _tell(
    demo: DemoEnvironment, terminal: Terminal, store: Store, context: SyncContext, path: Path
) -> None:
    ahead = [0.0]
    context = structs.replace(context, clock=lambda: time.time() + ahead[0])
    packed = _read_for_the_pages(demo, context)
    found, pieces = _found(path, packed), _pieces(packed)
    size = f"{len(packed) // 1024} kB packed"
    terminal.rows(
        [
            ("the store has", f"the directory as the pages show it, {size}"),
            ("found in its files", f"{found} of {pieces} pieces of it; page breaks cut the others"),
        ]
    )
    expect(found > pieces * 0.9, "the packed directory is in the file")
    demo.directory.marketplace.uninstall()
    terminal.label("The app is uninstalled; the next run, and one a day later")
    rows = [("at once", _run(demo, context))]
    ahead[0] = DAY + 60
    rows.append(("a day later", _run(demo, context)))
    terminal.rows(rows)
    said = status(context.settings, store, demo.tenant, now=context.clock())
    expect(said.licence.state == "farewell", "the farewell has begun")
    expect(_found(path, packed) == 0, "no piece of the directory is left in the file")
    lines = [line for line in output.status(said).splitlines() if line.startswith("licence:")]
    terminal.rows([("status", line) for line in lines])
    terminal.rows([("found in its files", f"0 of {pieces} pieces")])

    ahead[0] = (context.settings.farewell_days + 2) * DAY
    later = counted(context.settings.farewell_days, "day", "days")
    terminal.label(f"{later} later the operator is asked")
    _run(demo, context)
    rows = []
    for key, _, _ in store.ledgers(demo.tenant):
        hold = store.hold(key)
        expect(hold is not None and hold.withdrawal, f"the withdrawal from {key.vendor} waits")
        waiting = counted(len(hold.people) if hold else 0, "person waits", "people wait")
        rows.append((key.vendor, f"{waiting} to be removed"))
    terminal.rows(rows)
    delete_tenant(context, demo.tenant, abandon=True)
    marks = [demo.tenant.encode(), str(demo.domain.customer["customerDomain"]).encode()]
    data = _files(path)
    expect(not any(mark in data for mark in marks), "neither id nor domain is left in the file")
    terminal.why(
        "What is approved is removed at the vendor, and then the tenant is deleted: its id and "
        "its domain are nowhere in the store's files. Here it was a copy, so the sandbox goes on."
    )


def _read_for_the_pages(demo: DemoEnvironment, context: SyncContext) -> bytes:
    """Store the directory as the pages do, and return it packed."""
    tenant = load_tenant_or_raise(context.store, demo.tenant)
    snapshot_store.read_and_store(
        lambda wanted, told: context.read_directory(wanted), context.store, tenant, context.clock
    )
    namespace = snapshot_store.namespace_of(demo.tenant)
    item = context.store.get(namespace, "directory", context.clock())
    if item is None:
        raise StoryError("the directory is stored for the pages")
    return item.data


def _run(demo: DemoEnvironment, context: SyncContext) -> str:
    """Run once, and return why nothing was read or sent."""
    asked = sum(len(vendor.requests) for vendor in demo.vendors.values())
    try:
        sync(context, demo.tenant)
    except AccessRefused as refused:
        outcome = f"Google refuses the directory ({refused.why}); exit status 4"
    except FarewellError:
        outcome = "the customer has left: nothing is read or sent; exit status 2"
    else:
        raise StoryError("nothing is read after the app was uninstalled")
    expect(
        sum(len(vendor.requests) for vendor in demo.vendors.values()) == asked,
        "no vendor is asked for anything",
    )
    return outcome


def _copy(demo: DemoEnvironment, path: Path) -> None:
    address = demo.sync_context.settings.store
    expect(isinstance(address, SqliteAddress), "the demo has the embedded store")
    assert isinstance(address, SqliteAddress)
    path.touch(0o600)
    with closing(sqlite3.connect(address.path)) as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy)


def _pieces(packed: bytes) -> int:
    return len(packed) // PIECE


def _found(path: Path, packed: bytes) -> int:
    """Return how many pieces of the packed directory are in the files of the store."""
    data = _files(path)
    return sum(packed[n * PIECE : (n + 1) * PIECE] in data for n in range(_pieces(packed)))


def _files(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(path.parent.iterdir()))

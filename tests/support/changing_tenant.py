"""A tenant between whose runs the directory changes, at a vendor that can fail.

Nothing is patched: `ChangingTenant.run` is one run of `addon.sync.run.sync` in a `World` with a
store, an EGIL server and a clock, which may meet trouble and may die. The directory is given by
value, since thousands of them are tried.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from msgspec import structs

from addon.delivery.throttle import RetryPolicy
from addon.planning.ledger import Ledger, LedgerKey
from addon.ss12000.ids import Ids
from addon.store.base import Store
from addon.sync.context import SyncContext
from addon.sync.report import ConnectionReport
from addon.sync.run import sync
from addon.tenants.document import load_tenant
from addon.tenants.model import Tenant
from tests.support.clock import Clock
from tests.support.crashes import CALM, DyingProcess, DyingStore, Trouble
from tests.support.directory_answers import answers_from
from tests.support.egil_server import EgilServer
from tests.support.generated_tenant import TENANT, State, document, profiles, wanted
from tests.support.world import World

START = 1_700_000_000.0
DAY = 24 * 3600.0

KINDS: Mapping[str, Mapping[str, Any]] = {
    "own ids, filter": {"ids": "own", "refuse_duplicates": False, "page_limit": 3},
    "own ids, list": {
        "ids": "own",
        "refuse_duplicates": False,
        "filter": "ignored",
        "page_limit": 3,
    },
    "own ids, 409 only": {"ids": "own", "refuse_duplicates": True, "listing": "none"},
    "own ids, blind": {"ids": "own", "refuse_duplicates": False, "listing": "none"},
    "our ids, 409 only": {"ids": "ours", "listing": "none"},
    "our ids, filter": {"ids": "ours", "page_limit": 3},
    "our ids, list": {"ids": "ours", "filter": "ignored", "page_limit": 3},
    "own ids untold, filter": {
        "ids": "own",
        "refuse_duplicates": False,
        "answer": "no-id",
        "location": "none",
        "page_limit": 3,
    },
    "own ids untold, list": {
        "ids": "own",
        "refuse_duplicates": False,
        "answer": "no-id",
        "location": "none",
        "filter": "ignored",
        "page_limit": 3,
    },
}
"""The servers: who gives the ids, and how they can be asked what they hold."""


class ChangingTenant:
    """A tenant with one vendor, `kind` of KINDS, whose state can be changed between runs.

    Everything is in a SQLite store in `folder`, or in what `open_store` opens.
    """

    def __init__(
        self,
        folder: Path,
        kind: str,
        concurrency: int = 4,
        limits: tuple[int, float] = (10**6, 100),
        placements: str = "many",
        open_store: Callable[[], Store] | None = None,
    ) -> None:
        self.clock = Clock()
        self.clock.set(START)
        self.server = EgilServer(strict_references=True, **KINDS[kind])
        self.state = State()
        self.key = LedgerKey(TENANT, "v", "live")
        self.world = World(
            folder,
            None,
            {("v", "live"): self.server},
            profiles("v", concurrency=concurrency, placements=placements),
            clock=self.clock,
        )
        self._stack = ExitStack()
        self._limits = limits
        self._ids = Ids(TENANT)
        self._open_store = open_store

    def __enter__(self) -> "ChangingTenant":
        self._stack.enter_context(self.world)
        self.settings = self.world.settings
        self.vendor = self.settings.vendors["v"]
        self.store = (
            self._stack.enter_context(self.world.open_store())
            if self._open_store is None
            else self._open_store()
        )
        self.change_to(self.state)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def ledger(self) -> Ledger:
        """The connection's ledger, as it is kept."""
        return self.store.ledger(self.key)

    @property
    def stored_tenant(self) -> Tenant:
        """The document as it stands."""
        return load_tenant(self.store.tenant(TENANT) or b"")

    @property
    def wanted(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What the vendor should hold now."""
        return wanted(self.stored_tenant, self.state.snapshot(), self.vendor)

    def change_to(self, state: State) -> None:
        """The directory and the document are now so."""
        deletions, percent = self._limits
        self.state = state
        found = document(state.ticked, deletions=deletions, percent=percent, edits=state.edits)
        self.store.save_tenant(TENANT, found)

    def sync_context(
        self, process: DyingProcess | None = None, retry_policy: RetryPolicy = CALM
    ) -> SyncContext:
        """What a run needs, in a process that may die."""
        snapshot = self.state.snapshot()
        store: Any = self.store if process is None else DyingStore(self.store, process)
        return structs.replace(
            self.world.sync_context_on(store, retry_policy, self.settings),
            read_directory=lambda tenant: snapshot,
            ask_directory=answers_from(lambda: snapshot),
            clock=self.clock,
        )

    def run(self, trouble: Trouble | None = None) -> ConnectionReport:
        """One run; a later one than the lease of any that died before it."""
        self.clock.advance(100)
        self.server.clear()
        if trouble is None:
            return sync(self.sync_context(), TENANT).connections[0]
        process = DyingProcess(trouble)
        self.server.faults = process.decide
        report = sync(self.sync_context(process, trouble.retry_policy), TENANT).connections[0]
        self.server.faults = []
        self.assert_protected_were_not_sent()
        return report

    def next_day(self) -> None:
        """Advance more than a day, after which what was refused is tried again."""
        self.clock.advance(DAY + 1)

    def sent(self) -> list[str]:
        """The last run's requests to the vendor."""
        return [f"{r.method} {r.path}" for r in self.server.requests]

    def assert_protected_were_not_sent(self) -> None:
        """No request of the last run says anything of anyone with protected identity."""
        hidden = {p for p, spot in self.state.spots.items() if spot.place and spot.protected}
        secret = [f"id{p}" for p in hidden] + [self._ids.user(f"id{p}") for p in hidden]
        for request in self.server.requests:
            said = json.dumps(request.body)
            assert not any(f'"{each}"' in said for each in secret), "a protected person was sent"

    def external_id(self, person: int) -> str:
        """A person's externalId."""
        return self._ids.user(f"id{person}")

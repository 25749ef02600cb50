"""The directories for pages: unpacked in memory, with what the document makes of them.

A page must answer at once, and a large directory takes seconds to place. What takes long is done
in a thread of its own (addon/web/directory/background.py) and remembered for as long as it is
true: for this reading, this document and the vendor's ledger as it was after the newest run. Who
asks too early is told StillComputing.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Set
from functools import partial
from typing import TypeVar

from msgspec import Struct, structs

from addon.directory.snapshot import Snapshot, User
from addon.planning.ledger import Ledger
from addon.planning.limits import Hold
from addon.planning.plan import Plan
from addon.roster.index import DirectoryIndex
from addon.ss12000.mapping import ResourceMapper
from addon.store.unit_claims import delivered_for_others
from addon.sync.context import SyncContext, ledger_key
from addon.sync.ended_memberships import approved_memberships
from addon.sync.evidence import confirm
from addon.sync.known_placements import Beginning, KnownDirectory, load_known_or_beginning
from addon.sync.planner import planner_for
from addon.sync.prepare import PreparedRun, prepared_run
from addon.sync.protected_set import knows_protected, load_protection
from addon.tenants.model import Connection, Mode, Tenant
from addon.web.directory import snapshot_store
from addon.web.directory.background import BackgroundCache, StillComputing, WaitBudget
from addon.web.directory.results import DirectoryResult
from addon.web.directory.snapshot_store import DirectorySnapshot, ReadingState

__all__ = [
    "DirectoryCache",
    "DirectoryNotRead",
    "PlannedConnection",
    "StillComputing",
    "TenantDirectory",
    "WaitBudget",
]

T = TypeVar("T")

MOST_TENANTS = 12
"""Whose directories are remembered in a process."""
MOST_USERS = 150_000
"""People in the directories that a process remembers, of all tenants: about six kilobytes each,
with all that the pages make of them (docs/performance.md)."""


class DirectoryNotRead(Exception):
    """The directory has not been read; `state` says how that goes, None: nobody has asked."""

    def __init__(self, state: ReadingState | None) -> None:
        super().__init__()
        self.state = state


class PlannedConnection(Struct, frozen=True):
    """What the next run would do at one vendor: its plan, what holds it, and how it is said.

    `sent` is what of the plan is sent: all of it, unless it is held.
    `removed` is how many people other runs have removed in the last 24 hours, which count too.
    `unapproved` is the hold that there would be if nothing was approved in advance, `waiting` the
    externalIds, by type, of those whose removal waits for evidence.
    """

    connection: Connection
    plan: Plan
    sent: Plan
    hold: Hold | None
    ledger: Ledger
    mapper: ResourceMapper
    removed: int
    unapproved: Hold | None
    waiting: Mapping[str, tuple[str, ...]] = {}


class _Unpacked(Struct, frozen=True):
    """A directory as people are found in it: all who are not protected, suspended accounts too.

    `hides` is by what it leaves out people.
    """

    stored: DirectorySnapshot
    index: DirectoryIndex
    users: Mapping[str, User]
    hides: Hashable


class TenantDirectory:
    """A tenant's directory and document, and what follows from both, as one request sees it.

    `users` are all that were read and are not protected, by id.
    """

    def __init__(
        self,
        tenant: Tenant,
        version: str,
        unpacked: _Unpacked,
        context: Callable[[], SyncContext],
        background: BackgroundCache,
        wait_budget: WaitBudget,
    ) -> None:
        self.tenant = tenant
        self.directory_snapshot = unpacked.stored
        self.index = unpacked.index
        self.users = unpacked.users
        self._hides = unpacked.hides
        self._version = version
        self._context = context
        self._background = background
        self._wait_budget = wait_budget

    @property
    def snapshot(self) -> Snapshot:
        """The directory."""
        return self.directory_snapshot.snapshot

    @property
    def prepared(self) -> PreparedRun:
        """The roster, and what each connection would carry if it were on. Raises StillComputing."""
        return self.get_or_compute(DirectoryResult.PREPARED, self._prepare)

    def planned(
        self, vendor: str, newest_run: str, mode: Mode | None = None
    ) -> PlannedConnection | None:
        """What the next run would do at `vendor`, after `newest_run`; in another mode if given.

        None when the connection is off. Raises StillComputing.
        """
        connection = self.tenant.connection(vendor)
        if connection is None:
            return None
        connection = structs.replace(connection, mode=mode or connection.mode)
        if connection.mode == "off":
            return None
        return self.get_or_compute(
            DirectoryResult.PLANNED_CONNECTION,
            lambda: self._plan(connection),
            (vendor, connection.mode, newest_run),
        )

    def removed_today(self, newest_run: str) -> Mapping[str, int]:
        """How many people runs have removed in 24 hours, by vendor. Raises StillComputing.

        They count against the limits of the next run.
        """
        planned = {c.vendor: self.planned(c.vendor, newest_run) for c in self.tenant.connections}
        return {vendor: each.removed for vendor, each in planned.items() if each is not None}

    def get_or_compute(
        self, result: DirectoryResult, work: Callable[[], T], of: Hashable = None
    ) -> T:
        """Return the `result` that `work` computes, once for this document and each `of`.

        It is computed in another thread, which the request waits for as long as its budget
        lasts. `work` may ask the directory for other results. Raises StillComputing, and what
        `work` raises.
        """
        return self._background.get_or_compute((self._version, result, of), work, self._wait_budget)

    def get_or_compute_for_any_document(
        self, result: DirectoryResult, work: Callable[[], T], of: Hashable
    ) -> T:
        """As `get_or_compute`, of a result that depends on the directory and `of` alone.

        It is kept when the document changes.
        """
        name = (None, result, self._hides, of)
        return self._background.get_or_compute(name, work, self._wait_budget)

    def _prepare(self) -> PreparedRun:
        context, tenant = self._context(), self.tenant
        protection = load_protection(context.store, tenant.customer_id)
        read, snapshot = self.directory_snapshot.read, self.snapshot.without(protection.hidden)
        now = context.clock()
        known = load_known_or_beginning(context.store, tenant.customer_id, now)
        departures = None
        if isinstance(known, KnownDirectory) and known.read > read:  # a newer reading
            departures, known = known.departures, Beginning(known.places)
        approved = partial(approved_memberships, context.store, tenant.customer_id, now)
        found = confirm(
            tenant, snapshot, known, context.ask_directory, read, approved, protection.pending
        )
        evidence = found.evidence
        if departures is not None:
            evidence = structs.replace(evidence, departures=departures)
        elsewhere = frozenset(delivered_for_others(context.store, tenant, now))
        on = [
            structs.replace(_without_units(c, elsewhere), mode="live") for c in tenant.connections
        ]
        run = prepared_run(context, tenant, on, snapshot, evidence, found.roster, protection)
        return structs.replace(run, not_delivered=elsewhere)

    def _plan(self, connection: Connection) -> PlannedConnection | None:
        key = ledger_key(self.tenant.customer_id, connection)
        prepared = self.prepared
        if key is None or connection.vendor not in prepared.vendor_rosters:
            return None
        connection = _without_units(connection, prepared.not_delivered)
        planner = planner_for(self._context(), prepared, connection, key, remember=False)
        decision, approved = planner.decide(), planner.approved
        in_advance = approved is not None and approved.in_advance
        return PlannedConnection(
            connection,
            decision.plan,
            decision.sent,
            decision.hold,
            planner.ledger,
            planner.mapper,
            removed=planner.recent.as_of(planner.now).others("User", ()),
            unapproved=planner.unapproved_hold if in_advance else decision.hold,
            waiting=decision.waiting,
        )


def _without_units(connection: Connection, codes: Set[str]) -> Connection:
    """Return the connection without units that are delivered for other tenants."""
    units = tuple(code for code in connection.school_units if code not in codes)
    return structs.replace(connection, school_units=units)


class DirectoryCache:
    """The directories that a process remembers. Thread-safe."""

    def __init__(self, context: Callable[[], SyncContext]) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(2)
        self._directories: OrderedDict[str, _CacheEntry] = OrderedDict()

    def directory(
        self, tenant: Tenant, version: str, now: float, wait_budget: WaitBudget | None = None
    ) -> TenantDirectory:
        """The tenant's directory with its document of this `version`.

        Raises DirectoryNotRead, StillComputing and StoreError.
        """
        self.drop_expired(now)
        tenant_id, wait_budget = tenant.customer_id, wait_budget or WaitBudget()
        state = snapshot_store.load_state(self._context().store, tenant_id, now)
        if state is None or state.status != "done" or state.at + snapshot_store.KEPT <= now:
            self.forget(tenant_id)  # it may have been erased from the store
            raise DirectoryNotRead(state)
        directory = self._directory(tenant_id, state.at)
        hidden = load_protection(self._context().store, tenant_id).hidden
        version = f"{version} {hash(hidden)}"
        try:
            unpacked = directory.unpacked(tenant, hidden, now, wait_budget)
        except StillComputing:
            raise
        except BaseException:
            self.forget(tenant_id)
            raise
        directory.keep_only(version)
        self._evict(tenant_id)
        return TenantDirectory(
            tenant, version, unpacked, self._context, directory.background, wait_budget
        )

    def forget(self, tenant_id: str) -> None:
        """Remember nothing of the tenant's directory any more."""
        with self._lock:
            self._drop(tenant_id)

    def drop_expired(self, now: float) -> None:
        """Directories whose day is over are gone from memory as from the store."""
        with self._lock:
            over = [t for t, d in self._directories.items() if d.read + snapshot_store.KEPT <= now]
            for tenant_id in over:
                self._drop(tenant_id)

    def _directory(self, tenant_id: str, read: float) -> "_CacheEntry":
        """The one that was read then; what is remembered of an earlier one is forgotten."""
        with self._lock:
            known = self._directories.get(tenant_id)
            if known is None or known.read != read:
                self._drop(tenant_id)
                background = BackgroundCache(self._slots)
                known = _CacheEntry(tenant_id, read, self._context, background)
                self._directories[tenant_id] = known
            self._directories.move_to_end(tenant_id)
            return known

    def _evict(self, besides: str) -> None:
        """Forget those that were not asked for longest, when there are too many people."""
        with self._lock:
            people = sum(d.people for d in self._directories.values())
            for tenant_id in list(self._directories):
                if people <= MOST_USERS and len(self._directories) <= MOST_TENANTS:
                    return
                if tenant_id != besides:
                    people -= self._directories[tenant_id].people
                    self._drop(tenant_id)

    def _drop(self, tenant_id: str) -> None:
        directory = self._directories.pop(tenant_id, None)
        if directory is not None:
            directory.background.close()


class _CacheEntry:
    """A tenant's directory that was `read` then, and what is computed from it.

    `people` are how many it has, 0 until it is unpacked.
    """

    def __init__(
        self,
        tenant_id: str,
        read: float,
        context: Callable[[], SyncContext],
        background: BackgroundCache,
    ) -> None:
        self.read = read
        self.background = background
        self.people = 0
        self._tenant_id = tenant_id
        self._context = context

    def unpacked(
        self, tenant: Tenant, hidden: frozenset[str], now: float, wait_budget: WaitBudget
    ) -> _Unpacked:
        """The directory, without who is protected by the document or in `hidden`.

        Raises DirectoryNotRead, StillComputing and StoreError.
        """

        def unpack_and_index() -> _Unpacked:
            found = self.background.get_or_compute(
                (None, "directory"), lambda: self._unpack(now), wait_budget
            )
            if not knows_protected(found.snapshot, tenant):
                raise DirectoryNotRead(None)
            shown = structs.replace(found, snapshot=found.snapshot.without(hidden))
            index = DirectoryIndex(tenant.protected, shown.snapshot)
            users = {u.id: u for u in shown.snapshot.users if u.id not in index.protected}
            return _Unpacked(shown, index, users, (tenant.protected, hidden))

        name = (None, tenant.protected, hidden)
        return self.background.get_or_compute(name, unpack_and_index, wait_budget)

    def keep_only(self, version: str) -> None:
        """Forget what was made for another document: nobody will ask for it again."""
        self.background.keep(lambda name: name[0] in (None, version))

    def _unpack(self, now: float) -> DirectorySnapshot:
        item = self._context().store.get(
            snapshot_store.namespace_of(self._tenant_id), "directory", now
        )
        if item is None:
            raise DirectoryNotRead(None)
        try:
            found = snapshot_store.unpack(item.data)
        except snapshot_store.UNREADABLE:
            raise DirectoryNotRead(None) from None
        self.people = len(found.snapshot.users)
        return found

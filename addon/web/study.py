"""What the pages know of the directories: surveys unpacked, and what the document makes of them.

A page must answer at once, and a large directory takes seconds to place. What takes long is done
in a thread of its own and remembered for as long as it is true: for this survey, this document
and the vendor's ledger as it was after the newest run. Who asks too early is told NotReady.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any, TypeVar

from msgspec import Struct, structs

from addon import survey
from addon.delivery.guard import Hold
from addon.delivery.ledger import Ledger
from addon.delivery.plan import Plan
from addon.directory.snapshot import Snapshot, User
from addon.prepared import Prepared, intend, place
from addon.rooms import Rooms, ledger_key
from addon.roster.index import Index
from addon.ss12000.translate import Translation
from addon.survey import State, Survey
from addon.tenant import Connection, Mode, Tenant

T = TypeVar("T")

PATIENCE = 0.12
"""Seconds that a page waits for something before it says that it is being made."""
DESKS = 12
"""How many are remembered in a process, of all tenants."""
MOST_USERS = 250_000
"""People in the surveys that a process remembers, of all tenants: about a kilobyte each."""


class NotRead(Exception):
    """The directory has not been read; `state` says how that goes, None: nobody has asked."""

    def __init__(self, state: State | None) -> None:
        super().__init__()
        self.state = state


class NotReady(Exception):
    """What was asked for is being made."""


class Foreseen(Struct, frozen=True):
    """What the next run would do at one vendor: its plan, what holds it, and how it is said."""

    connection: Connection
    plan: Plan
    hold: Hold | None
    ledger: Ledger
    translation: Translation


class Desk:
    """A tenant's directory and document, and what follows from both, as far as it is made.

    `users` are all that were read and are not protected, by id.
    """

    def __init__(
        self,
        tenant: Tenant,
        survey: Survey,
        index: Index,
        rooms: Callable[[], Rooms],
        pool: ThreadPoolExecutor,
    ) -> None:
        self.tenant = tenant
        self.survey = survey
        self.index = index
        self._rooms = rooms
        self._pool = pool
        self._lock = threading.Lock()
        self._made: OrderedDict[object, Future[Any]] = OrderedDict()

    @property
    def snapshot(self) -> Snapshot:
        """The directory."""
        return self.survey.snapshot

    @property
    def users(self) -> Mapping[str, User]:
        """Everyone who was read, suspended accounts too, by id."""
        return self.make("users", self._users)

    @property
    def prepared(self) -> Prepared:
        """The roster, and what each connection would carry if it were on. Raises NotReady."""
        return self.make("prepared", self._prepare)

    def foreseen(self, vendor: str, newest_run: str, mode: Mode | None = None) -> Foreseen | None:
        """What the next run would do at `vendor`, after `newest_run`; in another mode if given.

        None when the connection is off. Raises NotReady.
        """
        connection = self.tenant.connection(vendor)
        if connection is None:
            return None
        connection = structs.replace(connection, mode=mode or connection.mode)
        if connection.mode == "off":
            return None
        prepared = self.prepared
        name = ("foreseen", vendor, connection.mode, newest_run)
        return self.make(name, lambda: self._foresee(prepared, connection))

    def make(self, name: object, work: Callable[[], T], patience: float = PATIENCE) -> T:
        """What `work` gives, made once, in another thread. Raises NotReady, and what it raises.

        `work` must not ask the desk for what may not be ready.
        """
        with self._lock:
            future = self._made.get(name)
            if future is None or (future.done() and future.exception() is not None):
                future = self._made[name] = self._pool.submit(work)
                while len(self._made) > 64:
                    self._made.popitem(last=False)
        try:
            made: T = future.result(patience)
            return made
        except NotYet:
            raise NotReady from None

    def _users(self) -> Mapping[str, User]:
        shown = self.index.protected
        return {user.id: user for user in self.snapshot.users if user.id not in shown}

    def _prepare(self) -> Prepared:
        on = [structs.replace(c, mode="live") for c in self.tenant.connections]
        return place(self._rooms(), self.tenant, on, self.snapshot)

    def _foresee(self, prepared: Prepared, connection: Connection) -> Foreseen | None:
        key = ledger_key(self.tenant.customer_id, connection)
        if key is None or connection.vendor not in prepared.views:
            return None
        intention = intend(self._rooms(), prepared, connection, key)
        plan, hold = intention.decide()
        return Foreseen(connection, plan, hold, intention.ledger, intention.translation)


class Study:
    """The desks of a process. Thread-safe."""

    def __init__(self, rooms: Callable[[], Rooms]) -> None:
        self._rooms = rooms
        self._lock = threading.Lock()
        self._surveys: OrderedDict[str, tuple[float, Future[Survey]]] = OrderedDict()
        self._desks: OrderedDict[tuple[str, float, str], Desk] = OrderedDict()
        self._indexes: OrderedDict[object, Future[Index]] = OrderedDict()
        self._pool: ThreadPoolExecutor | None = None

    def desk(self, tenant: Tenant, version: str, now: float) -> Desk:
        """The tenant's desk for its document of this `version`.

        Raises NotRead, NotReady and StoreError.
        """
        state = survey.state(self._rooms().store, tenant.customer_id, now)
        if state is None or state.status != "done" or state.at + survey.KEPT <= now:
            raise NotRead(state)
        found = self._survey(tenant.customer_id, state.at, now)
        name = (tenant.customer_id, state.at, version)
        with self._lock:
            desk = self._desks.get(name)
        if desk is None:
            index = self._index(tenant, found)
            desk = Desk(tenant, found, index, self._rooms, self._threads())
            with self._lock:
                desk = self._desks.setdefault(name, desk)
                while len(self._desks) > DESKS:
                    self._desks.popitem(last=False)
        with self._lock:
            if name in self._desks:
                self._desks.move_to_end(name)
        return desk

    def forget(self, tenant_id: str) -> None:
        """Remember nothing of the tenant's directory any more."""
        with self._lock:
            self._surveys.pop(tenant_id, None)
            self._forget_desks(tenant_id)

    def _forget_desks(self, tenant_id: str) -> None:
        for name in [n for n in self._desks if n[0] == tenant_id]:
            del self._desks[name]
        for key in [k for k in self._indexes if isinstance(k, tuple) and k[0] == tenant_id]:
            del self._indexes[key]

    def _survey(self, tenant_id: str, read: float, now: float) -> Survey:
        """The survey that was read then, unpacked."""
        with self._lock:
            self._drop_expired(now)
            known = self._surveys.get(tenant_id)
            if known is None or known[0] != read:
                self._forget_desks(tenant_id)
                unpacking = self._threads().submit(self._unpack, tenant_id, now)
                known = self._surveys[tenant_id] = read, unpacking
            self._surveys.move_to_end(tenant_id)
        try:
            found = known[1].result(PATIENCE)
        except NotYet:
            raise NotReady from None
        except NotRead:
            self.forget(tenant_id)
            raise
        except BaseException:
            self.forget(tenant_id)
            raise
        self._make_room(tenant_id)
        return found

    def _unpack(self, tenant_id: str, now: float) -> Survey:
        paper = self._rooms().store.kept(survey.shelf_of(tenant_id), "directory", now)
        if paper is None:
            raise NotRead(None)
        return survey.unpack(paper.data)

    def _index(self, tenant: Tenant, found: Survey) -> Index:
        """The survey arranged for the selection; the same for all documents that protect alike."""
        name = (tenant.customer_id, found.read, tenant.protected)
        with self._lock:
            future = self._indexes.get(name)
            if future is None:
                making = self._threads().submit(Index, tenant.protected, found.snapshot)
                future = self._indexes[name] = making
                while len(self._indexes) > DESKS:
                    self._indexes.popitem(last=False)
        try:
            return future.result(PATIENCE)
        except NotYet:
            raise NotReady from None

    def _drop_expired(self, now: float) -> None:
        """Surveys whose day is over are gone from memory as from the store."""
        for tenant_id in [t for t, (read, _) in self._surveys.items() if read + survey.KEPT <= now]:
            del self._surveys[tenant_id]
            self._forget_desks(tenant_id)

    def _make_room(self, besides: str) -> None:
        """Forget the surveys that were not asked for longest, when there are too many people."""
        with self._lock:
            done = {
                t: len(f.result().snapshot.users)
                for t, (_, f) in self._surveys.items()
                if f.done() and f.exception() is None
            }
            for tenant_id in list(done):
                if sum(done.values()) <= MOST_USERS or tenant_id == besides:
                    continue
                del done[tenant_id]
                del self._surveys[tenant_id]
                self._forget_desks(tenant_id)

    def _threads(self) -> ThreadPoolExecutor:
        """Two threads, begun after the process has forked."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(2, thread_name_prefix="study")
        return self._pool

"""What the pages know of the directories: surveys unpacked, and what the document makes of them.

A page must answer at once, and a large directory takes seconds to place. What takes long is done
in a thread of its own (addon/web/directory/background.py) and remembered for as long as it is
true: for this survey, this document and the vendor's ledger as it was after the newest run. Who
asks too early is told NotReady.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import Struct, structs

from addon.directory.snapshot import Snapshot, User
from addon.planning.guard import Hold
from addon.planning.ledger import Ledger
from addon.planning.plan import Plan
from addon.roster.index import Index
from addon.ss12000.mapping import Translation
from addon.sync.context import Rooms, ledger_key
from addon.sync.prepare import Prepared, intend, place
from addon.tenants.model import Connection, Mode, Protected, Tenant
from addon.web.directory import snapshot_store
from addon.web.directory.background import PATIENCE, NotReady, Patience, Workshop
from addon.web.directory.snapshot_store import State, Survey

__all__ = ["PATIENCE", "Desk", "Foreseen", "NotRead", "NotReady", "Patience", "Study"]

T = TypeVar("T")

MOST_TENANTS = 12
"""Whose directories are remembered in a process."""
MOST_USERS = 150_000
"""People in the surveys that a process remembers, of all tenants: about six kilobytes each, with
all that the pages make of them (docs/performance.md)."""


class NotRead(Exception):
    """The directory has not been read; `state` says how that goes, None: nobody has asked."""

    def __init__(self, state: State | None) -> None:
        super().__init__()
        self.state = state


class Foreseen(Struct, frozen=True):
    """What the next run would do at one vendor: its plan, what holds it, and how it is said."""

    connection: Connection
    plan: Plan
    hold: Hold | None
    ledger: Ledger
    translation: Translation


class Arranged(Struct, frozen=True):
    """A survey as people are found in it: all who are not protected, suspended accounts too."""

    survey: Survey
    index: Index
    users: Mapping[str, User]


class Desk:
    """A tenant's directory and document, and what follows from both, as one request sees it.

    `users` are all that were read and are not protected, by id.
    """

    def __init__(
        self,
        tenant: Tenant,
        version: str,
        arranged: Arranged,
        rooms: Callable[[], Rooms],
        workshop: Workshop,
        patience: Patience,
    ) -> None:
        self.tenant = tenant
        self.survey = arranged.survey
        self.index = arranged.index
        self.users = arranged.users
        self._version = version
        self._rooms = rooms
        self._workshop = workshop
        self._patience = patience

    @property
    def snapshot(self) -> Snapshot:
        """The directory."""
        return self.survey.snapshot

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
        name = ("foreseen", vendor, connection.mode, newest_run)
        return self.make(name, lambda: self._foresee(connection))

    def make(self, name: object, work: Callable[[], T]) -> T:
        """What `work` gives, made once, in another thread. Raises NotReady, and what it raises.

        It is waited for as long as the request may wait in all. `work` may ask the desk for
        whatever it needs.
        """
        return self._workshop.make((self._version, name), work, self._patience)

    def _prepare(self) -> Prepared:
        on = [structs.replace(c, mode="live") for c in self.tenant.connections]
        return place(self._rooms(), self.tenant, on, self.snapshot)

    def _foresee(self, connection: Connection) -> Foreseen | None:
        key = ledger_key(self.tenant.customer_id, connection)
        prepared = self.prepared
        if key is None or connection.vendor not in prepared.views:
            return None
        intention = intend(self._rooms(), prepared, connection, key)
        plan, hold = intention.decide()
        return Foreseen(connection, plan, hold, intention.ledger, intention.translation)


class Study:
    """The directories that a process remembers. Thread-safe."""

    def __init__(self, rooms: Callable[[], Rooms]) -> None:
        self._rooms = rooms
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(2)
        self._directories: OrderedDict[str, _Directory] = OrderedDict()

    def desk(
        self, tenant: Tenant, version: str, now: float, patience: Patience | None = None
    ) -> Desk:
        """The tenant's desk for its document of this `version`.

        Raises NotRead, NotReady and StoreError.
        """
        self.sweep(now)
        tenant_id, patience = tenant.customer_id, patience or Patience()
        state = snapshot_store.state(self._rooms().store, tenant_id, now)
        if state is None or state.status != "done" or state.at + snapshot_store.KEPT <= now:
            raise NotRead(state)
        directory = self._directory(tenant_id, state.at)
        try:
            arranged = directory.arranged(tenant.protected, now, patience)
        except NotReady:
            raise
        except BaseException:
            self.forget(tenant_id)
            raise
        directory.keep_only(version)
        self._make_room(tenant_id)
        return Desk(tenant, version, arranged, self._rooms, directory.workshop, patience)

    def forget(self, tenant_id: str) -> None:
        """Remember nothing of the tenant's directory any more."""
        with self._lock:
            self._drop(tenant_id)

    def sweep(self, now: float) -> None:
        """Directories whose day is over are gone from memory as from the store."""
        with self._lock:
            over = [t for t, d in self._directories.items() if d.read + snapshot_store.KEPT <= now]
            for tenant_id in over:
                self._drop(tenant_id)

    def _directory(self, tenant_id: str, read: float) -> "_Directory":
        """The one that was read then; what is remembered of an earlier one is forgotten."""
        with self._lock:
            known = self._directories.get(tenant_id)
            if known is None or known.read != read:
                self._drop(tenant_id)
                workshop = Workshop(self._turns)
                known = _Directory(tenant_id, read, self._rooms, workshop)
                self._directories[tenant_id] = known
            self._directories.move_to_end(tenant_id)
            return known

    def _make_room(self, besides: str) -> None:
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
            directory.workshop.close()


class _Directory:
    """A tenant's directory that was `read` then, and where things are made of it.

    `people` are how many it has, 0 until it is unpacked.
    """

    def __init__(
        self, tenant_id: str, read: float, rooms: Callable[[], Rooms], workshop: Workshop
    ) -> None:
        self.read = read
        self.workshop = workshop
        self.people = 0
        self._tenant_id = tenant_id
        self._rooms = rooms

    def arranged(self, protected: Protected, now: float, patience: Patience) -> Arranged:
        """The survey, without who is protected. Raises NotRead, NotReady and StoreError."""

        def arrange() -> Arranged:
            found = self.workshop.make((None, "survey"), lambda: self._unpack(now), patience)
            index = Index(protected, found.snapshot)
            hidden = index.protected
            users = {user.id: user for user in found.snapshot.users if user.id not in hidden}
            return Arranged(found, index, users)

        return self.workshop.make((None, protected), arrange, patience)

    def keep_only(self, version: str) -> None:
        """Forget what was made for another document: nobody will ask for it again."""
        self.workshop.keep(lambda name: name[0] in (None, version))

    def _unpack(self, now: float) -> Survey:
        paper = self._rooms().store.kept(snapshot_store.shelf_of(self._tenant_id), "directory", now)
        if paper is None:
            raise NotRead(None)
        try:
            found = snapshot_store.unpack(paper.data)
        except snapshot_store.UNREADABLE:
            raise NotRead(None) from None
        self.people = len(found.snapshot.users)
        return found

"""The protocol that every store implements, and its errors."""

from collections.abc import Callable, Sequence, Set
from typing import Protocol

from addon.directory.push_state import PushState
from addon.planning.ledger import Ledger, LedgerChange, LedgerKey, LedgerWriteError
from addon.planning.limits import Approval, Hold
from addon.planning.protected_set import ProtectedSet
from addon.planning.recent_removals import RecentRemovals
from addon.store.history import HistoryStore
from addon.store.records import (
    AccessEntry,
    AuditEntry,
    AuthenticationRecord,
    CachedItem,
    ConnectionState,
    Namespace,
    RunRecord,
    SessionRecord,
    StoredTask,
)
from addon.tenants.licence import LicenceRecord

RUNS_KEPT = 1000

AUDIT_KEPT = 3 * 365 * 86400.0
"""Seconds for which an entry stays in the audit log, and in the access log."""

SESSION_KEPT = 7 * 86400.0
"""Seconds from sign-in after which a session is over in any case."""


class StoreError(LedgerWriteError):
    """The store cannot be used; the message says which store and what to do."""


class LeaseLost(StoreError):
    """Another run has taken over the connection, so this run may not write its ledger any more."""

    def __init__(self, key: LedgerKey) -> None:
        super().__init__(f"another run has taken over {key.tenant} at {key.vendor} ({key.mode})")


class TenantBusyError(StoreError):
    """A delivery of the tenant is going on, so the tenant cannot be deleted."""

    def __init__(self, tenant: str, where: str) -> None:
        super().__init__(
            f"{tenant} cannot be deleted while a run is going on ({where}): pause the tenant or "
            "turn the connection off, and try again when the run has ended"
        )


class TenantStore(Protocol):
    """The documents of tenants, and the audit log of their changes. Raises StoreError."""

    def save_tenant(self, customer_id: str, document: bytes) -> None:
        """Save the tenant's document, byte for byte."""

    def replace_tenant(
        self, customer_id: str, document: bytes, was: bytes | None, entry: AuditEntry | None = None
    ) -> bool:
        """Replace the document `was` (None: there is none) and add an entry to the audit log.

        Both are written or neither. Return False, without writing, if the document is not `was`.
        """

    def tenant(self, customer_id: str) -> bytes | None:
        """Return the tenant's document, or None."""

    def tenants(self) -> list[str]:
        """Return the customer ids of all tenants, sorted."""

    def append_audit(self, tenant: str, entry: AuditEntry) -> None:
        """Add an entry to the tenant's audit log. Entries older than AUDIT_KEPT are removed."""

    def audit_entries(
        self, tenant: str, limit: int = 50, before: str | None = None
    ) -> list[AuditEntry]:
        """Return the tenant's audit entries, newest first; with `before`, those before that id."""


class SessionStore(Protocol):
    """The sessions of administrators, and which accounts they have. Raises StoreError."""

    def authentication(self, tenant: str, session_id: str = "") -> AuthenticationRecord:
        """Return what authentication needs of the tenant, and one session, at the cost of one read.

        In Firestore these are two documents, read in one call. Without `session_id` there is no
        session.
        """

    def save_session(self, tenant: str, session: SessionRecord) -> None:
        """Save a new session, also of a tenant that has no document yet."""

    def update_session(self, tenant: str, session: SessionRecord) -> bool:
        """Replace a session; return False, without writing, if it has been ended."""

    def end_session(self, tenant: str, session_id: str) -> None:
        """Remove a session if it exists."""

    def end_sessions(self, tenant: str, sub: str | None = None) -> int:
        """Remove the sessions of one account, or of all; return how many."""

    def bind_administrator(self, tenant: str, address: str, sub: str) -> None:
        """Save which account an address in the document's list belongs to, if none is saved.

        `address` is in lower case. Nothing is written if the tenant has no document.
        """

    def forget_administrators(self, tenant: str, addresses: Set[str]) -> None:
        """Remove the accounts of addresses that have left the document's list."""


class AccessLogStore(Protocol):
    """Who signed in, who looked at whom, and who took out a file. Raises StoreError."""

    def append_access(self, tenant: str, entry: AccessEntry) -> None:
        """Add an entry to the tenant's access log, which is kept for AUDIT_KEPT."""

    def access_entries(
        self, tenant: str, limit: int = 50, before: str | None = None
    ) -> list[AccessEntry]:
        """Return the tenant's accesses, newest first; with `before`, those before that id."""


class ProtectedStore(Protocol):
    """Who is protected: one set of user ids a tenant. Raises StoreError."""

    def protected_set(self, tenant: str) -> ProtectedSet | None:
        """Return the tenant's set, or None if nothing was ever read of the tenant."""

    def update_protected_set(
        self, tenant: str, change: Callable[[ProtectedSet | None], ProtectedSet]
    ) -> ProtectedSet:
        """Replace the set by the result of `change`, and return that.

        `change` is called with the stored set, and again if another has replaced it meanwhile, so
        that no change is lost. It must be pure. Nothing is written if the set stays the same, or
        if there is none and the result is empty.
        """


class LicenceStore(Protocol):
    """What is known of each tenant's Marketplace licence. Raises StoreError."""

    def licence(self, tenant: str) -> LicenceRecord:
        """Return the tenant's record, an empty one if there is none."""

    def tenant_and_licence(self, customer_id: str) -> tuple[bytes | None, LicenceRecord]:
        """Return the tenant's document, or None, and its record, at the cost of one read."""

    def update_licence(
        self, tenant: str, change: Callable[[LicenceRecord], LicenceRecord]
    ) -> LicenceRecord:
        """Replace the record by the result of `change`, and return that.

        `change` is called again if another has replaced the record meanwhile. It must be pure.
        Nothing is written if the record stays the same, or if the tenant has no document.
        """


class PushStore(Protocol):
    """The channels of notifications and the marks of each tenant. Raises StoreError."""

    def push_state(self, tenant: str) -> PushState | None:
        """Return the tenant's state, or None if nothing was ever kept of it."""

    def update_push_state(
        self, tenant: str, change: Callable[[PushState | None], PushState | None]
    ) -> PushState | None:
        """Replace the state by the result of `change`, and return that.

        `change` is called again if another has replaced the state meanwhile. It must be pure.
        Nothing is written if the state stays the same, if the result is None, or if the tenant has
        no document.
        """

    def push_due(self, now: float) -> list[str]:
        """Return the tenants whose channels must be looked at, sorted.

        These are those whose state is `due`, whose document was saved since the state was last
        written, and in SQLite those without a state.
        """


class LedgerStore(Protocol):
    """Ledgers with their leases, holds and approvals. Raises StoreError."""

    batch_growth: float
    """The growth of the pause between batches; see `addon.delivery.ledger_writer`."""

    def connection_state(self, key: LedgerKey) -> ConnectionState:
        """Return the connection's state; its ledger may be partly loaded, see `Ledger.unread`."""

    def load(self, key: LedgerKey, ledger: Ledger, shards: Set[int]) -> None:
        """Load those of `shards` that are unread into a ledger returned by `connection_state`."""

    def ledger(self, key: LedgerKey) -> Ledger:
        """Return the whole ledger, empty if nothing has been sent yet."""

    def ledgers(self, tenant: str) -> list[tuple[LedgerKey, int, int]]:
        """Return the tenant's non-empty ledgers with their numbers of resources and refusals."""

    def record(self, key: LedgerKey, changes: Sequence[LedgerChange], holder: str = "") -> None:
        """Save changes in a ledger.

        Raises UnusableKeyError for a change that `addon.planning.ledger.check_keys` refuses, and
        LeaseLost if `holder` is given and does not have the connection's lease.
        """

    def trust_ledger(self, key: LedgerKey, holder: str) -> None:
        """Record that the ledger knows what the vendor has, after a restored store.

        `holder` has the connection's lease.
        """

    def acquire(self, key: LedgerKey, holder: str, until: float, now: float) -> str | None:
        """Take or prolong a connection's lease until `until` (seconds since 1970 UTC).

        Return None if `holder` has it now, otherwise the other holder. A lease is free if it was
        released, has expired, or its holder's process has died on this machine.
        """

    def release(self, key: LedgerKey, holder: str) -> None:
        """Release a lease if `holder` still has it."""

    def hold(self, key: LedgerKey) -> Hold | None:
        """Return the connection's hold, or None."""

    def set_hold(self, key: LedgerKey, hold: Hold | None) -> None:
        """Save a hold in place of any earlier one, or remove it if None."""

    def approval(self, key: LedgerKey) -> Approval | None:
        """Return the approval that has not been carried out yet, or None."""

    def set_approval(self, key: LedgerKey, approval: Approval | None) -> None:
        """Save an approval in place of any earlier one, or remove it if None."""

    def set_recent_removals(
        self, key: LedgerKey, recent: RecentRemovals, with_release: bool = False
    ) -> None:
        """Save what was removed lately; `connection_state` returns it.

        With `with_release`, and under a lease of this process, it may be saved when that is
        released.
        """

    def set_unexplained(self, key: LedgerKey, waits: bool) -> None:
        """Save whether removals that nothing explains wait; `connection_state` returns it."""

    def set_delivered(self, key: LedgerKey, reading: float) -> None:
        """Save which reading's plan was carried out whole; `connection_state` returns it.

        Under a lease of this process it may be saved when that is released.
        """


class RunStore(Protocol):
    """Records of runs, and the snapshots that deliveries still need. Raises StoreError."""

    def save_run(self, run: RunRecord) -> None:
        """Save a new or changed run. The newest RUNS_KEPT runs of each tenant are kept.

        The order of runs is that in which they were first saved, whatever their times say: the
        clock may have been wrong.
        """

    def running(self, tenant: str) -> list[RunRecord]:
        """Return the tenant's runs that have not ended."""

    def runs(self, tenant: str, limit: int = 50) -> list[RunRecord]:
        """Return the tenant's runs, the one that was first saved last before the others."""

    def save_snapshot(
        self,
        tenant: str,
        run: str,
        packed: bytes,
        vendors: Sequence[str],
        now: float,
        expires: float,
    ) -> None:
        """Save a run's snapshot until all `vendors` have been delivered to, or it expires.

        It contains personal data, as cached items of a tenant may; nothing else in a store does.
        """

    def snapshot(self, tenant: str, run: str, now: float) -> bytes | None:
        """Return a run's snapshot, or None if it has expired or is no longer needed."""

    def done_with_snapshot(self, tenant: str, run: str, vendor: str) -> None:
        """Record that a vendor has been delivered to; after the last, remove the snapshot."""


class CacheStore(Protocol):
    """Cached items, each with a unique name in its namespace. Raises StoreError.

    What has expired: see `addon.store.records.is_kept`.
    """

    def put(
        self, namespace: Namespace, name: str, data: bytes, now: float, expires: float | None = None
    ) -> None:
        """Save an item, in place of any earlier one of that name.

        Concurrent reads return either the whole earlier item or the whole new one. An item with
        personal data must expire.
        """

    def put_if_absent(
        self, namespace: Namespace, name: str, data: bytes, now: float, expires: float | None = None
    ) -> bool:
        """Save an item if there is none that `is_kept`; return whether it was saved.

        Of two concurrent calls only one returns True.
        """

    def get(self, namespace: Namespace, name: str, now: float) -> CachedItem | None:
        """Return an item, or None if there is none or it has expired."""

    def list_names(self, namespace: Namespace, now: float) -> list[str]:
        """Return the names of items in a namespace that have not expired, sorted."""

    def delete(self, namespace: Namespace, name: str) -> None:
        """Remove an item if it exists."""

    def delete_expired(self, now: float) -> int:
        """Remove expired items and snapshots of all tenants; return how many.

        So are sessions that are over, and old entries of the logs, also of tenants that nobody
        writes to; in Firestore these are removed by its TTL within a day.
        """


class DeletionStore(Protocol):
    """The removal of what is stored of a tenant. Raises StoreError."""

    def erase_items(self, tenant: str, keep: Set[str]) -> int:
        """Remove the tenant's snapshots, and its cached items of other kinds than `keep`.

        Return how many. Their content is then in no file of the store.
        """

    def delete_tenant(self, tenant: str, now: float) -> None:
        """Remove everything of the tenant, its document first; nothing if there is none.

        When it fails half-way it is completed by another call. Raises TenantBusyError when a run
        has the lease of one of its connections.
        """


class TaskStore(Protocol):
    """Tasks of the local queue. Raises StoreError."""

    def save_task(self, task: StoredTask) -> None:
        """Save a task until it is done."""

    def remove_task(self, name: str) -> None:
        """Remove a task that is done."""

    def tasks(self) -> list[StoredTask]:
        """Return all tasks that are not done, oldest first."""


class Store(
    TenantStore,
    SessionStore,
    AccessLogStore,
    ProtectedStore,
    LicenceStore,
    PushStore,
    LedgerStore,
    RunStore,
    HistoryStore,
    CacheStore,
    DeletionStore,
    TaskStore,
    Protocol,
):
    """The interface of every store. All methods are thread-safe.

    Every write is atomic. Raises StoreError.
    """

    def cost(self) -> tuple[int, int]:
        """Return how many documents or rows were read and written so far."""

    def close(self) -> None:
        """Release files and connections."""

"""The protocol that every store implements, and what it raises."""

from collections.abc import Sequence, Set
from typing import Protocol

from addon.planning.guard import Approval, Hold
from addon.planning.ledger import Ledger, LedgerChange, LedgerKey, LedgerWriteError
from addon.store.records import (
    AuditEntry,
    CachedItem,
    ConnectionState,
    Namespace,
    RunRecord,
    StoredTask,
)

RUNS_KEPT = 1000

AUDIT_KEPT = 3 * 365 * 86400.0
"""Seconds for which an entry stays in the log of changes."""


class StoreError(LedgerWriteError):
    """The store cannot be used; the message says where and what to do."""


class LeaseLost(StoreError):
    """Another run has taken over the connection, so this one may write no more of it."""

    def __init__(self, key: LedgerKey) -> None:
        super().__init__(f"another run has taken over {key.tenant} at {key.vendor} ({key.mode})")


class TenantStore(Protocol):
    """Tenants' documents, and the audit log of their changes. Raises StoreError."""

    def save_tenant(self, customer_id: str, document: bytes) -> None:
        """Keep the tenant's document, as it was given."""

    def replace_tenant(
        self, customer_id: str, document: bytes, was: bytes | None, entry: AuditEntry | None = None
    ) -> bool:
        """Keep the document in place of `was` (None: there is none), with an entry in the log.

        Both or neither. False when it is not `was` any more; then nothing is written.
        """

    def tenant(self, customer_id: str) -> bytes | None:
        """The tenant's document, or None."""

    def tenants(self) -> list[str]:
        """The customer ids of all tenants, sorted."""

    def append_audit(self, tenant: str, entry: AuditEntry) -> None:
        """Write an entry in the tenant's log; those of the last AUDIT_KEPT seconds stay."""

    def audit_entries(
        self, tenant: str, limit: int = 50, before: str | None = None
    ) -> list[AuditEntry]:
        """The tenant's log, the newest first; with `before`, those whose ids come before it."""


class LedgerStore(Protocol):
    """Ledgers with their leases, holds and approvals. Raises StoreError."""

    batch_growth: float
    """How the pause between batches of a ledger grows; see `addon.delivery.ledger_writer`."""

    def connection_state(self, key: LedgerKey) -> ConnectionState:
        """How the connection stands; its ledger may be read in part, see `Ledger.unread`."""

    def load(self, key: LedgerKey, ledger: Ledger, shards: Set[int]) -> None:
        """Read the named ones of the `unread` shards of a ledger that `connection_state` gave."""

    def ledger(self, key: LedgerKey) -> Ledger:
        """The whole ledger, empty when nothing was sent yet."""

    def ledgers(self, tenant: str) -> list[tuple[LedgerKey, int, int]]:
        """The tenant's ledgers that are not empty, with their resources and refusals."""

    def record(self, key: LedgerKey, changes: Sequence[LedgerChange], holder: str = "") -> None:
        """Remember changes in a ledger.

        Raises LeaseLost when `holder` is named and does not hold the connection's lease.
        """

    def acquire(self, key: LedgerKey, holder: str, until: float, now: float) -> str | None:
        """Take a connection's lease until a time, or put off its end.

        None when it is `holder`'s now, else who has it. It is free when it was released, when
        its time is out, or when its holder's process has died on this machine.
        """

    def release(self, key: LedgerKey, holder: str) -> None:
        """Release a lease, if it is still `holder`'s."""

    def hold(self, key: LedgerKey) -> Hold | None:
        """The plan that waits for approval, or None."""

    def set_hold(self, key: LedgerKey, hold: Hold | None) -> None:
        """Keep a hold in place of any earlier one, or end it."""

    def approval(self, key: LedgerKey) -> Approval | None:
        """What was approved and is not done yet, or None."""

    def set_approval(self, key: LedgerKey, approval: Approval | None) -> None:
        """Keep an approval in place of any earlier one, or end it."""


class RunStore(Protocol):
    """Records of runs, and the snapshots that deliveries have yet to use. Raises StoreError."""

    def save_run(self, run: RunRecord) -> None:
        """Keep a run, new or changed. Of each tenant's runs the newest RUNS_KEPT stay."""

    def running(self, tenant: str) -> list[RunRecord]:
        """The tenant's runs that have not ended."""

    def runs(self, tenant: str, limit: int = 50) -> list[RunRecord]:
        """The tenant's runs, the newest first."""

    def save_snapshot(
        self, tenant: str, run: str, packed: bytes, vendors: Sequence[str], expires: float
    ) -> None:
        """Keep a run's snapshot until all `vendors` are done with it, or it expires.

        It holds personal data, as cached items of a tenant may; nothing else in a store does.
        """

    def snapshot(self, tenant: str, run: str, now: float) -> bytes | None:
        """A run's snapshot, or None when it has expired or is no longer needed."""

    def done_with_snapshot(self, tenant: str, run: str, vendor: str) -> None:
        """One vendor has been delivered to; after the last the snapshot is removed."""


class CacheStore(Protocol):
    """Items that are kept for a while, under names of their own. Raises StoreError."""

    def put(
        self, namespace: Namespace, name: str, data: bytes, now: float, expires: float | None = None
    ) -> None:
        """Keep an item, new or in place of the earlier one of that name.

        Whoever reads it meanwhile has the earlier one or the new one, whole. An item with
        personal data must expire.
        """

    def put_if_absent(
        self, namespace: Namespace, name: str, data: bytes, now: float, expires: float | None = None
    ) -> bool:
        """Keep an item where there is none that has not expired; whether it was kept.

        Of two who do so at once, one has True.
        """

    def get(self, namespace: Namespace, name: str, now: float) -> CachedItem | None:
        """An item, or None when there is none or it has expired."""

    def list_names(self, namespace: Namespace, now: float) -> list[str]:
        """The names in a namespace that have not expired, sorted."""

    def delete(self, namespace: Namespace, name: str) -> None:
        """Remove an item, if there is one."""

    def delete_expired(self, now: float) -> int:
        """Remove every item and snapshot that has expired, of all tenants; how many."""


class TaskStore(Protocol):
    """Tasks of the queue that runs in the process. Raises StoreError."""

    def save_task(self, task: StoredTask) -> None:
        """Keep a task until it is done."""

    def remove_task(self, name: str) -> None:
        """A task is done."""

    def tasks(self) -> list[StoredTask]:
        """All tasks that are not done, the oldest first."""


class Store(TenantStore, LedgerStore, RunStore, CacheStore, TaskStore, Protocol):
    """What every store does. All methods may be called from any thread.

    Every writing method is whole or not at all. Raises StoreError.
    """

    def cost(self) -> tuple[int, int]:
        """How many documents or rows it has read and written so far."""

    def close(self) -> None:
        """Release files and connections."""

"""The removal of what is stored of a tenant in SQLite, down to the bytes of the file."""

import sqlite3
from collections.abc import Set

import msgspec

from addon.planning.ledger import is_lease_current
from addon.store.base import TenantBusyError
from addon.store.process_identity import is_dead
from addon.store.records import StoredTask
from addon.store.sqlite.database import SQLiteFile

OF_CONNECTIONS = ("entries", "refusals")
"""Tables whose rows belong to a connection."""
OF_TENANTS = (
    "connections",
    "leases",
    "runs",
    "snapshots",
    "papers",
    "log",
    "protected",
    "licences",
    "push",
    "sessions",
    "access",
    "administrators",
    "history_subjects",
    "history",
)
"""Tables whose rows belong to a tenant, by the column `tenant`."""


class SQLiteDeletion(SQLiteFile):
    """The deletions of an `addon.store.base.Store`."""

    def erase_items(self, tenant: str, keep: Set[str]) -> int:
        kept = sorted(keep)
        marks = ", ".join("?" for _ in kept)
        with self._writing() as db:
            items = db.execute(
                f"DELETE FROM papers WHERE tenant = ? AND kind NOT IN ({marks})", (tenant, *kept)
            ).rowcount
            items += db.execute("DELETE FROM snapshots WHERE tenant = ?", (tenant,)).rowcount
        if items:
            self._rewrite()
        else:
            self._empty_journal()
        return items

    def delete_tenant(self, tenant: str, now: float) -> None:
        with self._writing() as db:
            _raise_if_busy(db, tenant, now)
            db.execute("DELETE FROM tenants WHERE id = ?", (tenant,))
            for table in OF_CONNECTIONS:
                db.execute(
                    f"DELETE FROM {table} WHERE connection IN"
                    " (SELECT id FROM connections WHERE tenant = ?)",
                    (tenant,),
                )
            for table in OF_TENANTS:
                db.execute(f"DELETE FROM {table} WHERE tenant = ?", (tenant,))
            for name, task in db.execute("SELECT name, task FROM tasks").fetchall():
                if msgspec.json.decode(task, type=StoredTask).payload.get("tenant") == tenant:
                    db.execute("DELETE FROM tasks WHERE name = ?", (name,))
        self._rewrite()


def _raise_if_busy(db: sqlite3.Connection, tenant: str, now: float) -> None:
    """Raise TenantBusyError if a run has the lease of one of the tenant's connections."""
    rows = db.execute("SELECT vendor, mode, holder, until FROM leases WHERE tenant = ?", (tenant,))
    for vendor, mode, holder, until in rows.fetchall():
        if is_lease_current(until, now) and not is_dead(holder):
            raise TenantBusyError(tenant, f"{vendor}, {mode}")

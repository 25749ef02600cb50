"""The audit log and the access log in SQLite."""

import sqlite3

import msgspec

from addon.store.base import AUDIT_KEPT, StoreError
from addon.store.records import AccessEntry, AuditEntry
from addon.store.sqlite.database import SQLiteFile


class SQLiteLogs(SQLiteFile):
    """The logs of an `addon.store.base.Store`."""

    def append_audit(self, tenant: str, entry: AuditEntry) -> None:
        with self._writing() as db:
            self._enter(db, tenant, entry)

    def audit_entries(
        self, tenant: str, limit: int = 50, before: str | None = None
    ) -> list[AuditEntry]:
        found = self._entries("log", tenant, limit, before)
        return [msgspec.json.decode(entry, type=AuditEntry) for entry in found]

    def append_access(self, tenant: str, entry: AccessEntry) -> None:
        with self._writing() as db:
            self._insert(db, "access", tenant, entry)

    def access_entries(
        self, tenant: str, limit: int = 50, before: str | None = None
    ) -> list[AccessEntry]:
        found = self._entries("access", tenant, limit, before)
        return [msgspec.json.decode(entry, type=AccessEntry) for entry in found]

    def _entries(self, table: str, tenant: str, limit: int, before: str | None) -> list[bytes]:
        with self._reading() as db:
            rows = db.execute(
                f"SELECT entry FROM {table} WHERE tenant = :tenant"
                " AND (:before IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit",
                {"tenant": tenant, "before": before, "limit": limit},
            ).fetchall()
        return [row[0] for row in rows]

    def _enter(self, db: sqlite3.Connection, tenant: str, entry: AuditEntry) -> None:
        """Insert an entry in the audit log and remove expired ones."""
        self._insert(db, "log", tenant, entry)
        db.execute("DELETE FROM log WHERE tenant = ? AND at < ?", (tenant, entry.at - AUDIT_KEPT))

    @staticmethod
    def _insert(
        db: sqlite3.Connection, table: str, tenant: str, entry: AuditEntry | AccessEntry
    ) -> None:
        written = db.execute(
            f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?, ?)",
            (tenant, entry.id, entry.at, msgspec.json.encode(entry)),
        )
        if not written.rowcount:
            raise StoreError(f"the log of {tenant} has another entry {entry.id}: try once more")

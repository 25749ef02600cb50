"""The embedded store: one SQLite file in WAL mode, without a server to install."""

import sqlite3
from collections.abc import Callable

import msgspec
from msgspec import structs

from addon.directory.push_state import PushState
from addon.planning.protected_set import ProtectedSet
from addon.store.base import RUNS_KEPT
from addon.store.records import AuditEntry, RunRecord, StoredTask
from addon.store.sqlite.cache import SQLiteCache
from addon.store.sqlite.deletion import SQLiteDeletion
from addon.store.sqlite.history import SQLiteHistory
from addon.store.sqlite.ledgers import SQLiteLedgers
from addon.store.sqlite.logs import SQLiteLogs
from addon.store.sqlite.sessions import SQLiteSessions


class SQLiteStore(
    SQLiteLedgers, SQLiteCache, SQLiteLogs, SQLiteSessions, SQLiteHistory, SQLiteDeletion
):
    """A `Store` in one file. See `addon.store.base.Store`."""

    batch_growth = 0.0

    # Tenants

    def save_tenant(self, customer_id: str, document: bytes) -> None:
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO tenants VALUES (?, ?)", (customer_id, document))

    def tenant(self, customer_id: str) -> bytes | None:
        with self._reading() as db:
            row = db.execute("SELECT document FROM tenants WHERE id = ?", (customer_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def tenants(self) -> list[str]:
        with self._reading() as db:
            return [row[0] for row in db.execute("SELECT id FROM tenants ORDER BY id")]

    def replace_tenant(
        self, customer_id: str, document: bytes, was: bytes | None, entry: AuditEntry | None = None
    ) -> bool:
        with self._writing() as db:
            row = db.execute("SELECT document FROM tenants WHERE id = ?", (customer_id,)).fetchone()
            if (None if row is None else bytes(row[0])) != was:
                return False
            db.execute("INSERT OR REPLACE INTO tenants VALUES (?, ?)", (customer_id, document))
            if entry is not None:
                self._enter(db, customer_id, entry)
        return True

    # Protected people

    def protected_set(self, tenant: str) -> ProtectedSet | None:
        with self._reading() as db:
            return self._protected_set(db, tenant)

    def update_protected_set(
        self, tenant: str, change: Callable[[ProtectedSet | None], ProtectedSet]
    ) -> ProtectedSet:
        with self._writing() as db:
            known = self._protected_set(db, tenant)
            after = change(known)
            if after != (known or ProtectedSet()):
                packed = msgspec.msgpack.encode(after)
                db.execute("INSERT OR REPLACE INTO protected VALUES (?, ?)", (tenant, packed))
        return after

    @staticmethod
    def _protected_set(db: sqlite3.Connection, tenant: str) -> ProtectedSet | None:
        row = db.execute("SELECT people FROM protected WHERE tenant = ?", (tenant,)).fetchone()
        return None if row is None else msgspec.msgpack.decode(row[0], type=ProtectedSet)

    # Notifications

    def push_state(self, tenant: str) -> PushState | None:
        with self._reading() as db:
            return self._push_state(db, tenant)

    def update_push_state(
        self, tenant: str, change: Callable[[PushState | None], PushState | None]
    ) -> PushState | None:
        with self._writing() as db:
            known = self._push_state(db, tenant)
            after = change(known)
            there = db.execute("SELECT 1 FROM tenants WHERE id = ?", (tenant,)).fetchone()
            if there and after is not None and after != known:
                packed = msgspec.msgpack.encode(after)
                row = tenant, after.due, packed
                db.execute("INSERT OR REPLACE INTO push VALUES (?, ?, ?)", row)
        return after

    def push_due(self, now: float) -> list[str]:
        with self._reading() as db:
            rows = db.execute(
                "SELECT id FROM tenants LEFT JOIN push ON push.tenant = tenants.id"
                " WHERE push.due IS NULL OR push.due <= ? ORDER BY id",
                (now,),
            )
            return [row[0] for row in rows]

    @staticmethod
    def _push_state(db: sqlite3.Connection, tenant: str) -> PushState | None:
        row = db.execute("SELECT due, state FROM push WHERE tenant = ?", (tenant,)).fetchone()
        if row is None:
            return None
        return structs.replace(msgspec.msgpack.decode(row[1], type=PushState), due=row[0])

    # Runs

    def save_run(self, run: RunRecord) -> None:
        with self._writing() as db:
            db.execute(
                "INSERT INTO runs (id, tenant, started, run, number)"
                " VALUES (:id, :tenant, :started, :run,"
                " (SELECT coalesce(max(number), 0) + 1 FROM runs WHERE tenant = :tenant))"
                " ON CONFLICT (id) DO UPDATE SET run = excluded.run",
                {
                    "id": run.id,
                    "tenant": run.tenant,
                    "started": run.started,
                    "run": msgspec.json.encode(run),
                },
            )
            old = (
                " FROM runs WHERE tenant = :tenant AND number <="
                " (SELECT max(number) FROM runs WHERE tenant = :tenant) - :kept"
            )
            bounds = {"tenant": run.tenant, "kept": RUNS_KEPT}
            db.execute(
                f"DELETE FROM history WHERE tenant = :tenant AND run IN (SELECT id{old})", bounds
            )
            db.execute(f"DELETE{old}", bounds)

    def running(self, tenant: str) -> list[RunRecord]:
        return [run for run in self.runs(tenant, RUNS_KEPT) if run.status == "running"]

    def runs(self, tenant: str, limit: int = 50) -> list[RunRecord]:
        with self._reading() as db:
            rows = db.execute(
                "SELECT run FROM runs WHERE tenant = ? ORDER BY number DESC LIMIT ?",
                (tenant, limit),
            ).fetchall()
        return [msgspec.json.decode(row[0], type=RunRecord) for row in rows]

    # Tasks

    def save_task(self, task: StoredTask) -> None:
        with self._writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO tasks VALUES (?, ?, ?)",
                (task.name, task.created, msgspec.json.encode(task)),
            )

    def remove_task(self, name: str) -> None:
        with self._writing() as db:
            db.execute("DELETE FROM tasks WHERE name = ?", (name,))

    def tasks(self) -> list[StoredTask]:
        with self._reading() as db:
            rows = db.execute("SELECT task FROM tasks ORDER BY created, name").fetchall()
        return [msgspec.json.decode(row[0], type=StoredTask) for row in rows]

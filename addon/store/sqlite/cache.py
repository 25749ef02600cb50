"""Cached items and snapshots in SQLite."""

import sqlite3
from collections.abc import Sequence

from addon.age import AHEAD
from addon.store.base import AUDIT_KEPT, SESSION_KEPT
from addon.store.history import HISTORY_KEPT
from addon.store.records import CachedItem, Namespace, is_kept
from addon.store.sqlite.database import SQLiteFile

EXPIRED = "(expires <= ? OR (expires IS NOT NULL AND saved > ?))"
"""Not `is_kept`, given now and now + AHEAD."""


class SQLiteCache(SQLiteFile):
    """The cache and snapshots of an `addon.store.base.Store`."""

    # Cache

    def put(
        self, namespace: Namespace, name: str, data: bytes, now: float, expires: float | None = None
    ) -> None:
        with self._writing() as db:
            self._put(db, namespace, name, CachedItem(name, data, now, expires))

    def put_if_absent(
        self, namespace: Namespace, name: str, data: bytes, now: float, expires: float | None = None
    ) -> bool:
        with self._writing() as db:
            absent = self._item(db, namespace, name, now) is None
            if absent:
                self._put(db, namespace, name, CachedItem(name, data, now, expires))
        return absent

    def get(self, namespace: Namespace, name: str, now: float) -> CachedItem | None:
        with self._reading() as db:
            return self._item(db, namespace, name, now)

    def list_names(self, namespace: Namespace, now: float) -> list[str]:
        with self._reading() as db:
            rows = db.execute(
                "SELECT name, saved, expires FROM papers WHERE tenant = ? AND kind = ?",
                (namespace.tenant, namespace.kind),
            ).fetchall()
        return sorted(name for name, saved, expires in rows if is_kept(saved, expires, now))

    def delete(self, namespace: Namespace, name: str) -> None:
        with self._writing() as db:
            db.execute(
                "DELETE FROM papers WHERE tenant = ? AND kind = ? AND name = ?",
                (namespace.tenant, namespace.kind, name),
            )
        self._empty_journal()

    def delete_expired(self, now: float) -> int:
        with self._writing() as db:
            items = db.execute(f"DELETE FROM papers WHERE {EXPIRED}", (now, now + AHEAD)).rowcount
            gone = db.execute(f"DELETE FROM snapshots WHERE {EXPIRED}", (now, now + AHEAD)).rowcount
            db.execute("DELETE FROM sessions WHERE signed_in < ?", (now - SESSION_KEPT,))
            for log in ("log", "access"):
                db.execute(f"DELETE FROM {log} WHERE at < ?", (now - AUDIT_KEPT,))
            db.execute("DELETE FROM history WHERE at < ?", (now - HISTORY_KEPT,))
        self._empty_journal()  # of what was replaced or removed since, too
        return items + gone

    @staticmethod
    def _item(
        db: sqlite3.Connection, namespace: Namespace, name: str, now: float
    ) -> CachedItem | None:
        row = db.execute(
            "SELECT data, saved, expires FROM papers WHERE tenant = ? AND kind = ? AND name = ?",
            (namespace.tenant, namespace.kind, name),
        ).fetchone()
        if row is None or not is_kept(row[1], row[2], now):
            return None
        return CachedItem(name, bytes(row[0]), row[1], row[2])

    @staticmethod
    def _put(db: sqlite3.Connection, namespace: Namespace, name: str, item: CachedItem) -> None:
        db.execute(
            "INSERT OR REPLACE INTO papers (tenant, kind, name, data, saved, expires)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (namespace.tenant, namespace.kind, name, item.data, item.saved, item.expires),
        )

    # Snapshots

    def save_snapshot(
        self,
        tenant: str,
        run: str,
        packed: bytes,
        vendors: Sequence[str],
        now: float,
        expires: float,
    ) -> None:
        with self._writing() as db:
            db.execute(f"DELETE FROM snapshots WHERE {EXPIRED}", (now, now + AHEAD))
            db.execute(
                "INSERT OR REPLACE INTO snapshots (tenant, run, vendors, saved, expires, packed)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (tenant, run, " ".join(vendors), now, expires, packed),
            )

    def snapshot(self, tenant: str, run: str, now: float) -> bytes | None:
        with self._reading() as db:
            row = db.execute(
                "SELECT packed, saved, expires FROM snapshots WHERE tenant = ? AND run = ?",
                (tenant, run),
            ).fetchone()
        return None if row is None or not is_kept(row[1], row[2], now) else bytes(row[0])

    def done_with_snapshot(self, tenant: str, run: str, vendor: str) -> None:
        with self._writing() as db:
            place = (tenant, run)
            row = db.execute(
                "SELECT vendors FROM snapshots WHERE tenant = ? AND run = ?", place
            ).fetchone()
            left = [] if row is None else [name for name in row[0].split() if name != vendor]
            if left:
                db.execute(
                    "UPDATE snapshots SET vendors = ? WHERE tenant = ? AND run = ?",
                    (" ".join(left), *place),
                )
            else:
                db.execute("DELETE FROM snapshots WHERE tenant = ? AND run = ?", place)
        if not left:
            self._empty_journal()

"""Ledgers, leases, holds and approvals in SQLite."""

import sqlite3
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import msgspec

from addon.planning.ledger import (
    Ledger,
    LedgerChange,
    LedgerEntry,
    LedgerKey,
    Refusal,
    check_keys,
    is_lease_current,
)
from addon.planning.limits import Approval, Hold
from addon.planning.recent_removals import RecentRemovals
from addon.ss12000.resources import TYPES
from addon.store.base import LeaseLost
from addon.store.process_identity import is_dead
from addon.store.records import ConnectionState
from addon.store.sqlite.database import SQLiteFile
from addon.store.sqlite.stamp import Stamp


class SQLiteLedgers(SQLiteFile):
    """The ledgers, leases, holds and approvals of an `addon.store.base.Store`."""

    def __init__(self, path: Path) -> None:
        self._leases: set[tuple[LedgerKey, str]] = set()
        self._stamp = Stamp(path)
        super().__init__(path)

    # Ledgers

    def connection_state(self, key: LedgerKey) -> ConnectionState:
        with self._reading() as db:
            row, restored = self._state(db, key)
        if restored:
            with self._writing() as db:  # both together: whoever takes a lease marks the ledgers
                row, restored = self._state(db, key)
        nothing = (None, None, None, False, False, 0.0)
        hold, approval, recent, doubted, unexplained, delivered = row or nothing
        return ConnectionState(
            ledger=self.ledger(key),
            hold=None if hold is None else msgspec.json.decode(hold, type=Hold),
            approval=None if approval is None else msgspec.json.decode(approval, type=Approval),
            recent=RecentRemovals()
            if recent is None
            else msgspec.json.decode(recent, type=RecentRemovals),
            doubted=bool(doubted) or restored,
            unexplained=bool(unexplained),
            delivered=delivered,
        )

    def _state(self, db: sqlite3.Connection, key: LedgerKey) -> tuple[Any, bool]:
        """Return the connection's row, and whether the file is not as this store has left it."""
        row = db.execute(
            "SELECT hold, approval, recent_removals, doubted, unexplained, delivered"
            " FROM connections WHERE tenant = ? AND vendor = ? AND mode = ?",
            (key.tenant, key.vendor, key.mode),
        ).fetchone()
        return row, row is not None and self._is_restored(db)

    def trust_ledger(self, key: LedgerKey, holder: str) -> None:
        with self._writing() as db:
            number = self._numbered(db, key)
            db.execute("UPDATE connections SET doubted = 0 WHERE id = ?", (number,))

    def _is_restored(self, db: sqlite3.Connection) -> bool:
        """Whether the file is not as this store has left it."""
        row = db.execute("SELECT mark FROM stamp").fetchone()
        return bool(row is None or row[0]) and (row[0] if row else "") != self._stamp.read()

    def _mark(self, db: sqlite3.Connection) -> None:
        """Mark the file and its stamp alike; in a restored file all ledgers are doubted."""
        if self._is_restored(db):
            db.execute("UPDATE connections SET doubted = 1")
        db.execute("INSERT OR REPLACE INTO stamp VALUES (1, ?)", (self._stamp.renew(),))

    def load(self, key: LedgerKey, ledger: Ledger, shards: Set[int]) -> None:
        """Do nothing: here `connection_state` returns whole ledgers."""

    def ledger(self, key: LedgerKey) -> Ledger:
        ledger = Ledger()
        with self._reading() as db:
            number = self._number(db, key)
            for resource_type in TYPES:
                entries = ledger.entries[resource_type]
                for external_id, vendor_id, content in db.execute(
                    "SELECT external_id, vendor_id, content FROM entries"
                    " WHERE connection = ? AND type = ?",
                    (number, resource_type),
                ):
                    entries[external_id] = LedgerEntry(vendor_id, content)
            for resource_type, external_id, refusal in db.execute(
                "SELECT type, external_id, refusal FROM refusals WHERE connection = ?", (number,)
            ):
                ledger.refusals[resource_type][external_id] = msgspec.json.decode(
                    refusal, type=Refusal
                )
        return ledger

    def ledgers(self, tenant: str) -> list[tuple[LedgerKey, int, int]]:
        with self._reading() as db:
            rows = db.execute(
                "SELECT vendor, mode,"
                " (SELECT count(*) FROM entries WHERE connection = id),"
                " (SELECT count(*) FROM refusals WHERE connection = id)"
                " FROM connections WHERE tenant = ? ORDER BY vendor, mode",
                (tenant,),
            ).fetchall()
        return [(LedgerKey(tenant, vendor, mode), n, m) for vendor, mode, n, m in rows if n or m]

    def record(self, key: LedgerKey, changes: Sequence[LedgerChange], holder: str = "") -> None:
        if not changes:
            return
        check_keys(changes)
        with self._writing() as db:
            if holder and self._lease(db, key)[0] != holder:
                raise LeaseLost(key)
            number = self._numbered(db, key)
            for change in changes:
                place = (number, change.resource_type, change.external_id)
                if change.entry is not None:
                    db.execute(
                        "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)",
                        (*place, change.entry.vendor_id, change.entry.content),
                    )
                elif change.forget:
                    db.execute(
                        "DELETE FROM entries WHERE connection = ? AND type = ? AND external_id = ?",
                        place,
                    )
                if change.refusal is not None:
                    db.execute(
                        "INSERT OR REPLACE INTO refusals VALUES (?, ?, ?, ?)",
                        (*place, msgspec.json.encode(change.refusal)),
                    )
                else:
                    db.execute(
                        "DELETE FROM refusals WHERE connection = ? AND type = ?"
                        " AND external_id = ?",
                        place,
                    )

    # Leases

    def acquire(self, key: LedgerKey, holder: str, until: float, now: float) -> str | None:
        with self._writing() as db:
            held_by, held_until = self._lease(db, key)
            if (key, holder) in self._leases and held_by != holder:
                return held_by or "another run"  # another run took and released it meanwhile
            current = is_lease_current(held_until, now)
            if held_by not in ("", holder) and current and not is_dead(held_by):
                return held_by
            db.execute(
                "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)",
                (key.tenant, key.vendor, key.mode, holder, until),
            )
            if (key, holder) not in self._leases:
                self._mark(db)
        self._leases.add((key, holder))
        return None

    def release(self, key: LedgerKey, holder: str) -> None:
        self._leases.discard((key, holder))
        with self._writing() as db:
            db.execute(
                "DELETE FROM leases WHERE tenant = ? AND vendor = ? AND mode = ? AND holder = ?",
                (key.tenant, key.vendor, key.mode, holder),
            )
            self._mark(db)

    @staticmethod
    def _lease(db: sqlite3.Connection, key: LedgerKey) -> tuple[str, float]:
        """Return the holder of the lease, or an empty string, and when it expires."""
        row = db.execute(
            "SELECT holder, until FROM leases WHERE tenant = ? AND vendor = ? AND mode = ?",
            (key.tenant, key.vendor, key.mode),
        ).fetchone()
        return ("", 0.0) if row is None else (row[0], row[1])

    # Holds and approvals

    def hold(self, key: LedgerKey) -> Hold | None:
        found = self._column(key, "hold")
        return None if found is None else msgspec.json.decode(found, type=Hold)

    def set_hold(self, key: LedgerKey, hold: Hold | None) -> None:
        self._set_column(key, "hold", None if hold is None else msgspec.json.encode(hold))

    def approval(self, key: LedgerKey) -> Approval | None:
        found = self._column(key, "approval")
        return None if found is None else msgspec.json.decode(found, type=Approval)

    def set_approval(self, key: LedgerKey, approval: Approval | None) -> None:
        encoded = None if approval is None else msgspec.json.encode(approval)
        self._set_column(key, "approval", encoded)

    def set_recent_removals(
        self, key: LedgerKey, recent: RecentRemovals, with_release: bool = False
    ) -> None:
        self._set_column(key, "recent_removals", msgspec.json.encode(recent))

    def set_unexplained(self, key: LedgerKey, waits: bool) -> None:
        self._set_column(key, "unexplained", waits)

    def set_delivered(self, key: LedgerKey, reading: float) -> None:
        self._set_column(key, "delivered", reading)

    def _column(self, key: LedgerKey, name: str) -> bytes | None:
        with self._reading() as db:
            row = db.execute(
                f"SELECT {name} FROM connections WHERE tenant = ? AND vendor = ? AND mode = ?",
                (key.tenant, key.vendor, key.mode),
            ).fetchone()
        return None if row is None else row[0]

    def _set_column(self, key: LedgerKey, name: str, value: bytes | float | None) -> None:
        with self._writing() as db:
            number = self._numbered(db, key)
            db.execute(f"UPDATE connections SET {name} = ? WHERE id = ?", (value, number))

    @staticmethod
    def _number(db: sqlite3.Connection, key: LedgerKey) -> int | None:
        row = db.execute(
            "SELECT id FROM connections WHERE tenant = ? AND vendor = ? AND mode = ?",
            (key.tenant, key.vendor, key.mode),
        ).fetchone()
        return None if row is None else int(row[0])

    def _numbered(self, db: sqlite3.Connection, key: LedgerKey) -> int:
        """Return the connection's number; insert the connection if it has none."""
        number = self._number(db, key)
        if number is None:
            db.execute(
                "INSERT INTO connections (tenant, vendor, mode) VALUES (?, ?, ?)",
                (key.tenant, key.vendor, key.mode),
            )
            number = self._number(db, key)
        assert number is not None
        return number

"""The embedded store: one SQLite file in WAL mode, nothing to install."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from addon.delivery.guard import Hold
from addon.delivery.ledger import Change, Entry, Key, Ledger, Refusal
from addon.ss12000.resources import TYPES
from addon.store import Run, StoreError

BUSY_SECONDS = 30.0

MIGRATIONS = (
    """
    CREATE TABLE tenants (id TEXT PRIMARY KEY, document BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE connections (
        id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, vendor TEXT NOT NULL, mode TEXT NOT NULL,
        hold BLOB, approval BLOB, UNIQUE (tenant, vendor, mode)
    );
    CREATE TABLE entries (
        connection INTEGER NOT NULL REFERENCES connections, type TEXT NOT NULL,
        external_id TEXT NOT NULL, vendor_id TEXT NOT NULL, content BLOB NOT NULL,
        PRIMARY KEY (connection, type, external_id)
    ) WITHOUT ROWID;
    CREATE TABLE refusals (
        connection INTEGER NOT NULL REFERENCES connections, type TEXT NOT NULL,
        external_id TEXT NOT NULL, refusal BLOB NOT NULL,
        PRIMARY KEY (connection, type, external_id)
    ) WITHOUT ROWID;
    CREATE TABLE runs (
        id TEXT PRIMARY KEY, tenant TEXT NOT NULL, started REAL NOT NULL, run BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX runs_of_tenant ON runs (tenant, started);
    """,
)
"""Each takes the schema one version on; only ever add to the end."""


class SQLiteStore:
    """A `Store` in one file. See `addon.store.Store`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path.parent} cannot be made: {error.strerror}") from None
        with self._writing() as db:
            self._migrate(db)

    def close(self) -> None:
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
            self._local = threading.local()

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

    # Ledgers

    def ledger(self, key: Key) -> Ledger:
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
                    entries[external_id] = Entry(vendor_id, content)
            for resource_type, external_id, refusal in db.execute(
                "SELECT type, external_id, refusal FROM refusals WHERE connection = ?", (number,)
            ):
                ledger.refusals[resource_type][external_id] = msgspec.json.decode(
                    refusal, type=Refusal
                )
        return ledger

    def ledgers(self, tenant: str) -> list[tuple[Key, int, int]]:
        with self._reading() as db:
            rows = db.execute(
                "SELECT vendor, mode,"
                " (SELECT count(*) FROM entries WHERE connection = id),"
                " (SELECT count(*) FROM refusals WHERE connection = id)"
                " FROM connections WHERE tenant = ? ORDER BY vendor, mode",
                (tenant,),
            ).fetchall()
        return [(Key(tenant, vendor, mode), n, m) for vendor, mode, n, m in rows if n or m]

    def record(self, key: Key, changes: Sequence[Change]) -> None:
        with self._writing() as db:
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
                        "DELETE FROM entries WHERE connection = ? AND type = ?"
                        " AND external_id = ?",
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

    # Holds and approvals

    def hold(self, key: Key) -> Hold | None:
        found = self._column(key, "hold")
        return None if found is None else msgspec.json.decode(found, type=Hold)

    def set_hold(self, key: Key, hold: Hold | None) -> None:
        self._set_column(key, "hold", None if hold is None else msgspec.json.encode(hold))

    def approval(self, key: Key) -> frozenset[str]:
        found = self._column(key, "approval")
        return msgspec.json.decode(found, type=frozenset[str]) if found else frozenset()

    def set_approval(self, key: Key, people: frozenset[str]) -> None:
        self._set_column(key, "approval", msgspec.json.encode(sorted(people)) if people else None)

    # Runs

    def save_run(self, run: Run) -> None:
        with self._writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)",
                (run.id, run.tenant, run.started, msgspec.json.encode(run)),
            )

    def runs(self, tenant: str, limit: int = 50) -> list[Run]:
        with self._reading() as db:
            rows = db.execute(
                "SELECT run FROM runs WHERE tenant = ? ORDER BY started DESC, id DESC LIMIT ?",
                (tenant, limit),
            ).fetchall()
        return [msgspec.json.decode(row[0], type=Run) for row in rows]

    # The file

    def _column(self, key: Key, name: str) -> bytes | None:
        with self._reading() as db:
            row = db.execute(
                f"SELECT {name} FROM connections WHERE tenant = ? AND vendor = ? AND mode = ?",
                (key.tenant, key.vendor, key.mode),
            ).fetchone()
        return None if row is None else row[0]

    def _set_column(self, key: Key, name: str, value: bytes | None) -> None:
        with self._writing() as db:
            number = self._numbered(db, key)
            db.execute(f"UPDATE connections SET {name} = ? WHERE id = ?", (value, number))

    @staticmethod
    def _number(db: sqlite3.Connection, key: Key) -> int | None:
        row = db.execute(
            "SELECT id FROM connections WHERE tenant = ? AND vendor = ? AND mode = ?",
            (key.tenant, key.vendor, key.mode),
        ).fetchone()
        return None if row is None else int(row[0])

    def _numbered(self, db: sqlite3.Connection, key: Key) -> int:
        """The connection's number, given to it now if it had none."""
        number = self._number(db, key)
        if number is None:
            db.execute(
                "INSERT INTO connections (tenant, vendor, mode) VALUES (?, ?, ?)",
                (key.tenant, key.vendor, key.mode),
            )
            number = self._number(db, key)
        assert number is not None
        return number

    def _connection(self) -> sqlite3.Connection:
        """This thread's connection to the file."""
        found: sqlite3.Connection | None = getattr(self._local, "db", None)
        if found is None:
            found = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            found.execute("PRAGMA journal_mode = WAL")
            found.execute("PRAGMA synchronous = FULL")
            found.execute("PRAGMA foreign_keys = ON")
            self._local.db = found
            with self._lock:
                self._open.append(found)
        return found

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("BEGIN") as db:
            yield db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("BEGIN IMMEDIATE") as db:
            yield db

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            db = self._connection()
            db.execute(begin)
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(
                f"The store {self._path} cannot be used ({error}). See that the file is a Skolsynk "
                "store, that its folder can be written and that the disk is not full."
            ) from None

    def _migrate(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise StoreError(
                f"The store {self._path} was made by a newer Skolsynk (schema {version}; this one "
                f"knows {len(MIGRATIONS)}). Install the newer version, or name another file."
            )
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            for statement in script.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")

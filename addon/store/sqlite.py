"""The embedded store: one SQLite file in WAL mode, nothing to install."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path

import msgspec

from addon.delivery.guard import Approval, Hold
from addon.delivery.ledger import Change, Entry, Key, Ledger, Refusal
from addon.ss12000.resources import TYPES
from addon.store import RUNS_KEPT, LeaseLost, Run, Standing, StoredTask, StoreError
from addon.store.holder import is_dead

BUSY_SECONDS = 30.0
MOST_IDLE = 8
"""How many connections are kept open for the next use, whatever thread it comes from."""

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
    """
    CREATE TABLE leases (
        tenant TEXT NOT NULL, vendor TEXT NOT NULL, mode TEXT NOT NULL,
        holder TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (tenant, vendor, mode)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE snapshots (
        tenant TEXT NOT NULL, run TEXT NOT NULL, vendors TEXT NOT NULL, expires REAL NOT NULL,
        packed BLOB NOT NULL, PRIMARY KEY (tenant, run)
    ) WITHOUT ROWID;
    CREATE TABLE tasks (name TEXT PRIMARY KEY, created REAL NOT NULL, task BLOB NOT NULL)
        WITHOUT ROWID;
    """,
)
"""Each takes the schema one version on; only ever add to the end."""


class SQLiteStore:
    """A `Store` in one file. See `addon.store.Store`."""

    batch_growth = 0.0

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._reads = self._writes = 0
        self._leases: set[tuple[Key, str]] = set()
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path.parent} cannot be made: {error.strerror}") from None
        with self._writing() as db:
            self._migrate(db)
        self._let_go()  # a server may fork now, and SQLite's connections must not be shared

    def close(self) -> None:
        self._closed = True
        self._let_go()

    def cost(self) -> tuple[int, int]:
        """Transactions that read, and that wrote."""
        return self._reads, self._writes

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

    def standing(self, key: Key) -> Standing:
        return Standing(self.ledger(key), self.hold(key), self.approval(key))

    def load(self, key: Key, ledger: Ledger, shards: Set[int]) -> None:
        """Nothing: `standing` gives whole ledgers here."""

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

    def record(self, key: Key, changes: Sequence[Change], holder: str = "") -> None:
        if not changes:
            return
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

    def acquire(self, key: Key, holder: str, until: float, now: float) -> str | None:
        with self._writing() as db:
            held_by, held_until = self._lease(db, key)
            if (key, holder) in self._leases and held_by != holder:
                return held_by or "another run"  # it was taken meanwhile, and let go of again
            if held_by not in ("", holder) and held_until > now and not is_dead(held_by):
                return held_by
            db.execute(
                "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)",
                (key.tenant, key.vendor, key.mode, holder, until),
            )
        self._leases.add((key, holder))
        return None

    def release(self, key: Key, holder: str) -> None:
        self._leases.discard((key, holder))
        with self._writing() as db:
            db.execute(
                "DELETE FROM leases WHERE tenant = ? AND vendor = ? AND mode = ? AND holder = ?",
                (key.tenant, key.vendor, key.mode, holder),
            )

    @staticmethod
    def _lease(db: sqlite3.Connection, key: Key) -> tuple[str, float]:
        """Who holds the lease and until when; an empty name when nobody does."""
        row = db.execute(
            "SELECT holder, until FROM leases WHERE tenant = ? AND vendor = ? AND mode = ?",
            (key.tenant, key.vendor, key.mode),
        ).fetchone()
        return ("", 0.0) if row is None else (row[0], row[1])

    # Holds and approvals

    def hold(self, key: Key) -> Hold | None:
        found = self._column(key, "hold")
        return None if found is None else msgspec.json.decode(found, type=Hold)

    def set_hold(self, key: Key, hold: Hold | None) -> None:
        self._set_column(key, "hold", None if hold is None else msgspec.json.encode(hold))

    def approval(self, key: Key) -> Approval | None:
        found = self._column(key, "approval")
        return None if found is None else msgspec.json.decode(found, type=Approval)

    def set_approval(self, key: Key, approval: Approval | None) -> None:
        encoded = None if approval is None else msgspec.json.encode(approval)
        self._set_column(key, "approval", encoded)

    # Runs

    def save_run(self, run: Run) -> None:
        with self._writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)",
                (run.id, run.tenant, run.started, msgspec.json.encode(run)),
            )
            db.execute(
                "DELETE FROM runs WHERE tenant = ?1 AND started < (SELECT started FROM runs"
                " WHERE tenant = ?1 ORDER BY started DESC LIMIT 1 OFFSET ?2)",
                (run.tenant, RUNS_KEPT - 1),
            )

    def running(self, tenant: str) -> list[Run]:
        return [run for run in self.runs(tenant, RUNS_KEPT) if run.status == "running"]

    def runs(self, tenant: str, limit: int = 50) -> list[Run]:
        with self._reading() as db:
            rows = db.execute(
                "SELECT run FROM runs WHERE tenant = ? ORDER BY started DESC, id DESC LIMIT ?",
                (tenant, limit),
            ).fetchall()
        return [msgspec.json.decode(row[0], type=Run) for row in rows]

    # Snapshots

    def save_snapshot(
        self, tenant: str, run: str, packed: bytes, vendors: Sequence[str], expires: float
    ) -> None:
        with self._writing() as db:
            db.execute("DELETE FROM snapshots WHERE expires <= ?", (time.time(),))
            db.execute(
                "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?)",
                (tenant, run, " ".join(vendors), expires, packed),
            )

    def snapshot(self, tenant: str, run: str, now: float) -> bytes | None:
        with self._reading() as db:
            row = db.execute(
                "SELECT packed FROM snapshots WHERE tenant = ? AND run = ? AND expires > ?",
                (tenant, run, now),
            ).fetchone()
        return None if row is None else bytes(row[0])

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

    def _take(self) -> sqlite3.Connection:
        """A connection to the file that nobody else uses."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        db = sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            db.close()
            raise
        return db

    def _give_back(self, db: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < MOST_IDLE:
                self._idle.append(db)
                return
        db.close()

    def _let_go(self) -> None:
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        self._reads += 1
        with self._transaction("BEGIN") as db:
            yield db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self._writes += 1
        with self._transaction("BEGIN IMMEDIATE") as db:
            yield db

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            db = self._take()
            try:
                db.execute(begin)
                yield db
                db.execute("COMMIT")
            except BaseException:
                db.close()  # which rolls back
                raise
            self._give_back(db)
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
        if version == 0 and db.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise StoreError(
                f"The file {self._path} is the database of another program. Name another file."
            )
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            for statement in script.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")

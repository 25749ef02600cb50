"""The SQLite file: its connections, transactions and schema."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from addon.store.base import StoreError
from addon.store.sqlite.privacy import keep_private

BUSY_SECONDS = 30.0
CHECKPOINT_SECONDS = 0.5
"""How long the emptying of the journal waits for readers; then it is left to a later one."""
REWRITE_SECONDS = 5.0
"""The same after the file was rewritten."""
MOST_IDLE = 8
"""How many unused connections are kept open for any thread."""

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
    """
    CREATE TABLE papers (
        tenant TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, saved REAL NOT NULL,
        expires REAL, data BLOB NOT NULL, PRIMARY KEY (tenant, kind, name)
    );
    CREATE INDEX papers_that_expire ON papers (expires) WHERE expires IS NOT NULL;
    CREATE TABLE log (
        tenant TEXT NOT NULL, id TEXT NOT NULL, at REAL NOT NULL, entry BLOB NOT NULL,
        PRIMARY KEY (tenant, id)
    ) WITHOUT ROWID;
    CREATE INDEX log_by_time ON log (tenant, at);
    """,
    """
    CREATE TABLE protected (tenant TEXT PRIMARY KEY, people BLOB NOT NULL) WITHOUT ROWID;
    """,
    "ALTER TABLE connections ADD COLUMN recent_removals BLOB",
    """
    CREATE TABLE stamp (id INTEGER PRIMARY KEY CHECK (id = 1), mark TEXT NOT NULL);
    ALTER TABLE connections ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0;
    """,
    """
    ALTER TABLE runs ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
    UPDATE runs SET number = ranked.number FROM (
        SELECT id, row_number() OVER (PARTITION BY tenant ORDER BY started, id) AS number FROM runs
    ) AS ranked WHERE runs.id = ranked.id;
    DROP INDEX runs_of_tenant;
    CREATE INDEX runs_in_order ON runs (tenant, number);
    ALTER TABLE snapshots ADD COLUMN saved REAL NOT NULL DEFAULT 0;
    """,
    "CREATE TABLE licences (tenant TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID",
    "ALTER TABLE connections ADD COLUMN unexplained INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE push (tenant TEXT PRIMARY KEY, due REAL NOT NULL, state BLOB NOT NULL)",
    "ALTER TABLE connections ADD COLUMN delivered REAL NOT NULL DEFAULT 0",
    """
    CREATE TRIGGER document_saved AFTER INSERT ON tenants BEGIN
        UPDATE push SET due = 0 WHERE tenant = NEW.id;
    END;
    """,
    """
    CREATE TABLE sessions (
        tenant TEXT NOT NULL, id TEXT NOT NULL, sub TEXT NOT NULL, signed_in REAL NOT NULL,
        session BLOB NOT NULL, PRIMARY KEY (tenant, id)
    ) WITHOUT ROWID;
    CREATE TABLE administrators (
        tenant TEXT NOT NULL, address TEXT NOT NULL, sub TEXT NOT NULL,
        PRIMARY KEY (tenant, address)
    ) WITHOUT ROWID;
    DROP INDEX log_by_time;
    CREATE INDEX log_by_age ON log (at);
    """,
    """
    CREATE TABLE access (
        tenant TEXT NOT NULL, id TEXT NOT NULL, at REAL NOT NULL, entry BLOB NOT NULL,
        PRIMARY KEY (tenant, id)
    ) WITHOUT ROWID;
    CREATE INDEX access_by_age ON access (at);
    """,
    """
    CREATE TABLE history (
        number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL, run TEXT NOT NULL,
        at REAL NOT NULL, vendor TEXT NOT NULL, mode TEXT NOT NULL, packed BLOB NOT NULL,
        UNIQUE (tenant, id)
    );
    CREATE INDEX history_of_run ON history (tenant, run);
    CREATE INDEX history_by_age ON history (at);
    CREATE TABLE history_subjects (
        tenant TEXT NOT NULL, subject TEXT NOT NULL,
        history INTEGER NOT NULL REFERENCES history ON DELETE CASCADE,
        PRIMARY KEY (tenant, subject, history)
    ) WITHOUT ROWID;
    CREATE INDEX subjects_of_history ON history_subjects (history);
    """,
)
"""Each entry migrates the schema by one version; only append new entries."""

SECURE_SINCE = 9
"""The schema's version since which deleted content is overwritten; earlier files are rewritten."""


class SQLiteFile:
    """One SQLite file in WAL mode with the newest schema. Raises StoreError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._reads = self._writes = 0
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path.parent} cannot be made: {error.strerror}") from None
        keep_private(path)
        with self._writing() as db:
            found = self._migrate(db)
        if 0 < found < SECURE_SINCE:
            self._rewrite()
        self._close_idle()  # a server may fork now, and SQLite's connections must not be shared

    def close(self) -> None:
        """Release the file."""
        self._closed = True
        self._close_idle()

    def cost(self) -> tuple[int, int]:
        """Return the numbers of read and of write transactions."""
        return self._reads, self._writes

    def _take(self) -> sqlite3.Connection:
        """Return a connection to the file that is not in use."""
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
            db.execute("PRAGMA secure_delete = ON")
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

    def _close_idle(self) -> None:
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
    def _transaction(self, begin: str, end: str = "COMMIT") -> Iterator[sqlite3.Connection]:
        try:
            db = self._take()
            try:
                db.execute(begin)
                yield db
                db.execute(end)
            except BaseException:
                db.close()  # which rolls back
                raise
            self._give_back(db)
        except sqlite3.Error as error:
            raise StoreError(
                f"The store {self._path} cannot be used ({error}). See that the file is a Skolsynk "
                "store, that its folder can be written and that the disk is not full."
            ) from None

    def _empty_journal(self, seconds: float | None = None) -> bool:
        """Have the file's journal forget what was deleted or replaced; return whether it has.

        Deleted content is overwritten in the file (`secure_delete`), but the journal (-wal) has
        earlier pages until a checkpoint has emptied it, which readers can put off.
        """
        wait = CHECKPOINT_SECONDS if seconds is None else seconds
        with self._outside_transaction() as db:
            db.execute(f"PRAGMA busy_timeout = {wait * 1000:.0f}")
            busy, *_ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            db.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
        return not busy

    def _rewrite(self) -> bool:
        """Write the file from scratch, without anything that its pages still have of deleted rows.

        Return whether the journal could be emptied too.
        """
        with self._outside_transaction() as db:
            db.execute("VACUUM")
        return self._empty_journal(REWRITE_SECONDS)

    @contextmanager
    def _outside_transaction(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("SELECT 1", "SELECT 1") as db:
            yield db

    def _migrate(self, db: sqlite3.Connection) -> int:
        """Migrate the schema to the newest version; return the version that was found."""
        version: int = db.execute("PRAGMA user_version").fetchone()[0]
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
            for statement in _statements(script):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")
        return version


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; that of a trigger has others in it."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""

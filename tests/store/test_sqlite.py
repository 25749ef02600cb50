"""What is SQLite's own: the file, and those who write it at the same time."""

import os
import re
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey
from addon.store.base import AUDIT_KEPT, StoreError
from addon.store.records import AuditEntry
from addon.store.sqlite.database import MIGRATIONS, MOST_IDLE
from addon.store.sqlite.store import SQLiteStore

ROOT = Path(__file__).parents[2]
KEY = LedgerKey("C1", "binogi", "live")
HELD = LedgerEntry("v1", b"0123456789abcdef")

WRITER = """
import sys
from pathlib import Path
from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey
from addon.store.sqlite.store import SQLiteStore
name = sys.argv[2]
store = SQLiteStore(Path(sys.argv[1]))
for n in range(40):
    users = f"{name}-{n}", "both"
    changes = [LedgerChange("User", user, LedgerEntry(name, b"x")) for user in users]
    store.record(LedgerKey("C1", "binogi", "live"), changes)
"""
KILLED = """
import os, sys
from pathlib import Path
from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey
from addon.store.sqlite.store import SQLiteStore
store = SQLiteStore(Path(sys.argv[1]))
key = LedgerKey("C1", "binogi", "live")
store.record(key, [LedgerChange("User", "u1", LedgerEntry("v1", b"x"))])
with store._writing() as db:
    db.execute("DELETE FROM entries")
    os._exit(9)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "skolsynk.db"


@pytest.fixture
def open_at():
    opened = []

    def open_it(path: Path) -> SQLiteStore:
        opened.append(SQLiteStore(path))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


def script(code: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT)


def open_files(path: Path) -> int:
    """How many of this process's files are the database or belong to it."""
    held = []
    for number in os.listdir("/proc/self/fd"):
        try:
            held.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    return len([name for name in held if name.startswith(str(path))])


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


# The file


def test_the_file_and_its_folders_are_made(tmp_path, open_at):
    path = tmp_path / "var" / "deep" / "skolsynk.db"
    open_at(path)
    assert path.exists()


def test_a_new_store_has_the_newest_schema(path, open_at):
    open_at(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_an_empty_file_of_version_0_is_migrated(path, open_at):
    path.touch()
    store = open_at(path)
    store.record(KEY, [LedgerChange("User", "u1", HELD)])
    assert open_at(path).ledger(KEY).entries["User"] == {"u1": HELD}


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_store_of_each_version_is_migrated_to_the_newest(path, open_at, monkeypatch, version):
    with monkeypatch.context() as patched:
        patched.setattr("addon.store.sqlite.database.MIGRATIONS", MIGRATIONS[:version])
        open_at(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO tenants VALUES ('C1', ?)", (b"{}",))
    more = (*MIGRATIONS, "CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('kept');")
    monkeypatch.setattr("addon.store.sqlite.database.MIGRATIONS", more)
    assert open_at(path).tenant("C1") == b"{}"
    open_at(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(more),)
        assert db.execute("SELECT text FROM notes").fetchall() == [("kept",)]


def test_a_migration_that_fails_changes_nothing(path, open_at, monkeypatch):
    open_at(path).save_tenant("C1", b"{}")
    broken = (*MIGRATIONS, "DROP TABLE tenants; CREATE TABLE tenants (")
    with monkeypatch.context() as patched:
        patched.setattr("addon.store.sqlite.database.MIGRATIONS", broken)
        with pytest.raises(StoreError):
            SQLiteStore(path)
    assert open_at(path).tenant("C1") == b"{}"


def test_a_store_made_by_a_newer_version_is_not_touched(path, open_at):
    open_at(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="made by a newer Skolsynk"):
        SQLiteStore(path)
    assert path.read_bytes() == before


def test_another_programs_database_gets_no_tables_of_ours(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE tenants (theirs TEXT)")
    path.chmod(0o600)
    with pytest.raises(StoreError, match="another program"):
        SQLiteStore(path)
    with closing(sqlite3.connect(path)) as db:
        assert [name for (name,) in db.execute("SELECT name FROM sqlite_master")] == ["tenants"]


def test_a_file_that_is_no_database_is_not_touched(path):
    content = b"Not a database, but somebody's letter. " * 100
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(StoreError, match="not a database"):
        SQLiteStore(path)
    assert path.read_bytes() == content
    assert os.listdir(path.parent) == [path.name]


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/var cannot be made"):
        SQLiteStore(tmp_path / "file" / "var" / "skolsynk.db")


def test_a_folder_in_the_place_of_the_file_says_so(tmp_path):
    with pytest.raises(StoreError, match=f"The store {tmp_path} cannot be used"):
        SQLiteStore(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_says_so(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="cannot be used"):
            SQLiteStore(tmp_path / "skolsynk.db")
    finally:
        tmp_path.chmod(0o700)


# Errors in the middle


def test_a_store_works_on_after_an_error(path, open_at):
    store = open_at(path)
    for _ in range(3):
        with pytest.raises(StoreError):
            store.record(KEY, [LedgerChange("User", "u1", LedgerEntry("v1", object()))])
    store.record(KEY, [LedgerChange("User", "u1", HELD)])
    assert store.ledger(KEY).entries["User"] == {"u1": HELD}


def test_what_interrupts_a_write_is_raised_and_leaves_nothing(path, open_at):
    store = open_at(path)
    with pytest.raises(KeyboardInterrupt), store._writing() as db:
        db.execute("INSERT INTO tenants VALUES ('C1', '')")
        raise KeyboardInterrupt
    assert store.tenants() == []


def test_promise_2_a_process_killed_while_writing_leaves_what_was_acknowledged(path, open_at):
    assert script(KILLED, path).wait(60) == 9
    store = open_at(path)
    assert store.ledger(KEY).entries["User"] == {"u1": LedgerEntry("v1", b"x")}
    store.record(KEY, [LedgerChange("User", "u2", HELD)])


def test_a_full_disk_is_a_store_error_and_leaves_nothing(path, open_at, monkeypatch):
    store = open_at(path)
    store.record(KEY, [LedgerChange("User", "u1", HELD)])
    with store._reading() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
    with closing(sqlite3.connect(path, isolation_level=None)) as full:
        full.execute(f"PRAGMA max_page_count = {pages + 1}")
        full_store = open_at(path)
        monkeypatch.setattr(full_store, "_idle", [full])
        with pytest.raises(StoreError, match="full"):
            full_store.record(KEY, [LedgerChange("User", f"u{n}", HELD) for n in range(5000)])
    assert store.ledger(KEY).entries["User"] == {"u1": HELD}


# At the same time


def test_promise_2_processes_that_write_one_ledger_lose_nothing(path, open_at):
    """They also make the file at the same time."""
    writers = [script(WRITER, path, name) for name in ("one", "two", "three")]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    entries = open_at(path).ledger(KEY).entries["User"]
    assert len(entries) == 3 * 40 + 1


def test_a_reader_sees_the_ledger_as_it_was_before_or_after_a_record(path, open_at):
    store, other = open_at(path), open_at(path)
    pair = [LedgerChange("User", "a", HELD), LedgerChange("Activity", "b", HELD)]
    gone = [LedgerChange(c.resource_type, c.external_id, forget=True) for c in pair]

    def write() -> None:
        for _ in range(50):
            store.record(KEY, pair)
            store.record(KEY, gone)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        sizes = {0}
        while not writing.done():
            sizes.add(len(other.ledger(KEY)))
        writing.result()
    assert sizes <= {0, 2}


def test_reading_does_not_wait_for_a_writer(path, open_at):
    store, other = open_at(path), open_at(path)
    store.save_tenant("C1", b"old")
    with store._writing() as db:
        db.execute("UPDATE tenants SET document = 'new'")
        assert other.tenant("C1") == b"old"


# Files that are held open


@needs_proc
def test_a_new_store_holds_no_file_so_that_a_server_can_fork(path, open_at):
    open_at(path)
    assert open_files(path) == 0


@needs_proc
def test_threads_that_come_and_go_leave_no_files_open(path, open_at):
    store = open_at(path)
    store.save_tenant("C1", b"{}")
    before = open_files(path)
    for _ in range(20):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(store.tenant, "C1").result()
    assert open_files(path) == before


@needs_proc
def test_many_at_once_again_and_again_leave_only_some_files_open(path, open_at):
    """SQLite itself keeps files for a while after their connections were closed."""
    store, threads = open_at(path), 2 * MOST_IDLE
    for wave in range(6):
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(store.save_tenant, [f"{wave}-{n}" for n in range(50)], [b"{}"] * 50))
    assert open_files(path) <= 3 * threads
    assert len(store.tenants()) == 6 * 50


@needs_proc
def test_a_closed_store_holds_no_file_also_when_it_is_used_again(path, open_at):
    store = open_at(path)
    store.save_tenant("C1", b"{}")
    store.close()
    assert open_files(path) == 0
    assert store.tenant("C1") == b"{}"
    assert open_files(path) == 0


def test_a_holder_that_slept_cannot_take_back_a_lease_that_another_had_meanwhile(tmp_path):
    store = SQLiteStore(tmp_path / "skolsynk.db")
    key = LedgerKey("C1", "binogi", "live")
    assert store.acquire(key, "elsewhere|1|1|a", until=10.0, now=0.0) is None
    assert store.acquire(key, "elsewhere|2|2|b", until=30.0, now=20.0) is None
    store.release(key, "elsewhere|2|2|b")
    assert store.acquire(key, "elsewhere|1|1|a", until=40.0, now=21.0) is not None
    store.close()


def test_a_restored_file_is_noticed_by_every_connection_of_a_run(path, open_at, monkeypatch):
    """Also by one that looks just as another takes its lease, which marks the file again."""
    store = open_at(path)
    others = LedgerKey("C1", "gleerups", "live")
    for key in (KEY, others):
        store.record(key, [LedgerChange("User", "u1", HELD)])
        assert store.acquire(key, "holder", until=10.0, now=0.0) is None
        store.release(key, "holder")
    assert not store.connection_state(KEY).doubted
    store.close()
    (path.parent / f".{path.name}.stamp").unlink()

    store, other = open_at(path), open_at(path)
    waits = store._writing

    @contextmanager
    def after_the_other():
        assert other.acquire(others, "holder", until=30.0, now=20.0) is None
        with waits() as db:
            yield db

    monkeypatch.setattr(store, "_writing", after_the_other)
    assert store.connection_state(KEY).doubted


def test_entries_older_than_three_years_go_when_the_next_is_written(path, open_at):
    store = open_at(path)
    ends = 1_800_000_000.0 + AUDIT_KEPT
    for name, at, tenant in (
        ("1", ends - AUDIT_KEPT - 1, "C1"),
        ("2", ends - AUDIT_KEPT, "C1"),
        ("3", ends - AUDIT_KEPT - 1, "C2"),
        ("4", ends, "C1"),
    ):
        store.append_audit(tenant, AuditEntry(name, at, "command line", "document.imported"))
    assert [entry.id for entry in store.audit_entries("C1")] == ["4", "2"]
    assert [entry.id for entry in store.audit_entries("C2")] == ["3"]


def test_statements_have_no_numbered_placeholders() -> None:
    """Python 3.12.0 to 3.12.3 take them for named ones, and warn of a sequence of values."""
    texts = (ROOT / "addon" / "store" / "sqlite").glob("*.py")
    assert [path.name for path in texts if re.search(r"\?\d", path.read_text())] == []


# Who can read it


@pytest.mark.parametrize("mask", [0, 0o022])
def test_only_the_owner_can_read_the_file_and_those_beside_it(path, open_at, mask):
    before = os.umask(mask)
    try:
        store = open_at(path)
        store.record(KEY, [LedgerChange("User", "u1", HELD)])
        store.ledger(KEY)
        made = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert {f"{path.name}{end}" for end in ("", "-wal", "-shm")} <= made.keys()
    assert {mode for name, mode in made.items() if name.startswith(path.name)} == {0o600}


@pytest.mark.parametrize("name", ["", "-wal", "-journal"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_can_read_is_refused_with_what_to_do(path, open_at, name, mode):
    open_at(path).close()
    open_file = path.with_name(path.name + name)
    with open_file.open("ab") as file:
        file.write(b"x")
    open_file.chmod(mode)
    with pytest.raises(StoreError, match=f"chmod 600 {open_file}"):
        SQLiteStore(path)
    assert stat.S_IMODE(open_file.stat().st_mode) == mode

"""What is Firestore's own: packing, the journal, leases that are lost, and processes that die."""

import os
import signal
import subprocess
import sys
import time
import zlib
from itertools import count
from pathlib import Path

import msgspec
import pytest
from google.cloud import firestore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.planning.ledger import (
    Ledger,
    LedgerChange,
    LedgerEntry,
    LedgerKey,
    Refusal,
    digest_of,
    shard_of,
)
from addon.planning.plan import digests, make_plan
from addon.ss12000.mapping import OutgoingResource
from addon.ss12000.resources import content_hash
from addon.store.base import LeaseLost, StoreError
from addon.store.firestore import client as documents
from addon.store.firestore.client import DocumentWrite
from addon.store.firestore.connection import connection_path
from addon.store.firestore.packing import (
    CHANGES_A_DOCUMENT,
    MOST_BYTES,
    Shard,
    pack_changes,
    pack_shard,
)
from addon.store.firestore.store import FirestoreStore
from addon.store.records import RunRecord
from bench.firestore_count import Counted
from tests.support.emulator import HOST

ROOT = Path(__file__).parents[2]
KEY = LedgerKey("C1", "binogi", "live")
LATER = time.time() + 10_000
HELD = LedgerEntry("v1", b"0123456789abcdef")


class Killed(BaseException):
    """The process is no more."""


@pytest.fixture
def open_store(project):
    opened = []

    def open_it() -> FirestoreStore:
        opened.append(FirestoreStore(project, emulator=os.environ[HOST]))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store) -> FirestoreStore:
    return open_store()


def users(first: int, end: int) -> list[LedgerChange]:
    return [LedgerChange("User", f"user-{n}", HELD) for n in range(first, end)]


def kept(store: FirestoreStore) -> dict[str, LedgerEntry]:
    return store.ledger(KEY).entries["User"]


def kept_by(changes: list[LedgerChange]) -> dict[str, LedgerEntry]:
    ledger = Ledger()
    ledger.apply(changes)
    return ledger.entries["User"]


# Processes that die


BATCHES = [users(0, 30), users(20, 60), [LedgerChange("User", "user-3", forget=True)]]


def run_of(store: FirestoreStore, told: list[list[LedgerChange]]) -> None:
    """A run that takes the lease, records, and lets go; `told` is what it was told is kept."""
    assert store.acquire(KEY, "one", until=60, now=0) is None
    for batch in BATCHES:
        store.record(KEY, batch, "one")
        told.append(batch)
    store.release(KEY, "one")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(9))
def test_promise_2_a_run_that_dies_at_any_commit_has_lost_nothing(
    open_store, monkeypatch, step, after
):
    """The lease, three batches, the shards in four commits as for a large ledger, the pages."""
    dying, told, steps = open_store(), [], count()
    commit = dying._documents.commit

    def die(writes, gone=()):
        dies = next(steps) == step
        found = [] if dies and not after else commit(writes, gone)
        if dies:
            raise Killed
        return found

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(documents, "MOST_BYTES", 4000)
        patched.setattr(dying._documents, "commit", die)
        run_of(dying, told)
    found = kept(open_store())
    whole = [kept_by([c for batch in BATCHES[:n] for c in batch]) for n in range(4)]
    assert found in whole[len(told) : len(told) + 2]
    following = open_store()
    assert following.acquire(KEY, "two", until=LATER, now=61) is None
    assert kept(following) == found
    following.record(KEY, users(100, 101), "two")
    following.release(KEY, "two")
    assert kept(open_store()) == {**found, "user-100": HELD}
    assert len(open_store().connection_state(KEY).ledger) == len(found) + 1


PROCESS = """
import os, signal, sys, time
from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey
from addon.store.firestore import client as documents
from addon.store.firestore.store import FirestoreStore
from addon.store.process_identity import process_holder
project, what, name = sys.argv[1:]
store = FirestoreStore(project, emulator=os.environ["FIRESTORE_EMULATOR_HOST"])
key = LedgerKey("C1", "binogi", "live")
HELD = LedgerEntry("v1", b"0123456789abcdef")
def users(n, count):
    return [LedgerChange("User", f"{name}-{n}-{i}", HELD) for i in range(count)]
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def turn(n):
    own = process_holder(f"{name}-{n}")
    while store.acquire(key, own, time.time() + 60, time.time()) is not None:
        time.sleep(0.01)
    return own
if what == "acquired":
    turn(0)
    die()
if what == "journal":
    own = turn(0)
    store.record(key, users(0, 5), own)
    store.record(key, users(1, 5), own)
    die()
if what == "packing":
    documents.MOST_BYTES = 2000
    own = turn(0)
    store.record(key, users(0, 50), own)
    commits, commit = [], store._documents.commit
    def third(writes, gone=()):
        commits.append(writes)
        return die() if len(commits) == 3 else commit(writes, gone)
    store._documents.commit = third
    store.release(key, own)
if what == "leases":
    for n in range(10):
        own = turn(n)
        store.record(key, users(n, 4), own)
        store.release(key, own)
if what == "records":
    for n in range(10):
        store.record(key, users(n, 4))
"""


def process(project: str, what: str, name: str = "p") -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", PROCESS, project, what, name], cwd=ROOT)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_promise_2_a_killed_process_leaves_what_was_acknowledged_and_no_lease(project, open_store):
    expected = {"acquired": 0, "journal": 10, "packing": 50}
    for what, number in expected.items():
        assert process(project, what, what).wait(60) == -signal.SIGKILL
        assert sum(1 for name in kept(open_store()) if name.startswith(what)) == number
    following = open_store()
    assert following.acquire(KEY, "two", LATER, time.time()) is None
    following.release(KEY, "two")
    assert len(kept(open_store())) == 60
    assert not open_store().connection_state(KEY).ledger.entries["User"], (
        "nothing is left to be packed"
    )


def test_a_run_that_only_looks_packs_what_a_dead_one_has_left(project, open_store):
    """Else each run with nothing to do would have to read the whole journal."""
    assert process(project, "journal").wait(60) == -signal.SIGKILL
    looking = open_store()
    counted = Counted(looking)
    assert len(looking.connection_state(KEY).ledger) == 10
    assert counted.take().writes > 0
    assert len(looking.connection_state(KEY).ledger) == 10
    cost = counted.take()
    assert (cost.reads, cost.writes) == (1, 0)


@pytest.mark.parametrize("how", ["leases", "records"])
def test_promise_2_processes_that_write_one_ledger_lose_nothing(project, open_store, how):
    writers = [process(project, how, name) for name in ("one", "two")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(kept(open_store())) == 2 * 10 * 4


# Runs that sleep and wake when their lease has been taken


def test_who_was_taken_over_writes_no_more_and_loses_nothing(open_store):
    sleeper, other = open_store(), open_store()
    sleeper.acquire(KEY, "one", until=60, now=0)
    sleeper.record(KEY, users(0, 5), "one")
    assert other.acquire(KEY, "two", until=LATER, now=61) is None
    assert kept(other) == kept_by(users(0, 5))
    with pytest.raises(LeaseLost):
        sleeper.record(KEY, users(5, 6), "one")
    sleeper.release(KEY, "one")
    other.record(KEY, [LedgerChange("User", "user-0", forget=True)], "two")
    other.release(KEY, "two")
    assert kept(open_store()) == kept_by(users(1, 5))


@pytest.mark.parametrize("written", [0, 5])
def test_who_was_taken_over_learns_it_also_when_the_other_is_done(open_store, written):
    sleeper, other = open_store(), open_store()
    sleeper.acquire(KEY, "one", until=60, now=0)
    if written:
        sleeper.record(KEY, users(0, written), "one")
    other.acquire(KEY, "two", until=LATER, now=61)
    other.release(KEY, "two")
    with pytest.raises(LeaseLost):
        sleeper.record(KEY, users(5, 6), "one")
    assert sleeper.acquire(KEY, "one", until=LATER, now=62) is not None
    assert len(kept(open_store())) == written


def test_who_is_taken_over_while_it_packs_writes_no_shard(open_store, monkeypatch):
    sleeper, other = open_store(), open_store()
    monkeypatch.setattr(documents, "MOST_BYTES", 3000)
    sleeper.acquire(KEY, "one", until=60, now=0)
    sleeper.record(KEY, users(0, 40), "one")
    commit, commits = sleeper._documents.commit, []

    def late(writes, gone=()):
        commits.append(writes)
        if len(commits) == 3:  # the other takes over, and changes what was about to be written
            assert other.acquire(KEY, "two", until=LATER, now=61) is None
            gone_now = [LedgerChange("User", f"user-{n}", forget=True) for n in range(39)]
            other.record(KEY, gone_now, "two")
            other.release(KEY, "two")
        return commit(writes, gone)

    monkeypatch.setattr(sleeper._documents, "commit", late)
    sleeper.release(KEY, "one")
    assert len(commits) == 3
    assert kept(open_store()) == kept_by(users(39, 40))


def test_a_hold_set_in_the_middle_of_a_run_is_kept_and_so_is_the_run(open_store):
    running, page = open_store(), open_store()
    running.acquire(KEY, "one", until=60, now=0)
    running.record(KEY, users(0, 5), "one")
    page._documents.write([DocumentWrite(connection_path(KEY), {"hold": 0, "more": 1}, merge=True)])
    assert running.acquire(KEY, "one", until=LATER, now=15) is None
    page._documents.write([DocumentWrite(connection_path(KEY), {"hold": 0, "more": 2}, merge=True)])
    running.release(KEY, "one")
    assert page._documents.get(connection_path(KEY)).fields["more"] == 2
    assert kept(open_store()) == kept_by(users(0, 5))


# Answers that are lost


class Lossy:
    """An API that does what it is asked and loses the answers it is told to."""

    def __init__(self, store: FirestoreStore) -> None:
        self._api = store._client._firestore_api
        store._client._firestore_api_internal = self
        self.lose = 0
        self.again = False

    def __getattr__(self, name):
        return getattr(self._api, name)

    def commit(self, **asked):
        answer = self._api.commit(**asked)
        if self.lose:
            self.lose -= 1
            if self.again:  # as the client does by itself when it hears that a server is away
                return self._api.commit(**asked)
            from google.api_core.exceptions import ServiceUnavailable

            raise ServiceUnavailable("the answer is lost")
        return answer


@pytest.mark.parametrize("what", ["acquire", "record", "release"])
def test_promise_2_a_commit_that_was_repeated_is_recognised(open_store, what):
    store = open_store()
    api = Lossy(store)
    api.again = True
    for step in ("acquire", "record", "release"):
        api.lose = int(step == what)
        if step == "acquire":
            assert store.acquire(KEY, "one", until=LATER, now=0) is None
        if step == "record":
            store.record(KEY, users(0, 5), "one")
        if step == "release":
            store.release(KEY, "one")
    assert kept(open_store()) == kept_by(users(0, 5))
    assert store.acquire(KEY, "two", until=LATER, now=0) is None


def test_promise_2_what_was_written_in_spite_of_an_error_is_packed(open_store):
    store = open_store()
    api = Lossy(store)
    store.acquire(KEY, "one", until=LATER, now=0)
    store.record(KEY, users(0, 5), "one")
    api.lose = 1
    with pytest.raises(StoreError):
        store.record(KEY, users(5, 8), "one")
    store.record(KEY, users(7, 10), "one")
    store.release(KEY, "one")
    assert kept(open_store()) == kept_by(users(0, 10))


# Sizes


def test_documents_and_commits_stay_bounded_for_the_largest(open_store):
    store = open_store()
    counted = Counted(store)
    changes = [
        LedgerChange(
            "User",
            f"{n:08x}-5c0f-5d1b-9a55-{content_hash(b'%d' % n).hex()[:12]}",
            LedgerEntry(content_hash(b"v%d" % n).hex(), content_hash(b"c%d" % n)),
        )
        for n in range(105_000)
    ]
    store.record(KEY, changes)
    cost = counted.take()
    assert cost.largest_document < 1_048_576
    assert cost.largest_commit < 4_000_000, "what gRPC takes, less than Firestore does"
    assert kept(open_store()) == kept_by(changes)
    store.record(KEY, changes[:1])
    cost = counted.take()
    assert (cost.reads, cost.writes) == (1, 4)


def test_a_shard_full_of_refusals_has_fewer_of_the_vendors_words():
    refusals = {
        f"user-{n}": Refusal("create", b"x" * 16, 422, os.urandom(400).hex(), 1.0)
        for n in range(3000)
    }
    packed = pack_shard(Shard({}, {"User": refusals}))
    assert len(packed) <= MOST_BYTES
    assert len(pack_shard(Shard({}, {"User": dict(list(refusals.items())[:3])}))) > 1000


def test_changes_with_many_words_are_packed_in_more_documents():
    changes = [
        LedgerChange(
            "User", f"user-{n}", refusal=Refusal("create", b"", 422, os.urandom(500).hex(), 1.0)
        )
        for n in range(CHANGES_A_DOCUMENT)
    ]
    packed = pack_changes(changes)
    assert len(packed) > 1
    assert max(map(len, packed)) <= MOST_BYTES


# What is not read


ids = st.integers(0, 150).map(lambda n: f"user-{n}")
bodies = st.binary(min_size=1, max_size=2)
directories = st.dictionaries(ids, bodies, max_size=60)


def resources(directory: dict[str, bytes]) -> list[OutgoingResource]:
    return [OutgoingResource("User", i, body) for i, body in directory.items()]


def entered(directory: dict[str, bytes]) -> list[LedgerChange]:
    return [
        LedgerChange("User", i, LedgerEntry(i, content_hash(body))) for i, body in directory.items()
    ]


def operations(ledger: Ledger, wanted: list[OutgoingResource]) -> list:
    return sorted(map(repr, make_plan(wanted, ledger, 0.0).operations()))


@given(before=directories, after=directories)
def test_a_digest_is_that_of_what_is_wanted_just_when_there_is_nothing_to_do(before, after):
    wanted = digests(resources(after))
    for n in range(64):
        held = {i: b for i, b in before.items() if shard_of(i) == n}
        same = {i: b for i, b in after.items() if shard_of(i) == n} == held
        digest = digest_of((i, content_hash(b)) for i, b in held.items())
        assert (wanted.get(n, digest_of(())) == digest) == same


STEP = st.tuples(
    directories,
    st.lists(ids, max_size=3),
    st.sampled_from(["run", "record", "dies"]),
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, min_size=1, max_size=3), wanted=directories)
def test_a_ledger_read_in_part_gives_the_plan_of_the_whole(open_store, project, steps, wanted):
    store, other = open_store(), open_store()
    key = LedgerKey(f"C{time.time_ns()}", "binogi", "live")
    whole = Ledger()
    for n, (directory, refused, how) in enumerate(steps):
        changes = entered(directory) + [
            LedgerChange("User", i, forget=True, refusal=Refusal("create", b"", 400, "", 0.0))
            for i in refused
        ]
        whole.apply(changes)
        if how == "record":
            store.record(key, changes)
            continue
        assert other.acquire(key, f"{n}", until=1, now=2 * n + 2.0) is None
        if changes:
            other.record(key, changes, f"{n}")
        if how == "run":
            other.release(key, f"{n}")
    held = store.connection_state(key).ledger
    assert len(held) == len(whole)
    asked = digests(resources(wanted))
    differing = {n for n, part in held.unread.items() if asked.get(n) != part.digest}
    store.load(key, held, differing)
    assert operations(held, resources(wanted)) == operations(whole, resources(wanted))
    found = open_store().ledger(key)
    assert (found.entries, found.refusals) == (whole.entries, whole.refusals)


def test_runs_of_earlier_versions_are_before_all_others(project, open_store):
    """Their field has a number, of whatever clock; Firestore sorts numbers before times."""
    store = open_store()
    new = RunRecord("new", "C1", 1_800_000_000.0, "done")
    store.save_run(new)
    for name, started in (("old", 1.0), ("ahead", 4_000_000_000.0)):
        earlier = RunRecord(name, "C1", started, "done")
        fields = {
            "started": started,
            "status": "done",
            "packed": zlib.compress(msgspec.json.encode(earlier)),
        }
        firestore.Client(project=project).document("tenants", "C1", "runs", name).set(fields)
    assert [run.id for run in store.runs("C1")] == ["new", "ahead", "old"]


def copy(project: str, source: str, target: str) -> None:
    """Write the documents of a database into another: what the import of an export does."""
    clients = [firestore.Client(project=project, database=name) for name in (source, target)]

    def each(collections):
        for collection in collections:
            for reference in collection.list_documents():
                found = reference.get()
                if found.exists:
                    clients[1].document(*reference.path.split("/")).set(found.to_dict())
                each(reference.collections())

    each(clients[0].collections())


def test_a_backup_in_another_database_is_doubted_until_it_is_trusted(project, open_store):
    """The stamp of a connection is the database in which its ledger was last the vendor's."""

    def with_lease(store, work):
        store.acquire(KEY, "holder", time.time() + 60, time.time())
        work(store)
        store.release(KEY, "holder")

    store = open_store()
    with_lease(store, lambda s: s.record(KEY, [LedgerChange("User", "u1", HELD)], "holder"))
    assert not store.connection_state(KEY).doubted
    copy(project, "(default)", "copy")
    restored = FirestoreStore(project, "copy", emulator=os.environ[HOST])
    assert restored.connection_state(KEY).doubted
    assert restored.ledger(KEY).entries["User"] == {"u1": HELD}
    with_lease(restored, lambda s: None)
    assert restored.connection_state(KEY).doubted, "a lease alone proves nothing"
    with_lease(restored, lambda s: s.trust_ledger(KEY, "holder"))
    assert not restored.connection_state(KEY).doubted
    restored.close()


def test_a_backup_in_the_same_database_is_a_ledger_that_is_not_doubted(project, open_store):
    """Nothing in it is new or missing by itself: the question before a create notices it."""
    store = open_store()
    store.acquire(KEY, "holder", time.time() + 60, time.time())
    store.record(KEY, [LedgerChange("User", "u1", HELD)], "holder")
    store.release(KEY, "holder")
    copy(project, "(default)", "backup")
    store.acquire(KEY, "holder", time.time() + 60, time.time())
    store.record(KEY, [LedgerChange("User", "u2", HELD)], "holder")
    store.release(KEY, "holder")
    copy(project, "backup", "(default)")
    again = open_store().connection_state(KEY)
    assert not again.doubted
    assert store.ledger(KEY).entries["User"] == {"u1": HELD}

"""One run at a time for a connection; everything else side by side."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from msgspec import structs

from addon.planning.ledger import LedgerKey
from addon.sandbox.directory_server import DirectoryServer
from addon.store.sqlite.store import SQLiteStore
from addon.sync.context import load_tenant_or_raise
from addon.sync.run import sync
from tests.support.egil_faults import Incoming
from tests.support.egil_server import EgilServer
from tests.support.trust_town import (
    KINDS,
    TENANT,
    Town,
    as_domain,
    crowd,
    document,
    profile,
    settings,
    there,
    wanted,
)
from tests.trust.commands import Installation, ended
from tests.trust.worker import SECONDS, Worker

PEOPLE = 60
OWN = KINDS["own ids, filter"]
ELSEWHERE = "another-machine some-boot pid:[1]|17|4711|20260101T000000Z-abc"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with Town(tmp_path, "own ids, filter") as town:
        town.become(crowd(PEOPLE))
        yield town


@pytest.fixture
def workers() -> Iterator[tuple[Worker, Worker]]:
    with Worker() as one, Worker() as other:
        yield one, other


def test_of_two_processes_one_delivers_and_the_other_is_told_so(
    tmp_path: Path, workers: tuple[Worker, Worker]
) -> None:
    with (
        closing(SQLiteStore(tmp_path / "skolsynk.db")) as store,
        EgilServer(**OWN, latency=0.02) as server,
    ):
        store.save_tenant(TENANT, document())
        for worker in workers:
            worker.start(tmp_path, server.url, PEOPLE)
        found = sorted((worker.end() for worker in workers), key=lambda ended: ended.exit)
        assert [ended.exit for ended in found] == [0, 1]
        won, lost = (ended.connections[0] for ended in found)
        assert (won["status"], won["left"]) == ("delivered", 0)
        assert (lost["status"], lost["failures"]) == ("failed", [])
        assert "another run is going on for this connection" in lost["detail"]
        assert "nothing was sent by this one" in lost["detail"]
        runs = {run.id: run.status for run in store.runs(TENANT)}
        assert sorted(runs.values()) == ["done", "failed"]
        assert next(run for run in runs if runs[run] == "done") in lost["detail"]
        expected = wanted(
            load_tenant_or_raise(store, TENANT), crowd(PEOPLE).snapshot(), profile(server.url)
        )
        assert there(server) == expected
        assert {r.method for r in server.requests} == {"POST"}
        assert len(server.requests) == sum(map(len, expected.values()))


def test_many_races_never_send_anything_twice(
    tmp_path: Path, workers: tuple[Worker, Worker]
) -> None:
    for race in range(8):
        folder = tmp_path / str(race)
        with (
            closing(SQLiteStore(folder / "skolsynk.db")) as store,
            EgilServer(**OWN) as server,
        ):
            store.save_tenant(TENANT, document())
            for worker in workers:
                worker.start(folder, server.url, 12)
            found = [worker.end() for worker in workers]
            told = sorted(ended.connections[0]["status"] for ended in found)
            assert told in (["delivered", "failed"], ["delivered", "unchanged"])
            tenant = load_tenant_or_raise(store, TENANT)
            assert there(server) == wanted(tenant, crowd(12).snapshot(), profile(server.url))
            posts = [r for r in server.requests if r.method == "POST"]
            assert len(posts) == len(server.externalIds())


def test_the_command_line_says_that_another_run_is_going_on(tmp_path: Path) -> None:
    begun = threading.Event()
    going_on = threading.Event()

    def slow(request: Incoming) -> None:
        begun.set()
        assert going_on.wait(SECONDS)

    with (
        DirectoryServer(as_domain(crowd(PEOPLE))) as directory,
        EgilServer(**OWN) as server,
        ExitStack() as stack,
    ):
        installation = Installation(tmp_path, directory.url, {"v": server.url})
        with closing(SQLiteStore(installation.store)) as store:
            store.save_tenant(TENANT, document())
        server.faults = slow
        stack.callback(going_on.set)
        first = installation.start("sync", TENANT)
        assert begun.wait(SECONDS)
        status, said, _ = ended(installation.start("sync", TENANT, "--json"))
        going_on.set()
        connection = json.loads(said)["connections"][0]
        assert (status, connection["status"]) == (1, "failed")
        assert "another run is going on for this connection" in connection["detail"]
        assert ended(first)[0] == 0
        assert len(server.requests) == len(server.externalIds())


def test_a_killed_command_is_recognised_and_superseded(tmp_path: Path) -> None:
    victims: list[int] = []
    known = threading.Event()

    def kill(request: Incoming) -> None:
        if request.n == 20:
            assert known.wait(SECONDS)
            os.kill(victims[0], signal.SIGKILL)

    with (
        DirectoryServer(as_domain(crowd(PEOPLE))) as directory,
        EgilServer(**OWN) as server,
    ):
        installation = Installation(tmp_path, directory.url, {"v": server.url})
        with closing(SQLiteStore(installation.store)) as store:
            store.save_tenant(TENANT, document())
            server.faults = kill
            process = installation.start("sync", TENANT)
            victims.append(process.pid)
            known.set()
            assert ended(process)[0] == -signal.SIGKILL
            assert [run.status for run in store.runs(TENANT)] == ["running"]
            server.faults = []
            assert ended(installation.start("sync", TENANT))[0] == 0
            latest, cut_off = store.runs(TENANT)
            assert (latest.status, cut_off.status) == ("done", "cut off")
            assert latest.id in cut_off.detail
            snapshot = crowd(PEOPLE).snapshot()
            assert there(server) == wanted(
                load_tenant_or_raise(store, TENANT), snapshot, profile(server.url)
            )
        status, said, _ = ended(installation.start("sync", TENANT, "--json"))
        assert (status, json.loads(said)["connections"][0]["status"]) == (0, "unchanged")


def test_the_lease_of_a_killed_process_is_free_at_once(
    tmp_path: Path, workers: tuple[Worker, Worker]
) -> None:
    worker, other = workers
    asked = threading.Event()

    def notice(request: Incoming) -> None:
        if request.n == 10:
            asked.set()

    with (
        closing(SQLiteStore(tmp_path / "skolsynk.db")) as store,
        EgilServer(**OWN, latency=0.02) as server,
    ):
        store.save_tenant(TENANT, document())
        server.faults = notice
        pid = worker.start(tmp_path, server.url, PEOPLE)
        assert asked.wait(SECONDS)
        os.kill(pid, signal.SIGKILL)
        assert worker.end().killed
        server.knobs.latency = 0.0
        assert other.run(tmp_path, server.url, PEOPLE).exit == 0
        expected = wanted(
            load_tenant_or_raise(store, TENANT), crowd(PEOPLE).snapshot(), profile(server.url)
        )
        assert there(server) == expected


def test_the_lease_of_a_process_on_another_machine_is_free_when_its_time_is_out(
    town: Town,
) -> None:
    now = town.clock.now + 100
    assert town.store.acquire(town.key, ELSEWHERE, until=now + 60, now=now) is None
    report = town.run()
    assert (report.status, town.sent()) == ("failed", [])
    assert "20260101T000000Z-abc" in str(report.detail)
    assert town.run().status == "delivered"  # a hundred seconds later
    assert there(town.server) == town.wanted


def test_a_run_that_loses_its_lease_stops_and_writes_nothing_more(town: Town) -> None:
    town.server.knobs.latency = 0.01
    town.become(crowd(600))
    kept = []

    def steal(request: Incoming) -> None:
        if request.n == 30:
            late = town.clock.now + 3600
            assert town.store.acquire(town.key, ELSEWHERE, until=late + 60, now=late) is None
            kept.append(town.ledger.entries)

    town.server.faults = steal
    report = sync(town.sync_context(), TENANT).connections[0]
    assert report.status == "failed"
    assert "another run has taken over" in str(report.detail)
    assert town.ledger.entries == kept[0]
    assert len(town.server.requests) < 600
    town.store.release(town.key, ELSEWHERE)
    town.server.knobs.latency = 0.0
    town.run()
    assert there(town.server) == town.wanted
    assert town.run().status == "unchanged"


class Rendezvous:
    """Vendors that answer their first request when the others have had theirs too."""

    def __init__(self, parties: int) -> None:
        self._barrier = threading.Barrier(parties)

    def __call__(self, request: Incoming) -> None:
        if request.n == 1:
            self._barrier.wait(SECONDS)


def test_the_connections_of_a_tenant_are_served_side_by_side(tmp_path: Path) -> None:
    meeting = Rendezvous(2)
    with (
        EgilServer(**OWN) as one,
        EgilServer(**OWN) as other,
        Town(tmp_path, "own ids, filter") as town,
    ):
        one.faults = other.faults = meeting
        town.store.save_tenant(TENANT, document(vendors=("one", "other")))
        vendors = profile(one.url, "one"), profile(other.url, "other")
        snapshot = crowd(PEOPLE).snapshot()
        context = structs.replace(
            town.sync_context(),
            settings=settings(tmp_path, *vendors),
            read_directory=lambda tenant: snapshot,
        )
        report = sync(context, TENANT)
        assert [c.status for c in report.connections] == ["delivered", "delivered"]
        for server, vendor in zip((one, other), vendors, strict=True):
            assert there(server) == wanted(town.tenant, snapshot, vendor)


def test_tenants_are_served_side_by_side(tmp_path: Path, workers: tuple[Worker, Worker]) -> None:
    meeting = Rendezvous(2)
    with (
        closing(SQLiteStore(tmp_path / "skolsynk.db")) as store,
        EgilServer(**OWN) as one,
        EgilServer(**OWN) as other,
    ):
        one.faults = other.faults = meeting
        servers = {"C0one": one, "C0other": other}
        for worker, (tenant, server) in zip(workers, servers.items(), strict=True):
            store.save_tenant(tenant, document(tenant=tenant))
            worker.start(tmp_path, server.url, PEOPLE, tenant=tenant)
        assert [worker.end().exit for worker in workers] == [0, 0]
        for tenant, server in servers.items():
            snapshot = crowd(PEOPLE).snapshot()
            assert there(server) == wanted(
                load_tenant_or_raise(store, tenant), snapshot, profile(server.url)
            )
            assert store.ledger(LedgerKey(tenant, "v", "live"))

"""One run at a time for a connection; everything else side by side."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from msgspec import structs

from addon.planning.ledger import LedgerKey
from addon.store.sqlite.store import SQLiteStore
from addon.sync.context import load_tenant_or_raise
from addon.sync.run import sync
from tests.support.changing_tenant import KINDS, ChangingTenant
from tests.support.egil_faults import Incoming
from tests.support.egil_server import EgilServer
from tests.support.generated_tenant import (
    TENANT,
    UNITS,
    document,
    generated_world,
    held_at,
    profile,
    settings,
    state_with,
    wanted,
)
from tests.trust.worker import SECONDS, Worker

PEOPLE = 60
OWN = KINDS["own ids, filter"]
ELSEWHERE = "another-machine some-boot pid:[1]|17|4711|20260101T000000Z-abc"


@pytest.fixture
def changing_tenant(tmp_path: Path) -> Iterator[ChangingTenant]:
    with ChangingTenant(tmp_path, "own ids, filter") as changing_tenant:
        changing_tenant.change_to(state_with(PEOPLE))
        yield changing_tenant


def ended(process: "subprocess.Popen[bytes]") -> tuple[int, str]:
    """A command's exit status and what it wrote on standard output."""
    out, _ = process.communicate(timeout=SECONDS)
    return process.returncode, out.decode()


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
            load_tenant_or_raise(store, TENANT), state_with(PEOPLE).snapshot(), profile(server.url)
        )
        assert held_at(server) == expected
        assert {r.method for r in server.writes} == {"POST"}
        assert len(server.writes) == sum(map(len, expected.values()))


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
            assert held_at(server) == wanted(tenant, state_with(12).snapshot(), profile(server.url))
            posts = [r for r in server.requests if r.method == "POST"]
            assert len(posts) == len(server.externalIds())


def test_the_command_line_says_that_another_run_is_going_on(tmp_path: Path) -> None:
    begun = threading.Event()
    going_on = threading.Event()

    def slow(request: Incoming) -> None:
        begun.set()
        assert going_on.wait(SECONDS)

    server = EgilServer(**OWN)
    with generated_world(tmp_path, PEOPLE, server) as world, ExitStack() as stack:
        with world.open_store() as store:
            store.save_tenant(TENANT, document())
        server.faults = slow
        stack.callback(going_on.set)
        first = world.spawn("sync", TENANT)
        assert begun.wait(SECONDS)
        status, said = ended(world.spawn("sync", TENANT, "--json"))
        going_on.set()
        connection = json.loads(said)["connections"][0]
        assert (status, connection["status"]) == (1, "failed")
        assert "another run is going on for this connection" in connection["detail"]
        assert ended(first)[0] == 0
        assert len(server.writes) == len(server.externalIds())


def test_a_killed_command_is_recognised_and_superseded(tmp_path: Path) -> None:
    victims: list[int] = []
    known = threading.Event()

    def kill(request: Incoming) -> None:
        if request.n == 20:
            assert known.wait(SECONDS)
            os.kill(victims[0], signal.SIGKILL)

    server = EgilServer(**OWN)
    with generated_world(tmp_path, PEOPLE, server) as world:
        with world.open_store() as store:
            store.save_tenant(TENANT, document())
            server.faults = kill
            process = world.spawn("sync", TENANT)
            victims.append(process.pid)
            known.set()
            assert ended(process)[0] == -signal.SIGKILL
            assert [run.status for run in store.runs(TENANT)] == ["running"]
            server.faults = []
            assert ended(world.spawn("sync", TENANT))[0] == 0
            latest, cut_off = store.runs(TENANT)
            assert (latest.status, cut_off.status) == ("done", "cut off")
            assert latest.id in cut_off.detail
            snapshot = state_with(PEOPLE).snapshot()
            assert held_at(server) == wanted(
                load_tenant_or_raise(store, TENANT), snapshot, profile(server.url)
            )
        status, said = ended(world.spawn("sync", TENANT, "--json"))
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
            load_tenant_or_raise(store, TENANT), state_with(PEOPLE).snapshot(), profile(server.url)
        )
        assert held_at(server) == expected


def test_the_lease_of_a_process_on_another_machine_is_free_when_its_time_is_out(
    changing_tenant: ChangingTenant,
) -> None:
    now = changing_tenant.clock() + 100
    assert (
        changing_tenant.store.acquire(changing_tenant.key, ELSEWHERE, until=now + 60, now=now)
        is None
    )
    report = changing_tenant.run()
    assert (report.status, changing_tenant.sent()) == ("failed", [])
    assert "20260101T000000Z-abc" in str(report.detail)
    assert changing_tenant.run().status == "delivered"  # a hundred seconds later
    assert held_at(changing_tenant.server) == changing_tenant.wanted


def test_a_run_that_loses_its_lease_stops_and_writes_nothing_more(
    changing_tenant: ChangingTenant,
) -> None:
    changing_tenant.server.knobs.latency = 0.01
    changing_tenant.change_to(state_with(600))
    kept = []

    def steal(request: Incoming) -> None:
        if request.n == 30:
            late = changing_tenant.clock() + 3600
            assert (
                changing_tenant.store.acquire(
                    changing_tenant.key, ELSEWHERE, until=late + 60, now=late
                )
                is None
            )
            kept.append(changing_tenant.ledger.entries)

    changing_tenant.server.faults = steal
    report = sync(changing_tenant.sync_context(), TENANT).connections[0]
    assert report.status == "failed"
    assert "another run has taken over" in str(report.detail)
    assert changing_tenant.ledger.entries == kept[0]
    assert len(changing_tenant.server.requests) < 600
    changing_tenant.store.release(changing_tenant.key, ELSEWHERE)
    changing_tenant.server.knobs.latency = 0.0
    changing_tenant.run()
    assert held_at(changing_tenant.server) == changing_tenant.wanted
    assert changing_tenant.run().status == "unchanged"


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
        ChangingTenant(tmp_path, "own ids, filter") as changing_tenant,
    ):
        one.faults = other.faults = meeting
        changing_tenant.store.save_tenant(TENANT, document(vendors=("one", "other")))
        vendors = profile(one.url, "one"), profile(other.url, "other")
        snapshot = state_with(PEOPLE).snapshot()
        context = structs.replace(
            changing_tenant.sync_context(),
            settings=settings(tmp_path, *vendors),
            read_directory=lambda tenant: snapshot,
        )
        report = sync(context, TENANT)
        assert [c.status for c in report.connections] == ["delivered", "delivered"]
        for server, vendor in zip((one, other), vendors, strict=True):
            assert held_at(server) == wanted(changing_tenant.stored_tenant, snapshot, vendor)


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
            # A school unit is delivered for one tenant alone: each has its own codes.
            own = document(tenant=tenant)
            for code in UNITS if tenant == "C0other" else ():
                own = own.replace(code.encode(), f"9{code[1:]}".encode())
            store.save_tenant(tenant, own)
            worker.start(tmp_path, server.url, PEOPLE, tenant=tenant)
        assert [worker.end().exit for worker in workers] == [0, 0]
        for tenant, server in servers.items():
            snapshot = state_with(PEOPLE).snapshot()
            assert held_at(server) == wanted(
                load_tenant_or_raise(store, tenant), snapshot, profile(server.url)
            )
            assert store.ledger(LedgerKey(tenant, "v", "live"))

"""`serve` on one machine, killed in mid-run and started again: the run ends as it should."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from addon.store.records import StoredTask
from addon.store.sqlite.store import SQLiteStore
from addon.sync.context import load_tenant_or_raise
from addon.tasks.base import RUNS
from addon.tasks.handlers import DELIVER, RUN
from tests.support.egil_server import EgilServer
from tests.support.generated_tenant import (
    TENANT,
    document,
    generated_world,
    held_at,
    profile,
    profiles,
    state_with,
    wanted,
)
from tests.support.world import World

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 60.0
PEOPLE = 80
NOWHERE = "http://127.0.0.1:9"


def until(happened: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < end, f"it took for ever until {what}"
        time.sleep(0.01)


class Machine:
    """A folder with a store and settings, and the server that is started on it again and again."""

    def __init__(self, world: World) -> None:
        self.path = world.folder / "skolsynk.db"
        self._log = world.folder / "log"
        self._world = world

    @property
    def log(self) -> str:
        return self._log.read_text()

    @contextmanager
    def serving(self, **environ: str | None) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
        """The server's address and its process, which leads a group of its own."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environ["SKOLSYNK_LOG_LEVEL"] = "INFO"
        with self._log.open("ab") as log:
            server = self._world.spawn(
                *("serve", "--port", str(port)),
                stdout=log,
                stderr=log,
                start_new_session=True,
                **environ,
            )
        url = f"http://127.0.0.1:{port}"
        try:
            until(lambda: is_up(url) or server.poll() is not None, "the server answered")
            yield url, server
            if server.poll() is None:
                server.terminate()
                assert server.wait(SECONDS) == 0
        finally:
            if server.poll() is None:
                kill(server)


@contextmanager
def machine_alone(folder: Path) -> Iterator[Machine]:
    """A machine whose directory and vendor do not answer."""
    environ = {
        "SKOLSYNK_DIRECTORY_ENDPOINT": NOWHERE,
        "SKOLSYNK_V_LIVE_URL": NOWHERE,
        "SKOLSYNK_V_LIVE_KEY": "key",
    }
    with World(folder, None, {}, profiles("v"), environ=environ) as world:
        yield Machine(world)


def is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=SECONDS).status_code == 200
    except requests.ConnectionError:
        return False


def kill(server: "subprocess.Popen[bytes]") -> None:
    """SIGKILL to the server and its worker."""
    os.killpg(server.pid, signal.SIGKILL)
    server.wait(SECONDS)


@pytest.mark.parametrize("at", ["reading", "early in the delivery", "late in the delivery"])
def test_a_run_that_was_killed_goes_on_at_the_next_start(at: str, tmp_path: Path) -> None:
    kills_at = {"reading": 0, "early in the delivery": 5, "late in the delivery": 80}[at]
    vendor = EgilServer(latency=0.01)
    with (
        generated_world(tmp_path, PEOPLE, vendor) as world,
        closing(SQLiteStore(tmp_path / "skolsynk.db")) as store,
    ):
        directory, machine = world.directory, Machine(world)
        store.save_tenant(TENANT, document())
        store.save_task(StoredTask("a run", RUNS, RUN, {"tenant": TENANT}, 0.0, 0.0))
        if at == "reading":
            directory.fail(kind="hang", seconds=SECONDS)
        with machine.serving() as (_, server):
            until(lambda: directory.queries > 0 or bool(directory.requests), "it read")
            until(lambda: len(vendor.requests) >= kills_at, "it was in mid-run")
            kill(server)
        directory.clear_failures()
        assert store.tasks(), "nothing was left to go on with"
        with machine.serving():
            until(lambda: not unfinished(store), "all tasks were done")
        tenant, snapshot = load_tenant_or_raise(store, TENANT), state_with(PEOPLE).snapshot()
        assert held_at(vendor) == wanted(tenant, snapshot, profile(vendor.url))
        assert "running" not in {run.status for run in store.runs(TENANT)}
        assert "go on" in machine.log
        posts = [r for r in vendor.requests if r.method == "POST"]
        resources = sum(len(bodies) for bodies in held_at(vendor).values())
        assert len(posts) <= resources + 4, "it began again from the beginning"


def unfinished(store: SQLiteStore) -> bool:
    """Whether there is a task to wait for: the schedule's may be due within the hour."""
    return any(t.name == "a run" or t.path == DELIVER for t in store.tasks())


def test_the_schedule_runs_a_tenant_whose_turn_has_come(tmp_path: Path) -> None:
    """With the shortest wait there is: a tenant's turn is past or within the hour."""
    with (
        generated_world(tmp_path, 4, EgilServer()) as world,
        closing(SQLiteStore(tmp_path / "skolsynk.db")) as store,
    ):
        store.save_tenant(TENANT, document())
        with Machine(world).serving():
            until(lambda: bool(store.tasks() or store.runs(TENANT)), "its run was enqueued")


def test_nobody_comes_in_to_tasks_from_outside(tmp_path: Path) -> None:
    with machine_alone(tmp_path) as machine:
        with machine.serving() as (url, _):
            answer = requests.post(f"{url}/tasks/run", json={"tenant": TENANT}, timeout=SECONDS)
            assert answer.status_code == 403
            assert requests.get(f"{url}/cron/sync", timeout=SECONDS).status_code == 403
        assert "refused POST '/tasks/run'" in machine.log


def test_app_engines_headers_cannot_be_spelt_with_underscores(tmp_path: Path) -> None:
    """App Engine takes away exact matches only; WSGI cannot tell a hyphen from an underscore."""
    with machine_alone(tmp_path) as machine:
        app_engine = {
            "GAE_ENV": "standard",
            "GAE_APPLICATION": "e~p",
            "SKOLSYNK_TASKS": "cloudtasks://p/europe-west1",
            "CLOUD_TASKS_EMULATOR_HOST": "127.0.0.1:9",
        }
        with machine.serving(**app_engine) as (url, _):
            for name, status in (("X_Appengine_Cron", 403), ("X-Appengine_Cron", 403)):
                answer = requests.get(f"{url}/cron/sync", headers={name: "true"}, timeout=SECONDS)
                assert answer.status_code == status
            real = {"X-Appengine-Cron": "true"}
            assert requests.get(f"{url}/cron/sync", headers=real, timeout=SECONDS).json() == {
                "tenants": 0,
                "enqueued": 0,
            }


def test_a_store_that_cannot_be_used_stops_the_server_at_start(tmp_path: Path) -> None:
    with machine_alone(tmp_path) as machine:
        machine.path.write_text("this is no database, and long enough to be seen as none" * 20)
        machine.path.chmod(0o600)
        with machine.serving() as (_, server):
            assert server.wait(SECONDS) == 2
        assert "The store" in machine.log
        assert "Traceback" not in machine.log

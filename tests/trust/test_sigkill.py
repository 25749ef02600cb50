"""kill -9 at random moments of a real delivery loses nothing and doubles nothing."""

import os
import random
import signal
import threading
from concurrent.futures import Future
from contextlib import closing, suppress
from pathlib import Path

import pytest

from addon.store.sqlite.store import SQLiteStore
from addon.sync.context import load_tenant_or_raise
from tests.support.changing_tenant import KINDS
from tests.support.egil_faults import Incoming
from tests.support.egil_server import EgilServer
from tests.support.generated_tenant import TENANT, document, held_at, profile, state_with, wanted
from tests.trust.troubles import is_long
from tests.trust.worker import Worker

PEOPLE = 150
KILLS = 26 if is_long() else 6
"""For each kind of server: more than fifty in all, where there is time to explore."""
CONCURRENCY = 4
KEPT_AFTER = 0.25
"""Seconds of acknowledgements that a kill may cost; see addon.delivery.ledger_writer.INTERVAL."""
LATENCY = {"own ids, filter": 0.005, "own ids, list": 0.005, "our ids, 409 only": 0.02}


class Killer:
    """Kills a process at its `n`-th request, or `delay` seconds after it began."""

    def __init__(self, draw: random.Random) -> None:
        self._victim: Future[int] = Future()
        self._at = draw.randint(1, 90) if draw.random() < 0.7 else None
        self._delay = draw.uniform(0, 0.004 if self._at else 0.35)
        self._seen = 0

    def __call__(self, request: Incoming) -> None:
        """The vendor's plan of faults: none, but it sees each request."""
        self._seen += 1
        if self._seen == self._at:
            threading.Timer(self._delay, self._kill).start()

    def began(self, pid: int) -> None:
        self._victim.set_result(pid)
        if self._at is None:
            threading.Timer(self._delay, self._kill).start()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._victim.result(10), signal.SIGKILL)


@pytest.mark.parametrize("kind", ["own ids, filter", "own ids, list", "our ids, 409 only"])
def test_a_delivery_killed_again_and_again_converges_without_duplicates(
    kind: str, tmp_path: Path
) -> None:
    draw, kills, delivery = random.Random(kind), 0, 0
    with Worker() as worker:
        while kills < KILLS:
            delivery += 1
            folder = tmp_path / str(delivery)
            with EgilServer(**KINDS[kind], latency=LATENCY[kind]) as server:
                kills += _one_delivery(worker, server, folder, draw, at_most=KILLS - kills)


def _one_delivery(
    worker: Worker, server: EgilServer, folder: Path, draw: random.Random, at_most: int
) -> int:
    """A first delivery, killed several times before it may end; how often it was killed."""
    kills, cut_off = 0, set()
    answers: list[int | None] = []
    with closing(SQLiteStore(folder / "skolsynk.db")) as store:
        store.save_tenant(TENANT, document())
        for _ in range(min(at_most, draw.randint(3, 7))):
            killer = Killer(draw)
            server.faults = killer
            killer.began(worker.start(folder, server.url, PEOPLE, concurrency=CONCURRENCY))
            ended = worker.end()
            answers += _answers_to_posts(server)
            assert ended.killed or ended.exit == 0, ended
            kills += ended.killed
            cut_off |= {run.id for run in store.runs(TENANT) if run.status == "running"}
        assert worker.run(folder, server.url, PEOPLE).exit == 0, "its lease was not free at once"
        answers += _answers_to_posts(server)
        state = {run.id: run.status for run in store.runs(TENANT)}
        assert {state[each] for each in cut_off} <= {"cut off"}
        assert "running" not in state.values()
        expected = wanted(
            load_tenant_or_raise(store, TENANT), state_with(PEOPLE).snapshot(), profile(server.url)
        )
        assert held_at(server) == expected
        _assert_no_full_resend(server, answers, sum(map(len, expected.values())), kills)
        assert worker.run(folder, server.url, PEOPLE).connections[0]["status"] == "unchanged"
        assert server.requests == []
    return kills


def _answers_to_posts(server: EgilServer) -> list[int | None]:
    found = [r.status for r in server.requests if r.method == "POST"]
    server.clear()
    return found


def _assert_no_full_resend(
    server: EgilServer, answers: list[int | None], resources: int, kills: int
) -> None:
    """What was sent again is what a kill can leave in doubt, and no more."""
    again = len(answers) - resources
    if server.knobs.listing == "none":  # it is not asked, but refuses what it has
        unkept = CONCURRENCY * (1 + KEPT_AFTER / server.knobs.latency)
        assert again <= kills * unkept
    else:
        assert again <= kills * CONCURRENCY

"""A vendor's trouble ends in a clear status and stays that vendor's trouble."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from addon.delivery.throttle import RetryPolicy
from addon.planning.ledger import LedgerKey
from addon.store.sqlite.store import SQLiteStore
from addon.sync.context import SyncContext, load_tenant_or_raise
from addon.sync.report import FAILED, ConnectionReport
from addon.sync.run import sync
from addon.vendors.profiles import Vendor
from tests.support.changing_tenant import KINDS
from tests.support.crashes import CALM
from tests.support.directory_answers import answers_from
from tests.support.egil_faults import Fault
from tests.support.egil_server import EgilServer
from tests.support.generated_tenant import (
    TENANT,
    document,
    held_at,
    profile,
    settings,
    state_with,
    wanted,
)
from tests.trust.worker import Worker

OWN = KINDS["own ids, filter"]
PEOPLE = 24
FEW = 6
SNAPSHOT = state_with(PEOPLE).snapshot()
BRIEF = RetryPolicy(first_wait=0.001, longest_wait=0.01, connect=5.0, read=0.3, late_effect=0.0)
"""For a vendor that never answers; a busy machine may take longer to answer than it waits."""


WORKERS = 4
MOST_REQUESTS = 2 * CALM.tries * (WORKERS + CALM.incidents) + PEOPLE
"""A question and a write for each try of what opens the circuit breaker and is in flight then,
and a question about each person before they are created.
"""


class Odd(NamedTuple):
    """Something that befalls every request, and what the run must say of it."""

    fault: Fault
    said: str
    status: int | None = None


ODD = {
    "answers 503": Odd(Fault(status=503), "the vendor answered 503, again and again", 503),
    "answers 500 after the effect": Odd(
        Fault(status=500, when="after"), "the vendor answered 500, again and again", 500
    ),
    "asks to be left alone for an hour": Odd(
        Fault(status=429, headers={"Retry-After": "3600"}), "left alone for 3600 s", 429
    ),
    "never answers": Odd(Fault(hang=600), "the vendor did not answer in time"),
    "hangs up": Odd(Fault(drop=True), "the connection broke"),
    "hangs up after the effect": Odd(Fault(drop=True, when="after"), "the connection broke"),
    "answers what is not HTTP": Odd(Fault(garbage=True), "the connection broke"),
    "redirects": Odd(
        Fault(status=302, headers={"Location": "https://example.org/"}), "redirects (302)", 302
    ),
    "redirects for good, to plain text": Odd(
        Fault(status=308, headers={"Location": "http://example.org/"}), "redirects (308)", 308
    ),
    "does not accept the key": Odd(Fault(status=401), "does not accept our key (401)", 401),
}


class Two:
    """A tenant with two vendors, one of which is odd."""

    def __init__(self, folder: Path, store: SQLiteStore, odd: Vendor, good: EgilServer) -> None:
        self.store = store
        self.good = good
        self._odd = odd
        self._good = profile(good.url, "good")
        self._settings = settings(folder, odd, self._good)
        store.save_tenant(TENANT, document(vendors=("odd", "good")))

    def run(
        self, retry_policy: RetryPolicy = CALM
    ) -> tuple[int, ConnectionReport, ConnectionReport]:
        """The exit status of a run, and what it says of the odd vendor and of the good one."""
        context = SyncContext(
            self._settings,
            self.store,
            lambda tenant: SNAPSHOT,
            retry_policy=retry_policy,
            ask_directory=answers_from(lambda: SNAPSHOT),
        )
        report = sync(context, TENANT)
        odd, good = report.connections
        return report.exit_status, odd, good

    def expected(self, vendor: str) -> Any:
        named = {"odd": self._odd, "good": self._good}
        return wanted(load_tenant_or_raise(self.store, TENANT), SNAPSHOT, named[vendor])

    def assert_good_one_is_served(self, report: ConnectionReport) -> None:
        assert (report.status, report.left, report.failures) == ("delivered", 0, ())
        assert held_at(self.good) == self.expected("good")

    def assert_converged(self, odd: EgilServer) -> None:
        """The trouble is over: one run, and nothing is left to do after it."""
        odd.clear()
        self.good.clear()
        exit_status, _, good = self.run()
        assert (exit_status, good.status) == (0, "unchanged")
        assert held_at(odd) == self.expected("odd")
        odd.clear()
        assert [c.status for c in self.run()[1:]] == ["unchanged", "unchanged"]
        assert odd.requests + self.good.requests == []


@pytest.fixture
def good() -> Iterator[EgilServer]:
    with EgilServer(**OWN) as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    with closing(SQLiteStore(tmp_path / "skolsynk.db")) as store:
        yield store


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_it_ends_in_a_clear_message_and_is_served_when_it_is_over(
    odd: Odd, tmp_path: Path, store: SQLiteStore, good: EgilServer
) -> None:
    with EgilServer(**OWN) as server:
        server.faults = lambda request: odd.fault
        two = Two(tmp_path, store, profile(server.url, "odd"), good)
        exit_status, told, of_good = two.run(BRIEF if odd.fault.hang else CALM)
        two.assert_good_one_is_served(of_good)
        assert (exit_status, told.status) == (FAILED, "failed")
        assert odd.said in str(told.detail)
        assert told.failures[-1].http_status == odd.status
        assert told.left > 0
        assert len(server.requests) <= MOST_REQUESTS, "it is hammered"
        two.assert_converged(server)


def test_trouble_for_a_while_is_sat_out(
    tmp_path: Path, store: SQLiteStore, good: EgilServer
) -> None:
    with EgilServer(**OWN) as server:
        two = Two(tmp_path, store, profile(server.url, "odd"), good)
        server.fail(503, times=4, skip=3)
        server.fail(500, times=2, skip=16, when="after")
        exit_status, told, of_good = two.run()
        assert (exit_status, told.status, told.left) == (0, "delivered", 0)
        two.assert_good_one_is_served(of_good)
        two.assert_converged(server)


def test_answers_cut_in_the_middle_are_believed_as_far_as_they_go(
    tmp_path: Path, store: SQLiteStore, good: EgilServer
) -> None:
    with EgilServer(**OWN) as server:
        two = Two(tmp_path, store, profile(server.url, "odd"), good)
        server.fail(truncate=True, when="after", times=None)
        _, told, of_good = two.run()
        two.assert_good_one_is_served(of_good)
        assert told.status in ("delivered", "failed")
        assert told.status == "delivered" or told.detail
        two.assert_converged(server)


@pytest.mark.parametrize("status", [201, 500])
def test_fifty_megabytes_are_not_read(
    status: int, tmp_path: Path, store: SQLiteStore, good: EgilServer
) -> None:
    with EgilServer(**OWN) as server, Worker() as worker:
        store.save_tenant(TENANT, document(vendors=("usual",)))
        usual = worker.run(tmp_path, good.url, FEW, vendor="usual")
        assert usual.exit == 0
        store.save_tenant(TENANT, document())
        if status == 201:
            server.fail(status, megabytes=50, when="after", method="POST", times=8)
        else:
            server.fail(status, megabytes=50, when="after", times=None)
        ended = worker.run(tmp_path, server.url, FEW)
        told = ended.connections[0]
        said = {failure["detail"] for failure in told["failures"]}
        if status == 500:
            assert (told["status"], ended.exit) == ("failed", FAILED)
            assert any("the vendor answered 500" in each for each in said)
        assert ended.kilobytes - usual.kilobytes < 150_000
        server.clear()
        worker.run(tmp_path, server.url, FEW)
        vendor = profile(server.url)
        assert held_at(server) == wanted(
            load_tenant_or_raise(store, TENANT), state_with(FEW).snapshot(), vendor
        )
        server.clear()
        assert worker.run(tmp_path, server.url, FEW).connections[0]["status"] == "unchanged"
        assert server.requests == []


def test_a_certificate_that_is_not_trusted_ends_it_before_anything_is_sent(
    tmp_path: Path, store: SQLiteStore, good: EgilServer
) -> None:
    with EgilServer(tls=True, **OWN) as server:
        two = Two(tmp_path, store, profile(server.url, "odd"), good)
        exit_status, told, of_good = two.run()
        two.assert_good_one_is_served(of_good)
        assert (exit_status, told.status) == (FAILED, "failed")
        assert "certificate is not trusted" in str(told.detail)
        assert "caBundle" in str(told.detail)
        assert server.requests == []
        trusting = profile(server.url, "odd", ca_bundle=server.ca_file)
        Two(tmp_path, store, trusting, good).assert_converged(server)


def test_a_vendor_that_is_not_there_is_served_when_it_is(
    tmp_path: Path, store: SQLiteStore, good: EgilServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        port = placeholder.getsockname()[1]
    two = Two(tmp_path, store, profile(f"http://127.0.0.1:{port}", "odd"), good)
    exit_status, told, of_good = two.run()
    two.assert_good_one_is_served(of_good)
    assert (exit_status, told.status) == (FAILED, "failed")
    assert "could not be reached" in str(told.detail)
    entries = store.ledger(LedgerKey(TENANT, "odd", "live")).entries["User"].values()
    assert all(entry.is_pending for entry in entries)
    with EgilServer(port=port, **OWN) as server:
        two.assert_converged(server)
        assert {r.method for r in server.requests} == set()

"""From cron to the vendors by way of Cloud Tasks: the real application, library and vendors."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from addon import create_app
from addon.planning.ledger import LedgerKey
from addon.sandbox.directory_server import DirectoryServer
from addon.settings import CloudTasks, Settings, WebSettings
from addon.store.process_identity import process_holder
from addon.store.sqlite.store import SQLiteStore
from addon.sync.context import load_tenant_or_raise
from tests.support.cloud_tasks_stand_in import CloudTasksStandIn
from tests.support.egil_server import EgilServer
from tests.support.generated_tenant import (
    TENANT,
    as_domain,
    document,
    held_at,
    profile,
    settings,
    state_with,
    wanted,
)
from tests.support.served import Google, Served

PEOPLE = 30
VENDORS = ("ne", "natur_kultur")
QUEUES = ("runs", "deliver-ne", "deliver-natur-kultur")
ACCOUNT = "skolsynk@p.iam.gserviceaccount.com"
CRON = {"X-Appengine-Cron": "true"}


@dataclass
class Cloud:
    """Everything around the application, and the application."""

    app: Served
    tasks: CloudTasksStandIn
    directory: DirectoryServer
    vendors: dict[str, EgilServer]
    store: SQLiteStore
    settings: Settings
    google: Google

    def cron(self, **headers: str) -> requests.Response:
        return requests.get(f"{self.app.url}/cron/sync", headers=headers, timeout=60)

    def run_all(self) -> None:
        """Cron calls, and all that is due within its window is done."""
        assert self.cron(**CRON).status_code == 200
        self.tasks.advance(2 * 3600)
        self.tasks.settle()

    def assert_all_is_delivered(self) -> None:
        tenant, snapshot = load_tenant_or_raise(self.store, TENANT), state_with(PEOPLE).snapshot()
        for name, server in self.vendors.items():
            assert held_at(server) == wanted(tenant, snapshot, self.settings.vendors[name])
        assert self.tasks.waiting == []

    def tried(self, queue: str) -> list[int]:
        return [attempt.status for attempt in self.tasks.attempts if attempt.queue == queue]


Make = Callable[..., Cloud]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes a cloud; `told` changes its settings, `seconds` is how long a delivery may take."""
    with ExitStack() as stack:

        def made(seconds: float | None = None, latency: float = 0.0, **told: Any) -> Cloud:
            served, google = stack.enter_context(Served()), stack.enter_context(Google())

            def lasting(email: str, audience: str, /) -> str:
                """A token that a clock which goes ahead during a call does not end."""
                return google.token(email, audience, exp=int(google.clock()) + 24 * 3600)

            tasks = CloudTasksStandIn(QUEUES, app_engine=served.url, token=lasting)
            stack.enter_context(tasks)
            google.clock = tasks.now
            vendors = {v: stack.enter_context(EgilServer(latency=latency)) for v in VENDORS}
            directory = stack.enter_context(DirectoryServer(as_domain(state_with(PEOPLE))))
            given = replace(
                settings(tmp_path, *(profile(server.url, v) for v, server in vendors.items())),
                directory_endpoint=directory.url,
                tasks=CloudTasks("p", "europe-west1"),
                tasks_emulator=tasks.address,
                web=WebSettings(google_certs=google.certs_url),
                **({"on_app_engine": True} if not told else {"tasks_url": served.url} | told),
            )
            store = SQLiteStore(tmp_path / "skolsynk.db")
            stack.callback(store.close)
            store.save_tenant(TENANT, document(vendors=VENDORS))
            served.app = create_app(
                given,
                store=store,
                seconds=seconds,
                clock=tasks.now,
            )
            return Cloud(served, tasks, directory, vendors, store, given, google)

        yield made


def test_cron_enqueues_a_run_for_each_tenant_and_a_second_call_none(make: Make) -> None:
    cloud = make()
    cloud.store.save_tenant("C2", document(tenant="C2"))
    assert cloud.cron(**CRON).json() == {"tenants": 2, "enqueued": 2}
    assert cloud.cron(**CRON).json() == {"tenants": 2, "enqueued": 0}
    due = [task.schedule_time.timestamp() - time.time() for task in cloud.tasks.created]
    assert all(-1800 <= each <= 5400 for each in due)


def test_a_run_reads_once_and_every_vendor_gets_its_own(make: Make) -> None:
    cloud = make()
    cloud.run_all()
    cloud.assert_all_is_delivered()
    assert cloud.tried("runs") == [200]
    assert cloud.tried("deliver-ne") == cloud.tried("deliver-natur-kultur") == [200]
    readings = [r for r in cloud.directory.requests if r.path.endswith("/orgunits")]
    assert len(readings) == 1, "the directory was read more than once"


def test_when_nothing_has_changed_a_run_leaves_nothing_to_deliver(make: Make) -> None:
    cloud = make()
    cloud.run_all()
    cloud.tasks.attempts.clear()
    cloud.run_all()
    assert [attempt.queue for attempt in cloud.tasks.attempts] == ["runs"]


def test_a_delivery_longer_than_a_request_goes_on_in_parts(make: Make) -> None:
    cloud = make(seconds=1.0, latency=0.12)  # a busy machine needs a while to begin
    cloud.run_all()
    cloud.assert_all_is_delivered()
    assert len(cloud.tried("deliver-ne")) > 1
    assert set(cloud.tried("deliver-ne")) == {200}


def test_while_another_run_delivers_there_it_waits_and_the_others_do_not(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("planning.ledger", "store.firestore.connection"):  # a lease for the whole test
        monkeypatch.setattr(f"addon.{module}.LEASE_SECONDS", 24 * 3600.0)
    cloud = make()
    key, other = LedgerKey(TENANT, "ne", "live"), process_holder("another run")
    now = cloud.tasks.now()  # as the application has it, which is let go by below
    assert cloud.store.acquire(key, other, now + 24 * 3600, now) is None
    assert cloud.cron(**CRON).status_code == 200
    cloud.tasks.advance(2 * 3600)
    cloud.tasks.until(lambda tasks: len(cloud.tried("deliver-ne")) >= 2)
    cloud.tasks.until(lambda tasks: cloud.tried("deliver-natur-kultur") == [200])
    assert set(cloud.tried("deliver-ne")) == {409}
    cloud.store.release(key, other)
    cloud.tasks.settle()
    cloud.assert_all_is_delivered()


def test_a_directory_that_fails_is_read_again_by_the_queue(make: Make) -> None:
    cloud = make()
    cloud.directory.fail("/users", status=404, times=1)
    cloud.run_all()
    cloud.assert_all_is_delivered()
    assert cloud.tried("runs") == [502, 200]


def test_a_tenant_that_is_gone_is_given_up(make: Make) -> None:
    cloud = make()
    answer = requests.post(
        f"{cloud.app.url}/tasks/run",
        json={"tenant": "C404", "window": "1"},
        headers={"X-AppEngine-QueueName": "runs", "X-AppEngine-TaskName": "t"},
        timeout=60,
    )
    assert (answer.status_code, answer.json()) == (200, {"outcome": "given up"})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"tenant": 1}'])
def test_what_is_malformed_is_given_up(make: Make, body: bytes) -> None:
    answer = requests.post(
        f"{make().app.url}/tasks/deliver",
        data=body,
        headers={"X-AppEngine-QueueName": "runs", "X-AppEngine-TaskName": "t"},
        timeout=60,
    )
    assert (answer.status_code, answer.json()) == (200, {"outcome": "malformed"})


def test_a_body_that_no_task_has_is_not_read(make: Make) -> None:
    answer = requests.post(
        f"{make().app.url}/tasks/deliver",
        data=b"x" * 20_000,
        headers={"X-AppEngine-QueueName": "runs", "X-AppEngine-TaskName": "t"},
        timeout=60,
    )
    assert answer.status_code == 413


def test_elsewhere_tasks_come_back_with_a_token(make: Make) -> None:
    cloud = make(service_account=ACCOUNT)
    token = cloud.google.token(ACCOUNT, cloud.app.url)
    assert cloud.cron(Authorization=f"Bearer {token}").status_code == 200
    cloud.tasks.advance(2 * 3600)
    cloud.tasks.settle()
    cloud.assert_all_is_delivered()
    assert {attempt.status for attempt in cloud.tasks.attempts} == {200}
    assert all("X-CloudTasks-QueueName" in attempt.headers for attempt in cloud.tasks.attempts)


def test_what_waits_in_cloud_tasks_names_nobody(make: Make) -> None:
    cloud = make()
    cloud.run_all()
    for task in cloud.tasks.created:
        said = str(task)
        assert "Kim" not in said
        assert "edu.se" not in said

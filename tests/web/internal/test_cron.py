"""What cron is told; the way from cron to the vendors is in test_tasks.py."""

from pathlib import Path
from typing import Any

import pytest

from addon import create_app
from addon.settings import CloudTasks, Settings, SqliteAddress
from addon.store.base import StoreError
from addon.tasks.base import Task, TaskQueueError

CRON = {"X-Appengine-Cron": "true"}
NOON = 1_700_049_600.0


class Tenants:
    def __init__(self, trouble: Exception | None = None, sweep: Exception | None = None) -> None:
        self._trouble = trouble
        self._sweep = sweep
        self.swept: list[float] = []

    def tenants(self) -> list[str]:
        if self._trouble is not None:
            raise self._trouble
        return ["C1", "C2", "C3"]

    def delete_expired(self, now: float) -> int:
        if self._sweep is not None:
            raise self._sweep
        self.swept.append(now)
        return 0


class Taking:
    def __init__(self, broken: str = "") -> None:
        self.tasks: list[Task] = []
        self._broken = broken

    def enqueue(self, task: Task) -> bool:
        if task.payload["tenant"] == self._broken:
            raise TaskQueueError("down")
        self.tasks.append(task)
        return True


def cron(folder: Path, store: Any, queue: Any, hours: int = 1, now: float = NOON) -> Any:
    settings = Settings(
        SqliteAddress(folder / "x.db"),
        {},
        on_app_engine=True,
        tasks=CloudTasks("p", "europe-west1"),
        schedule_hours=hours,
    )
    app = create_app(settings, store=store, queue=queue, clock=lambda: now)
    return app.test_client().get("/cron/sync", headers=CRON)


def test_each_tenant_gets_its_turn_within_the_schedules_hours(tmp_path: Path) -> None:
    queue = Taking()
    answer = cron(tmp_path, Tenants(), queue, hours=4)
    assert (answer.status_code, answer.json) == (200, {"tenants": 3, "enqueued": 3})
    turns = [task.due - NOON for task in queue.tasks]
    assert all(0 <= turn < 4 * 3600 for turn in turns)
    assert len(set(turns)) == 3
    assert {task.queue for task in queue.tasks} == {"runs"}


def test_a_tenant_that_was_not_enqueued_has_cron_come_again(tmp_path: Path) -> None:
    queue = Taking(broken="C2")
    answer = cron(tmp_path, Tenants(), queue)
    assert (answer.status_code, answer.json) == (503, {"tenants": 3, "enqueued": 2})


@pytest.mark.parametrize("trouble", [StoreError("/secret/path is full")])
def test_a_store_that_fails_has_cron_come_again_and_is_not_told_of(
    tmp_path: Path, trouble: Exception
) -> None:
    answer = cron(tmp_path, Tenants(trouble), Taking())
    assert (answer.status_code, answer.json) == (503, {"error": "store or queue unavailable"})


def test_what_has_expired_is_removed_at_each_call(tmp_path: Path) -> None:
    store = Tenants()
    cron(tmp_path, store, Taking())
    assert store.swept == [NOON]


def test_runs_are_enqueued_also_when_what_has_expired_cannot_be_removed(tmp_path: Path) -> None:
    answer = cron(tmp_path, Tenants(sweep=StoreError("no index")), Taking())
    assert (answer.status_code, answer.json) == (200, {"tenants": 3, "enqueued": 3})

"""Many tenants at a vendor at once: what is new of all is there before the changes of most."""

from types import SimpleNamespace
from typing import Any, cast

from addon.planning.urgency import Stage
from addon.store.ids import new_run_id, time_of_run
from addon.sync.context import SyncContext
from addon.sync.report import ConnectionReport, nothing_done
from addon.tasks.base import Task
from addon.tasks.handlers import DELIVER, TaskHandler
from addon.tasks.urgency import waited_in_queue
from tests.support.clock import Clock

BEGINS = 1_800_000_000.0
SECONDS = {"new": 10.0, "changes": 90.0, "removals": 20.0}
"""How long each part of a tenant's delivery takes."""
TENANTS = 40


class VendorQueue:
    """A queue that carries out one delivery at a time, and the deliveries of its tenants."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.set(BEGINS)
        self.waiting: list[Task] = []
        self.done: dict[str, dict[str, float]] = {}
        settings = cast(Any, SimpleNamespace(push=False))
        context = SyncContext(settings, cast(Any, None), cast(Any, None), clock=self.clock)
        self.handler = TaskHandler(lambda: context, lambda: self, cast(Any, self))

    def enqueue(self, task: Task) -> bool:
        self.waiting.append(task)
        return True

    def deliver(
        self,
        _: object,
        tenant: str,
        vendor: str,
        run: str,
        seconds: float,
        stage: Stage | None = None,
    ) -> ConnectionReport:
        done = self.done.setdefault(tenant, {})
        wanted = {"new": ["new"], "changes": ["new", "changes"]}.get(stage or "", list(SECONDS))
        for part in wanted:
            if part not in done:
                self.clock.advance(SECONDS[part])
                done[part] = self.clock() - BEGINS
        return ConnectionReport(vendor, "live", "delivered", nothing_done(), left=3 - len(done))

    def run(self) -> None:
        """Carry out all tasks: those that are due in the order in which they became so."""
        while self.waiting:
            task = min(self.waiting, key=lambda each: each.due)
            self.waiting.remove(task)
            self.clock.advance(max(0.0, task.due - self.clock()))
            self.handler.handle(task.path, task.payload)

    def last(self, part: str) -> float:
        """When the last tenant had this part, in seconds since the beginning."""
        return max(done[part] for done in self.done.values())


def all_at_once() -> VendorQueue:
    queue = VendorQueue()
    for n in range(TENANTS):
        payload = {"tenant": f"C{n}", "vendor": "ne", "run": new_run_id(BEGINS), "part": "0"}
        queue.enqueue(Task("deliver-ne", f"{n}", DELIVER, payload, BEGINS))
    queue.run()
    return queue


def test_what_is_new_of_all_is_there_soon_and_the_rest_takes_no_longer_than_it_must():
    queue = all_at_once()
    whole = TENANTS * sum(SECONDS.values())
    assert queue.last("new") < 0.15 * whole
    assert sum(done["changes"] < done["removals"] for done in queue.done.values()) == TENANTS
    assert queue.last("removals") < 1.1 * whole


def test_the_time_of_a_run_is_in_its_id():
    assert time_of_run(new_run_id(BEGINS)) == BEGINS
    assert time_of_run("R1") is None
    assert waited_in_queue("R1", BEGINS) == 0.0
    assert waited_in_queue(new_run_id(BEGINS), BEGINS - 3600) == 0.0  # of a clock that was ahead
    assert waited_in_queue(new_run_id(BEGINS), BEGINS + 119) == 0.0
    assert waited_in_queue(new_run_id(BEGINS), BEGINS + 120) == 120.0

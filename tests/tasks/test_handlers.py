"""What a task does, and what its troubles mean for the queue."""

import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec import structs

from addon import logs
from addon.delivery.lease import LeaseHeldByOther
from addon.directory.errors import AccessRefused, DirectoryError
from addon.planning.result import VendorProblem
from addon.planning.urgency import Stage
from addon.store.base import StoreError
from addon.store.ids import new_run_id
from addon.sync.context import NotFoundError, SyncContext
from addon.sync.report import ConnectionReport
from addon.sync.run import PlannedRun
from addon.tasks.base import NoSuchQueueError, Task, TaskQueueError
from addon.tasks.handlers import DELIVER, RUN, TaskHandler, TaskResult
from addon.tasks.urgency import LONGEST_DELAY, PERIOD
from addon.tenants.document import DocumentError
from addon.validation import Fault

SECRET = "Anna Andersson"
NOW = 1_800_000_000.0


class Stub:
    """Run steps and a queue that do as they are told."""

    def __init__(
        self,
        trouble: Exception | None = None,
        vendors: tuple[str, ...] = (),
        left: int = 0,
        done: int = 1,
        refusing: dict[str, Exception] | None = None,
    ) -> None:
        self.tasks: list[Task] = []
        self.stages: list[Stage | None] = []
        self._trouble = trouble
        self._vendors = vendors
        self._left = left
        self._done = done
        self._refusing = refusing or {}

    def plan_run(self, context: SyncContext, tenant_id: str, request: str) -> PlannedRun:
        if self._trouble is not None:
            raise self._trouble
        return PlannedRun("R1", self._vendors)

    def plan_changes(self, context: SyncContext, tenant_id: str, request: str = "") -> PlannedRun:
        return self.plan_run(context, tenant_id, "")

    def deliver(
        self,
        context: SyncContext,
        tenant_id: str,
        vendor: str,
        run: str,
        seconds: float,
        stage: Stage | None = None,
    ) -> ConnectionReport:
        self.stages.append(stage)
        if self._trouble is not None:
            raise self._trouble
        operations = {"create": {"User": self._done}} if self._done else {"create": {}}
        return ConnectionReport(vendor, "live", "delivered", operations, left=self._left)

    def enqueue(self, task: Task) -> bool:
        if task.queue in self._refusing:
            raise self._refusing[task.queue]
        self.tasks.append(task)
        return True


CONTEXT = SyncContext(
    settings=cast(Any, SimpleNamespace(push=False)),
    store=cast(Any, None),
    read_directory=cast(Any, None),
)
"""Those of a stub, which go into none."""


def do(stub: Stub, path: str, seconds: float = 480.0, **payload: str) -> TaskResult:
    context: Any = CONTEXT
    return TaskHandler(lambda: context, lambda: stub, stub, seconds).handle(path, payload)


def delivered(stub: Stub, seconds: float = 480.0, part: str = "0") -> TaskResult:
    return do(stub, DELIVER, seconds, tenant="C1", vendor="ne", run="R1", part=part)


def test_a_run_leaves_a_delivery_for_each_vendor_with_something_to_send() -> None:
    stub = Stub(vendors=("ne", "natur_kultur"))
    assert do(stub, RUN, tenant="C1", window="7").done
    assert [(task.queue, task.path, task.payload) for task in stub.tasks] == [
        ("deliver-ne", DELIVER, {"tenant": "C1", "vendor": "ne", "run": "R1", "part": "0"}),
        (
            "deliver-natur-kultur",
            DELIVER,
            {"tenant": "C1", "vendor": "natur_kultur", "run": "R1", "part": "0"},
        ),
    ]
    assert len({task.name for task in stub.tasks}) == 2


def test_a_delivery_whose_time_is_spent_goes_on_in_another_part() -> None:
    stub = Stub(left=5)
    assert delivered(stub, seconds=0.0, part="9").done
    (task,) = stub.tasks
    assert task.payload == {"tenant": "C1", "vendor": "ne", "run": "R1", "part": "10"}
    assert task.queue == "deliver-ne"


@pytest.mark.parametrize(
    ("stub", "seconds"),
    [
        (Stub(left=5), 480.0),  # the vendor has trouble: the next run sees to it
        (Stub(left=0), 0.0),
        (Stub(left=5, done=0), 0.0),  # nothing came through: it would go on for ever
    ],
)
def test_otherwise_there_is_no_other_part(stub: Stub, seconds: float) -> None:
    assert delivered(stub, seconds).done
    assert stub.tasks == []


def delivered_late(stub: Stub, waited: float, now: float = NOW, **payload: str) -> Task | None:
    """The task for the rest of a delivery that is carried out so long after its run began."""
    context: Any = structs.replace(CONTEXT, clock=lambda: now)
    wanted = {"tenant": "C1", "vendor": "ne", "run": new_run_id(now - waited), "part": "0"}
    TaskHandler(lambda: context, lambda: stub, stub).handle(DELIVER, wanted | payload)
    return stub.tasks[-1] if stub.tasks else None


def test_a_delivery_that_has_not_waited_for_others_is_carried_out_whole():
    stub = Stub(left=5)
    assert delivered_late(stub, 100.0) is None
    assert stub.stages == [None]


def test_a_delivery_that_has_waited_sends_what_is_new_and_gets_behind_the_others():
    stub = Stub(left=5)
    changes = delivered_late(stub, 600.0)
    assert changes is not None
    assert (changes.queue, changes.payload["stage"]) == ("deliver-ne", "changes")
    assert NOW + 600 < changes.due <= NOW + 600 + PERIOD
    removals = delivered_late(stub, 1300.0, changes.due, **changes.payload)
    assert removals is not None
    assert removals.payload["stage"] == "all"
    assert removals.due > changes.due
    delivered_late(stub, 3000.0, removals.due, **removals.payload)
    assert stub.stages == ["new", "changes", None]
    assert len(stub.tasks) == 2


def test_what_is_new_of_all_who_wait_is_before_anybodys_changes():
    """As long a wait again: whoever is in the queue now is done by then."""
    for waited in (130.0, 900.0):
        changes = delivered_late(Stub(left=5), waited)
        assert changes is not None
        assert changes.due - NOW > waited
    longest = delivered_late(Stub(left=5), 20_000.0)
    assert longest is not None
    assert longest.due - NOW <= LONGEST_DELAY + PERIOD


def test_the_rest_of_several_runs_is_one_task():
    names = set()
    for at in (NOW, NOW + 60):
        task = delivered_late(Stub(left=5), 600.0, at)
        assert task is not None
        names.add((task.name, task.due))
    assert len(names) == 1


def test_a_stage_whose_time_is_spent_goes_on_with_it_and_a_long_delivery_is_not_one_that_waits():
    stub, context = Stub(left=5), structs.replace(CONTEXT, clock=lambda: NOW)
    wanted = {"tenant": "C1", "vendor": "ne", "run": new_run_id(NOW - 600), "part": "0"}
    handler = TaskHandler(lambda: cast(Any, context), lambda: stub, stub, 0.0)
    handler.handle(DELIVER, wanted)
    assert [task.payload for task in stub.tasks] == [wanted | {"part": "1", "stage": "new"}]
    handler.handle(DELIVER, wanted | {"part": "1"})
    assert stub.tasks[1].payload == wanted | {"part": "2"}
    assert stub.stages == ["new", None]


def test_nothing_waits_when_all_was_new_and_nothing_goes_on_at_a_vendor_with_trouble():
    assert delivered_late(Stub(left=0), 600.0) is None

    class Down(Stub):
        def deliver(self, *_: Any, **__: Any) -> ConnectionReport:
            problem = VendorProblem("unreachable")
            return ConnectionReport("ne", "live", "failed", left=5, problem=problem)

    assert delivered_late(Down(), 600.0) is None


@pytest.fixture
def events(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What is told to Cloud Logging meanwhile."""
    told: list[str] = []

    class Telling(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(logs.JsonFormatter().format(record))

    handler = Telling()
    caplog.set_level(logging.INFO, logger="addon")
    logging.getLogger("addon").addHandler(handler)
    yield told
    logging.getLogger("addon").removeHandler(handler)


TROUBLES = [
    (LeaseHeldByOther("m|1|2|R0"), 409),
    (DirectoryError("query 7 failed"), 502),
    (AccessRefused("consent is missing"), 200),
    (NotFoundError("there is no tenant C1"), 200),
    (DocumentError([Fault("connections", "is odd")]), 200),
    (StoreError("the disk is full"), 503),
    (RuntimeError(SECRET), 500),
]


@pytest.mark.parametrize(("trouble", "status"), TROUBLES)
@pytest.mark.parametrize("path", [RUN, DELIVER])
def test_what_trying_again_can_mend_is_tried_again_and_nothing_else(
    trouble: Exception, status: int, path: str, events: list[str]
) -> None:
    answer = do(Stub(trouble), path, tenant="C1", vendor="ne", run="R1", part="0")
    assert answer.status == status
    assert answer.done == (status == 200)
    (event,) = map(json.loads, events)
    assert event["tenant"] == "C1"
    assert event.get("vendor") == ("ne" if path == DELIVER else None)
    assert SECRET not in events[0]
    assert SECRET not in answer.outcome


def test_only_trouble_of_our_own_slows_the_whole_queue_down() -> None:
    slowing = [trouble for trouble, status in TROUBLES if status in (429, 503)]
    assert [type(trouble) for trouble in slowing] == [StoreError]


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        (RUN, {}),
        (RUN, {"tenant": 7}),
        (RUN, ["C1"]),
        (RUN, None),
        (DELIVER, {"tenant": "C1"}),
        (DELIVER, {"tenant": "C1", "vendor": "ne", "run": "R1", "part": "x"}),
        ("/tasks/other", {"tenant": "C1"}),
    ],
)
def test_what_is_malformed_is_given_up_and_logged(
    path: str, payload: object, caplog: pytest.LogCaptureFixture
) -> None:
    stub, context = Stub(vendors=("ne",)), None
    assert TaskHandler(lambda: context, lambda: stub, stub).handle(path, payload).done  # type: ignore[arg-type,return-value]
    assert stub.tasks == []
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_vendor_without_a_queue_does_not_keep_the_others_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stub = Stub(
        vendors=("ne", "ilt"), refusing={"deliver-ne": NoSuchQueueError("no queue deliver-ne")}
    )
    assert do(stub, RUN, tenant="C1").done
    assert [task.queue for task in stub.tasks] == ["deliver-ilt"]
    assert "no queue deliver-ne" in caplog.text


def test_a_queue_in_trouble_has_the_run_tried_again_after_the_others_got_theirs() -> None:
    stub = Stub(vendors=("ne", "ilt"), refusing={"deliver-ne": TaskQueueError("down")})
    assert do(stub, RUN, tenant="C1").status == 503
    assert [task.queue for task in stub.tasks] == ["deliver-ilt"]


def test_a_scheduled_run_out_of_turn_is_not_begun_but_one_asked_for_is() -> None:
    stub, told = Stub(vendors=("ne",)), []
    work = TaskHandler(
        lambda: CONTEXT,
        lambda: stub,
        stub,
        tell=lambda tenant, vendor: told.append(tenant),
        is_due=lambda tenant, window: window == "8",
    )
    assert work.handle(RUN, {"tenant": "C1", "window": "7"}) == TaskResult(200, "not its turn")
    assert (stub.tasks, told) == ([], [])
    assert work.handle(RUN, {"tenant": "C1", "window": "8"}) == TaskResult(200, "1 delivery")
    assert work.handle(RUN, {"tenant": "C1"}) == TaskResult(200, "1 delivery")
    assert told == ["C1", "C1"]

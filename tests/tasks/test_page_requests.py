"""What a person asks for on the pages is done soon, and once."""

from addon.tasks.base import RUNS, Task
from addon.tasks.handlers import RECONCILE, RUN, WITHDRAW
from addon.tasks.page_requests import (
    request_id,
    request_reconciliation,
    request_run,
    request_withdrawal,
)

NOW = 1_800_000_000.0


class Taking:
    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}

    def enqueue(self, task: Task) -> bool:
        return self.tasks.setdefault(task.name, task) is task


def test_each_order_is_a_task_of_its_own_without_a_window() -> None:
    queue = Taking()
    assert request_run(queue, "C1", NOW)
    assert request_withdrawal(queue, "C1", "ne", NOW)
    assert request_reconciliation(queue, "C1", "ne", NOW)
    assert [(task.queue, task.path, task.payload) for task in queue.tasks.values()] == [
        (RUNS, RUN, {"tenant": "C1", "request": request_id(NOW)}),
        (RUNS, WITHDRAW, {"tenant": "C1", "vendor": "ne"}),
        (RUNS, RECONCILE, {"tenant": "C1", "vendor": "ne"}),
    ]


def test_a_button_pressed_twice_is_one_request_and_a_later_press_another() -> None:
    queue = Taking()
    assert request_run(queue, "C1", NOW)
    assert not request_run(queue, "C1", NOW + 1)
    assert request_run(queue, "C2", NOW + 1)
    assert request_run(queue, "C1", NOW + 60)


def test_a_run_for_another_reason_is_another_order_at_once() -> None:
    queue = Taking()
    assert request_run(queue, "C1", NOW, "a1")
    assert request_run(queue, "C1", NOW, "b2")
    assert not request_run(queue, "C1", NOW, "b2")

"""DEFER: tasks to carry out later, such as a tenant's run or a delivery to one vendor."""

from typing import Protocol

from msgspec import Struct

RUNS = "runs"
"""The queue of runs; each run reads a tenant's directory."""


def deliveries_to(vendor: str) -> str:
    """Return the name of the vendor's queue. Cloud Tasks allows letters, digits and hyphens."""
    return f"deliver-{vendor.replace('_', '-')}"


class Task(Struct, frozen=True):
    """A task: a POST of `payload` to `path`, through `queue`.

    `name` identifies it, so that it is not enqueued twice. `payload` has only ids, never personal
    data. `due` is in seconds since 1970 UTC; a time in the past means now.
    """

    queue: str
    name: str
    path: str
    payload: dict[str, str]
    due: float = 0.0


class TaskQueueError(Exception):
    """A task could not be enqueued; the message says what to do."""


class NoSuchQueueError(TaskQueueError):
    """The queue does not exist, so that another attempt does not help."""


class TaskQueue(Protocol):
    """The interface of every queue. Thread-safe. A task may be carried out more than once."""

    def enqueue(self, task: Task) -> bool:
        """Add a task to its queue; return False if the queue has or recently had one of its name.

        Raises TaskQueueError.
        """

"""DEFER: what is to be done later, one task a tenant's run or a delivery to a vendor."""

from typing import Protocol

from msgspec import Struct

RUNS = "runs"
"""The queue of runs: each reads a tenant's directory."""


def deliveries_to(vendor: str) -> str:
    """The vendor's own queue. Cloud Tasks allows letters, digits and hyphens in its name."""
    return f"deliver-{vendor.replace('_', '-')}"


class Task(Struct, frozen=True):
    """Something to do: a POST of `payload` to `path`, in its `queue`'s turn.

    `name` says what it is, so that it is not done twice. `payload` has ids only, never anything
    about people. `due` is in seconds since 1970 UTC; a time that is past is now.
    """

    queue: str
    name: str
    path: str
    payload: dict[str, str]
    due: float = 0.0


class TaskQueueError(Exception):
    """A task could not be put in its queue; the message says what to do."""


class NoSuchQueueError(TaskQueueError):
    """The queue has not been made, and trying again does not help."""


class TaskQueue(Protocol):
    """What every queue does, from any thread. What it does with a task, it may do twice."""

    def enqueue(self, task: Task) -> bool:
        """Put a task in its queue; False when one of its name is there or was not long ago.

        Raises TaskQueueError.
        """

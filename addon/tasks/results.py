"""What the queue is told of a task: an HTTP status, by which it is retried or not."""

import logging

from msgspec import Struct

from addon.delivery.lease import LeaseHeldByOther
from addon.directory.errors import AccessRefused, DirectoryError
from addon.logs import error_place
from addon.planning.ledger import LedgerWriteError
from addon.sync.context import NotFoundError
from addon.tasks.base import TaskQueueError
from addon.tenants.conditions import SlowPatternError
from addon.tenants.document import DocumentError
from addon.tenants.licence import FarewellError
from addon.tenants.pause import PausedError
from addon.vendors.profiles import NotConfigured

log = logging.getLogger(__name__)

DONE, TAKEN, FAILED, UNREAD, UNAVAILABLE = 200, 409, 500, 502, 503
"""HTTP statuses. Every status other than 2xx is retried, even 4xx, so a task for which a retry
cannot help returns DONE. 503 also slows down the whole queue, and therefore all tenants: it is only
for an unavailable store or queue, not for the failure of one tenant.
https://cloud.google.com/tasks/docs/creating-appengine-handlers"""


class TaskResult(Struct, frozen=True):
    """An HTTP status for the queue, and the outcome in a few words."""

    status: int
    outcome: str

    @property
    def done(self) -> bool:
        """Whether the task is finished and must not be retried."""
        return 200 <= self.status < 300


def result_of_error(error: Exception, path: str) -> TaskResult:
    """Return the result for the queue after an error."""
    match error:
        case PausedError():
            log.info("nothing runs: it is a pause")
            return TaskResult(DONE, "paused")
        case FarewellError():
            log.info("nothing runs: the customer has left")
            return TaskResult(DONE, "left")
        case NotFoundError() | DocumentError() | NotConfigured():
            log.error("%s was given up: %s", path, error_place(error))
            return TaskResult(DONE, "given up")
        case SlowPatternError():
            log.error("%s was given up: %s", path, error)
            return TaskResult(DONE, "given up")
        case AccessRefused():
            log.error("the directory may not be read: %s", error)
            return TaskResult(DONE, "access refused")
        case DirectoryError():
            log.warning("the directory was not read: %s", error)
            return TaskResult(UNREAD, "directory not read")
        case LeaseHeldByOther():
            log.info("another run is delivering there")
            return TaskResult(TAKEN, "another run is going on")
        case LedgerWriteError() | TaskQueueError():
            log.error("%s did not go through: %s", path, error)
            return TaskResult(UNAVAILABLE, "store or queue unavailable")
        case _:
            log.error("%s ended: %s", path, error_place(error))
            return TaskResult(FAILED, "an error in the program")

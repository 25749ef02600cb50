"""A small plan of a run by changes is delivered by the run itself, without a task in the queue.

A change of one person is a few requests: a task of its own would read again what the run has just
read, and wait behind large deliveries. The vendor's queue does one delivery at a time at the
vendor's rate, and these come on top of it: in each process at most a tenth of that rate, and only
as long as no delivery of the tenant waits there. A larger plan is queued.
"""

import asyncio
import logging
import threading
import time

from cachetools import LRUCache
from msgspec import Struct

from addon.delivery.lease import PROLONGED_AFTER, LeaseHeldByOther
from addon.logs import error_place, log_context
from addon.planning.ledger import LedgerWriteError
from addon.store.records import RunRecord
from addon.sync.connection import RunShared, finish_or_count, sync_connection
from addon.sync.context import SyncContext
from addon.sync.prepare import PreparedRun
from addon.sync.read_changes import ChangedAccounts
from addon.sync.readiness import ReadyConnection
from addon.sync.report import ConnectionReport

log = logging.getLogger(__name__)

MOST_OPERATIONS = 10
"""How many operations a plan has at most that is delivered at once."""
SECONDS = 30.0
"""Seconds after which what is left is enqueued."""
PART_OF_RATE = 0.1
"""The part of a vendor's requests a second that a process takes for small deliveries."""
BURST = 2 * MOST_OPERATIONS
"""How many operations a process delivers at once after a pause."""


class ReadingOfChanges(Struct, frozen=True):
    """A reading that has taken the marks: its name, and what has changed, None for a whole one.

    `queued` are the vendors in whose queues a delivery waits. The document was loaded at `loaded`,
    a time of `time.monotonic`.
    """

    name: str
    changed: ChangedAccounts | None
    queued: frozenset[str]
    loaded: float


class SmallAllowance:
    """How many operations this process may send now by small deliveries, by the vendor's URL."""

    def __init__(self) -> None:
        self._left: LRUCache[str, tuple[float, float]] = LRUCache(100)
        self._lock = threading.Lock()

    def take(self, url: str, operations: float, requests_per_second: float, now: float) -> bool:
        """Take so many operations; return False, taking none, if there are too few."""
        with self._lock:
            left, at = self._left.get(url, (float(BURST), now))
            left = min(BURST, left + (now - at) * requests_per_second * PART_OF_RATE)
            enough = operations <= left
            self._left[url] = (left - operations if enough else left, now)
            return enough


_allowance = SmallAllowance()


def finish_or_deliver(
    context: SyncContext,
    prepared: PreparedRun,
    ready: ReadyConnection,
    run: RunRecord,
    taken: ReadingOfChanges | None,
) -> ConnectionReport | None:
    """Return a connection's report if there is nothing to send, or a small plan was delivered.

    None if a delivery must be enqueued. Raises LedgerWriteError.
    """
    found = finish_or_count(context, prepared, ready.connection, ready.key)
    if isinstance(found, ConnectionReport):
        return found
    if taken is None or prepared.reading != "changes" or ready.key.vendor in taken.queued:
        return None
    return _deliver_small(context, prepared, ready, run, found, taken.loaded)


def _deliver_small(
    context: SyncContext,
    prepared: PreparedRun,
    ready: ReadyConnection,
    run: RunRecord,
    operations: float,
    loaded: float,
) -> ConnectionReport | None:
    """Deliver a plan of so many operations; None if it must be enqueued, all or what is left.

    `loaded` is when the document was, a time of `time.monotonic`: it is not read again within the
    time for which a delivery does not read it either. An error does not affect the others.
    """
    rate = context.settings.vendors[ready.key.vendor].requests_per_second
    if operations > MOST_OPERATIONS:
        return None
    if not _allowance.take(ready.target.url, operations, rate, time.monotonic()):
        return None
    deadline = time.monotonic() + SECONDS
    checked = loaded if time.monotonic() - loaded < PROLONGED_AFTER else None
    shared = RunShared(context, prepared, run, deadline, checked=checked, may_be_late=True)
    try:
        with log_context(vendor=ready.key.vendor, mode=ready.key.mode):
            report = asyncio.run(sync_connection(shared, ready, planned=True))
    except (LeaseHeldByOther, LedgerWriteError):
        return None
    except Exception as error:
        log.error("the delivery to %s is enqueued: %s", ready.key.vendor, error_place(error))
        return None
    return None if report.left and time.monotonic() >= deadline else report

"""When what is less urgent of a delivery gets its turn, where several tenants wait for a vendor.

A vendor's queue does one delivery at a time, in the order in which they are due. A delivery that
has waited sends what is new; its changes are due after as long a wait again, and its removals soon
after these, behind everything that waits by then. So what is new of all who wait is before most
changes, and of whoever comes meanwhile too.
"""

from addon.age import age
from addon.store.ids import time_of_run
from addon.sync.run import IN_QUEUE

PERIOD = 300.0
"""Seconds within which the rest of several runs at a vendor is one task."""
LONGEST_DELAY = 1800.0
"""Seconds for which changes get behind what is new of those who come later, at most."""


def waited_in_queue(run: str, now: float) -> float:
    """Return the seconds since a run began if its delivery has waited for others, else 0."""
    began = time_of_run(run)
    waited = 0.0 if began is None else age(began, now)
    return waited if IN_QUEUE <= waited < float("inf") else 0.0


def changes_due(now: float, waited: float) -> float:
    """Return when the changes of a delivery that has waited are due: at the end of a period."""
    return removals_due(now + min(waited, LONGEST_DELAY))


def removals_due(now: float) -> float:
    """Return when the removals are due: at the end of this period."""
    return (now // PERIOD + 1) * PERIOD

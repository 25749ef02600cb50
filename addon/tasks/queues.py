"""The queues of Cloud Tasks: one for runs, and one for each vendor of the profiles.

`python -m addon.tasks.queues VENDORS --project=PROJECT --location=LOCATION` prints the shell
commands that create them, or update those that exist; `make deploy` runs them. Queues of vendors
that are no longer in the profiles are left as they are.
"""

import argparse
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from addon.tasks.base import RUNS, deliveries_to
from addon.vendors.profiles import VendorsError, load_vendors


class QueueLimits(Struct, frozen=True):
    """How fast a queue gives out its tasks, and how it retries them.

    `concurrency` is tasks at a time, `rate` tasks a second, backoffs are in seconds; `attempts`
    counts the first.
    """

    concurrency: int
    rate: int
    attempts: int
    min_backoff: int
    max_backoff: int
    max_doublings: int = 4

    def flags(self) -> tuple[str, ...]:
        """Return the limits as flags of `gcloud tasks queues create` and `update`."""
        return (
            f"--max-concurrent-dispatches={self.concurrency}",
            f"--max-dispatches-per-second={self.rate}",
            f"--max-attempts={self.attempts}",
            f"--min-backoff={self.min_backoff}s",
            f"--max-backoff={self.max_backoff}s",
            f"--max-doublings={self.max_doublings}",
        )


OF_RUNS = QueueLimits(concurrency=40, rate=5, attempts=7, min_backoff=30, max_backoff=600)
"""Each task reads a tenant's directory or does what a person asks for on a page.

At most as many at once as 5 of the 10 instances take (app.yaml); the rest answer deliveries and
people. A task that fails is retried after 30 s, 1, 2, 4, 8 and 10 minutes; the
next hour's run comes in any case.
"""

OF_DELIVERIES = QueueLimits(concurrency=1, rate=1, attempts=9, min_backoff=15, max_backoff=300)
"""One delivery at a time keeps the vendor's limits across all tenants and instances.

A delivery stops after 8 minutes, for the next tenant's, and continues in a task of its own.
"""


def queues_for(vendors: Iterable[str]) -> dict[str, QueueLimits]:
    """Return the queues that the vendors, given by id, need: name to limits."""
    return {RUNS: OF_RUNS} | {deliveries_to(vendor): OF_DELIVERIES for vendor in vendors}


def create_or_update(name: str, limits: QueueLimits, project: str, location: str) -> str:
    """Return a shell command that creates the queue, or updates it if it exists.

    An existing queue that is paused stays paused.
    """
    where = (f"--project={project}", f"--location={location}", "--quiet")

    def gcloud(verb: str, *flags: str) -> str:
        return shlex.join(("gcloud", "tasks", "queues", verb, name, *flags, *where))

    return (
        f"if {gcloud('describe')} >/dev/null 2>&1; "
        f"then {gcloud('update', *limits.flags())}; "
        f"else {gcloud('create', *limits.flags())}; fi"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one command a queue; exit with status 2 if the profiles are not valid."""
    parser = argparse.ArgumentParser(prog="python -m addon.tasks.queues")
    parser.add_argument("vendors", type=Path, help="path of the vendor profiles")
    parser.add_argument("--project", required=True)
    parser.add_argument("--location", required=True)
    given = parser.parse_args(arguments)
    try:
        queues = queues_for(load_vendors(given.vendors))
    except VendorsError as error:
        parser.exit(2, f"{given.vendors}: {'; '.join(map(str, error.faults))}\n")
    for name, limits in queues.items():
        sys.stdout.write(create_or_update(name, limits, given.project, given.location) + "\n")


if __name__ == "__main__":
    main()

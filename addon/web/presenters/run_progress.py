"""The run that a page follows: one requested on the page, or one in progress."""

from collections.abc import Sequence

from msgspec import Struct

from addon.age import age
from addon.web.presenters.run_history import RunSummary

BEGINS_WITHIN = 300
"""Seconds for which a requested run is expected to begin."""
FOLLOWED = 900.0
"""Seconds for which a page refreshes a run's progress automatically; then see the run's page."""


class FollowedRun(Struct, frozen=True):
    """The run that a page follows (None before it has begun), and when it was requested.

    `looks` is whether the page refreshes automatically.
    """

    asked: int | None
    run: RunSummary | None
    looks: bool


def requested_at(given: str, now: float) -> int | None:
    """Return when the run that a page waits for was requested, from the text in its address.

    None if it waits for none, or no longer. Times are seconds since 1970 UTC.
    """
    if not given.isdecimal() or len(given) > 12:
        return None
    return int(given) if 0 <= now - int(given) < BEGINS_WITHIN else None


def run_asked_for(runs: Sequence[RunSummary], request_id: int | None) -> RunSummary | None:
    """Return the newest run that answers a request; None before it has begun."""
    if request_id is None:
        return None
    return next((run for run in runs if run.run.request == str(request_id)), None)


def followed_run(
    runs: Sequence[RunSummary], since: int | None, refreshed: bool, now: float
) -> FollowedRun | None:
    """Return the run requested at `since`, or else the newest of `runs` if it is running.

    Also the newest if it ended while it was followed: the page is `refreshed` by itself.
    """
    run = run_asked_for(runs, since) if since is not None else next(iter(runs), None)
    if since is not None and run is None:
        return FollowedRun(since, None, True)
    followed = since is not None or refreshed
    if run is None or not (run.running or followed):
        return None
    return FollowedRun(since, run, run.running and age(run.started, now) < FOLLOWED)

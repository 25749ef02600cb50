"""The run that a page follows: one requested on the page, or one in progress."""

from collections.abc import Sequence

from flask import request
from msgspec import Struct

from addon.web.htmx import asks_for_part
from addon.web.presenters.run_history import RunSummary, run_summaries
from addon.web.request_context import RequestContext

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


def asked(ctx: RequestContext) -> int | None:
    """Return when the run that the page waits for was requested; None if it waits for none."""
    given = request.args.get("begard", "")
    if not given.isdecimal() or len(given) > 12:
        return None
    return int(given) if 0 <= ctx.now - int(given) < BEGINS_WITHIN else None


def run_asked_for(runs: Sequence[RunSummary], request_id: int | None) -> RunSummary | None:
    """Return the newest run that answers a request; None before it has begun."""
    if request_id is None:
        return None
    return next((run for run in runs if run.run.request == str(request_id)), None)


def followed_run(ctx: RequestContext) -> FollowedRun | None:
    """Return the requested run, or else the newest if it is running or ended while followed."""
    runs, since = run_summaries(ctx.runs, ctx.tenant, ctx.now), asked(ctx)
    run = run_asked_for(runs, since) if since is not None else next(iter(runs), None)
    if since is not None and run is None:
        return FollowedRun(since, None, True)
    followed = since is not None or asks_for_part()
    if run is None or not (run.running or followed):
        return None
    return FollowedRun(since, run, run.running and ctx.now - run.started < FOLLOWED)

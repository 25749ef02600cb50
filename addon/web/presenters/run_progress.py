"""A run that was asked for on a page, or is under way, for the page to follow."""

from collections.abc import Sequence

from flask import request
from msgspec import Struct

from addon.web.htmx import asks_for_part
from addon.web.presenters.run_history import RunSummary, run_summaries
from addon.web.request_context import RequestContext

BEGINS_WITHIN = 300
"""Seconds for which a run that was asked for is waited for."""
FOLLOWED = 900.0
"""Seconds for which a page looks by itself how a run is going; there is the run's own page."""


class FollowedRun(Struct, frozen=True):
    """The run that a page tells of, None before it has begun, and when it was asked for.

    `looks` is whether the page is to look again by itself.
    """

    asked: int | None
    run: RunSummary | None
    looks: bool


def asked(ctx: RequestContext) -> int | None:
    """When the run was asked for that the page waits for; None when it waits for none."""
    given = request.args.get("begard", "")
    if not given.isdecimal() or len(given) > 12:
        return None
    return int(given) if 0 <= ctx.now - int(given) < BEGINS_WITHIN else None


def run_asked_for(runs: Sequence[RunSummary], request_id: int | None) -> RunSummary | None:
    """The newest run that answers a request, None before it has begun."""
    if request_id is None:
        return None
    return next((run for run in runs if run.run.request == str(request_id)), None)


def following(ctx: RequestContext) -> FollowedRun | None:
    """The run that was asked for, or the newest if it is under way or has ended while followed."""
    runs, since = run_summaries(ctx.runs, ctx.tenant, ctx.now), asked(ctx)
    run = run_asked_for(runs, since) if since is not None else next(iter(runs), None)
    if since is not None and run is None:
        return FollowedRun(since, None, True)
    followed = since is not None or asks_for_part()
    if run is None or not (run.running or followed):
        return None
    return FollowedRun(since, run, run.running and ctx.now - run.started < FOLLOWED)

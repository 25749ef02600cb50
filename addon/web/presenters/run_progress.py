"""A run that was asked for on a page, or is under way, for the page to follow."""

from flask import request
from msgspec import Struct

from addon.web.presenters.run_history import WholeRun, whole_runs
from addon.web.request_context import Here

BEGINS_WITHIN = 300
"""Seconds for which a run that was asked for is waited for."""
FOLLOWED = 900.0
"""Seconds for which a page looks by itself how a run is going; there is the run's own page."""


class Following(Struct, frozen=True):
    """The run that a page tells of, None before it has begun, and when it was asked for.

    `looks` is whether the page is to look again by itself.
    """

    asked: int | None
    run: WholeRun | None
    looks: bool


def asked(now: Here) -> int | None:
    """When the run was asked for that the page waits for; None when it waits for none."""
    given = request.args.get("begard", "")
    if not given.isdecimal() or len(given) > 12:
        return None
    return int(given) if 0 <= now.now - int(given) < BEGINS_WITHIN else None


def following(now: Here) -> Following | None:
    """The newest run, if it was asked for, is under way, or has ended while it was followed."""
    runs, since = whole_runs(now.runs, now.tenant, now.now), asked(now)
    run = runs[0] if runs else None
    if since is not None and (run is None or run.started < since):
        return Following(since, None, True)
    followed = since is not None or request.headers.get("HX-Request") == "true"
    if run is None or not (run.running or followed):
        return None
    return Following(since, run, run.running and now.now - run.started < FOLLOWED)

"""The search in the header: people, classes, school units, vendors and runs."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from addon.store.base import RUNS_KEPT
from addon.web.directory.cache import DirectoryNotRead
from addon.web.presenters.run_history import RunSummary, run_summaries
from addon.web.presenters.saved_searches import find_search, save_search
from addon.web.presenters.site_search import (
    SHOWN,
    InDirectory,
    in_directory,
    is_about_a_day,
    runs_of,
    units_named,
    vendors_named,
)
from addon.web.request_context import RequestContext, request_context

bp = Blueprint("search", __name__)


@bp.get("/sok")
def page() -> str:
    """Show what the words of the token in the URL find."""
    ctx = request_context()
    token = request.args.get("sok", "")
    text = (find_search(ctx.store, ctx.tenant_id, token, ctx.now) or "") if token else ""
    vendors = {vendor: profile.name for vendor, profile in ctx.vendors.items()}
    return render_template(
        "search/page.html",
        text=text,
        token=token,
        forgotten=bool(token) and not text,
        found=_in_directory(ctx, text),
        units=units_named(ctx.tenant.school_units, text),
        vendors=vendors_named(vendors, text),
        runs=_runs(ctx, text),
        shown=SHOWN,
    )


@bp.post("/sok")
def search() -> AnyResponse:
    """Search for words; the URL has a token instead of them, since they may be a name."""
    ctx = request_context()
    token = save_search(ctx.store, ctx.tenant_id, request.form.get("text", ""), ctx.now)
    return redirect(url_for("search.page", sok=token or None))


def _in_directory(ctx: RequestContext, text: str) -> InDirectory | None:
    """Return who and what matches; None when the directory has not been read.

    Raises StillComputing.
    """
    try:
        return in_directory(ctx.directory, text)
    except DirectoryNotRead:
        return None


def _runs(ctx: RequestContext, text: str) -> tuple[RunSummary, ...]:
    """Return the runs of a day; all are read only where a day is asked for."""
    if not is_about_a_day(text):
        return ()
    records = ctx.store.runs(ctx.tenant_id, RUNS_KEPT)
    return runs_of(run_summaries(records, ctx.tenant, ctx.now), text)

"""Körningar: what happened, when, and to whom."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from addon.planning.result import FailedOperation
from addon.store.base import RUNS_KEPT
from addon.sync.progress import load_progress
from addon.tasks.page_requests import request_id
from addon.web.htmx import asks_for_part
from addon.web.pagination import page_of
from addon.web.presenters.delivery_history import RunRowFilter, chosen_rows, run_rows
from addon.web.presenters.resource_names import NamedResource, named_resources
from addon.web.presenters.run_history import RunSummary, run_summaries
from addon.web.presenters.run_progress import requested_at, run_asked_for
from addon.web.presenters.saved_searches import find_search, save_search
from addon.web.presenters.vendor_errors import problem_text, refusal_remedy, trouble_remedy
from addon.web.request_context import RequestContext, request_context
from addon.web.run_now import request_run_now

SIZE = 25
ARGUMENTS = ("enhet", "leverantor", "gjort")
NEWEST = 60
"""Newest records that are searched for a run, before all are."""


bp = Blueprint("runs", __name__)
bp.add_app_template_filter(problem_text)
bp.add_app_template_filter(trouble_remedy)


@bp.app_template_filter("refusal_remedy")
def _refusal_remedy(failure: FailedOperation) -> str:
    return refusal_remedy(failure.resource_type, failure.http_status or 0, failure.detail)


@bp.get("/korningar")
def page() -> AnyResponse | str:
    """Show what happened, when, and to whom."""
    ctx = request_context()
    found = _runs(ctx, RUNS_KEPT)
    begun = _begun(ctx, found)
    if begun is not None:
        return begun
    wanted = request.args.get("visa", "")
    rows = [run for run in found if run.did_anything] if wanted == "andringar" else found
    return render_template(
        "runs/page.html",
        newest=found[0] if found else None,
        page=page_of(rows, request.args, SIZE),
        wanted=wanted if wanted == "andringar" else "",
        going=next((run for run in found if run.running), None),
        asked=requested_at(request.args.get("begard", ""), ctx.now),
    )


@bp.post("/korningar/nu")
def now() -> AnyResponse:
    """Request a run."""
    ctx = request_context()
    refused = request_run_now(ctx)
    if refused is not None:
        flash(refused.text, "warning")
        return redirect(url_for("vendors.page" if refused.reason == "all off" else "runs.page"))
    return redirect(url_for("runs.page", begard=request_id(ctx.now)))


@bp.get("/korningar/<run_id>")
def run(run_id: str) -> str:
    """Show one run, and to whom it did what."""
    ctx = request_context()
    report = _report(ctx, run_id)
    return render_template("runs/run.html", **report, **_done(ctx, report["run"]))


@bp.post("/korningar/<run_id>/sok")
def search(run_id: str) -> AnyResponse:
    """Search for a name in a run; the address has a token instead of the name."""
    ctx = request_context()
    token = save_search(ctx.store, ctx.tenant_id, request.form.get("text", ""), ctx.now)
    arguments: dict[str, Any] = {**_arguments(request.form), "sok": token or None}
    return redirect(url_for("runs.run", run_id=run_id, **arguments, _anchor="vilka"))


@bp.get("/korningar/<run_id>/lage")
def progress(run_id: str) -> str | AnyResponse:
    """Return the run's progress, for the page that follows it."""
    if not asks_for_part():
        return redirect(url_for("runs.run", run_id=run_id))
    return render_template("runs/report.html", **_report(request_context(), run_id))


def _runs(ctx: RequestContext, most: int) -> tuple[RunSummary, ...]:
    return run_summaries(ctx.store.runs(ctx.tenant_id, most), ctx.tenant, ctx.now)


def _begun(ctx: RequestContext, found: Sequence[RunSummary]) -> AnyResponse | None:
    """Redirect to the run that was requested; None until it has begun."""
    since = requested_at(request.args.get("begard", ""), ctx.now)
    run = run_asked_for(found, since)
    if run is None:
        return None
    report_page = url_for("runs.run", run_id=run.id)
    if asks_for_part():
        return Response(headers={"HX-Redirect": report_page})
    return redirect(report_page)


def _report(ctx: RequestContext, run_id: str) -> dict[str, Any]:
    found = _find(ctx, run_id)
    if found is None:
        abort(404)
    return {
        "run": found,
        "record": found.record,
        "progress": load_progress(ctx.store, ctx.tenant_id, ctx.now) if found.running else (),
        "known": _known(ctx),
    }


def _done(ctx: RequestContext, run: RunSummary) -> dict[str, object]:
    """Return what the run did to whom; without rows while the directory is not ready."""
    given = request.args
    token = given.get("sok", "")
    filters = RunRowFilter(
        text=(find_search(ctx.store, ctx.tenant_id, token, ctx.now) or "") if token else "",
        unit=given.get("enhet", ""),
        vendor=given.get("leverantor", ""),
        outcome=given.get("gjort", ""),
    )
    state = run.finished if run.finished is not None else ctx.newest_run
    of = run.run.parent or run.id
    rows = ctx.from_directory(lambda directory: run_rows(directory, ctx.store, of, state))
    return {
        "rows": None if rows is None else page_of(chosen_rows(rows, filters), given, SIZE),
        "total": len(rows or ()),
        "vendors": sorted({row.vendor for row in rows or ()}),
        "filters": filters,
        "token": token if filters.text else "",
        "forgotten": bool(token) and not filters.text,
        "arguments": _arguments(given),
        "units": ctx.tenant.unit_names,
    }


def _arguments(given: Mapping[str, str]) -> dict[str, str]:
    """Return the table's query parameters, except a name."""
    return {name: given[name] for name in ARGUMENTS if given.get(name)}


def _find(ctx: RequestContext, run_id: str) -> RunSummary | None:
    """Return the run that a record belongs to.

    The newest records are searched first: most requests are for a new run, and there may be many.
    """
    for most in (NEWEST, RUNS_KEPT):
        whole = _runs(ctx, most)
        found = next(
            (run for run in whole[: -1 if most == NEWEST else None] if run.has(run_id)), None
        )
        if found is not None:
            return found
    return None


def _known(ctx: RequestContext) -> Mapping[str, NamedResource]:
    """Return names for the failures; empty when the directory is not ready."""
    return ctx.from_directory(named_resources) or {}

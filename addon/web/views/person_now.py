"""One person sent at once, and what became of it."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from addon.tasks.page_requests import request_id
from addon.web.access_log import record_access
from addon.web.htmx import asks_for_part
from addon.web.presenters.delivery_history import person_lines
from addon.web.presenters.run_history import run_summaries
from addon.web.presenters.run_progress import requested_at, run_asked_for
from addon.web.presenters.sent_now import LedgerState, sent_now
from addon.web.request_context import RequestContext, request_context
from addon.web.send_now import problem_text, request_send_now, send_problem
from addon.web.views.at_vendors import at_vendors

bp = Blueprint("person_now", __name__)


@bp.post("/personer/<user_id>/skicka")
def send(user_id: str) -> AnyResponse:
    """Request that the person is sent now."""
    ctx = request_context()
    ctx.wait_longer()
    directory = ctx.directory
    if user_id not in directory.users:
        abort(404)
    record_access("person.sent", user_id)
    problem = send_problem(ctx, directory, user_id)
    refused = None if problem else request_send_now(ctx, user_id)
    if problem or refused is not None:
        flash(problem_text(problem) if refused is None else refused.text, "warning")
        return redirect(url_for("person.page", user_id=user_id))
    asked = request_id(ctx.now)
    return redirect(url_for("person.page", user_id=user_id, begard=asked, _anchor="skickas"))


@bp.get("/personer/<user_id>/skickas")
def state(user_id: str) -> str | AnyResponse:
    """Return what has become of the request, for the page that follows it."""
    ctx = request_context()
    given = request.args.get("begard", "")
    if not asks_for_part():
        return redirect(url_for("person.page", user_id=user_id, begard=given))
    if user_id not in ctx.directory.users:
        abort(404)
    return render_template("person/sent.html", user_id=user_id, **sending(ctx, user_id))


def sending(ctx: RequestContext, user_id: str) -> dict[str, object]:
    """Return what the page says of a request in its address: since when, and what became of it."""
    since = requested_at(request.args.get("begard", ""), ctx.now)
    if since is None:
        return {"asked": None, "outcomes": (), "all_known": False}
    directory = ctx.directory
    vendors = [
        LedgerState(each.vendor, each.mode, each.has == "yes", each.refusal is not None)
        for each in at_vendors(ctx, directory, user_id)
        if each.sent
    ]
    run = run_asked_for(run_summaries(ctx.runs, ctx.tenant, ctx.now), since)
    found = sent_now(vendors, run, person_lines(directory, ctx.store, user_id))
    return {"asked": since, "outcomes": found, "all_known": len(found) == len(vendors)}

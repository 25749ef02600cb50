"""Spärrar: the holds, and the decision to approve or refuse each."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from addon.age import age
from addon.planning.limits import Approval
from addon.tenants.model import Limits
from addon.web.directory.cache import DirectoryNotRead, StillComputing
from addon.web.directory.snapshot_store import ReadingState
from addon.web.hold_decisions import approve, changed_text, gone_text, refuse
from addon.web.pagination import EntryPage, page_of
from addon.web.presenters.hold import HeldView, Leaver, approval_of, held_view, is_sending
from addon.web.presenters.hold_units import UnitCount, units_of
from addon.web.request_context import RequestContext, request_context
from addon.web.version_token import value_hash
from addon.web.views.directory import directory_since
from addon.web.waiting_holds import WaitingHold

SIZE = 100
"""Names on a page."""
BEGINS_WITHIN = 120.0
"""Seconds after an approval within which the page waits for the run that it requested."""


class Question(Struct, frozen=True):
    """A hold, the people it is about where they are known, and its version token in a form.

    `page` has the leavers, only those of `reason` where one is given; `approved` is the approval
    until the run that carries it out has ended.
    """

    held: WaitingHold
    limits: Limits
    approved: Approval | None
    mark: str
    view: HeldView | None
    units: tuple[UnitCount, ...]
    page: EntryPage[Leaver] | None
    reason: str = ""


bp = Blueprint("holds", __name__)


@bp.get("/sparrar")
def page() -> str:
    """Show the holds, and ask whether to approve each."""
    ctx = request_context()
    questions, reading = [], None
    for held in ctx.holds:
        view = None
        try:
            view = held_view(directory_since(ctx, held.hold.at), held.hold, held.vendor)
        except DirectoryNotRead as error:
            reading = error.state
        except StillComputing:
            reading = reading or ReadingState("reading", ctx.now)
        questions.append(_question(ctx, held, view))
    return render_template(
        "holds/page.html",
        questions=questions,
        reading=reading,
        follow=any(_is_followed(ctx, question) for question in questions),
    )


@bp.post("/sparrar/<vendor>/<mode>")
def decide(vendor: str, mode: str) -> AnyResponse:
    """Approve or refuse the hold that the form showed."""
    ctx = request_context()
    held = next((h for h in ctx.holds if (h.vendor, h.key.mode) == (vendor, mode)), None)
    decision = request.form.get("decision", "")
    if decision not in ("approve", "refuse"):
        abort(400)
    if held is None:
        flash(gone_text(), "warning")
    elif _hold_token(held, approval_of(ctx.store, held, ctx.now)) != request.form.get("mark"):
        flash(changed_text(ctx, held), "warning")
    else:
        result = approve(ctx, held) if decision == "approve" else refuse(ctx, held)
        flash(result.text, "warning" if result.is_warning else "message")
    return redirect(url_for("holds.page"))


def _hold_token(held: WaitingHold, approval: Approval | None) -> str:
    """Return a token of the hold and its approval, which changes when another approves it."""
    return value_hash((held.hold, None if approval is None else approval.at))


def _is_followed(ctx: RequestContext, question: Question) -> bool:
    """Whether it is approved, and a run is carrying it out or is about to."""
    approval = question.approved
    if approval is None:
        return False
    return age(approval.at, ctx.now) < BEGINS_WITHIN or is_sending(ctx.runs, question.held.vendor)


def _question(ctx: RequestContext, held: WaitingHold, view: HeldView | None) -> Question:
    connection = ctx.tenant.connection(held.vendor)
    approval = approval_of(ctx.store, held, ctx.now)
    asked = request.args.get("hos") == held.vendor
    reason = request.args.get("orsak", "") if asked else ""
    page = None
    if view is not None:
        leavers = [each for each in view.leavers if reason in ("", each.reason)]
        page = page_of(leavers, request.args if asked else {}, SIZE)
    return Question(
        held=held,
        limits=Limits() if connection is None else connection.limits,
        approved=approval,
        mark=_hold_token(held, approval),
        view=view,
        units=units_of(held.hold, ctx.tenant.unit_names),
        page=page,
        reason=reason,
    )

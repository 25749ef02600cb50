"""Spärrar: the holds, and the decision to approve or refuse each."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from addon.age import age
from addon.planning.limits import Approval
from addon.sync.context import NotFoundError
from addon.sync.holds import record_approval, record_refusal
from addon.tasks.base import TaskQueueError
from addon.tasks.requests import request_run, request_withdrawal
from addon.tenants.model import Limits
from addon.tenants.pause import current_pause
from addon.web.directory.cache import DirectoryNotRead, StillComputing
from addon.web.directory.snapshot_store import ReadingState
from addon.web.pagination import EntryPage, page_of
from addon.web.presenters.hold import HeldView, Leaver, approval_of, held_view, is_sending
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
    try:
        if held is None:
            flash(_("Spärren finns inte längre."), "warning")
        elif _hold_token(held, approval_of(ctx.store, held, ctx.now)) != request.form.get("mark"):
            flash(_changed(ctx, held), "warning")
        elif decision == "approve":
            _approve(ctx, held)
        else:
            _refuse(ctx, held)
    except NotFoundError:
        flash(_("Spärren finns inte längre."), "warning")
    return redirect(url_for("holds.page"))


def _hold_token(held: WaitingHold, approval: Approval | None) -> str:
    """Return a token of the hold and its approval, which changes when another approves it."""
    return value_hash((held.hold, None if approval is None else approval.at))


def _changed(ctx: RequestContext, held: WaitingHold) -> str:
    """Return the message that the hold has changed since it was shown."""
    if approval_of(ctx.store, held, ctx.now) is None:
        return str(_("Spärren har ändrats sedan sidan visades. Se efter och bestäm igen."))
    name = ctx.vendor_name(held.vendor)
    told = _("Någon av er har redan godkänt det som var spärrat hos %(vendor)s.", vendor=name)
    if held.hold.withdrawal:
        return str(told)
    return f"{told} {_('Ska det stoppas, slå av %(vendor)s.', vendor=name)}"


def _is_followed(ctx: RequestContext, question: Question) -> bool:
    """Whether it is approved, and a run is carrying it out or is about to."""
    approval = question.approved
    if approval is None:
        return False
    return age(approval.at, ctx.now) < BEGINS_WITHIN or is_sending(ctx.runs, question.held.vendor)


def _approve(ctx: RequestContext, held: WaitingHold) -> None:
    """Approve the hold and request the run that carries it out.

    Raises NotFoundError and StoreError.
    """
    queue, name = ctx.services.queue(), ctx.vendor_name(held.vendor)
    if not held.hold.withdrawal and current_pause(ctx.tenant, ctx.now) is not None:
        flash(
            _("Det är paus, så inget skickas. Avsluta pausen under Inställningar först."),
            "warning",
        )
        return
    record_approval(ctx.store, ctx.tenant_id, held.vendor, ctx.now, held.key.mode)
    try:
        if held.hold.withdrawal:
            request_withdrawal(queue, ctx.tenant_id, held.vendor, ctx.now, held.key.mode)
        else:
            request_run(queue, ctx.tenant_id, ctx.now, held.vendor)
        flash(_("Godkänt. Det skickas till %(vendor)s nu.", vendor=name))
    except TaskQueueError:
        if held.hold.withdrawal:  # no scheduled run carries it out instead
            ctx.store.set_approval(held.key, None)
            told = _("Det gick inte att börja, så inget har tagits bort. Försök igen om en stund.")
            flash(told, "warning")
            return
        flash(_("Godkänt, men det gick inte att börja nu. Nästa körning gör det."), "warning")
    ctx.append_audit("hold.approved", held.vendor)


def _refuse(ctx: RequestContext, held: WaitingHold) -> None:
    """Refuse the hold. Raises NotFoundError and StoreError."""
    name = ctx.vendor_name(held.vendor)
    record_refusal(ctx.store, ctx.tenant_id, held.vendor, ctx.now, held.key.mode)
    ctx.append_audit("hold.refused", held.vendor)
    if held.hold.withdrawal:
        flash(_("Inget tas bort hos %(vendor)s, och avvecklingen är avbruten.", vendor=name))
    else:
        flash(_("Inget tas bort hos %(vendor)s. Spärren står kvar.", vendor=name))


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
        page=page,
        reason=reason,
    )

"""Spärrar: what has been stopped, and whether it shall go."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from addon.planning.guard import Approval
from addon.sync.context import Unknown
from addon.sync.holds import let_go, refuse
from addon.tasks.base import QueueError
from addon.tasks.requests import run_now, withdraw_now
from addon.tenants.model import Limits
from addon.tenants.pause import paused
from addon.web.directory.cache import NotRead, NotReady
from addon.web.directory.snapshot_store import State
from addon.web.pagination import Page, page_of
from addon.web.presenters.fresh import desk_since
from addon.web.presenters.hold import HeldView, Leaver, approval_of, held_view, is_sending
from addon.web.request_context import Held, Here, here, mark_of

SIZE = 100
"""Names on a page."""
BEGINS_WITHIN = 120.0
"""Seconds after a yes within which the run that was ordered with it is waited for."""


class Question(Struct, frozen=True):
    """A hold, who it is about where that is known, and what stands for it in a form.

    `page` is of the leavers, with those of the `reason` asked for; `approved` the yes of a person
    while the run that does it is not over.
    """

    held: Held
    limits: Limits
    approved: Approval | None
    mark: str
    view: HeldView | None
    page: Page[Leaver] | None
    reason: str = ""


def blueprint() -> Blueprint:
    """What waits for a person's word."""
    holds = Blueprint("holds", __name__)

    @holds.get("/sparrar")
    def page() -> str:
        """What has been stopped, and shall it go?"""
        now = here()
        questions, reading = [], None
        for held in now.holds:
            view = None
            try:
                view = held_view(desk_since(now, held.hold.at), held.hold, held.vendor)
            except NotRead as error:
                reading = error.state
            except NotReady:
                reading = reading or State("reading", now.now)
            questions.append(_question(now, held, view))
        return render_template(
            "holds/page.html",
            questions=questions,
            reading=reading,
            follow=any(_is_followed(now, question) for question in questions),
        )

    @holds.post("/sparrar/<vendor>/<mode>")
    def decide(vendor: str, mode: str) -> AnyResponse:
        """Let go what the form showed, or say no to it."""
        now = here()
        held = next((h for h in now.holds if (h.vendor, h.key.mode) == (vendor, mode)), None)
        decision = request.form.get("decision", "")
        if decision not in ("approve", "refuse"):
            abort(400)
        try:
            if held is None:
                flash(_("Spärren finns inte längre."), "warning")
            elif _mark(held, approval_of(now, held)) != request.form.get("mark"):
                flash(_changed(now, held), "warning")
            elif decision == "approve":
                _approve(now, held)
            else:
                _refuse(now, held)
        except Unknown:
            flash(_("Spärren finns inte längre."), "warning")
        return redirect(url_for("holds.page"))

    return holds


def _mark(held: Held, approval: Approval | None) -> str:
    """Stands for what one decides about: a hold that another has let go is not it any more."""
    return mark_of((held.hold, None if approval is None else approval.at))


def _changed(now: Here, held: Held) -> str:
    """That it is not as it was shown."""
    if approval_of(now, held) is None:
        return str(_("Spärren har ändrats sedan sidan visades. Se efter och bestäm igen."))
    name = now.vendor_name(held.vendor)
    told = _("Någon av er har redan godkänt det som var spärrat hos %(vendor)s.", vendor=name)
    if held.hold.withdrawal:
        return str(told)
    return f"{told} {_('Ska det stoppas, slå av %(vendor)s.', vendor=name)}"


def _is_followed(now: Here, question: Question) -> bool:
    """Whether it is approved, and a run is doing it or about to."""
    approval = question.approved
    if approval is None:
        return False
    return now.now - approval.at < BEGINS_WITHIN or is_sending(now)


def _approve(now: Here, held: Held) -> None:
    """Let it go, and have it begin. Raises Unknown and StoreError."""
    queue, name = now.house.queue(), now.vendor_name(held.vendor)
    if not held.hold.withdrawal and paused(now.tenant, now.now) is not None:
        flash(
            _("Det är paus, så inget skickas. Avsluta pausen under Inställningar först."),
            "warning",
        )
        return
    let_go(now.store, now.tenant_id, held.vendor, now.now, held.key.mode)
    try:
        if held.hold.withdrawal:
            withdraw_now(queue, now.tenant_id, held.vendor, now.now, held.key.mode)
        else:
            run_now(queue, now.tenant_id, now.now, held.vendor)
        flash(_("Godkänt. Det skickas till %(vendor)s nu.", vendor=name))
    except QueueError:
        if held.hold.withdrawal:  # no run does it instead
            now.store.set_approval(held.key, None)
            told = _("Det gick inte att börja, så inget har tagits bort. Försök igen om en stund.")
            flash(told, "warning")
            return
        flash(_("Godkänt, men det gick inte att börja nu. Nästa körning gör det."), "warning")
    now.log("hold.approved", held.vendor)


def _refuse(now: Here, held: Held) -> None:
    """Say no to it. Raises Unknown and StoreError."""
    name = now.vendor_name(held.vendor)
    refuse(now.store, now.tenant_id, held.vendor, now.now, held.key.mode)
    now.log("hold.refused", held.vendor)
    if held.hold.withdrawal:
        flash(_("Inget tas bort hos %(vendor)s, och avvecklingen är avbruten.", vendor=name))
    else:
        flash(_("Inget tas bort hos %(vendor)s. Spärren står kvar.", vendor=name))


def _question(now: Here, held: Held, view: HeldView | None) -> Question:
    connection = now.tenant.connection(held.vendor)
    approval = approval_of(now, held)
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
        mark=_mark(held, approval),
        view=view,
        page=page,
        reason=reason,
    )

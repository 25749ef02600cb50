"""Spärrar: what has been stopped, and whether it shall go."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from addon.approve import let_go, refuse
from addon.queue.orders import run_now, withdraw_now
from addon.rooms import Unknown
from addon.tenant import Limits
from addon.web.here import Held, Here, here, mark_of
from addon.web.study import NotRead, NotReady
from addon.web.views.held import HeldView, held_view

SHOWN = 200
"""Names on a page; the rest is in the overview's CSV."""


class Question(Struct, frozen=True):
    """A hold, who it is about where that is known, and what stands for it in a form."""

    held: Held
    limits: Limits
    view: HeldView | None
    mark: str


def blueprint() -> Blueprint:
    """What waits for a person's word."""
    holds = Blueprint("holds", __name__)

    @holds.get("/sparrar")
    def page() -> str:
        """What has been stopped, and shall it go?"""
        now = here()
        questions = [_question(now, held) for held in now.holds]
        return render_template("holds/page.html", questions=questions, shown=SHOWN)

    @holds.post("/sparrar/<vendor>/<mode>")
    def decide(vendor: str, mode: str) -> AnyResponse:
        """Let go what the form showed, or say no to it."""
        now = here()
        held = next((h for h in now.holds if (h.vendor, h.key.mode) == (vendor, mode)), None)
        if held is None or mark_of(held.hold) != request.form.get("mark"):
            flash(
                _("Spärren har ändrats sedan sidan visades. Se efter och bestäm igen."), "warning"
            )
            return redirect(url_for("holds.page"))
        try:
            _decide(now, held, request.form.get("decision", ""))
        except Unknown:
            flash(_("Spärren finns inte längre."), "warning")
        return redirect(url_for("holds.page"))

    return holds


def _decide(now: Here, held: Held, decision: str) -> None:
    queue, name = now.house.queue(), now.vendor_name(held.vendor)
    if decision == "approve":
        let_go(now.store, now.tenant_id, held.vendor, now.now)
        now.log("hold.approved", held.vendor)
        if held.hold.withdrawal:
            withdraw_now(queue, now.tenant_id, held.vendor, now.now)
        else:
            run_now(queue, now.tenant_id, now.now)
        flash(_("Godkänt. Det skickas till %(vendor)s nu.", vendor=name))
    elif decision == "refuse":
        refuse(now.store, now.tenant_id, held.vendor, now.now)
        now.log("hold.refused", held.vendor)
        flash(_("Inget tas bort hos %(vendor)s. Spärren står kvar.", vendor=name))
    else:
        abort(400)


def _question(now: Here, held: Held) -> Question:
    connection = now.tenant.connection(held.vendor)
    try:
        view = held_view(now.desk, held.hold)
    except (NotRead, NotReady):
        view = None  # the numbers are known without the directory
    limits = Limits() if connection is None else connection.limits
    return Question(held, limits, view, mark_of(held.hold))

"""Answers about proposals that set nothing up: what is wrong, and which units have no students."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from addon.proposals.declined import DeclinedPlace
from addon.proposals.vocabulary import Role
from addon.sync.proposal_answers import ProposalAnswers, save_answers
from addon.web.presenters.filter_words import selector_text
from addon.web.presenters.proposals import has_places
from addon.web.request_context import RequestContext, request_context
from addon.web.studied_proposals import answers_of, group_addresses, study
from addon.web.views.proposals import searched

ROLES: dict[str, Role] = {"students": "students", "staff": "staff"}

bp = Blueprint("proposal_answers", __name__)


@bp.post("/forslag/svar")
def save() -> AnyResponse:
    """Keep an answer, or take it back, and show the unit again."""
    ctx = request_context()
    ctx.wait_longer()
    action, _colon, rest = request.form.get("answer", "").partition(":")
    code, _colon, what = rest.partition(":")
    if code in ctx.tenant.unit_names:
        given = answers_of(ctx)
        if action in ("none", "some"):
            _keep(ctx, given.saying(code, has_none=action == "none"), _SAID[action], code)
        elif action == "decline" and what in ROLES:
            _decline(ctx, given, code, ROLES[what])
        elif action == "offer":
            _offer(ctx, given, code, what)
    at = f"enhet-{code}"
    return redirect(url_for("proposals.page", enhet=code, q=searched() or None, _anchor=at))


_SAID = {"none": "unit.without-students", "some": "unit.with-students"}


def _decline(ctx: RequestContext, given: ProposalAnswers, code: str, role: Role) -> None:
    """Decline the proposed place of a role, as long as it is the one that was shown."""
    found = study(ctx)
    if request.form.get("seen") != found.mark:
        flash(_("Förslagen har räknats om sedan sidan visades. Inget är ändrat."), "warning")
        return
    proposal = found.by_code[code]
    selector = proposal.students if role == "students" else proposal.staff
    if has_places(selector):
        place = DeclinedPlace(code, role, selector)
        _keep(ctx, given.declining([place]), "proposals.declined", code)
        flash(
            _("%(place)s föreslås inte igen.", place=selector_text(selector, group_addresses(ctx)))
        )


def _offer(ctx: RequestContext, given: ProposalAnswers, code: str, number: str) -> None:
    """Take back that a place was declined, by its number among those of the unit."""
    places = [place for place in given.declined if place.code == code]
    if number.isdecimal() and len(number) < 4 and int(number) < len(places):
        _keep(ctx, given.offering(places[int(number)]), "proposals.offered", code)


def _keep(ctx: RequestContext, answers: ProposalAnswers, action: str, code: str) -> None:
    if answers != answers_of(ctx):
        save_answers(ctx.store, ctx.tenant_id, answers, ctx.now)
        ctx.append_audit(action, code)

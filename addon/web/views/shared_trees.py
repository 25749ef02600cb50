"""How an OU that several units share is split: one question, and one answer for all of them."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from msgspec import structs
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from addon.proposals.model import Proposal
from addon.proposals.selectors import without_closed
from addon.proposals.tree_splits import selector_of_parts
from addon.web.presenters.proposal_rows import Picks, altered
from addon.web.presenters.proposals import ProposalsView
from addon.web.presenters.protected_suggestions import undecided
from addon.web.presenters.shared_tree_question import OWN, TreeQuestion, TreeWay, questions
from addon.web.request_context import EditConflict, RequestContext, request_context
from addon.web.studied_proposals import study
from addon.web.views.proposals import go_on, proposals_page, selections, with_proposals

bp = Blueprint("shared_trees", __name__)


@bp.post("/forslag/delning")
def answer() -> AnyResponse | str | tuple[str, int]:
    """Set up all units of a shared OU by one answer; or, with `do`, show what it would give."""
    ctx = request_context()
    ctx.wait_longer()
    found = study(ctx)
    asked = request.form.get("tree", "")
    question = next((q for q in questions(found, ctx.tenant) if asked in q.codes), None)
    if question is None:
        flash(_("Frågan är redan besvarad."), "warning")
        return redirect(url_for("proposals.page"))
    question = read_answer(request.form, question)
    if request.form.get("do") == "look":
        return proposals_page(ctx, found, Picks(), asked, question=question)
    if request.form.get("seen") != found.mark:
        return proposals_page(ctx, found, Picks(), asked, question=question, changed=True), 409
    way = question.chosen
    if way is None or question.lacking:
        return proposals_page(ctx, found, Picks(), asked, question=question, nothing=True), 400
    made = _proposals(ctx, found, way)
    unsure = undecided(ctx.store, ctx.directory, ctx.now)
    try:
        after = ctx.save(
            "proposals.accepted",
            lambda tenant: with_proposals(tenant, made),
            part=selections,
            version_token=request.form.get("mark", ""),
        )
    except EditConflict as conflict:
        shown = study(ctx)
        return proposals_page(ctx, shown, Picks(), asked, conflict=conflict), 409
    return go_on(ctx, after, list(made), bool(unsure))


def read_answer(form: MultiDict[str, str], question: TreeQuestion) -> TreeQuestion:
    """Return the question with the chosen answer of the form, of units and parts that exist."""
    choice = form.get("way", "")
    owners = {}
    for split in question.splits:
        if choice == f"{OWN}:{split.by}":
            for n, part in enumerate(split.parts):
                code = form.get(f"part-{split.by}-{n}", "")
                owners[part.name] = code if code in question.codes else ""
    return structs.replace(question, choice=choice, owners=owners)


def _proposals(ctx: RequestContext, found: ProposalsView, way: TreeWay) -> dict[str, Proposal]:
    """Return the proposal of each unit with its parts of the OU, and rules that fit them."""
    index = ctx.directory.index
    made = {}
    for share in way.shares:
        selector = without_closed(index, selector_of_parts(share.parts))
        made[share.code], _people = altered(index, found.by_code[share.code], selector, None)
    return made

"""Spärrar: the holds, and the decision to approve or refuse each."""

from collections.abc import Iterable, Sequence

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from addon.age import age
from addon.planning.ledger import LedgerKey
from addon.planning.limits import Approval
from addon.tenants.model import Limits
from addon.web.directory.cache import DirectoryNotRead, StillComputing
from addon.web.directory.snapshot_store import ReadingState
from addon.web.hold_decisions import (
    DecisionResult,
    approve,
    approve_all,
    changed_text,
    gone_text,
    refuse,
    refuse_all,
)
from addon.web.pagination import EntryPage, page_of
from addon.web.presenters.hold import HeldView, Leaver, approval_of, held_view, is_sending
from addon.web.presenters.hold_questions import (
    JointView,
    in_questions,
    joint_view,
    memberships_of,
    people_of,
)
from addon.web.presenters.hold_units import UnitCount, units_of
from addon.web.presenters.protection import protection_view
from addon.web.presenters.waiting_removals import WaitingRemovals
from addon.web.request_context import RequestContext, request_context
from addon.web.version_token import value_hash
from addon.web.views.directory import directory_since
from addon.web.views.renamed_org_units import RenameQuestion, questions_of, rules_with_paths
from addon.web.views.waiting_removals import waiting_of
from addon.web.waiting_holds import WaitingHold

SIZE = 100
"""Names on a page."""
BEGINS_WITHIN = 120.0
"""Seconds after an approval within which the page waits for the run that it requested."""


class HeldAtVendor(Struct, frozen=True):
    """A hold at one vendor, and its version token in a form.

    `approved` is the approval until the run that carries it out has ended; `view` is None while
    the names are not known.
    """

    held: WaitingHold
    limits: Limits
    approved: Approval | None
    mark: str
    view: HeldView | None
    units: tuple[UnitCount, ...]


class Question(Struct, frozen=True):
    """Holds that are one question, and the people it is about where they are known.

    `page` has the leavers, only those of `reason` where one is given. `people` and `memberships`
    are counted once each, at however many vendors they are.
    """

    holds: tuple[HeldAtVendor, ...]
    people: int
    memberships: int
    view: JointView | None
    page: EntryPage[Leaver] | None
    reason: str = ""

    @property
    def approved(self) -> Approval | None:
        """The approval, which all of the holds have or none."""
        return self.holds[0].approved

    @property
    def refused(self) -> float:
        """When the holds were refused; 0 if they were not."""
        return self.holds[0].held.hold.refused

    @property
    def withdrawal(self) -> bool:
        """Whether it is about the removal of everything, which is asked for each vendor."""
        return self.holds[0].held.hold.withdrawal

    @property
    def removes(self) -> bool:
        """Whether an approval removes something at one of the vendors."""
        holds = [each.held.hold for each in self.holds]
        fewer = any(change < 0 for hold in holds for change in hold.changes.values())
        return fewer or any(hold.people or hold.memberships or hold.others for hold in holds)

    @property
    def differs(self) -> bool:
        """Whether somebody would be removed at some of the vendors only."""
        return any(len(each.held.hold.people) != self.people for each in self.holds)


bp = Blueprint("holds", __name__)


@bp.get("/sparrar")
def page() -> str:
    """Show the holds, and ask whether to approve each."""
    ctx = request_context()
    found, reading = dict[LedgerKey, HeldAtVendor](), None
    for held in ctx.holds:
        view = None
        try:
            view = held_view(directory_since(ctx, held.hold.at), held.hold, held.vendor)
        except DirectoryNotRead as error:
            reading = error.state
        except StillComputing:
            reading = reading or ReadingState("reading", ctx.now)
        found[held.key] = _at_vendor(ctx, held, view)
    grouped = in_questions(ctx.holds, lambda held: found[held.key].approved is not None)
    questions = [_question([found[held.key] for held in members]) for members in grouped]
    renamed, waiting, computing = _evidence_questions(ctx)
    return render_template(
        "holds/page.html",
        questions=questions,
        reading=reading,
        renamed=renamed,
        waiting=waiting,
        computing=computing,
        protection=protection_view(ctx.protection, ctx.vendor_name),
        rename_mark=ctx.current_version_token(rules_with_paths),
        follow=any(_is_followed(ctx, each) for each in found.values()),
    )


def _evidence_questions(
    ctx: RequestContext,
) -> tuple[tuple[RenameQuestion, ...], WaitingRemovals | None, bool]:
    """Return what is asked besides holds, and whether that is still being computed."""
    try:
        return questions_of(ctx.directory), waiting_of(ctx), False
    except DirectoryNotRead:
        return (), None, False
    except StillComputing:
        return (), None, True


@bp.post("/sparrar")
def decide_all() -> AnyResponse:
    """Approve or refuse the holds that the form showed, each if it is what the form showed."""
    ctx = request_context()
    decision = _decision()
    waiting = {f"{held.vendor}.{held.key.mode}": held for held in ctx.holds}
    shown = list[WaitingHold]()
    for field in request.form.getlist("hold"):
        name, _separator, mark = field.partition(":")
        held = waiting.get(name)
        if held is None or held.hold.withdrawal:
            flash(gone_text(ctx.vendor_name(name.partition(".")[0])), "warning")
        elif _hold_token(held, approval_of(ctx.store, held, ctx.now)) != mark:
            flash(changed_text(ctx, held), "warning")
        else:
            shown.append(held)
    decide = approve_all if decision == "approve" else refuse_all
    _flash(decide(ctx, shown) if shown else ())
    return redirect(url_for("holds.page"))


@bp.post("/sparrar/<vendor>/<mode>")
def decide(vendor: str, mode: str) -> AnyResponse:
    """Approve or refuse the hold at one vendor that the form showed."""
    ctx = request_context()
    held = next((h for h in ctx.holds if (h.vendor, h.key.mode) == (vendor, mode)), None)
    decision = _decision()
    if held is None:
        flash(gone_text(), "warning")
    elif _hold_token(held, approval_of(ctx.store, held, ctx.now)) != request.form.get("mark"):
        flash(changed_text(ctx, held), "warning")
    else:
        _flash((approve(ctx, held) if decision == "approve" else refuse(ctx, held),))
    return redirect(url_for("holds.page"))


def _decision() -> str:
    decision = request.form.get("decision", "")
    if decision not in ("approve", "refuse"):
        abort(400)
    return decision


def _flash(results: Iterable[DecisionResult]) -> None:
    for result in results:
        flash(result.text, "warning" if result.is_warning else "message")


def _hold_token(held: WaitingHold, approval: Approval | None) -> str:
    """Return a token of the hold and its approval, which changes when another approves it."""
    return value_hash((held.hold, None if approval is None else approval.at))


def _is_followed(ctx: RequestContext, each: HeldAtVendor) -> bool:
    """Whether it is approved, and a run is carrying it out or is about to."""
    if each.approved is None:
        return False
    begins = age(each.approved.at, ctx.now) < BEGINS_WITHIN
    return begins or is_sending(ctx.runs, each.held.vendor)


def _at_vendor(ctx: RequestContext, held: WaitingHold, view: HeldView | None) -> HeldAtVendor:
    connection = ctx.tenant.connection(held.vendor)
    approval = approval_of(ctx.store, held, ctx.now)
    return HeldAtVendor(
        held=held,
        limits=Limits() if connection is None else connection.limits,
        approved=approval,
        mark=_hold_token(held, approval),
        view=view,
        units=units_of(held.hold, ctx.tenant.unit_names),
    )


def _question(members: Sequence[HeldAtVendor]) -> Question:
    asked = request.args.get("hos") == members[0].held.vendor
    reason = request.args.get("orsak", "") if asked else ""
    views = [(each.held.vendor, each.view) for each in members if each.view is not None]
    view = joint_view(views) if len(views) == len(members) else None
    page = None
    if view is not None:
        leavers = [each for each in view.leavers if reason in ("", each.reason)]
        page = page_of(leavers, request.args if asked else {}, SIZE)
    holds = [each.held for each in members]
    return Question(
        holds=tuple(members),
        people=people_of(holds),
        memberships=memberships_of(holds),
        view=view,
        page=page,
        reason=reason,
    )

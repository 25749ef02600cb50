"""Förslag: what Skolsynk proposes to set up, a row a unit, and what needs an answer."""

from collections.abc import Iterable, Mapping, Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from addon.proposals.model import Proposal
from addon.proposals.vocabulary import Role
from addon.tenants.model import Clause, SchoolUnit, Selector, Tenant
from addon.text import fold
from addon.web.directory.results import DirectoryResult
from addon.web.formats import number
from addon.web.htmx import asks_for_part
from addon.web.labels import counted_people
from addon.web.pagination import page_of
from addon.web.presenters.connection_status import delivered
from addon.web.presenters.filter_words import (
    clause_text,
    pattern_text,
    places_text,
    selector_text,
)
from addon.web.presenters.proposal_reasons import reason_text, rule_source, shape_said, years_said
from addon.web.presenters.proposal_rows import (
    Picks,
    ProposalRow,
    altered,
    alternatives_of,
    with_losses,
)
from addon.web.presenters.proposals import (
    ProposalsView,
    State,
    accepted_selection,
    chosen_by,
    claims_on,
    is_set_up,
    selection_of,
)
from addon.web.presenters.protected_suggestions import undecided
from addon.web.presenters.setup_steps import setup_steps
from addon.web.presenters.shared_tree_question import TreeQuestion, questions
from addon.web.request_context import EditConflict, RequestContext, request_context, with_unit
from addon.web.studied_proposals import (
    answers_of,
    decline_departures,
    group_addresses,
    study,
)
from addon.web.translation import gettext_str as _

SIZE = 100
ORDER: tuple[State, ...] = ("question", "likely", "sure", "without")
"""The states of units that are listed, in the order of the table."""

bp = Blueprint("proposals", __name__)
bp.add_app_template_filter(reason_text, "proposal_reason")
bp.add_app_template_filter(rule_source, "rule_source")
bp.add_app_template_filter(years_said, "years_said")
bp.add_app_template_filter(shape_said, "shape_said")
bp.add_app_template_global(counted_people, "counted")


@bp.app_template_filter("clause_text")
def _clause_text(clause: Clause) -> str:
    return clause_text(clause, group_addresses(request_context()))


@bp.app_template_filter("selector_text")
def _selector_text(selector: Selector) -> str:
    return selector_text(selector, group_addresses(request_context()))


@bp.app_template_filter("places_text")
def _places_text(selector: Selector) -> str:
    return places_text(selector, group_addresses(request_context()))


@bp.app_template_global("pattern_text")
def _pattern_text(attribute: str, operator: str, value: str) -> str:
    return pattern_text(attribute, operator, value, group_addresses(request_context()))


@bp.get("/forslag")
def page() -> str:
    """Show what Skolsynk would set up."""
    ctx = request_context()
    if not ctx.tenant.school_units:
        return render_template("proposals/empty.html")
    return proposals_page(ctx, study(ctx), Picks(), request.args.get("enhet", ""))


@bp.post("/forslag")
def accept() -> AnyResponse | str | tuple[str, int]:
    """Save the accepted proposals; or show what a chosen alternative would give."""
    ctx = request_context()
    ctx.wait_longer()
    if not ctx.tenant.school_units:
        return redirect(url_for("proposals.page"))
    found = study(ctx)
    picks = read_picks(request.form, found)
    action, _colon, code = request.form.get("do", "").partition(":")
    if action == "show":
        return _shown(ctx, found, picks, code)
    if request.form.get("seen") != found.mark:
        return proposals_page(ctx, found, picks, code, changed=True), 409
    rows = _rows(ctx, found, picks, _accepted_codes(found, action, code))
    if any(row.empty for row in rows):
        return proposals_page(ctx, found, picks, code, nothing=True), 400
    if not rows:
        return redirect(url_for("proposals.page"))
    unsure = undecided(ctx.store, ctx.directory, ctx.now)
    try:
        after = ctx.save(
            "proposals.accepted",
            lambda tenant: with_proposals(tenant, {row.unit.code: row.proposal for row in rows}),
            part=selections,
            version_token=request.form.get("mark", ""),
        )
    except EditConflict as conflict:
        found = study(ctx)  # for the document as another has saved it
        picks = read_picks(request.form, found)
        return proposals_page(ctx, found, picks, code, conflict=conflict), 409
    _decline_others(ctx, found, rows)
    accepted = [row.unit.code for row in rows]
    return go_on(ctx, after, accepted, bool(unsure), listed_codes(ctx, found))


def with_proposals(tenant: Tenant, chosen: Mapping[str, Proposal]) -> Tenant:
    """Return the document with units set up as proposed, and the rest of it unchanged."""
    for code, proposal in chosen.items():
        unit = next((unit for unit in tenant.school_units if unit.code == code), None)
        if unit is not None:
            tenant = with_unit(tenant, code, **accepted_selection(unit, proposal))
    return tenant


def read_picks(form: MultiDict[str, str], found: ProposalsView) -> Picks:
    """Return the alternatives that are chosen in the form, of those that exist."""
    return Picks(_numbers(form, found, "students"), _numbers(form, found, "staff"))


def selections(tenant: Tenant) -> object:
    """Return the part of a document that proposals change."""
    return {unit.code: selection_of(unit) for unit in tenant.school_units}


def go_on(
    ctx: RequestContext,
    after: Tenant,
    saved: Sequence[str],
    unsure: bool,
    before: Sequence[str] = (),
) -> AnyResponse:
    """Confirm, and go on: to protected people if undecided, or to what is left of the table.

    `before` are the units that the table listed; after one of them it is shown at the next.
    """
    flash(_saved(after, saved))
    walking = not setup_steps(ctx.store, ctx.tenant, ctx.runs, ctx.vendors, ctx.now).done
    if walking and unsure:
        return redirect(url_for("protected.page"))
    found = ctx.from_directory(lambda _directory: study(ctx))
    if found is None or found.in_state("question", "likely", "sure"):
        return redirect(_table_after(ctx, found, saved, before))
    return redirect(url_for("vendors.page" if walking else "school_units.page"))


def _table_after(
    ctx: RequestContext, found: ProposalsView | None, saved: Sequence[str], before: Sequence[str]
) -> str:
    """Return the address of the table at the unit that followed the saved one."""
    left = listed_codes(ctx, found) if found is not None else before
    if not left:
        return url_for("proposals.page")  # all that the search finds are done
    following = before[before.index(saved[0]) + 1 :] if saved[0] in before else ()
    code = next((code for code in following if code in left), None) if len(saved) == 1 else None
    number = 1 + left.index(code) // SIZE if code else 1
    return url_for(
        "proposals.page",
        q=searched() or None,
        sida=number if number > 1 else None,
        _anchor=f"enhet-{code}" if code else None,
    )


def _saved(after: Tenant, codes: Sequence[str]) -> str:
    sent = any(c.mode != "off" for c in after.connections)
    if len(codes) == 1:
        name = after.unit_names[codes[0]]
        if sent:
            return _("Urvalet för %(unit)s är sparat och gäller från nästa körning.", unit=name)
        return _("Urvalet för %(unit)s är sparat. Inget skickas ännu.", unit=name)
    if sent:
        said = _("Urvalen för %(num)s skolenheter är sparade och gäller från nästa körning.")
    else:
        said = _("Urvalen för %(num)s skolenheter är sparade. Inget skickas ännu.")
    return said % {"num": number(len(codes))}


def _accepted_codes(found: ProposalsView, action: str, code: str) -> tuple[str, ...]:
    if action == "sure":
        return found.in_state("sure")
    if action == "likely":
        return found.in_state("likely")
    return (code,) if action == "unit" and code in found.by_code else ()


def _decline_others(ctx: RequestContext, found: ProposalsView, rows: Iterable[ProposalRow]) -> None:
    """Remember as declined the proposed places of units for which others were chosen."""
    decline_departures(
        ctx,
        [
            (
                found.by_code[row.unit.code],
                {"students": row.proposal.students, "staff": row.proposal.staff},
            )
            for row in rows
            if row.picked
        ],
    )


def _numbers(form: MultiDict[str, str], found: ProposalsView, role: Role) -> dict[str, int]:
    numbers = {}
    for code, proposal in found.by_code.items():
        given = form.get(f"{role}-{code}", "")
        possible = [str(n) for n in range(len(alternatives_of(proposal, role)))]
        if given in possible:
            numbers[code] = possible.index(given)
    return numbers


def _rows(
    ctx: RequestContext, found: ProposalsView, picks: Picks, codes: Iterable[str]
) -> list[ProposalRow]:
    wanted = set(codes)
    rows = [_row(ctx, found, picks, u) for u in ctx.tenant.school_units if u.code in wanted]
    return _with_losses(ctx, rows)


def _with_losses(ctx: RequestContext, rows: list[ProposalRow]) -> list[ProposalRow]:
    """Add to each row what accepting it would remove, if something was sent to a vendor."""
    if not any(row.replaces for row in rows):
        return rows
    sent = delivered(ctx.store, ctx.tenant)
    if not sent:
        return rows
    return with_losses(ctx.directory, ctx.vendors, sent, ctx.newest_run, rows)


def _row(ctx: RequestContext, found: ProposalsView, picks: Picks, unit: SchoolUnit) -> ProposalRow:
    own = found.by_code[unit.code]
    students, staff = alternatives_of(own, "students"), alternatives_of(own, "staff")
    at, by = picks.students.get(unit.code), picks.staff.get(unit.code)
    proposal, claims = own, found.claims.get(unit.code, ())
    people, not_sent = found.people[unit.code], found.not_sent[unit.code]
    chosen = chosen_by(ctx.directory.index, own) if is_set_up(unit) else None
    if at is not None or by is not None:
        directory, index = ctx.directory, ctx.directory.index
        pupils = None if at is None else students[at].selector
        adults = None if by is None else staff[by].selector
        proposal, chosen = directory.get_or_compute(
            DirectoryResult.PROPOSAL_ALTERED,
            lambda: altered(index, own, pupils, adults),
            (found.mark, unit.code, at, by),
        )
        claims = claims_on(found, unit.code, found.sent(chosen).students)
    if chosen is not None:
        people, not_sent = found.sent(chosen), chosen.among(found.unsendable)
    return ProposalRow(
        unit=unit,
        proposal=proposal,
        state=found.states[unit.code],
        ceased=unit.code in found.ceased,
        students=students,
        staff=staff,
        people=people,
        not_sent=not_sent,
        student_pick=at,
        staff_pick=by,
        claims=claims,
    )


def _shown(ctx: RequestContext, found: ProposalsView, picks: Picks, code: str) -> str:
    """Show what the alternatives chosen for a unit would give: that unit alone, or the page."""
    if not asks_for_part():
        return proposals_page(ctx, found, picks, code)
    rows = _rows(ctx, found, picks, (code,))
    if not rows:
        return ""
    return render_template(
        "proposals/unit.html",
        row=rows[0],
        names=ctx.tenant.unit_names,
        declined=[p for p in answers_of(ctx).declined if p.code == code],
        text=searched(),
    )


def proposals_page(
    ctx: RequestContext,
    found: ProposalsView,
    picks: Picks,
    opened: str,
    *,
    question: TreeQuestion | None = None,
    conflict: EditConflict | None = None,
    changed: bool = False,
    nothing: bool = False,
) -> str:
    """Return the page, with the unit `opened` unfolded, or the question that it is part of."""
    text, listed = searched(), listed_codes(ctx, found)
    asked = {code for tree in found.questions for code in tree.units}
    at = {"sida": str(1 + listed.index(opened) // SIZE)} if opened in listed else {}
    shown = page_of(listed, {**at, **request.values}, SIZE)
    by_code = {row.unit.code: row for row in _rows(ctx, found, Picks(), shown.entries)}
    unfolded = _rows(ctx, found, picks, (opened,)) if opened not in asked else []
    trees = questions(found, ctx.tenant)
    return render_template(
        "proposals/page.html",
        view=found,
        total=len(ctx.tenant.school_units),
        page=shown,
        groups=[
            (state, [by_code[c] for c in shown.entries if found.states[c] == state])
            for state in ORDER
        ],
        trees=trees if shown.number == 1 and not text else (),
        question=question or next((q for q in trees if opened in q.codes), None),
        opened=unfolded[0] if unfolded else None,
        text=text,
        conflict=conflict,
        changed=changed,
        nothing=nothing,
        mark=ctx.version_token(selections),
        read=ctx.directory.directory_snapshot.read,
        names=ctx.tenant.unit_names,
        declined=[p for p in answers_of(ctx).declined if p.code == opened],
    )


def searched() -> str:
    """Return what the units of the table are searched for."""
    return request.values.get("q", "").strip()


def listed_codes(ctx: RequestContext, found: ProposalsView) -> list[str]:
    """Return the units of the table's rows in their order, without those of shared OUs."""
    text = fold(searched())
    order = {state: n for n, state in enumerate(ORDER)}
    asked = {code for tree in found.questions for code in tree.units}
    listed = [
        unit.code
        for unit in ctx.tenant.school_units
        if found.states[unit.code] in order
        and unit.code not in asked
        and text in fold(f"{unit.name} {unit.code}")
    ]
    return sorted(listed, key=lambda code: _order(found, code, order))


def _order(found: ProposalsView, code: str, order: Mapping[State, int]) -> tuple[int, int]:
    """Return where a unit stands: questions first, and among them those without a proposal last."""
    nothing = not found.pupils[code] and found.by_code[code].confidence == "none"
    return order[found.states[code]], int(nothing)

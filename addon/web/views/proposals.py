"""Förslag: what Skolsynk proposes to set up automatically."""

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from addon.proposals.model import Proposal
from addon.proposals.vocabulary import Role
from addon.school_register.model import ACTIVE, RegisterUnit
from addon.tenants.model import SchoolUnit, Tenant
from addon.web.directory.results import DirectoryResult
from addon.web.htmx import asks_for_part
from addon.web.presenters.connection_status import delivered
from addon.web.presenters.proposal_reasons import reason_text, rule_source, shape_said, years_said
from addon.web.presenters.proposals import (
    Picks,
    ProposalRow,
    ProposalsView,
    accepted_selection,
    altered,
    alternatives_of,
    first_picks,
    is_set_up,
    part_of,
    proposals_view,
    selection_of,
    with_losses,
)
from addon.web.presenters.protected_suggestions import undecided
from addon.web.presenters.setup_steps import setup_steps
from addon.web.request_context import EditConflict, RequestContext, request_context, with_unit

bp = Blueprint("proposals", __name__)
bp.add_app_template_filter(reason_text, "proposal_reason")
bp.add_app_template_filter(rule_source, "rule_source")
bp.add_app_template_filter(years_said, "years_said")
bp.add_app_template_filter(shape_said, "shape_said")


@bp.get("/forslag")
def page() -> str:
    """Show what Skolsynk would set up."""
    ctx = request_context()
    if not ctx.tenant.school_units:
        return render_template("proposals/empty.html")
    found = _studied(ctx)
    return _page(ctx, found, first_picks(ctx.tenant, found))


@bp.post("/forslag")
def accept() -> AnyResponse | str | tuple[str, int]:
    """Save the accepted proposals; or show what a chosen alternative would give."""
    ctx = request_context()
    ctx.wait_longer()
    if not ctx.tenant.school_units:
        return redirect(url_for("proposals.page"))
    found = _studied(ctx)
    picks = read_picks(request.form, found)
    if request.form.get("show"):
        return _shown(ctx, found, picks, request.form["show"])
    if request.form.get("seen") != found.mark:
        return _page(ctx, found, picks, changed=True), 409
    lines = {line.unit.code: line for line in _lines(ctx, found, picks)}
    nothing = [line for line in lines.values() if line.accepted and line.empty]
    if nothing:
        return _page(ctx, found, picks, nothing=nothing), 400
    chosen = {code: line.proposal for code, line in lines.items() if line.accepted}
    if not chosen:
        flash(_("Inget förslag är förkryssat, så inget har ändrats."), "warning")
        return redirect(url_for("proposals.page"))
    unsure = undecided(ctx.store, ctx.directory, ctx.now)
    try:
        after = ctx.save(
            "proposals.accepted",
            lambda tenant: with_proposals(tenant, chosen),
            part=_part,
            version_token=request.form.get("mark", ""),
        )
    except EditConflict as conflict:
        found = _studied(ctx)  # for the document as another has saved it
        picks = read_picks(request.form, found)
        return _page(ctx, found, picks, conflict=conflict), 409
    return _accepted(ctx, after, len(chosen), bool(unsure))


def with_proposals(tenant: Tenant, chosen: Mapping[str, Proposal]) -> Tenant:
    """Return the document with units set up as proposed, and the rest of it unchanged."""
    for code, proposal in chosen.items():
        unit = next((unit for unit in tenant.school_units if unit.code == code), None)
        if unit is not None:
            tenant = with_unit(tenant, code, **accepted_selection(unit, proposal))
    return tenant


def read_picks(form: MultiDict[str, str], found: ProposalsView) -> Picks:
    """Return what is ticked and chosen in the form, of the units and alternatives that exist."""
    return Picks(
        accepted=frozenset(form.getlist("accept")) & found.by_code.keys(),
        students=_numbers(form, found, "students"),
        staff=_numbers(form, found, "staff"),
    )


def _numbers(form: MultiDict[str, str], found: ProposalsView, role: Role) -> dict[str, int]:
    numbers = {}
    for code, proposal in found.by_code.items():
        given = form.get(f"{role}-{code}", "")
        possible = [str(n) for n in range(len(alternatives_of(proposal, role)))]
        if given in possible:
            numbers[code] = possible.index(given)
    return numbers


def _part(tenant: Tenant) -> object:
    return {unit.code: selection_of(unit) for unit in tenant.school_units}


def _studied(ctx: RequestContext) -> ProposalsView:
    """Return the proposals that follow from the register and the directory.

    Raises DirectoryNotRead and StillComputing.
    """
    directory, tenant = ctx.directory, ctx.tenant
    index, codes = directory.index, [unit.code for unit in tenant.school_units]
    statuses = ctx.services.register().statuses(ctx.tenant_id, codes)
    units = [_registered(unit, statuses) for unit in tenant.school_units]
    return directory.get_or_compute(
        DirectoryResult.PROPOSALS,
        lambda: proposals_view(index, units, tenant),
        tuple(sorted(statuses.items())),
    )


def _registered(unit: SchoolUnit, statuses: Mapping[str, str]) -> RegisterUnit:
    status = statuses.get(unit.code, ACTIVE)
    return RegisterUnit(unit.code, unit.name, status, unit.municipality_code, unit.school_types)


def _lines(ctx: RequestContext, found: ProposalsView, picks: Picks) -> list[ProposalRow]:
    return _with_losses(ctx, [_line(ctx, found, picks, unit) for unit in ctx.tenant.school_units])


def _with_losses(ctx: RequestContext, lines: list[ProposalRow]) -> list[ProposalRow]:
    """Add to each row what accepting it would remove, if something was sent to a vendor."""
    if not any(line.replaces for line in lines):
        return lines
    sent = delivered(ctx.store, ctx.tenant)
    if not sent:
        return lines
    return with_losses(ctx.directory, ctx.vendors, sent, ctx.newest_run, lines)


def _line(ctx: RequestContext, found: ProposalsView, picks: Picks, unit: SchoolUnit) -> ProposalRow:
    own = found.by_code[unit.code]
    students, staff = alternatives_of(own, "students"), alternatives_of(own, "staff")
    at, by = picks.students.get(unit.code), picks.staff.get(unit.code)
    proposal = own
    if at is not None or by is not None:
        directory, index = ctx.directory, ctx.directory.index
        pupils = None if at is None else students[at].selector
        adults = None if by is None else staff[by].selector
        proposal = directory.get_or_compute(
            DirectoryResult.PROPOSAL_ALTERED,
            lambda: altered(index, own, pupils, adults),
            (found.mark, unit.code, at, by),
        )
    return ProposalRow(
        unit=unit,
        proposal=proposal,
        part=part_of(unit, found.by_code),
        accepted=unit.code in picks.accepted,
        ceased=unit.code in found.ceased,
        students=students,
        staff=staff,
        student_pick=at,
        staff_pick=by,
    )


def _shown(ctx: RequestContext, found: ProposalsView, picks: Picks, code: str) -> str:
    """Show what the alternatives chosen for a unit would give: that unit alone, or the page."""
    if not asks_for_part():
        return _page(ctx, found, picks)
    unit = next((u for u in ctx.tenant.school_units if u.code == code), None)
    if unit is None:
        return ""
    (line,) = _with_losses(ctx, [_line(ctx, found, picks, unit)])
    names = ctx.tenant.unit_names
    return render_template("proposals/unit.html", line=line, names=names, opened=True)


def _page(
    ctx: RequestContext,
    found: ProposalsView,
    picks: Picks,
    *,
    conflict: EditConflict | None = None,
    changed: bool = False,
    nothing: list[ProposalRow] | None = None,
) -> str:
    lines = _lines(ctx, found, picks)
    parts = {name: [x for x in lines if x.part == name] for name in ("help", "ready", "done")}
    return render_template(
        "proposals/page.html",
        found=found,
        total=len(lines),
        parts=parts,
        names=ctx.tenant.unit_names,
        conflict=conflict,
        changed=changed,
        nothing=nothing or [],
        mark=ctx.version_token(_part),
        read=ctx.directory.directory_snapshot.read,
    )


def _accepted(ctx: RequestContext, after: Tenant, count: int, unsure: bool) -> AnyResponse:
    """Confirm, and go to the next page: to protected people first, if they are undecided."""
    flash(
        ngettext(
            "Urvalet för %(num)s skolenhet är sparat. Inget skickas ännu.",
            "Urvalen för %(num)s skolenheter är sparade. Inget skickas ännu.",
            count,
        )
        if not any(c.mode != "off" for c in after.connections)
        else ngettext(
            "Urvalet för %(num)s skolenhet är sparat och gäller från nästa körning.",
            "Urvalen för %(num)s skolenheter är sparade och gäller från nästa körning.",
            count,
        )
    )
    left = sum(not is_set_up(unit) for unit in after.school_units)
    if left:
        flash(
            ngettext(
                "%(num)s skolenhet saknar urval än så länge.",
                "%(num)s skolenheter saknar urval än så länge.",
                left,
            ),
            "warning",
        )
    if setup_steps(ctx.store, ctx.tenant, ctx.runs, ctx.vendors, ctx.now).done:
        return redirect(url_for("school_units.page"))
    return redirect(url_for("protected.page" if unsure else "vendors.page"))

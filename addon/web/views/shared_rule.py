"""The same rule for several units: what it would give at each, to choose and save once."""

from collections.abc import Collection, Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as AnyResponse

from addon.tenants.model import SchoolUnit, Tenant
from addon.web.forms.class_rules import Kind, rule_of
from addon.web.presenters.shared_rule import RuleAtUnit, rule_at_units
from addon.web.request_context import EditConflict, RequestContext, request_context, with_unit
from addon.web.version_token import value_hash
from addon.web.views.class_rules import KINDS
from addon.web.views.school_unit import unit_of

bp = Blueprint("shared_rule", __name__)


@bp.get("/skolenheter/<code>/<any(klasser, grupper, arskurser):what>/fler")
def page(code: str, what: str) -> AnyResponse | str:
    """Show what the unit's rule would give at the other units."""
    ctx = request_context()
    unit = unit_of(ctx, code)
    if rule_of(unit, KINDS[what]) is None:
        return redirect(url_for("class_rules.page", code=code, what=what))
    return _page(ctx, unit, what, ())


@bp.post("/skolenheter/<code>/<any(klasser, grupper, arskurser):what>/fler")
def save(code: str, what: str) -> AnyResponse | str | tuple[str, int]:
    """Give the chosen units the rule, all at once."""
    ctx = request_context()
    ctx.wait_longer()
    unit, kind = unit_of(ctx, code), KINDS[what]
    if rule_of(unit, kind) is None:
        return redirect(url_for("class_rules.page", code=code, what=what))
    ticked = request.form.getlist("unit")
    chosen = [row for row in _rows(ctx, unit, kind) if row.unit.code in ticked and _open(row)]
    if not chosen:
        told = {"unit": _("Kryssa för minst en skolenhet.")}
        return _page(ctx, unit, what, ticked, faults=told), 400
    if any(row.losses for row in chosen) and request.form.get("accepted") != _seen(chosen):
        told = {"accepted": _("Kryssa för att du har sett vad som tas bort.")}
        return _page(ctx, unit, what, ticked, faults=told), 400
    try:
        ctx.save(
            "unit.saved",
            lambda tenant: _with_rule(tenant, kind, chosen),
            subject=code,
            part=lambda tenant: _part(tenant, kind),
            version_token=request.form.get("mark", ""),
        )
    except EditConflict as conflict:
        return _page(ctx, unit_of(ctx, code), what, ticked, conflict=conflict), 409
    flash(
        ngettext(
            "Regeln gäller nu också för %(num)s skolenhet till.",
            "Regeln gäller nu också för %(num)s skolenheter till.",
            len(chosen),
        )
    )
    return redirect(url_for("class_rules.page", code=code, what=what))


def _open(row: RuleAtUnit) -> bool:
    """Return whether the unit can be chosen."""
    return row.fits and not row.same


def _with_rule(tenant: Tenant, kind: Kind, chosen: Sequence[RuleAtUnit]) -> Tenant:
    for row in chosen:
        tenant = with_unit(tenant, row.unit.code, **{str(kind): row.rule})
    return tenant


def _part(tenant: Tenant, kind: Kind) -> object:
    return {unit.code: rule_of(unit, kind) for unit in tenant.school_units}


def _rows(ctx: RequestContext, unit: SchoolUnit, kind: Kind) -> tuple[RuleAtUnit, ...]:
    rule = rule_of(unit, kind)
    if rule is None:
        return ()
    return rule_at_units(ctx.directory, ctx.vendors, ctx.newest_run, unit, kind, rule)


def _seen(chosen: Sequence[RuleAtUnit]) -> str:
    """Return a hash that identifies the losses that the administrator accepts."""
    return value_hash([(row.unit.code, row.rule, row.losses) for row in chosen])


def _page(
    ctx: RequestContext,
    unit: SchoolUnit,
    what: str,
    ticked: Collection[str],
    *,
    faults: dict[str, str] | None = None,
    conflict: EditConflict | None = None,
) -> str:
    kind = KINDS[what]
    rows = _rows(ctx, unit, kind)
    chosen = [row for row in rows if row.unit.code in ticked and _open(row)]
    return render_template(
        "shared_rule/page.html",
        unit=unit,
        what=what,
        kind=kind,
        rule=rule_of(unit, kind),
        rows=rows,
        ticked=ticked,
        losing=[row for row in chosen if row.losses],
        seen=_seen(chosen),
        faults=faults or {},
        conflict=conflict,
        mark=ctx.version_token(lambda tenant: _part(tenant, kind)),
    )

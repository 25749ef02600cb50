"""The rules for a unit's classes, teaching groups and school years, and their results."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.tenants.model import SchoolUnit, Tenant
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.forms.class_rules import (
    OWN,
    SOURCES,
    YEAR_FORMS,
    Kind,
    Rule,
    RuleForm,
    excepted_names,
    read_rule,
    rule_form,
    rule_of,
)
from addon.web.htmx import asks_for_part
from addon.web.labels import attribute_name
from addon.web.presenters.class_rules import Replacement, choices, effect, replacements
from addon.web.presenters.school_unit import PeopleBreakdown, people_of
from addon.web.presenters.selection_preview import attributes
from addon.web.request_context import (
    EditConflict,
    RequestContext,
    request_context,
    with_unit,
)
from addon.web.translation import gettext_str as _
from addon.web.version_token import value_hash
from addon.web.views.school_unit import stored_unit, unit_of

KINDS: dict[str, Kind] = {
    "klasser": "classes",
    "grupper": "teaching_groups",
    "arskurser": "school_year",
}
"""The rules by their name in the URL."""


bp = Blueprint("class_rules", __name__)
bp.add_app_template_filter(excepted_names, "excepted_names")


@bp.get("/skolenheter/<code>/<any(klasser, grupper, arskurser):what>")
def page(code: str, what: str) -> str:
    """Show a rule and the classes, groups or years that it gives."""
    ctx = request_context()
    unit = unit_of(ctx, code)
    return _page(ctx, unit, what, rule_form(unit, KINDS[what]))


@bp.post("/skolenheter/<code>/<any(klasser, grupper, arskurser):what>")
def save(code: str, what: str) -> AnyResponse | str | tuple[str, int]:
    """Save the rule; or, with `do`, show what it would give."""
    ctx = request_context()
    ctx.wait_longer()
    unit, kind = unit_of(ctx, code), KINDS[what]
    form = read_rule(request.form, kind)
    if request.form.get("do") == "show":
        if asks_for_part():
            return render_template("class_rules/preview.html", **_effect_of(ctx, unit, what, form))
        return _page(ctx, unit, what, form)
    if form.faults:
        return _page(ctx, unit, what, form, faults=form.faults), 400
    if form.rule is not None:
        effect(ctx.directory, unit, kind, form.rule)  # a rule that takes too long is not saved
    if not _is_accepted(form) and _replacements(ctx, unit, kind, form.rule):
        told = {"accepted": _("Kryssa för att du har sett vad som tas bort.")}
        return _page(ctx, unit, what, form, faults=told), 400
    try:
        ctx.save(
            "unit.saved",
            lambda tenant: with_unit(tenant, code, **{kind: form.rule}),
            subject=code,
            part=lambda tenant: _part(tenant, code, kind),
            version_token=request.form.get("mark", ""),
        )
    except EditConflict as conflict:
        return _page(ctx, unit, what, form, conflict=conflict), 409
    flash(_SAVED[kind]())
    return redirect(url_for("school_unit.page", code=code))


_SAVED = {
    "classes": lambda: _("Klasserna är sparade."),
    "teaching_groups": lambda: _("Undervisningsgrupperna är sparade."),
    "school_year": lambda: _("Årskurserna är sparade."),
}


_SOURCES = {
    "orgUnit": lambda: _("Organisationsenheterna"),
    "group": lambda: _("Gruppernas adresser"),
    "attribute": lambda: _("En uppgift på kontot"),
    "class": lambda: _("Klassens namn"),
}


_YEAR_FORMS = {
    "number": lambda: _("Årskursen: 0–13, F eller förskoleklass"),
    "startYear": lambda: _("Året då de började"),
    "birthYear": lambda: _("Födelseåret"),
    "leavingYear": lambda: _("Året då de slutar"),
}


def _attributes(directory: TenantDirectory, form: RuleForm) -> tuple[str, ...]:
    """Return the attributes that a rule can read; the form's own also when it no longer exists."""
    return attributes(directory, (form.attribute,) if form.attribute else ())


def _part(tenant: Tenant, code: str, kind: Kind) -> object:
    unit = stored_unit(tenant, code)
    return "gone" if unit is None else rule_of(unit, kind)


def _page(
    ctx: RequestContext,
    unit: SchoolUnit,
    what: str,
    form: RuleForm,
    *,
    faults: dict[str, str] | None = None,
    conflict: EditConflict | None = None,
) -> str:
    kind, directory = KINDS[what], ctx.directory
    found = choices(directory, unit, kind)
    return render_template(
        "class_rules/page.html",
        choices=found,
        known=form.choice in {choice.value for choice in found},
        own=OWN,
        sources=[(source, _SOURCES[source]()) for source in SOURCES[kind]],
        year_forms=[(each, _YEAR_FORMS[each]()) for each in YEAR_FORMS],
        attributes=[(each, attribute_name(each)) for each in _attributes(directory, form)],
        faults=faults or {},
        conflict=conflict,
        mark=ctx.version_token(lambda tenant: _part(tenant, unit.code, kind)),
        **_effect_of(ctx, unit, what, form),
    )


def _effect_of(
    ctx: RequestContext, unit: SchoolUnit, what: str, form: RuleForm
) -> dict[str, object]:
    kind, rule = KINDS[what], form.rule
    return {
        "unit": unit,
        "form": form,
        "kind": kind,
        "what": what,
        "effect": None if rule is None else effect(ctx.directory, unit, kind, rule),
        "replacements": () if form.faults else _replacements(ctx, unit, kind, rule),
        "seen": _seen(form),
        "accepted": _is_accepted(form),
    }


def _replacements(
    ctx: RequestContext, unit: SchoolUnit, kind: Kind, rule: Rule | None
) -> tuple[Replacement, ...]:
    if kind == "school_year" or rule == rule_of(unit, kind):
        return ()
    directory = ctx.directory
    people = people_of(directory).get(unit.code, PeopleBreakdown())
    changed = structs.replace(unit, **{kind: rule})
    vendors, newest_run = ctx.vendors, ctx.newest_run
    return directory.get_or_compute(
        DirectoryResult.CLASS_REPLACEMENTS,
        lambda: replacements(directory, vendors, newest_run, changed, people),
        (value_hash(changed), newest_run),
    )


def _seen(form: RuleForm) -> str:
    """Return the value that identifies the rule whose consequences the administrator accepts."""
    return "none" if form.rule is None else value_hash(form.rule)


def _is_accepted(form: RuleForm) -> bool:
    return request.form.get("accepted") == _seen(form)

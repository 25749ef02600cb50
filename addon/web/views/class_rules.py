"""Where a unit's classes, teaching groups and school years come from, with what that gives."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.tenants.model import SchoolUnit, Tenant
from addon.web.directory.cache import Desk
from addon.web.forms.class_rules import (
    OWN,
    SOURCES,
    Kind,
    Rule,
    RuleForm,
    choice_of,
    read_rule,
    rule_form,
    rule_of,
)
from addon.web.i18n import said as _
from addon.web.labels import attribute_name
from addon.web.presenters.class_rules import Replacement, choices, effect, replacements
from addon.web.presenters.school_unit import People, people_of
from addon.web.presenters.selection_preview import attributes
from addon.web.request_context import Here, Overtaken, here, mark_of, with_unit
from addon.web.views.school_unit import stored_unit, unit_of

KINDS: dict[str, Kind] = {
    "klasser": "classes",
    "grupper": "teaching_groups",
    "arskurser": "school_year",
}
"""The rules by their name in an address."""


def blueprint() -> Blueprint:
    """The rules of one unit."""
    rules = Blueprint("rules", __name__)

    @rules.get("/skolenheter/<code>/<any(klasser, grupper, arskurser):what>")
    def page(code: str, what: str) -> str:
        """Which classes, groups or years are there?"""
        now = here()
        unit = unit_of(now, code)
        return _page(now, unit, what, rule_form(unit, KINDS[what]))

    @rules.post("/skolenheter/<code>/<any(klasser, grupper, arskurser):what>")
    def save(code: str, what: str) -> AnyResponse | str | tuple[str, int]:
        """Keep the rule; or, with `do`, show what it would give."""
        now = here()
        now.wait_longer()
        unit, kind = unit_of(now, code), KINDS[what]
        form = read_rule(request.form, kind)
        if request.form.get("do") == "show":
            if request.headers.get("HX-Request") == "true":
                return render_template("rules/outcome.html", **_effect_of(now, unit, what, form))
            return _page(now, unit, what, form)
        if form.faults:
            return _page(now, unit, what, form, faults=form.faults), 400
        if form.rule is not None:
            effect(now.desk, unit, kind, form.rule)  # one that takes too long is not kept
        if not _is_accepted(form) and _replacements(now, unit, kind, form.rule):
            told = {"accepted": _("Kryssa för att du har sett vad som tas bort.")}
            return _page(now, unit, what, form, faults=told), 400
        try:
            now.save(
                "unit.saved",
                lambda tenant: with_unit(tenant, code, **{kind: form.rule}),
                subject=code,
                part=lambda tenant: _part(tenant, code, kind),
                mark=request.form.get("mark", ""),
            )
        except Overtaken as overtaken:
            return _page(now, unit, what, form, overtaken=overtaken), 409
        flash(_SAVED[kind]())
        return redirect(url_for("unit.page", code=code))

    return rules


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


def _attributes(desk: Desk, form: RuleForm) -> tuple[str, ...]:
    """What a rule can read: the form's own first, where it is there no longer."""
    return attributes(desk, (form.attribute,) if form.attribute else ())


def _part(tenant: Tenant, code: str, kind: Kind) -> object:
    unit = stored_unit(tenant, code)
    return "gone" if unit is None else rule_of(unit, kind)


def _page(
    now: Here,
    unit: SchoolUnit,
    what: str,
    form: RuleForm,
    *,
    faults: dict[str, str] | None = None,
    overtaken: Overtaken | None = None,
) -> str:
    kind, desk = KINDS[what], now.desk
    found = choices(desk, unit, kind)
    return render_template(
        "rules/page.html",
        choices=found,
        known=form.choice in {choice.value for choice in found},
        own=OWN,
        sources=[(source, _SOURCES[source]()) for source in SOURCES[kind]],
        attributes=[(each, attribute_name(each)) for each in _attributes(desk, form)],
        faults=faults or {},
        overtaken=overtaken,
        mark=now.mark(lambda tenant: _part(tenant, unit.code, kind)),
        **_effect_of(now, unit, what, form),
    )


def _effect_of(now: Here, unit: SchoolUnit, what: str, form: RuleForm) -> dict[str, object]:
    kind, rule = KINDS[what], form.rule
    return {
        "unit": unit,
        "form": form,
        "kind": kind,
        "what": what,
        "effect": None if rule is None else effect(now.desk, unit, kind, rule),
        "replacements": () if form.faults else _replacements(now, unit, kind, rule),
        "seen": _seen(form),
        "accepted": _is_accepted(form),
    }


def _replacements(
    now: Here, unit: SchoolUnit, kind: Kind, rule: Rule | None
) -> tuple[Replacement, ...]:
    if kind == "school_year" or rule == rule_of(unit, kind):
        return ()
    desk = now.desk
    people = people_of(desk).get(unit.code, People())
    changed = structs.replace(unit, **{kind: rule})
    return desk.make(
        ("replacements", mark_of(changed), now.newest_run),
        lambda: replacements(now, changed, people),
    )


def _seen(form: RuleForm) -> str:
    """What stands for a rule whose consequences are accepted; another one's are not."""
    return "none" if form.rule is None else choice_of(form.rule)


def _is_accepted(form: RuleForm) -> bool:
    return request.form.get("accepted") == _seen(form)

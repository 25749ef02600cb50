"""One unit: who belongs here, in which classes; what it is called; taking it away."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.school_register.model import CEASED
from addon.tenants.model import SchoolUnit, Tenant
from addon.web.directory.cache import NotRead, NotReady
from addon.web.forms.school_unit import FactsForm, facts_form, read_facts, school_types
from addon.web.presenters.delivered import delivered
from addon.web.presenters.school_unit import Leaving, UnitView, leaving, unit_view
from addon.web.request_context import Here, Overtaken, here, with_unit


def blueprint() -> Blueprint:
    """A unit's own page."""
    unit = Blueprint("unit", __name__)

    @unit.get("/skolenheter/<code>")
    def page(code: str) -> str:
        """Who belongs here, in which classes?"""
        now = here()
        return _page(now, unit_of(now, code))

    @unit.post("/skolenheter/<code>")
    def save(code: str) -> AnyResponse | tuple[str, int]:
        """Keep what the unit is called and what it is."""
        now = here()
        found = unit_of(now, code)
        form = read_facts(request.form)
        if form.faults:
            return _page(now, found, form), 400
        try:
            now.save(
                "unit.saved",
                lambda tenant: with_unit(tenant, code, **form.values()),
                subject=code,
                part=lambda tenant: _facts(tenant, code),
                mark=request.form.get("mark", ""),
            )
        except Overtaken as overtaken:
            return _page(now, found, form, overtaken), 409
        flash(_("Uppgifterna är sparade."))
        return redirect(url_for("unit.page", code=code))

    @unit.get("/skolenheter/<code>/ta-bort")
    def removal(code: str) -> str:
        """What it means to take the unit away."""
        now = here()
        return _removal(now, unit_of(now, code))

    @unit.post("/skolenheter/<code>/ta-bort")
    def remove(code: str) -> AnyResponse | tuple[str, int]:
        """Take the unit away, from the vendors' lists too."""
        now = here()
        found = unit_of(now, code)
        try:
            after = now.save(
                "unit.removed",
                lambda tenant: without_unit(tenant, code),
                subject=code,
                part=lambda tenant: _whole(tenant, code),
                mark=request.form.get("mark", ""),
            )
        except Overtaken as overtaken:
            return _removal(now, found, overtaken), 409
        flash(_("%(unit)s är borttagen ur Skolsynk.", unit=found.name))
        return redirect(url_for("units.page" if after.school_units else "register.page"))

    return unit


def unit_of(now: Here, code: str) -> SchoolUnit:
    """The tenant's unit with this code; otherwise the answer is that there is none."""
    found = next((unit for unit in now.tenant.school_units if unit.code == code), None)
    if found is None:
        abort(404)
    return found


def without_unit(tenant: Tenant, code: str) -> Tenant:
    """The document without a unit, and without it in each connection's list."""
    connections = tuple(
        structs.replace(c, school_units=tuple(u for u in c.school_units if u != code))
        for c in tenant.connections
    )
    units = tuple(unit for unit in tenant.school_units if unit.code != code)
    return structs.replace(tenant, school_units=units, connections=connections)


def stored_unit(tenant: Tenant, code: str) -> SchoolUnit | None:
    """A unit of a document, None where it has been taken away."""
    return next((unit for unit in tenant.school_units if unit.code == code), None)


def _facts(tenant: Tenant, code: str) -> object:
    unit = stored_unit(tenant, code)
    return None if unit is None else (unit.name, unit.municipality_code, unit.school_types)


def _whole(tenant: Tenant, code: str) -> object:
    sent = [c.vendor for c in tenant.connections if code in c.school_units]
    return stored_unit(tenant, code), sent


def _page(
    now: Here,
    unit: SchoolUnit,
    form: FactsForm | None = None,
    overtaken: Overtaken | None = None,
) -> str:
    form = form or facts_form(unit)
    status = now.house.register().statuses(now.tenant_id, [unit.code]).get(unit.code, "")
    return render_template(
        "unit/page.html",
        unit=unit,
        view=_view(now, unit),
        form=form,
        types=[t for t in school_types() if t not in OLD_TYPES or t in form.types],
        status=status,
        ceased=status == CEASED,
        overtaken=overtaken,
        mark=now.mark(lambda tenant: _facts(tenant, unit.code)),
    )


OLD_TYPES = ("GRS", "GYS")
"""School types that only old data has."""


def _view(now: Here, unit: SchoolUnit) -> UnitView | None:
    """The unit's numbers; a form that is shown again does not wait for the directory."""
    if request.method == "GET":
        return unit_view(now.tenant, now.desk, unit)
    try:
        return unit_view(now.tenant, now.desk, unit)
    except (NotRead, NotReady):
        return None


def _removal(now: Here, unit: SchoolUnit, overtaken: Overtaken | None = None) -> str:
    return render_template(
        "unit/remove.html",
        unit=unit,
        losing=_losing(now, unit),
        on=[c for c in now.tenant.connections if unit.code in c.school_units and c.mode != "off"],
        overtaken=overtaken,
        mark=now.mark(lambda tenant: _whole(tenant, unit.code)),
    )


def _losing(now: Here, unit: SchoolUnit) -> tuple[Leaving, ...] | None:
    """Whom the vendors lose; None where the directory cannot be read, which stops nobody."""
    try:
        return leaving(now.desk, unit_view(now.tenant, now.desk, unit), delivered(now))
    except NotRead as error:
        if request.method == "GET" and (error.state is None or error.state.status != "failed"):
            raise
        return None
    except NotReady:
        if request.method == "GET":
            raise
        return None

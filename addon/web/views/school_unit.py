"""One school unit: who belongs to it and in which classes, its name, and its removal."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.school_register.model import CEASED
from addon.sync.known_findings import load_known
from addon.tenants.model import SchoolUnit, Tenant
from addon.web.directory.cache import DirectoryNotRead, StillComputing, TenantDirectory
from addon.web.forms.school_unit import (
    SchoolUnitForm,
    read_school_unit,
    school_types,
    school_unit_form,
)
from addon.web.presenters.connection_status import delivered
from addon.web.presenters.delivery_history import unit_history
from addon.web.presenters.school_unit import LeavingPeople, UnitView, leaving, unit_view
from addon.web.request_context import EditConflict, RequestContext, request_context, with_unit
from addon.web.studied_proposals import answers_of

bp = Blueprint("school_unit", __name__)


@bp.get("/skolenheter/<code>")
def page(code: str) -> str:
    """Show who belongs to the unit, and in which classes."""
    ctx = request_context()
    return _page(ctx, unit_of(ctx, code))


@bp.post("/skolenheter/<code>")
def save(code: str) -> AnyResponse | tuple[str, int]:
    """Save the unit's name and properties."""
    ctx = request_context()
    found = unit_of(ctx, code)
    form = read_school_unit(request.form)
    if form.faults:
        return _page(ctx, found, form), 400
    try:
        ctx.save(
            "unit.saved",
            lambda tenant: with_unit(tenant, code, **form.values()),
            subject=code,
            part=lambda tenant: _facts(tenant, code),
            version_token=request.form.get("mark", ""),
        )
    except EditConflict as conflict:
        return _page(ctx, found, form, conflict), 409
    flash(_("Uppgifterna är sparade."))
    return redirect(url_for("school_unit.page", code=code))


@bp.get("/skolenheter/<code>/ta-bort")
def removal(code: str) -> str:
    """Show the consequences of removing the unit."""
    ctx = request_context()
    return _removal(ctx, unit_of(ctx, code))


@bp.post("/skolenheter/<code>/ta-bort")
def remove(code: str) -> AnyResponse | tuple[str, int]:
    """Remove the unit, also from the vendors' lists."""
    ctx = request_context()
    found = unit_of(ctx, code)
    try:
        after = ctx.save(
            "unit.removed",
            lambda tenant: without_unit(tenant, code),
            subject=code,
            part=lambda tenant: _whole(tenant, code),
            version_token=request.form.get("mark", ""),
        )
    except EditConflict as conflict:
        return _removal(ctx, found, conflict), 409
    flash(_("%(unit)s är borttagen ur Skolsynk.", unit=found.name))
    return redirect(url_for("school_units.page" if after.school_units else "school_register.page"))


def unit_of(ctx: RequestContext, code: str) -> SchoolUnit:
    """Return the tenant's unit with this code; answer 404 when there is none."""
    found = next((unit for unit in ctx.tenant.school_units if unit.code == code), None)
    if found is None:
        abort(404)
    return found


def without_unit(tenant: Tenant, code: str) -> Tenant:
    """Return the document without a unit, also in each connection's list."""
    connections = tuple(
        structs.replace(c, school_units=tuple(u for u in c.school_units if u != code))
        for c in tenant.connections
    )
    units = tuple(unit for unit in tenant.school_units if unit.code != code)
    return structs.replace(tenant, school_units=units, connections=connections)


def stored_unit(tenant: Tenant, code: str) -> SchoolUnit | None:
    """Return a unit of a document; None when it has been removed."""
    return next((unit for unit in tenant.school_units if unit.code == code), None)


def _facts(tenant: Tenant, code: str) -> object:
    unit = stored_unit(tenant, code)
    return None if unit is None else (unit.name, unit.municipality_code, unit.school_types)


def _whole(tenant: Tenant, code: str) -> object:
    sent = [c.vendor for c in tenant.connections if code in c.school_units]
    return stored_unit(tenant, code), sent


def _page(
    ctx: RequestContext,
    unit: SchoolUnit,
    form: SchoolUnitForm | None = None,
    conflict: EditConflict | None = None,
) -> str:
    form = form or school_unit_form(unit)
    status = ctx.services.register().statuses(ctx.tenant_id, [unit.code]).get(unit.code, "")
    return render_template(
        "school_unit/page.html",
        unit=unit,
        view=_view(ctx, unit),
        form=form,
        types=[t for t in school_types() if t not in OLD_TYPES or t in form.types],
        status=status,
        ceased=status == CEASED,
        history=ctx.from_directory(
            lambda found: unit_history(found, ctx.store, unit.code, ctx.newest_run, ctx.now)
        ),
        without_students=unit.code in answers_of(ctx).without_students,
        conflict=conflict,
        mark=ctx.version_token(lambda tenant: _facts(tenant, unit.code)),
    )


OLD_TYPES = ("GRS", "GYS")
"""School types that occur only in old data."""


def _view(ctx: RequestContext, unit: SchoolUnit) -> UnitView | None:
    """Return the unit's numbers; a form that is shown again does not wait for the directory."""
    if request.method == "GET":
        return _unit_view(ctx, ctx.directory, unit)
    return ctx.from_directory(lambda directory: _unit_view(ctx, directory, unit))


def _unit_view(ctx: RequestContext, directory: TenantDirectory, unit: SchoolUnit) -> UnitView:
    known = load_known(ctx.store, ctx.tenant_id, ctx.now)
    return unit_view(ctx.tenant, directory, unit, known)


def _removal(ctx: RequestContext, unit: SchoolUnit, conflict: EditConflict | None = None) -> str:
    return render_template(
        "school_unit/remove.html",
        unit=unit,
        losing=_losing(ctx, unit),
        on=[c for c in ctx.tenant.connections if unit.code in c.school_units and c.mode != "off"],
        conflict=conflict,
        mark=ctx.version_token(lambda tenant: _whole(tenant, unit.code)),
    )


def _losing(ctx: RequestContext, unit: SchoolUnit) -> tuple[LeavingPeople, ...] | None:
    """Return the people that the vendors lose.

    None when the directory cannot be read, so that the unit can be removed anyway.
    """
    try:
        return leaving(
            ctx.directory,
            _unit_view(ctx, ctx.directory, unit),
            delivered(ctx.store, ctx.tenant),
        )
    except DirectoryNotRead as error:
        if request.method == "GET" and (error.state is None or error.state.status != "failed"):
            raise
        return None
    except StillComputing:
        if request.method == "GET":
            raise
        return None

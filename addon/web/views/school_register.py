"""Finding school units in Skolverket's register, and adding them."""

import logging
import re

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from msgspec import Struct, structs
from werkzeug.wrappers import Response as AnyResponse

from addon.school_register.csv_import import LARGEST, SpreadsheetError
from addon.school_register.model import ACTIVE, CEASED, RegisterError, RegisterUnit
from addon.tenants.document import SCHOOL_TYPES
from addon.tenants.model import SchoolUnit, Tenant
from addon.text import one_line, sort_key
from addon.validation import Fault
from addon.web.forms.school_unit import name_fault
from addon.web.request_context import RequestContext, request_context

log = logging.getLogger(__name__)

SHOWN = 200
"""Maximum number of units that a search shows."""
CODE = re.compile(r"[0-9]{8}")


class RegisterRow(Struct, frozen=True):
    """A unit of the list, whether the document has it, and whether it is ticked."""

    unit: RegisterUnit
    added: bool
    ticked: bool


class SearchResult(Struct, frozen=True):
    """What the register answers. `failed` is True when it could not be asked."""

    rows: tuple[RegisterRow, ...] = ()
    searched: str = ""
    failed: bool = False

    @property
    def active(self) -> int:
        """The number of active units."""
        return sum(row.unit.status == ACTIVE for row in self.rows)

    @property
    def addable(self) -> int:
        """The number of units that can be added."""
        return sum(not row.added and not row.unit.ceased for row in self.rows)

    @property
    def has_types(self) -> bool:
        """Whether the list has the school types of any unit."""
        return any(row.unit.school_types for row in self.rows)


bp = Blueprint("school_register", __name__)


@bp.get("/skolenheter/sok")
def page() -> str:
    """Search the register for school units."""
    return _page(request_context())


@bp.post("/skolenheter/lagg-till")
def add() -> AnyResponse | tuple[str, int]:
    """Add the ticked units, or the one that was typed in."""
    ctx = request_context()
    if request.form.get("by_hand"):
        return _add_by_hand(ctx)
    return _add_ticked(ctx)


@bp.post("/skolenheter/fil")
def upload() -> AnyResponse | tuple[str, int]:
    """Store the tenant's own copy of the register."""
    ctx = request_context()
    given = request.files.get("file")
    if given is None or not given.filename:
        return _page(ctx, faults={"file": _("Välj en fil först.")}), 400
    try:
        count = ctx.services.register().upload(ctx.tenant_id, given.read(LARGEST + 1))
    except SpreadsheetError as error:
        return _page(ctx, file_faults=error.faults), 400
    ctx.append_audit("register.uploaded")
    flash(ngettext("Filen har %(num)s skolenhet.", "Filen har %(num)s skolenheter.", count))
    return redirect(url_for("school_register.page"))


@bp.post("/skolenheter/fil/bort")
def remove_upload() -> AnyResponse:
    """Remove the tenant's own copy, so that the register itself is used again."""
    ctx = request_context()
    ctx.services.register().remove_upload(ctx.tenant_id)
    ctx.append_audit("register.removed")
    flash(_("Filen är borttagen. Sökningen görs i Skolverkets register igen."))
    return redirect(url_for("school_register.page"))


def _add_ticked(ctx: RequestContext) -> AnyResponse | tuple[str, int]:
    have = {unit.code for unit in ctx.tenant.school_units}
    ticked = [c for c in dict.fromkeys(request.form.getlist("code")) if CODE.fullmatch(c)]
    wanted = [code for code in ticked if code not in have]
    with ctx.waiting():
        found = ctx.services.register().details(ctx.tenant_id, wanted)
        listed = _found(ctx) if len(found) < len(wanted) else SearchResult()
    found = {row.unit.code: row.unit for row in listed.rows} | found  # details where there are any
    units = [_school_unit(found[code]) for code in wanted if code in found]
    absent = len(wanted) - len(units)
    if absent:
        flash(_not_added(absent, listed.failed), "warning")
    if not units:
        if not absent:
            flash(_("Kryssa för minst en skolenhet som inte redan är tillagd."), "warning")
        return redirect(url_for("school_register.page", q=request.form.get("q") or None))
    return _added(ctx, units)


def _not_added(count: int, failed: bool) -> str:
    """Say why units were not added: the register does not have them, or could not be asked."""
    said = (
        ngettext(
            "Skolverkets register kan inte nås just nu, så %(num)s skolenhet lades inte till.",
            "Skolverkets register kan inte nås just nu, så %(num)s skolenheter lades inte till.",
            count,
        )
        if failed
        else ngettext(
            "%(num)s skolenhet finns inte i registret längre och lades inte till.",
            "%(num)s skolenheter finns inte i registret längre och lades inte till.",
            count,
        )
    )
    return str(said)


def _add_by_hand(ctx: RequestContext) -> AnyResponse | tuple[str, int]:
    code = request.form.get("code", "").replace(" ", "")
    name = one_line(request.form.get("name", ""))
    faults = {}
    if not CODE.fullmatch(code):
        faults["code"] = _("En skolenhetskod har åtta siffror, till exempel 12345678.")
    elif any(unit.code == code for unit in ctx.tenant.school_units):
        faults["code"] = _("Skolenheten är redan tillagd.")
    wrong = name_fault(name)
    if wrong is not None:
        faults["name"] = wrong
    if faults:
        return _page(ctx, faults=faults), 400
    return _added(ctx, [SchoolUnit(code=code, name=name)])


def _added(ctx: RequestContext, units: list[SchoolUnit]) -> AnyResponse:
    ctx.save(
        "unit.added",
        lambda tenant: with_units(tenant, units),
        subject=units[0].code if len(units) == 1 else "",
    )
    flash(ngettext("%(num)s skolenhet är tillagd.", "%(num)s skolenheter är tillagda.", len(units)))
    return redirect(url_for("proposals.page"))


def with_units(tenant: Tenant, units: list[SchoolUnit]) -> Tenant:
    """Return the document with new units after its own, by name; units it has are unchanged."""
    have = {unit.code for unit in tenant.school_units}
    new = sorted((u for u in units if u.code not in have), key=lambda u: sort_key(u.name))
    return structs.replace(tenant, school_units=(*tenant.school_units, *new))


def _school_unit(unit: RegisterUnit) -> SchoolUnit:
    """Return the register's unit as one of the document, without values that it does not allow."""
    municipality = unit.municipality_code or ""
    return SchoolUnit(
        code=unit.code,
        name=one_line(unit.name) or unit.code,
        municipality_code=municipality if re.fullmatch(r"[0-9]{4}", municipality) else None,
        school_types=tuple(dict.fromkeys(t for t in unit.school_types if t in SCHOOL_TYPES)),
    )


def _page(
    ctx: RequestContext,
    faults: dict[str, str] | None = None,
    file_faults: list[Fault] | None = None,
) -> str:
    found = _found(ctx)
    register = ctx.services.register()
    codes = [unit.code for unit in ctx.tenant.school_units]
    statuses = register.statuses(ctx.tenant_id, codes)
    return render_template(
        "school_register/page.html",
        found=found,
        state=register.state(ctx.tenant_id),
        organisation=ctx.tenant.organisation,
        closed=[u for u in ctx.tenant.school_units if statuses.get(u.code) == CEASED],
        count=len(codes),
        shown=SHOWN,
        faults=faults or {},
        file_faults=file_faults or [],
        given=request.form,
    )


def _found(ctx: RequestContext) -> SearchResult:
    text = " ".join(request.values.get("q", "").split())[:100]
    try:
        with ctx.waiting():
            units = _searched(ctx, text) if text else _own(ctx)
    except RegisterError as error:
        log.warning("the school unit register could not be asked: %s", error)
        return SearchResult(searched=text, failed=True)
    have = {unit.code for unit in ctx.tenant.school_units}
    rows = (
        RegisterRow(
            unit, unit.code in have, unit.status == ACTIVE and unit.code not in have and not text
        )
        for unit in units
    )
    return SearchResult(tuple(rows), text)


def _own(ctx: RequestContext) -> list[RegisterUnit]:
    number = ctx.tenant.organisation.organisation_number
    return ctx.services.register().units_of(ctx.tenant_id, number) if number else []


def _searched(ctx: RequestContext, text: str) -> list[RegisterUnit]:
    register = ctx.services.register()
    state = register.state(ctx.tenant_id)
    if not state.units and not state.uploaded:
        register.refresh()  # a new installation has no copy to search in yet
    return register.search(ctx.tenant_id, text, SHOWN)

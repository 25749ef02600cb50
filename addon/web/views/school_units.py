"""Skolenheter: which units are set up, and which are not."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from flask import Blueprint, flash, redirect, render_template, request, url_for
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.tenants.model import Tenant
from addon.text import fold, sort_key
from addon.web.directory.cache import DirectoryNotRead, StillComputing
from addon.web.pagination import page_of
from addon.web.presenters.school_units import Numbers, UnitRow, numbers, unit_rows
from addon.web.request_context import EditConflict, RequestContext, request_context
from addon.web.studied_proposals import answers_of
from addon.web.translation import gettext_str as _

SIZE = 100
Step = Literal["first", "up", "down"]
STEPS: Mapping[str, Step] = {"first": "first", "up": "up", "down": "down"}


bp = Blueprint("school_units", __name__)


@bp.get("/skolenheter")
def page() -> str:
    """Show which units are set up, and which are not."""
    return _page(request_context(), ordering=request.args.get("ordna") == "1")


@bp.post("/skolenheter/ordning")
def order() -> AnyResponse | tuple[str, int]:
    """Move a unit: the first one counts when a vendor takes only one placement."""
    ctx = request_context()
    code, step = request.form.get("unit", ""), STEPS.get(request.form.get("step", ""))
    if step is None or all(unit.code != code for unit in ctx.tenant.school_units):
        return redirect(url_for("school_units.page", ordna="1"))
    try:
        ctx.save(
            "units.ordered",
            lambda tenant: moved(tenant, code, step),
            part=_codes,
            version_token=request.form.get("mark", ""),
        )
    except EditConflict as conflict:
        return _page(ctx, True, conflict), 409
    flash(_("Ordningen är ändrad."))
    place = _codes(ctx.tenant).index(code)
    return redirect(
        url_for("school_units.page", ordna="1", sida=place // SIZE + 1, _anchor=f"enhet-{code}")
    )


def moved(tenant: Tenant, code: str, step: Step) -> Tenant:
    """Return the document with a unit moved first, up or down, also in each connection's list."""
    units = list(tenant.school_units)
    place = next((n for n, unit in enumerate(units) if unit.code == code), None)
    if place is None:
        return tenant
    unit = units.pop(place)
    wanted = {"first": 0, "up": place - 1, "down": place + 1}[step]
    units.insert(max(0, wanted), unit)
    order = {unit.code: n for n, unit in enumerate(units)}
    connections = tuple(
        structs.replace(c, school_units=tuple(sorted(c.school_units, key=order.__getitem__)))
        for c in tenant.connections
    )
    return structs.replace(tenant, school_units=tuple(units), connections=connections)


def _codes(tenant: Tenant) -> list[str]:
    return [unit.code for unit in tenant.school_units]


def _page(ctx: RequestContext, ordering: bool, conflict: EditConflict | None = None) -> str:
    counted, reading = _counted(ctx)
    codes = _codes(ctx.tenant)
    statuses = ctx.services.register().statuses(ctx.tenant_id, codes)
    rows = unit_rows(ctx.tenant, counted, statuses, answers_of(ctx).without_students)
    text = "" if ordering else request.args.get("q", "").strip()
    status = "" if ordering else request.args.get("visa", "")
    sort = "ordning" if ordering else request.args.get("sort", "ordning")
    shown = [row for row in rows if fold(text) in fold(f"{row.unit.name} {row.unit.code}")]
    if status == "saknas":
        shown = [row for row in shown if not row.ready]
    return render_template(
        "school_units/page.html",
        rows=rows,
        ready=[row for row in rows if row.ready],
        page=page_of(in_order(shown, sort), request.args, SIZE),
        text=text,
        status=status,
        sort=sort,
        ordering=ordering,
        conflict=conflict,
        mark=ctx.version_token(_codes),
        counted=counted is not None,
        reading=reading,
    )


def _counted(ctx: RequestContext) -> tuple[Mapping[str, Numbers] | None, bool]:
    """Return the numbers of each unit, None when not known, and whether they soon will be."""
    try:
        return numbers(ctx.directory), False
    except DirectoryNotRead as unread:
        state = unread.state
        return None, state is not None and state.status == "reading" and not state.lost(ctx.now)
    except StillComputing:
        return None, True


def in_order(rows: Sequence[UnitRow], sort: str) -> list[UnitRow]:
    """Return the rows sorted by `namn`, `elever` and so on; a `-` before it reverses the order."""
    key = SORTS.get(sort.removeprefix("-"))
    found = list(rows) if key is None else sorted(rows, key=key)
    return found[::-1] if sort.startswith("-") and key is not None else found


def _numbers(row: UnitRow) -> Numbers:
    return row.numbers or Numbers()


SORTS: Mapping[str, Callable[[UnitRow], Any]] = {
    "namn": lambda row: sort_key(row.unit.name),
    "elever": lambda row: _numbers(row).students,
    "personal": lambda row: _numbers(row).staff,
    "klasser": lambda row: _numbers(row).classes,
}

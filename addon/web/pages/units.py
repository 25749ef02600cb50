"""Skolenheter: which units are set up, which are not."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.conditions import fold
from addon.proposals.order import swedish
from addon.tenant import Tenant
from addon.web.here import Here, Overtaken, here, mark_of
from addon.web.paging import page_of
from addon.web.study import NotRead, NotReady
from addon.web.views.units import UnitRow, numbers, unit_rows

SIZE = 100
SORTS = ("ordning", "namn", "elever")


def blueprint() -> Blueprint:
    """All units of the tenant."""
    units = Blueprint("units", __name__)

    @units.get("/skolenheter")
    def page() -> str:
        """Which units are set up, which are not?"""
        return _page(here())

    @units.post("/skolenheter/ordning")
    def order() -> AnyResponse | tuple[str, int]:
        """Move a unit up or down: the first counts where a vendor takes one placement."""
        now = here()
        code, step = request.form.get("unit", ""), request.form.get("step")
        try:
            now.save(
                "units.ordered",
                lambda tenant: moved(tenant, code, -1 if step == "up" else 1),
                part=_codes,
                mark=request.form.get("mark", ""),
            )
        except Overtaken as overtaken:
            return _page(now, overtaken), 409
        flash(_("Ordningen är ändrad."))
        return redirect(url_for("units.page", ordna="1"))

    return units


def moved(tenant: Tenant, code: str, step: int) -> Tenant:
    """The document with a unit a place earlier or later, also in each connection's list."""
    units = list(tenant.school_units)
    place = next((n for n, unit in enumerate(units) if unit.code == code), None)
    if place is None or not 0 <= place + step < len(units):
        return tenant
    units[place], units[place + step] = units[place + step], units[place]
    order = {unit.code: n for n, unit in enumerate(units)}
    connections = tuple(
        structs.replace(c, school_units=tuple(sorted(c.school_units, key=order.__getitem__)))
        for c in tenant.connections
    )
    return structs.replace(tenant, school_units=tuple(units), connections=connections)


def _codes(tenant: Tenant) -> object:
    return [unit.code for unit in tenant.school_units]


def _page(now: Here, overtaken: Overtaken | None = None) -> str:
    try:
        counted = numbers(now.desk)
    except (NotRead, NotReady):
        counted = None
    codes = [unit.code for unit in now.tenant.school_units]
    rows = unit_rows(now.tenant, counted, now.house.register().statuses(now.tenant_id, codes))
    text, status = request.args.get("q", "").strip(), request.args.get("visa", "")
    shown = [row for row in rows if fold(text) in fold(f"{row.unit.name} {row.unit.code}")]
    if status == "saknas":
        shown = [row for row in shown if row.missing]
    sort = request.args.get("sort", "ordning")
    return render_template(
        "units/page.html",
        rows=rows,
        ready=[row for row in rows if not row.missing],
        page=page_of(_sorted(shown, sort), request.args, SIZE),
        text=text,
        status=status,
        sort=sort,
        ordering=request.args.get("ordna") == "1",
        overtaken=overtaken,
        mark=mark_of(_codes(now.store_tenant())),
        counted=counted is not None,
    )


def _sorted(rows: list[UnitRow], sort: str) -> list[UnitRow]:
    key = sort.removeprefix("-")
    if key == "namn":
        rows = sorted(rows, key=lambda row: swedish(row.unit.name))
    elif key == "elever":
        rows = sorted(rows, key=lambda row: row.numbers.students if row.numbers else 0)
    return rows[::-1] if sort.startswith("-") else rows

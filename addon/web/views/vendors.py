"""Leverantörer: which units go where."""

from collections.abc import Iterable, Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import Struct, structs
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from addon.tenants.model import Connection, SchoolUnit, Tenant
from addon.text import fold
from addon.vendors.profiles import Vendor
from addon.web.presenters.connection_status import connection_statuses
from addon.web.presenters.setup_steps import setup_steps
from addon.web.presenters.vendor_impact import Ticks, unit_changes
from addon.web.request_context import EditConflict, RequestContext, request_context
from addon.web.views.directory import request_reading_unless_known

SHOWN = 50
"""Maximum number of unit names in a list."""
NOWHERE = "ingen"
"""The query value that shows the units that go to no vendor."""


class VendorTableFilter(Struct, frozen=True):
    """Which units to show: those with a text in their name or code, or that go to no vendor."""

    text: str = ""
    shown: str = ""

    @property
    def page(self) -> str:
        """The URL of the table with this filter."""
        return url_for("vendors.page", q=self.text or None, visa=self.shown or None)


bp = Blueprint("vendors", __name__)


@bp.get("/leverantorer")
def page() -> str:
    """Show which units go to which vendor."""
    ctx = request_context()
    return _page(ctx, ticks_of(ctx.tenant), table_filter_of(request.args))


@bp.post("/leverantorer")
def save() -> str | AnyResponse | tuple[str, int]:
    """Show other rows or tick whole columns, keeping all ticks; or else save."""
    ctx, filters = request_context(), table_filter_of(request.form)
    ticks = read_ticks(request.form, ctx.tenant, ctx.vendors)
    action, _sep, vendor = request.form.get("do", "save").partition("-")
    if action == "show":
        if same(ticks, ctx.tenant):
            return redirect(filters.page)
        return _page(ctx, ticks, filters)
    if action in ("all", "none") and vendor in ctx.vendors:
        codes = {unit.code for unit in rows(ctx.tenant, filters)}
        return _page(ctx, ticked(ticks, vendor, codes, action == "all"), filters)
    return _save(ctx, ticks, filters, sure=action == "sure")


def ticks_of(tenant: Tenant) -> Ticks:
    """Return the ticks that the document has."""
    return {c.vendor: frozenset(c.school_units) for c in tenant.connections}


def same(ticks: Ticks, tenant: Tenant) -> bool:
    """Whether the ticks are those of the document."""
    kept = ticks_of(tenant)
    return all(codes == kept.get(vendor, frozenset()) for vendor, codes in ticks.items())


def ticked(ticks: Ticks, vendor: str, codes: Iterable[str], on: bool) -> Ticks:
    """Return the ticks with units ticked for a vendor, or unticked."""
    before = ticks.get(vendor, frozenset())
    return {**ticks, vendor: before | set(codes) if on else before - set(codes)}


def table_filter_of(given: Mapping[str, str]) -> VendorTableFilter:
    """Return the filter that the query or the form asks for."""
    shown = given.get("visa", "")
    return VendorTableFilter(given.get("q", "").strip(), shown if shown == NOWHERE else "")


def rows(tenant: Tenant, filters: VendorTableFilter) -> list[SchoolUnit]:
    """Return the units to show. Unsaved ticks do not affect which units go to no vendor."""
    going = frozenset[str]().union(*ticks_of(tenant).values())
    return [
        unit
        for unit in tenant.school_units
        if fold(filters.text) in fold(f"{unit.name} {unit.code}")
        and not (filters.shown == NOWHERE and unit.code in going)
    ]


def read_ticks(form: MultiDict[str, str], tenant: Tenant, vendors: Mapping[str, Vendor]) -> Ticks:
    """Return what is ticked in the form, of the vendors and units that exist."""
    codes = {unit.code for unit in tenant.school_units}
    return {vendor: frozenset(form.getlist(f"units-{vendor}")) & codes for vendor in vendors}


def with_ticks(tenant: Tenant, ticks: Ticks, vendors: Mapping[str, Vendor]) -> Tenant:
    """Return the document with units ticked.

    A vendor without a connection gets one that is off and has no optional fields; those are
    ticked on the vendor's page.
    """
    kept = [
        structs.replace(c, school_units=_in_order(tenant, ticks[c.vendor]))
        if c.vendor in ticks
        else c
        for c in tenant.connections
    ]
    known = {c.vendor for c in tenant.connections}
    new = [
        Connection(vendor=vendor, school_units=_in_order(tenant, ticks[vendor]))
        for vendor in vendors
        if vendor not in known and ticks.get(vendor)
    ]
    return structs.replace(tenant, connections=(*kept, *new))


def _in_order(tenant: Tenant, codes: frozenset[str]) -> tuple[str, ...]:
    return tuple(unit.code for unit in tenant.school_units if unit.code in codes)


def _part(tenant: Tenant) -> object:
    return {vendor: sorted(codes) for vendor, codes in ticks_of(tenant).items()}


def _save(
    ctx: RequestContext, ticks: Ticks, filters: VendorTableFilter, sure: bool
) -> str | AnyResponse | tuple[str, int]:
    """Save, after a confirmation when it affects people at a vendor that is on."""
    mark = request.form.get("mark", "")
    prepared = ctx.from_directory(lambda directory: directory.prepared)
    removed = ctx.from_directory(lambda directory: directory.removed_today(ctx.newest_run)) or {}
    moving = unit_changes(ctx.tenant, ticks, prepared, removed)
    if moving and not sure and ctx.is_current(mark, _part):
        _see_to_reading(ctx)
        return render_template(
            "vendors/confirm.html",
            shifts=moving,
            ticks=ticks,
            filters=filters,
            mark=mark,
            shown=SHOWN,
        )
    try:
        ctx.save(
            "vendors.saved",
            lambda tenant: with_ticks(tenant, ticks, ctx.vendors),
            part=_part,
            version_token=mark,
            places=("connections[",),
        )
    except EditConflict as conflict:
        return _page(ctx, ticks, filters, conflict), 409
    if not any(ticks.values()):
        flash(_("Sparat. Ingen skolenhet är kryssad, så inget skickas någonstans."), "warning")
        return redirect(filters.page)
    if moving:
        flash(_("Sparat. Nästa körning skickar ändringen."))
    else:
        flash(_("Sparat. Inget skickas förrän leverantören är i testläge eller skarpt läge."))
    if not setup_steps(ctx.store, ctx.tenant, ctx.runs, ctx.vendors, ctx.now).done:
        return redirect(url_for("preview.page"))
    return redirect(filters.page)


def _see_to_reading(ctx: RequestContext) -> None:
    """Request a reading of the directory if there is none to compute the numbers from."""
    not_read = ctx.directory_not_read
    if not_read is not None:
        request_reading_unless_known(ctx, not_read.state)


def _page(
    ctx: RequestContext,
    ticks: Ticks,
    filters: VendorTableFilter,
    conflict: EditConflict | None = None,
) -> str:
    shown = rows(ctx.tenant, filters)
    codes = {unit.code for unit in shown}
    statuses = connection_statuses(ctx.sync_context, ctx.tenant, ctx.runs, ctx.holds, ctx.now)
    return render_template(
        "vendors/page.html",
        units=shown,
        all=ctx.tenant.school_units,
        vendors=ctx.vendors,
        ticks=ticks,
        columns=[(v, ctx.vendors[v].name, ticks.get(v, frozenset())) for v in ctx.vendors],
        unseen={vendor: sorted(found - codes) for vendor, found in ticks.items()},
        statuses={status.connection.vendor: status for status in statuses},
        conflict=conflict,
        mark=ctx.version_token(_part),
        chosen=frozenset[str]().union(*ticks.values()),
        unsaved=not same(ticks, ctx.tenant),
        filters=filters,
        nowhere=NOWHERE,
    )

"""Leverantörer: which units go where."""

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import structs
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from addon.tenant import Connection, Tenant
from addon.vendors import Vendor
from addon.web.here import Here, Overtaken, here, mark_of
from addon.web.steps import steps
from addon.web.views.standing import lines

Ticks = Mapping[str, frozenset[str]]
"""The codes of the units that are ticked, by vendor."""


def blueprint() -> Blueprint:
    """The table of units by vendors."""
    vendors = Blueprint("vendors", __name__)

    @vendors.get("/leverantorer")
    def page() -> str:
        """Which units go where?"""
        now = here()
        return _page(now, ticks_of(now.tenant))

    @vendors.post("/leverantorer")
    def save() -> AnyResponse | tuple[str, int]:
        now = here()
        ticks = read_ticks(request.form, now.tenant, now.vendors)
        try:
            now.save(
                "vendors.saved",
                lambda tenant: with_ticks(tenant, ticks, now.vendors),
                part=_part,
                mark=request.form.get("mark", ""),
            )
        except Overtaken as overtaken:
            return _page(now, ticks, overtaken), 409
        flash(_("Sparat. Inget skickas förrän leverantören är i testläge eller skarpt läge."))
        return redirect(url_for("vendors.page" if steps(now).done else "preview.page"))

    return vendors


def ticks_of(tenant: Tenant) -> Ticks:
    """What the document has ticked."""
    return {c.vendor: frozenset(c.school_units) for c in tenant.connections}


def read_ticks(form: MultiDict[str, str], tenant: Tenant, vendors: Mapping[str, Vendor]) -> Ticks:
    """What the form has ticked, of the vendors and units that there are."""
    codes = {unit.code for unit in tenant.school_units}
    return {vendor: frozenset(form.getlist(f"units-{vendor}")) & codes for vendor in vendors}


def with_ticks(tenant: Tenant, ticks: Ticks, vendors: Mapping[str, Vendor]) -> Tenant:
    """The document with units ticked; a vendor that had no connection gets one that is off."""
    kept = [
        structs.replace(c, school_units=_in_order(tenant, ticks[c.vendor]))
        if c.vendor in ticks
        else c
        for c in tenant.connections
    ]
    known = {c.vendor for c in tenant.connections}
    new = [
        Connection(
            vendor=vendor,
            school_units=_in_order(tenant, ticks[vendor]),
            fields=tuple(f for f in ("email", "schoolYear") if f in profile.fields),
        )
        for vendor, profile in vendors.items()
        if vendor not in known and ticks.get(vendor)
    ]
    return structs.replace(tenant, connections=(*kept, *new))


def _in_order(tenant: Tenant, codes: frozenset[str]) -> tuple[str, ...]:
    return tuple(unit.code for unit in tenant.school_units if unit.code in codes)


def _part(tenant: Tenant) -> object:
    return {vendor: sorted(codes) for vendor, codes in ticks_of(tenant).items()}


def _page(now: Here, ticks: Ticks, overtaken: Overtaken | None = None) -> str:
    standing = {line.connection.vendor: line for line in lines(now)}
    return render_template(
        "vendors/page.html",
        units=now.tenant.school_units,
        vendors=now.vendors,
        ticks=ticks,
        standing=standing,
        overtaken=overtaken,
        mark=mark_of(_part(now.store_tenant())),
        chosen={code for codes in ticks.values() for code in codes},
    )

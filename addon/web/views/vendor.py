"""One vendor: what it has, whether it is up to date, what it refused."""

from typing import get_args

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.sync.reconcile import remembered
from addon.tasks.base import QueueError
from addon.tasks.requests import reconcile_now
from addon.tenants.model import Tenant
from addon.vendors.profiles import OptionalField
from addon.web.charts import Series, line_chart
from addon.web.directory.cache import NotRead, NotReady
from addon.web.forms.limits import LimitsForm, limits_of, read_limits
from addon.web.presenters.connection_status import Line, lines, people_over_time
from addon.web.presenters.refusals import Refused, refused
from addon.web.presenters.run_progress import following
from addon.web.presenters.vendor_errors import trouble_remedy
from addon.web.presenters.vendor_impact import Reach, carried, most_removed
from addon.web.presenters.vendor_limitations import Lacking, lacking
from addon.web.request_context import Here, Overtaken, here
from addon.web.views import vendor_mode, vendor_withdrawal
from addon.web.views.vendor_common import connection_to, known_vendor, people_there, with_settings

FIELDS: tuple[OptionalField, ...] = get_args(OptionalField)
SHOWN = 100
"""Refusals, names and groups on a page."""


def blueprint() -> Blueprint:
    """A vendor's page and what can be done there."""
    vendor = Blueprint("vendor", __name__)
    vendor_mode.add_to(vendor)
    vendor_withdrawal.add_to(vendor)

    @vendor.get("/leverantorer/<vendor>")
    def page(vendor: str) -> str:
        """What does it have, is it up to date, what did it refuse?"""
        now = here()
        known_vendor(now, vendor)
        return _page(now, vendor)

    @vendor.post("/leverantorer/<vendor>")
    def save(vendor: str) -> str | AnyResponse | tuple[str, int]:
        """Keep the optional fields and the limits."""
        now = here()
        profile = known_vendor(now, vendor)
        form = read_limits(request.form)
        chosen = set(request.form.getlist("fields"))
        fields = tuple(f for f in FIELDS if f in chosen and f in profile.fields)
        if form.faults or form.limits is None:
            return _page(now, vendor, form=form, fields=fields), 400
        limits, before = form.limits, connection_to(now.tenant, vendor)

        def change(tenant: Tenant) -> Tenant:
            changes = connection_to(tenant, vendor).limits.changes
            kept = structs.replace(limits, changes=changes)  # those are set in the document only
            return with_settings(tenant, vendor, fields=fields, limits=kept)

        try:
            now.save(
                "vendor.saved",
                change,
                subject=vendor,
                part=lambda t: _settings(t, vendor),
                mark=request.form.get("mark", ""),
            )
        except Overtaken as overtaken:
            return _page(now, vendor, form=form, fields=fields, overtaken=overtaken), 409
        if before.mode != "off" and set(before.fields) != set(fields):
            name = now.vendor_name(vendor)
            flash(
                _("Sparat. Nästa körning ändrar uppgifterna om alla hos %(vendor)s.", vendor=name)
            )
        else:
            flash(_("Sparat."))
        return redirect(url_for("vendor.page", vendor=vendor))

    @vendor.post("/leverantorer/<vendor>/stam-av")
    def reconcile(vendor: str) -> AnyResponse:
        """Ask the vendor what it has, and mend what is remembered."""
        now = here()
        known_vendor(now, vendor)
        name = now.vendor_name(vendor)
        if connection_to(now.tenant, vendor).mode == "off":
            flash(_("%(vendor)s är av. Slå på den först.", vendor=name), "warning")
            return redirect(url_for("vendor.page", vendor=vendor))
        try:
            reconcile_now(now.house.queue(), now.tenant_id, vendor, now.now)
        except QueueError:
            flash(_("Det gick inte att börja just nu. Försök igen om en stund."), "warning")
        else:
            now.log("vendor.reconciled", vendor)
            flash(_("%(vendor)s tillfrågas nu om vad den har.", vendor=name))
        return redirect(url_for("vendor.page", vendor=vendor))

    return vendor


def _settings(tenant: Tenant, vendor: str) -> object:
    connection = connection_to(tenant, vendor)
    return connection.fields, connection.limits


def _page(
    now: Here,
    vendor: str,
    form: LimitsForm | None = None,
    fields: tuple[OptionalField, ...] | None = None,
    overtaken: Overtaken | None = None,
) -> str:
    connection = connection_to(now.tenant, vendor)
    line = next((each for each in lines(now) if each.connection.vendor == vendor), None)
    found = _refused(now, line)
    there = None if line is None or line.part is None else line.part.people
    return render_template(
        "vendor/page.html",
        vendor_id=vendor,
        profile=now.vendors[vendor],
        connection=connection,
        line=line,
        units=[u for u in now.tenant.school_units if u.code in connection.school_units],
        form=form or limits_of(connection.limits),
        fields=connection.fields if fields is None else fields,
        following=following(now) if connection.mode != "off" else None,
        overtaken=overtaken,
        mark=now.mark(lambda tenant: _settings(tenant, vendor)),
        refused=found,
        people_only=bool(found) and all(each.resource_type == "User" for each in found or ()),
        remedy=trouble_remedy,
        reconciled=remembered(now.store, now.tenant_id, vendor, now.now),
        there=there,
        left=people_there(now, vendor, besides=connection.mode),
        most=None if there is None else most_removed(connection.limits, there),
        carried=_carried(now, vendor),
        lacking=_lacking(now, vendor),
        unread=_is_unread(now),
        chart=_chart(now, vendor),
        shown=SHOWN,
        all_fields=FIELDS,
    )


def _chart(now: Here, vendor: str) -> object | None:
    """The people there over time, where there is a time to speak of."""
    points = people_over_time(now.runs, connection_to(now.tenant, vendor))
    if len(points) < 2:
        return None
    return line_chart([Series(_("Personer"), tuple((p.at, p.number) for p in points))])


def _refused(now: Here, line: Line | None) -> tuple[Refused, ...] | None:
    """What the vendor does not take; None where the names are not to be had now."""
    if line is None or not line.not_taken:
        return ()
    try:
        return refused(now, now.desk, line)
    except (NotRead, NotReady):
        return None


def _carried(now: Here, vendor: str) -> Reach | None:
    """Whom the connection carries; None where that is not known now."""
    try:
        return carried(now.desk, vendor)
    except (NotRead, NotReady):
        return None


def _is_unread(now: Here) -> bool:
    """Whether the directory must be read before names can be told: else they soon can."""
    try:
        _desk = now.desk
    except NotRead:
        return True
    except NotReady:
        pass
    return False


def _lacking(now: Here, vendor: str) -> Lacking | None:
    """What the vendor cannot take; None where that is not known now."""
    try:
        return lacking(now.desk, vendor)
    except (NotRead, NotReady):
        return None

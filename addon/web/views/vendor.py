"""One vendor: what it has, whether it is up to date, and what it refused."""

from typing import get_args

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.planning.limits import DEFAULT_REMOVALS
from addon.sync.reconcile import load_reconciliation
from addon.tasks.base import TaskQueueError
from addon.tasks.page_requests import request_reconciliation
from addon.tenants.model import Connection, ConnectionExceptions, Tenant
from addon.vendors.profiles import OptionalField
from addon.web.charts import Series, line_chart
from addon.web.forms.limits import LimitsForm, limits_of, read_limits
from addon.web.htmx import asks_for_part
from addon.web.presenters.connection_status import (
    ConnectionStatus,
    connection_statuses,
    people_over_time,
)
from addon.web.presenters.exceptions import VendorException, vendor_exceptions
from addon.web.presenters.refusals import RefusedResource, refused
from addon.web.presenters.run_history import run_summaries
from addon.web.presenters.run_progress import FollowedRun, followed_run, requested_at
from addon.web.presenters.vendor_errors import trouble_remedy
from addon.web.presenters.vendor_impact import PeopleCounts, carried, most_removed
from addon.web.presenters.vendor_limitations import VendorLimitations, lacking
from addon.web.request_context import EditConflict, RequestContext, request_context
from addon.web.views.vendor_common import (
    connection_to,
    known_vendor,
    people_there,
    recommended,
    with_settings,
)

FIELDS: tuple[OptionalField, ...] = get_args(OptionalField)
SHOWN = 100
"""Maximum number of refusals, of names and of groups on the page."""


bp = Blueprint("vendor", __name__)


@bp.get("/leverantorer/<vendor>")
def page(vendor: str) -> str:
    """Show what the vendor has, whether it is up to date, and what it refused."""
    ctx = request_context()
    known_vendor(ctx, vendor)
    return _page(ctx, vendor)


@bp.post("/leverantorer/<vendor>")
def save(vendor: str) -> str | AnyResponse | tuple[str, int]:
    """Save the optional fields and the limits."""
    ctx = request_context()
    profile = known_vendor(ctx, vendor)
    form = read_limits(request.form)
    chosen = set(request.form.getlist("fields"))
    fields = tuple(f for f in FIELDS if f in chosen and f in profile.fields)
    if form.faults or form.limits is None:
        return _page(ctx, vendor, form=form, fields=fields), 400
    limits, before = form.limits, connection_to(ctx.tenant, vendor)

    def change(tenant: Tenant) -> Tenant:
        kept = structs.replace(  # the other limits are set only in the document
            connection_to(tenant, vendor).limits,
            deletions=limits.deletions,
            deletions_percent=limits.deletions_percent,
        )
        return with_settings(tenant, vendor, fields=fields, limits=kept)

    try:
        ctx.save(
            "vendor.saved",
            change,
            subject=vendor,
            part=lambda t: _settings(t, vendor),
            version_token=request.form.get("mark", ""),
        )
    except EditConflict as conflict:
        return _page(ctx, vendor, form=form, fields=fields, conflict=conflict), 409
    if before.mode != "off" and set(before.fields) != set(fields):
        name = ctx.vendor_name(vendor)
        flash(_("Sparat. Nästa körning ändrar uppgifterna om alla hos %(vendor)s.", vendor=name))
    else:
        flash(_("Sparat."))
    return redirect(url_for("vendor.page", vendor=vendor))


@bp.post("/leverantorer/<vendor>/rekommenderat")
def add_recommended(vendor: str) -> AnyResponse:
    """Send the fields that the vendor recommends, besides those that are sent."""
    ctx = request_context()
    known_vendor(ctx, vendor)

    def change(tenant: Tenant) -> Tenant:
        connection = connection_to(tenant, vendor)
        added = {*connection.fields, *recommended(ctx, connection)}
        return with_settings(tenant, vendor, fields=tuple(f for f in FIELDS if f in added))

    ctx.save("vendor.saved", change, subject=vendor)
    if connection_to(ctx.tenant, vendor).mode == "off":
        flash(_("Sparat."))
    else:
        name = ctx.vendor_name(vendor)
        flash(_("Sparat. Nästa körning ändrar uppgifterna om alla hos %(vendor)s.", vendor=name))
    mode = request.form.get("next")
    if mode in ("test", "live"):
        return redirect(url_for("vendor_mode.page", vendor=vendor, mode=mode))
    return redirect(url_for("vendor.page", vendor=vendor))


@bp.post("/leverantorer/<vendor>/undantag")
def save_exceptions(vendor: str) -> AnyResponse:
    """Keep only the ticked exceptions of a vendor: it gets the other people and classes again."""
    ctx = request_context()
    known_vendor(ctx, vendor)
    kept = frozenset(request.form.getlist("except"))

    def change(tenant: Tenant) -> Tenant:
        connection = connection_to(tenant, vendor)
        excepted = ConnectionExceptions(
            users=tuple(each for each in connection.exceptions.users if each in kept),
            classes=tuple(each for each in connection.exceptions.classes if each in kept),
        )
        changed = connection.excepting(excepted)
        return with_settings(tenant, vendor, exceptions=changed.exceptions)

    try:
        ctx.save(
            "vendor.exceptions",
            change,
            subject=vendor,
            part=lambda tenant: connection_to(tenant, vendor).exceptions,
            version_token=request.form.get("mark", ""),
        )
    except EditConflict as conflict:
        flash(
            _("Du har ändrat undantagen i en annan flik. Kontrollera dem och spara igen.")
            if conflict.own
            else _(
                "Någon annan har ändrat undantagen under tiden. Kontrollera dem och spara igen."
            ),
            "warning",
        )
    else:
        name = ctx.vendor_name(vendor)
        flash(_("Sparat. Nästa körning skickar ändringen till %(vendor)s.", vendor=name))
    return redirect(url_for("vendor.page", vendor=vendor))


@bp.post("/leverantorer/<vendor>/stam-av")
def reconcile(vendor: str) -> AnyResponse:
    """Request a reconciliation: ask the vendor what it has, and correct the ledger."""
    ctx = request_context()
    known_vendor(ctx, vendor)
    name = ctx.vendor_name(vendor)
    if connection_to(ctx.tenant, vendor).mode == "off":
        flash(_("%(vendor)s är av. Slå på den först.", vendor=name), "warning")
        return redirect(url_for("vendor.page", vendor=vendor))
    try:
        confirmed = request.form.get("confirmed") == "yes"
        request_reconciliation(ctx.services.queue(), ctx.tenant_id, vendor, ctx.now, confirmed)
    except TaskQueueError:
        flash(_("Det gick inte att börja just nu. Försök igen om en stund."), "warning")
    else:
        ctx.append_audit("vendor.reconciled", vendor)
        flash(_("Skolsynk frågar nu %(vendor)s vad som finns där.", vendor=name))
    return redirect(url_for("vendor.page", vendor=vendor))


def _settings(tenant: Tenant, vendor: str) -> object:
    connection = connection_to(tenant, vendor)
    return connection.fields, connection.limits


def _exceptions(ctx: RequestContext, connection: Connection) -> tuple[VendorException, ...]:
    """Return what the vendor does not get; by id only when the directory is not there."""
    if not (connection.exceptions.users or connection.exceptions.classes):
        return ()
    found = ctx.from_directory(lambda directory: vendor_exceptions(directory, connection))
    return vendor_exceptions(None, connection) if found is None else found


def _page(
    ctx: RequestContext,
    vendor: str,
    form: LimitsForm | None = None,
    fields: tuple[OptionalField, ...] | None = None,
    conflict: EditConflict | None = None,
) -> str:
    connection = connection_to(ctx.tenant, vendor)
    statuses = connection_statuses(ctx.sync_context, ctx.tenant, ctx.runs, ctx.holds, ctx.now)
    status = next((each for each in statuses if each.connection.vendor == vendor), None)
    found = _refused(ctx, status)
    there = None if status is None or status.part is None else status.part.people
    return render_template(
        "vendor/page.html",
        vendor_id=vendor,
        profile=ctx.vendors[vendor],
        connection=connection,
        status=status,
        units=[u for u in ctx.tenant.school_units if u.code in connection.school_units],
        form=form or limits_of(connection.limits),
        fields=connection.fields if fields is None else fields,
        following=_followed_run(ctx) if connection.mode != "off" else None,
        conflict=conflict,
        mark=ctx.version_token(lambda tenant: _settings(tenant, vendor)),
        exceptions=_exceptions(ctx, connection),
        exceptions_mark=ctx.current_version_token(lambda t: connection_to(t, vendor).exceptions),
        refused=found,
        people_only=bool(found) and all(each.resource_type == "User" for each in found or ()),
        remedy=trouble_remedy,
        reconciled=load_reconciliation(ctx.store, ctx.tenant_id, vendor, ctx.now),
        there=there,
        left=people_there(ctx, vendor, besides=connection.mode),
        most=None if there is None else most_removed(connection.limits, there),
        type_limits={**DEFAULT_REMOVALS, **connection.limits.changes},
        carried=_carried(ctx, vendor),
        lacking=_lacking(ctx, vendor),
        unread=ctx.directory_not_read is not None,
        chart=_chart(ctx, vendor),
        shown=SHOWN,
        all_fields=FIELDS,
        recommended=recommended(ctx, connection),
    )


def _chart(ctx: RequestContext, vendor: str) -> object | None:
    """Return a chart of the people there over time; None with fewer than two points."""
    points = people_over_time(ctx.runs, connection_to(ctx.tenant, vendor))
    if len(points) < 2:
        return None
    return line_chart([Series(_("Personer"), tuple((p.at, p.number) for p in points))])


def _followed_run(ctx: RequestContext) -> FollowedRun | None:
    since = requested_at(request.args.get("begard", ""), ctx.now)
    runs = run_summaries(ctx.runs, ctx.tenant, ctx.now)
    return followed_run(runs, since, asks_for_part(), ctx.now)


def _refused(
    ctx: RequestContext, status: ConnectionStatus | None
) -> tuple[RefusedResource, ...] | None:
    """Return what the vendor does not take; None when the directory, with names, is not ready."""
    if status is None or not status.not_taken:
        return ()
    return ctx.from_directory(
        lambda directory: refused(ctx.store, directory, status, ctx.newest_run)
    )


def _carried(ctx: RequestContext, vendor: str) -> PeopleCounts | None:
    """Return how many people the connection carries; None when the directory is not ready."""
    return ctx.from_directory(lambda directory: carried(directory, vendor))


def _lacking(ctx: RequestContext, vendor: str) -> VendorLimitations | None:
    """Return what the vendor cannot take; None when the directory is not ready."""
    return ctx.from_directory(lambda directory: lacking(directory, vendor))

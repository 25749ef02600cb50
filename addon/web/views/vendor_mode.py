"""Change of a vendor's mode (live, test or off): a confirmation with numbers, then the change."""

from typing import cast, get_args

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from addon.sync.context import ledger_key
from addon.tasks.base import TaskQueueError
from addon.tasks.page_requests import request_id, request_run
from addon.tenants.model import Connection, Mode, Tenant
from addon.tenants.pause import current_pause
from addon.web.directory.cache import DirectoryNotRead, StillComputing
from addon.web.presenters.hold import is_sending
from addon.web.presenters.protected_suggestions import undecided
from addon.web.presenters.vendor_impact import PeopleCounts, carried, people_changes
from addon.web.request_context import EditConflict, RequestContext, request_context
from addon.web.views.vendor_common import (
    connection_to,
    known_vendor,
    people_there,
    problem_in,
    recommended,
    with_settings,
)
from addon.web.views.vendor_withdrawal import can_empty, empty_tests

bp = Blueprint("vendor_mode", __name__)


@bp.get("/leverantorer/<vendor>/lage/<mode>")
def page(vendor: str, mode: str) -> str:
    """Show the consequences of turning the vendor on, trying it or turning it off, in numbers."""
    ctx = request_context()
    known_vendor(ctx, vendor)
    return _page(ctx, vendor, _mode(mode))


@bp.post("/leverantorer/<vendor>/lage/<mode>")
def save(vendor: str, mode: str) -> str | AnyResponse | tuple[str, int]:
    """Change the mode, and request a run."""
    ctx = request_context()
    ctx.wait_longer()
    known_vendor(ctx, vendor)
    wanted, connection = _mode(mode), connection_to(ctx.tenant, vendor)
    if wanted != "off" and not (
        connection.school_units
        and problem_in(ctx, connection, wanted) is None
        and not _lacks_agreement(ctx, connection, wanted)
        and not undecided(ctx.store, ctx.directory, ctx.now)
    ):
        return _page(ctx, vendor, wanted), 400
    try:
        ctx.save(
            "vendor.mode",
            lambda t: with_settings(t, vendor, mode=wanted),
            subject=vendor,
            part=lambda t: _asked_about(t, vendor),
            version_token=request.form.get("mark", ""),
            places=(
                f"connections[{vendor}]",
                "protected",
                *(f"schoolUnits[{code}]" for code in connection.school_units),
            ),
        )
    except EditConflict as conflict:
        return _overtaken(ctx, vendor, wanted, conflict)
    if wanted != connection.mode:
        _take_back_approval(ctx, connection)
    ordered = _begin(ctx, vendor, wanted)
    emptied = wanted == "live" and request.form.get("empty") == "1"
    if emptied and can_empty(ctx, vendor, people_there(ctx, vendor)):
        empty_tests(ctx, vendor)
    asked = request_id(ctx.now) if ordered else None
    return redirect(url_for("vendor.page", vendor=vendor, begard=asked))


def _lacks_agreement(ctx: RequestContext, connection: Connection, wanted: Mode) -> bool:
    """Whether the agreement must be noted before this, the first live delivery."""
    return (
        wanted == "live"
        and ctx.vendors[connection.vendor].agreement
        and connection.agreement is None
        and not people_there(ctx, connection.vendor).get("live")
    )


def _mode(text: str) -> Mode:
    if text not in get_args(Mode):
        abort(404)
    return cast(Mode, text)


def _begin(ctx: RequestContext, vendor: str, wanted: Mode) -> bool:
    """Request the first run and confirm it; return whether the run is to begin now."""
    name = ctx.vendor_name(vendor)
    if wanted == "off":
        flash(_off(ctx, vendor))
    elif current_pause(ctx.tenant, ctx.now) is not None:
        flash(_("%(vendor)s är på. Körningen börjar när pausen är över.", vendor=name))
    else:
        try:
            request_run(ctx.services.queue(), ctx.tenant_id, ctx.now, ctx.version)
        except TaskQueueError:
            told = _(
                "%(vendor)s är på, men körningen kunde inte börja nu. Nästa gör det.", vendor=name
            )
            flash(told, "warning")
            return False
        ctx.append_audit("run.asked")
        if wanted == "test":
            flash(
                _("%(vendor)s är i testläge. Här ser du hur den första körningen går.", vendor=name)
            )
        else:
            flash(
                _(
                    "%(vendor)s är i skarpt läge. Här ser du hur den första körningen går.",
                    vendor=name,
                )
            )
        return True
    return False


def _off(ctx: RequestContext, vendor: str) -> str:
    """Return the message that the vendor is off.

    A run that is sending stops when it next checks the connection, see `addon.sync.session`.
    """
    name = ctx.vendor_name(vendor)
    if is_sending(ctx.runs, vendor):
        told = _(
            "%(vendor)s är av. Skickas något dit just nu slutar det inom en minut.", vendor=name
        )
    else:
        told = _("%(vendor)s är av. Inget mer skickas dit.", vendor=name)
    return str(told)


def _take_back_approval(ctx: RequestContext, connection: Connection) -> None:
    """Withdraw the approval in the connection's former mode: if it returns, it is asked again."""
    key = ledger_key(ctx.tenant_id, connection)
    if key is not None:
        ctx.store.set_approval(key, None)


def _asked_about(tenant: Tenant, vendor: str) -> object:
    """Return the part of the document that the numbers of the confirmation depend on."""
    connection = connection_to(tenant, vendor)
    chosen = [unit for unit in tenant.school_units if unit.code in connection.school_units]
    return connection, chosen, tenant.protected


def _overtaken(
    ctx: RequestContext, vendor: str, wanted: Mode, conflict: EditConflict
) -> AnyResponse | tuple[str, int]:
    """Return the confirmation again, with the current numbers."""
    try:
        return _page(ctx, vendor, wanted, conflict), 409
    except (
        DirectoryNotRead,
        StillComputing,
    ):  # the page waits for its data, this response cannot
        flash(
            _("Du har sparat i en annan flik, så inget är ändrat här. Kontrollera och försök igen.")
            if conflict.own
            else _(
                "Någon annan har sparat under tiden, så inget är ändrat. Kontrollera och försök "
                "igen."
            ),
            "warning",
        )
        return redirect(url_for("vendor_mode.page", vendor=vendor, mode=wanted))


def _page(
    ctx: RequestContext, vendor: str, wanted: Mode, conflict: EditConflict | None = None
) -> str:
    """Return the confirmation page.

    Raises DirectoryNotRead and StillComputing when the numbers are not known yet.
    """
    connection = connection_to(ctx.tenant, vendor)
    problem = problem_in(ctx, connection, wanted)
    possible = wanted != connection.mode and bool(connection.school_units) and problem is None
    coming, sent = None, PeopleCounts()
    unsure: tuple[str, ...] = ()
    unnoted = possible and _lacks_agreement(ctx, connection, wanted)
    if possible and wanted != "off":
        directory = ctx.directory
        unsure = undecided(ctx.store, directory, ctx.now)
        coming, sent = (
            people_changes(directory, vendor, wanted, ctx.newest_run),
            carried(directory, vendor) or PeopleCounts(),
        )
    return render_template(
        "vendor/mode.html",
        vendor_id=vendor,
        connection=connection,
        wanted=wanted,
        possible=(possible and not unsure and not unnoted) or (wanted == "off" != connection.mode),
        undecided=unsure,
        unnoted=unnoted,
        recommended=() if wanted == "off" else recommended(ctx, connection),
        sent=sent,
        coming=coming,
        there=people_there(ctx, vendor),
        problem=problem,
        conflict=conflict,
        mark=ctx.version_token(lambda tenant: _asked_about(tenant, vendor)),
    )

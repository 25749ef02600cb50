"""The steps of the first setup: the organisation, test mode and live mode, and the guide."""

import re

from flask import Blueprint, flash, redirect, render_template, request, url_for
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.school_register.model import RegisterError
from addon.tenants.model import Mode, Organisation, Tenant
from addon.web.presenters.connection_status import connection_statuses
from addon.web.presenters.setup_step_texts import spelled
from addon.web.presenters.setup_steps import bring_back, put_away, setup_steps
from addon.web.presenters.vendor_impact import PeopleCounts, carried
from addon.web.request_context import EditConflict, RequestContext, request_context
from addon.web.translation import gettext_str as _
from addon.web.views.directory import request_reading

NUMBER = re.compile(r"(\d{6})-?(\d{4})")


bp = Blueprint("setup", __name__)


@bp.post("/kom-igang")
def start() -> AnyResponse:
    """Save the first version of the tenant document, and request a reading of the directory."""
    ctx = request_context()
    if ctx.is_new:
        ctx.save("organisation.saved", lambda t: t)
        request_reading(ctx)
    return redirect(url_for("setup.organisation"))


@bp.get("/organisation")
def organisation() -> str | AnyResponse:
    """Ask for the principal organiser's name and number."""
    ctx = request_context()
    if ctx.is_new:
        return redirect(url_for("overview.page"))
    kept, found = ctx.tenant.organisation, _in_register(ctx)
    shown = found if found is not None and not kept.organisation_number else kept
    name = shown.name if kept.name == ctx.tenant.primary_domain else kept.name
    number = spelled(shown.organisation_number or "")
    return _organisation_form(ctx, {"name": name, "number": number}, found)


@bp.post("/organisation")
def save_organisation() -> str | AnyResponse | tuple[str, int]:
    """Save the organisation's name and number."""
    ctx = request_context()
    given = {name: request.form.get(name, "").strip() for name in ("name", "number")}
    faults = _faults(given)
    if faults:
        return _organisation_form(ctx, given, faults=faults), 400
    wanted = Organisation(given["name"], _plain(given["number"]) or None)
    try:
        ctx.save(
            "organisation.saved",
            lambda t: structs.replace(t, organisation=wanted),
            part=_organisation,
            version_token=request.form.get("mark", ""),
        )
    except EditConflict as conflict:
        return _organisation_form(ctx, given, conflict=conflict), 409
    flash(_("Organisationen är sparad."))
    return redirect(
        url_for(
            "setup.organisation"
            if setup_steps(ctx.store, ctx.tenant, ctx.runs, ctx.vendors, ctx.now).done
            else "school_register.page"
        )
    )


@bp.post("/organisation/las-i-mitt-namn")
def reader() -> AnyResponse:
    """Save that the directory is read in the name of the signed-in administrator."""
    ctx = request_context()
    if ctx.is_new:
        return redirect(url_for("overview.page"))
    own = ctx.admin.email
    ctx.save("organisation.reader", lambda t: structs.replace(t, delegated_admin=own))
    request_reading(ctx)  # shows at once whether it can be read in their name
    flash(_("Katalogen läses med ditt konto från och med nu."))
    return redirect(url_for("setup.organisation"))


@bp.get("/testlage")
def test() -> str:
    """Show which vendors can be tried in their test environment."""
    return _modes(request_context(), "test")


@bp.get("/skarpt-lage")
def live() -> str:
    """Show which vendors can be turned on."""
    return _modes(request_context(), "live")


@bp.post("/guide/bort")
def away() -> AnyResponse:
    """Stop showing the steps automatically."""
    ctx = request_context()
    put_away(ctx.store, ctx.tenant_id, ctx.now)
    flash(_("Guiden är dold. Du hittar den igen under Inställningar."))
    return redirect(url_for("overview.page"))


@bp.post("/guide/visa")
def back() -> AnyResponse:
    """Show the steps again."""
    ctx = request_context()
    bring_back(ctx.store, ctx.tenant_id)
    return redirect(url_for("overview.page"))


def _organisation(tenant: Tenant) -> Organisation:
    return tenant.organisation


def _organisation_form(
    ctx: RequestContext,
    given: dict[str, str],
    found: Organisation | None = None,
    faults: dict[str, str] | None = None,
    conflict: EditConflict | None = None,
) -> str:
    """Return the form; `found` is the register's organisation for the domain, if any.

    It is not shown when it is already saved.
    """
    same = found is not None and _plain(given["number"]) == found.organisation_number
    kept = ctx.tenant.organisation.organisation_number
    return render_template(
        "setup/organisation.html",
        given=given,
        faults=faults or {},
        conflict=conflict,
        mark=ctx.version_token(_organisation),
        found=found if found is not None and not (same and kept) else None,
        filled_in=same,
        spelled=spelled,
    )


def _modes(ctx: RequestContext, mode: Mode) -> str:
    return render_template(
        "setup/modes.html",
        statuses=connection_statuses(ctx.sync_context, ctx.tenant, ctx.runs, ctx.holds, ctx.now),
        wanted=mode,
        people_counts={c.vendor: _carried(ctx, c.vendor) for c in ctx.tenant.connections},
    )


def _carried(ctx: RequestContext, vendor: str) -> PeopleCounts | None:
    """Return how many people the connection carries; None when the directory is not ready."""
    return ctx.from_directory(lambda directory: carried(directory, vendor))


def _in_register(ctx: RequestContext) -> Organisation | None:
    domain = ctx.tenant.primary_domain or ""
    try:
        organiser = ctx.services.register().organiser_for(domain, ctx.tenant.organisation.name)
    except RegisterError:
        return None
    return None if organiser is None else Organisation(organiser.name, organiser.number)


def _faults(given: dict[str, str]) -> dict[str, str]:
    faults = {}
    if not given["name"]:
        faults["name"] = _("Skriv organisationens namn, till exempel Storköpings kommun.")
    if given["number"] and not NUMBER.fullmatch(given["number"]):
        faults["number"] = _("Ett organisationsnummer har tio siffror, till exempel 212000-9999.")
    return faults


def _plain(number: str) -> str:
    match = NUMBER.fullmatch(number)
    return "".join(match.groups()) if match else ""

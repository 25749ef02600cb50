"""The end of a tenant: everything is removed at its vendors and then here."""

import logging

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from addon.store.base import TenantBusyError
from addon.sync.deletion import StillAtVendorsError, delete_tenant
from addon.sync.ending import begin_ending, cancel_ending, is_ending
from addon.tenants.model import Mode, Tenant
from addon.web.request_context import RequestContext, request_context
from addon.web.views.vendor_common import connection_to, problem_in, with_settings

log = logging.getLogger(__name__)


class LeftAtVendor(Struct, frozen=True):
    """What a vendor still has of the tenant in a mode, and what becomes of it.

    `state` is `kept`, `held` (a person's decision is waited for), `approved` or `unreachable`
    (the connection is not set up in this installation).
    """

    vendor: str
    mode: Mode
    people: int
    state: str


bp = Blueprint("ending", __name__)


@bp.get("/installningar/avsluta")
def page() -> str:
    """Show what ending means, and how far it has come."""
    return _page(request_context())


@bp.post("/installningar/avsluta")
def save() -> str | AnyResponse | tuple[str, int]:
    """End the tenant, or go back on that."""
    ctx = request_context()
    if not ctx.admin.super_admin:
        return _page(ctx), 403
    if request.form.get("do") == "cancel":
        cancel_ending(ctx.sync_context, ctx.tenant_id)
        ctx.append_audit("tenant.ending-cancelled")
        flash(_("Ni avslutar inte. Leverantörerna är av tills ni slår på dem igen."))
        return redirect(url_for("ending.page"))
    name, typed = ctx.tenant.organisation.name, request.form.get("name", "").strip()
    if typed.casefold() != name.casefold():
        wrong = _("Skriv organisationens namn, %(name)s, för att bekräfta.", name=name)
        return _page(ctx, typed, {"name": str(wrong)}), 400
    try:
        delete_tenant(ctx.sync_context, ctx.tenant_id)
    except StillAtVendorsError:
        return _begun(ctx)
    except TenantBusyError:
        flash(_("En körning pågår, så inget är raderat än. Försök igen om en stund."), "warning")
        return redirect(url_for("ending.page"))
    log.warning("the tenant was deleted by its administrator", extra={"tenant": ctx.tenant_id})
    return _ended(ctx)


def _begun(ctx: RequestContext) -> AnyResponse:
    """Turn everything off and hold the removals at vendors, each for a person's decision."""
    vendors = {k.vendor for k, n, _refused in ctx.store.ledgers(ctx.tenant_id) if n}
    vendors |= {c.vendor for c in ctx.tenant.connections if c.mode != "off"}

    def turned_off(tenant: Tenant) -> Tenant:
        for vendor in sorted(vendors & ctx.vendors.keys()):
            tenant = with_settings(tenant, vendor, mode="off")
        return tenant

    ctx.save("tenant.ending", turned_off)
    begin_ending(ctx.sync_context, ctx.tenant_id)
    flash(_("Alla leverantörer är av. Godkänn borttagningen hos var och en, så raderas resten."))
    return redirect(url_for("ending.page"))


def _ended(ctx: RequestContext) -> str:
    organisation = ctx.tenant.organisation.name
    ctx.services.directories.forget(ctx.tenant_id)
    session.clear()
    g.ctx = None  # the layout of a page would read what there is no more
    return render_template("ending/done.html", organisation=organisation)


def _left(ctx: RequestContext) -> list[LeftAtVendor]:
    found = []
    for key, count, _refused in ctx.store.ledgers(ctx.tenant_id):
        if count:
            connection = connection_to(ctx.tenant, key.vendor)
            known = key.vendor in ctx.vendors
            state = "kept"
            if not known or problem_in(ctx, connection, key.mode) is not None:
                state = "unreachable"
            elif ctx.store.approval(key) is not None:
                state = "approved"
            elif (hold := ctx.store.hold(key)) is not None and hold.withdrawal:
                state = "held"
            people = ctx.store.connection_state(key).ledger.people()
            found.append(LeftAtVendor(key.vendor, key.mode, people, state))
    return found


def _page(ctx: RequestContext, typed: str = "", faults: dict[str, str] | None = None) -> str:
    return render_template(
        "ending/page.html",
        left=_left(ctx),
        ending=is_ending(ctx.store, ctx.tenant_id, ctx.now),
        name=ctx.tenant.organisation.name,
        typed=typed,
        faults=faults or {},
    )

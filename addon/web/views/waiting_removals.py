"""The answer that what is missing is gone, without waiting for evidence, on the page Spärrar."""

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from addon.planning.ledger import LedgerKey
from addon.sync.context import ledger_key
from addon.tasks.base import TaskQueueError
from addon.tasks.page_requests import request_run
from addon.tenants.pause import current_pause
from addon.web.formats import listed
from addon.web.presenters.waiting_removals import WaitingRemovals, waiting_removals
from addon.web.request_context import RequestContext, request_context
from addon.web.translation import gettext_str as _

bp = Blueprint("waiting_removals", __name__)


@bp.post("/sparrar/vantar")
def approve() -> AnyResponse:
    """Approve the removal of exactly what the form showed, at each vendor."""
    ctx = request_context()
    ctx.wait_longer()
    waiting = waiting_of(ctx)
    if waiting is None or not waiting.holds or waiting.token != request.form.get("token"):
        told = _("Det som väntar har ändrats sedan sidan visades. Granska det och bestäm igen.")
        flash(told, "warning")
    elif current_pause(ctx.tenant, ctx.now) is not None:
        told = _("Det är paus, så inget skickas. Avsluta pausen under Inställningar först.")
        flash(told, "warning")
    elif request.form.get("accepted") != "1":
        flash(_("Kryssa för att du har sett vad som tas bort."), "warning")
    else:
        _approve(ctx, waiting)
    return redirect(url_for("holds.page"))


def waiting_of(ctx: RequestContext) -> WaitingRemovals | None:
    """Return what waits. Raises DirectoryNotRead, StillComputing and StoreError."""
    return waiting_removals(ctx.directory, ctx.store, ctx.newest_run, ctx.now)


def _approve(ctx: RequestContext, waiting: WaitingRemovals) -> None:
    for vendor, hold in waiting.holds:
        ctx.store.set_approval(_key(ctx, vendor), hold.approval(ctx.now))
        ctx.append_audit("removal.approved", vendor)
    vendors = [vendor for vendor, _hold in waiting.holds]
    try:
        request_run(ctx.services.queue(), ctx.tenant_id, ctx.now, "-".join(vendors))
    except TaskQueueError:
        told = _("Godkänt, men det gick inte att börja nu. Nästa körning gör det.")
        flash(told, "warning")
        return
    names = listed(map(ctx.vendor_name, vendors))
    flash(_("Godkänt. Det skickas till %(vendor)s nu.", vendor=names))


def _key(ctx: RequestContext, vendor: str) -> LedgerKey:
    connection = ctx.tenant.connection(vendor)
    key = None if connection is None else ledger_key(ctx.tenant_id, connection)
    assert key is not None  # it is on: a run for it was planned
    return key

"""A person's request for a run at once, wherever it is made."""

from typing import Literal

from msgspec import Struct

from addon.tasks.base import TaskQueueError
from addon.tasks.page_requests import request_run
from addon.tenants.pause import current_pause
from addon.web.request_context import RequestContext
from addon.web.translation import gettext_str as _

Reason = Literal["paused", "all off", "queue away"]


class RunRefused(Struct, frozen=True):
    """Why no run was requested, and how that is said."""

    reason: Reason
    text: str


def request_run_now(ctx: RequestContext) -> RunRefused | None:
    """Request a run of the tenant; return None when that is done. Raises StoreError."""
    if current_pause(ctx.tenant, ctx.now) is not None:
        return RunRefused(
            "paused", _("Det är paus, så inget körs. Avsluta pausen under Inställningar först.")
        )
    if not any(c.mode != "off" for c in ctx.tenant.connections):
        return RunRefused("all off", _("Ingen leverantör är på, så det finns inget att köra."))
    try:
        ordered = request_run(ctx.services.queue(), ctx.tenant_id, ctx.now)
    except TaskQueueError:
        return RunRefused(
            "queue away", _("Körningen kunde inte startas just nu. Försök igen om en stund.")
        )
    if ordered:  # else the same run was requested just before
        ctx.append_audit("run.asked")
    return None

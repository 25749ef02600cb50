"""The tenant's own register of processing (article 30 of the GDPR), from its configuration."""

from flask import Blueprint, render_template

from addon.settings import CloudTasks, FirestoreAddress
from addon.web.operator import operator_of
from addon.web.request_context import request_context
from addon.web.views.public import retention

bp = Blueprint("processing", __name__)


@bp.get("/installningar/behandling")
def page() -> str:
    """Show what is processed, of whom, to whom, why and how long, to be printed."""
    ctx = request_context()
    settings = ctx.services.settings
    tasks = settings.tasks
    return render_template(
        "processing/page.html",
        tenant=ctx.tenant,
        connections=[c for c in ctx.tenant.connections if c.mode != "off"],
        operator=operator_of(settings.web),
        on_google=isinstance(settings.store, FirestoreAddress) or settings.on_app_engine,
        region=tasks.location if isinstance(tasks, CloudTasks) else None,
        kept=retention(),
    )

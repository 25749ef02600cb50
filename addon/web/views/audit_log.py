"""The audit log: who changed what, and when."""

from collections.abc import Iterable

from flask import Blueprint, render_template, request

from addon.tenants.diff import Changed
from addon.web.presenters.audit_entry import AuditTexts, ChangeText
from addon.web.request_context import request_context

SIZE = 50


bp = Blueprint("audit_log", __name__)


@bp.get("/installningar/logg")
def page() -> str:
    """Show every change of the settings, the newest first."""
    ctx = request_context()
    before = request.args.get("fore") or None
    entries = ctx.store.audit_entries(ctx.tenant_id, SIZE + 1, before)
    older = entries[SIZE - 1].id if len(entries) > SIZE else None
    return render_template(
        "audit_log/page.html", entries=entries[:SIZE], older=older, before=before
    )


@bp.app_template_filter("said_in_short")
def _said_in_short(changes: Iterable[Changed]) -> list[ChangeText]:
    ctx = request_context()
    texts = AuditTexts(ctx.tenant, ctx.vendors)
    return [texts.in_short(change) for change in changes]


@bp.app_template_filter("said")
def _said(changes: Iterable[Changed]) -> list[ChangeText]:
    ctx = request_context()
    speech = AuditTexts(ctx.tenant, ctx.vendors)
    return [speech.say(change) for change in changes]

"""The log of changes: who changed what, and when."""

from collections.abc import Iterable

from flask import Blueprint, render_template, request

from addon.tenants.diff import Changed
from addon.web.presenters.audit_entry import Said, Speech
from addon.web.request_context import here

SIZE = 50


def blueprint() -> Blueprint:
    """The page's endpoints, and for all templates the filter `said`: changes in words."""
    changelog = Blueprint("changelog", __name__)
    changelog.add_app_template_filter(_said, "said")

    @changelog.get("/installningar/logg")
    def page() -> str:
        """Every change of the settings, the newest first."""
        now = here()
        before = request.args.get("fore") or None
        entries = now.store.entries(now.tenant_id, SIZE + 1, before)
        older = entries[SIZE - 1].id if len(entries) > SIZE else None
        return render_template(
            "changelog/page.html", entries=entries[:SIZE], older=older, before=before
        )

    return changelog


def _said(changes: Iterable[Changed]) -> list[Said]:
    now = here()
    speech = Speech(now.tenant, now.vendors)
    return [speech.say(change) for change in changes]

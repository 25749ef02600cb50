"""The log of changes: who changed what, and when."""

from flask import Blueprint, render_template, request

from addon.web.here import here

SIZE = 50


def blueprint() -> Blueprint:
    """The page's endpoints."""
    changelog = Blueprint("changelog", __name__)

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

"""The audit log: who changed what, and when; and the restoration of what a change replaced."""

import re
from collections.abc import Iterable

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from addon.store.records import AuditEntry
from addon.sync.known_places import load_places
from addon.tenants.diff import Changed, changes, places_of
from addon.tenants.model import Tenant
from addon.tenants.restore import is_restorable, restoration
from addon.web.presenters.audit_entry import AuditTexts, ChangeText
from addon.web.presenters.document_impact import VendorImpact, document_impact
from addon.web.request_context import RECENT, EditConflict, RequestContext, request_context
from addon.web.translation import gettext_str as _
from addon.web.version_token import value_hash
from addon.web.views.exception_common import not_seen

SIZE = 50
PLACED = ("schoolUnits", "connections")
"""Parts of the document that decide who is sent where."""


class Conflict(Struct, frozen=True):
    """A place that was changed since, and the newest entry that changed it, if it is known."""

    change: Changed
    by: AuditEntry | None


class RestoreView(Struct, frozen=True):
    """What restoring an entry's change would do.

    `changes` are from the document as it is to the restored one. `impact` is what follows at
    vendors, None if the change is not about who is sent; `seen` identifies it in a form.
    """

    entry: AuditEntry
    changes: tuple[Changed, ...]
    conflicts: tuple[Conflict, ...]
    withheld: tuple[Changed, ...]
    impact: tuple[VendorImpact, ...] | None
    seen: str

    @property
    def asks(self) -> bool:
        """Whether something is removed, which an administrator must have seen."""
        return any(each.removes for each in self.impact or ())


bp = Blueprint("audit_log", __name__)


@bp.get("/installningar/logg")
def page() -> str:
    """Show every change of the settings, the newest first."""
    ctx = request_context()
    before = request.args.get("fore") or None
    entries = ctx.store.audit_entries(ctx.tenant_id, SIZE + 1, before)
    older = entries[SIZE - 1].id if len(entries) > SIZE else None
    return render_template(
        "audit_log/page.html",
        entries=entries[:SIZE],
        older=older,
        before=before,
        is_restorable=is_restorable,
    )


@bp.get("/installningar/logg/<entry_id>/aterstall")
def restore(entry_id: str) -> str:
    """Show what restoring a change would do, before it is done."""
    ctx = request_context()
    return _restore_page(ctx, _view(ctx, _entry(ctx, entry_id)))


@bp.post("/installningar/logg/<entry_id>/aterstall")
def save_restored(entry_id: str) -> AnyResponse | tuple[str, int]:
    """Restore what the change replaced, as the form showed it."""
    ctx = request_context()
    ctx.wait_longer()
    entry = _entry(ctx, entry_id)
    found = _view(ctx, entry)
    mark = request.form.get("mark", "")
    if found.asks and request.form.get("accepted") != found.seen and _is_shown(ctx, entry, mark):
        return _restore_page(ctx, found, faults=not_seen()), 400
    try:
        ctx.save(
            "change.restored",
            lambda tenant: restoration(tenant, entry.changes).tenant,
            subject=entry.subject,
            part=lambda tenant: _values(tenant, entry),
            version_token=mark,
            places=tuple(change.place for change in entry.changes),
        )
    except EditConflict as conflict:
        return _restore_page(ctx, _view(ctx, entry), conflict=conflict), 409
    flash(_("Återställt."))
    return redirect(url_for("audit_log.page"))


def _entry(ctx: RequestContext, entry_id: str) -> AuditEntry:
    """Return the entry; answer 404 when there is none whose change can be restored."""
    if not re.fullmatch(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}", entry_id):
        abort(404)
    found = ctx.store.audit_entries(ctx.tenant_id, 1, f"{entry_id}~")
    if not found or found[0].id != entry_id or not is_restorable(found[0].changes):
        abort(404)
    return found[0]


def _values(tenant: Tenant, entry: AuditEntry) -> object:
    """Return what the document has at the places of the entry's change."""
    now = places_of(tenant)
    return [now.get(change.place) for change in entry.changes]


def _is_shown(ctx: RequestContext, entry: AuditEntry, mark: str) -> bool:
    return ctx.is_current(mark, lambda tenant: _values(tenant, entry))


def _view(ctx: RequestContext, entry: AuditEntry) -> RestoreView:
    found = restoration(ctx.tenant, entry.changes)
    after = found.tenant
    differences = changes(ctx.tenant, after)
    impact = None
    if any(each.place.startswith(PLACED) for each in differences):
        places = load_places(ctx.store, ctx.tenant_id, ctx.now)
        impact = document_impact(ctx.directory, after, ctx.vendors, places, ctx.newest_run)
    return RestoreView(
        entry=entry,
        changes=differences,
        conflicts=tuple(_conflicts(ctx, entry, found.conflicts)),
        withheld=found.withheld,
        impact=impact,
        seen=value_hash((differences, impact)),
    )


def _conflicts(
    ctx: RequestContext, entry: AuditEntry, found: Iterable[Changed]
) -> Iterable[Conflict]:
    """Yield each place with who changed it last, as far as the newest entries say."""
    places = {change.place: change for change in found}
    if not places:
        return
    later = [e for e in ctx.store.audit_entries(ctx.tenant_id, RECENT) if e.id > entry.id]
    for place, change in places.items():
        by = (e for e in later if any(_is_within(c.place, place) for c in e.changes))
        yield Conflict(change, next(by, None))


def _is_within(changed: str, place: str) -> bool:
    return changed == place or changed.startswith(f"{place}[")


def _restore_page(
    ctx: RequestContext,
    found: RestoreView,
    *,
    faults: dict[str, str] | None = None,
    conflict: EditConflict | None = None,
) -> str:
    return render_template(
        "audit_log/restore.html",
        found=found,
        faults=faults or {},
        conflict=conflict,
        mark=ctx.version_token(lambda tenant: _values(tenant, found.entry)),
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

"""The access log: who signed in, who looked at whom, and who took out a file."""

from collections.abc import Iterator

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _

from addon.store.base import Store
from addon.store.records import AccessEntry
from addon.web.access_log import record_access
from addon.web.formats import moment
from addon.web.labels import access_name, who_name
from addon.web.presenters.spreadsheet import spreadsheet
from addon.web.request_context import RequestContext, request_context

SIZE = 50
AT_ONCE = 500
"""Entries of the file that are read from the store at a time."""

bp = Blueprint("access_log", __name__)


@bp.get("/installningar/atkomst")
def page() -> str:
    """Show every access, the newest first."""
    ctx = request_context()
    before = request.args.get("fore") or None
    entries = ctx.store.access_entries(ctx.tenant_id, SIZE + 1, before)
    older = entries[SIZE - 1].id if len(entries) > SIZE else None
    return render_template(
        "access_log/page.html",
        entries=entries[:SIZE],
        older=older,
        before=before,
        addresses=_addresses(ctx),
    )


@bp.get("/installningar/atkomst.csv")
def as_csv() -> Response:
    """Return the whole log as a file, with account ids only."""
    ctx = request_context()
    record_access("access.csv")
    header = (_("tid"), _("konto"), _("vad"), _("gällde konto"), _("leverantör"))
    return Response(
        spreadsheet(header, map(_cells, _all(ctx.store, ctx.tenant_id))),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="atkomstlogg.csv"'},
    )


def _cells(entry: AccessEntry) -> tuple[str, ...]:
    who, what = who_name(entry.who), access_name(entry.what)
    return moment(entry.at), who, what, entry.subject, entry.vendor


def _all(store: Store, tenant_id: str) -> Iterator[AccessEntry]:
    before = None
    while found := store.access_entries(tenant_id, AT_ONCE, before):
        yield from found
        before = found[-1].id


def _addresses(ctx: RequestContext) -> dict[str, str]:
    """Return the addresses of administrators by account id, as far as they are known."""
    known = ctx.store.authentication(ctx.tenant_id).accounts
    return {**{sub: address for address, sub in known.items()}, ctx.admin.sub: ctx.admin.email}

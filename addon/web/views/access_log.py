"""The access log: who signed in, who looked at whom, and who took out a file."""

import csv
import io
from collections.abc import Iterator

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _

from addon.store.base import Store
from addon.store.records import AccessEntry
from addon.text import escape_formula
from addon.web.access_log import record_access
from addon.web.formats import moment
from addon.web.labels import access_name, who_name
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
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([_("tid"), _("konto"), _("vad"), _("gällde konto"), _("leverantör")])
    for each in _all(ctx.store, ctx.tenant_id):
        cells = (who_name(each.who), access_name(each.what), each.subject, each.vendor)
        writer.writerow([moment(each.at), *map(escape_formula, cells)])
    return Response(
        "\ufeff" + out.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="atkomstlogg.csv"'},
    )


def _all(store: Store, tenant_id: str) -> Iterator[AccessEntry]:
    before = None
    while found := store.access_entries(tenant_id, AT_ONCE, before):
        yield from found
        before = found[-1].id


def _addresses(ctx: RequestContext) -> dict[str, str]:
    """Return the addresses of administrators by account id, as far as they are known."""
    known = ctx.store.authentication(ctx.tenant_id).accounts
    return {**{sub: address for address, sub in known.items()}, ctx.admin.sub: ctx.admin.email}

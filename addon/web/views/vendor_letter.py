"""A letter to teachers, to copy: from which day they sign in at a vendor with Google."""

from datetime import UTC, date, datetime, timedelta

from flask import Blueprint, render_template, request
from flask_babel import format_date
from flask_babel import gettext as _

from addon.web.formats import LOCAL
from addon.web.request_context import RequestContext, request_context
from addon.web.views.vendor_common import connection_to, known_vendor

bp = Blueprint("vendor_letter", __name__)


@bp.get("/leverantorer/<vendor>/brev")
def page(vendor: str) -> str:
    """Show the letter; `dag` is the first day, from the start the next Monday."""
    ctx = request_context()
    profile = known_vendor(ctx, vendor)
    connection = connection_to(ctx.tenant, vendor)
    day = _day(request.args.get("dag", "")) or _next_monday(ctx)
    return render_template(
        "vendor/letter.html",
        vendor_id=vendor,
        profile=profile,
        connection=connection,
        units=[u.name for u in ctx.tenant.school_units if u.code in connection.school_units],
        day=day,
        from_day=_("Från %(day)s", day=format_date(day, _("EEEE 'den' d MMMM"))),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _next_monday(ctx: RequestContext) -> date:
    today = datetime.fromtimestamp(ctx.now, UTC).astimezone(LOCAL).date()
    return today + timedelta(days=7 - today.weekday())

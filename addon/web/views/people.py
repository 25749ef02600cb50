"""Personer: who is sent, who is not, and why."""

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as AnyResponse

from addon.web.access_log import record_access
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.labels import reason_name
from addon.web.pagination import page_of
from addon.web.presenters.people import (
    OverviewWords,
    PeopleFilter,
    chosen,
    classes_of,
    destinations,
    overview,
    overview_reasons,
    reasons,
    rows,
)
from addon.web.presenters.saved_searches import find_search, save_search
from addon.web.request_context import RequestContext, request_context

SIZE = 50
SORTS = ("namn", "klass", "enhet", "orsak")
ARGUMENTS = ("enhet", "klass", "roll", "leverantor", "beslut", "orsak", "sort")


bp = Blueprint("people", __name__)


@bp.get("/personer")
def page() -> str:
    """Show who is sent, who is not, and why."""
    ctx = request_context()
    directory, filters = ctx.directory, people_filter_of(ctx)
    token = request.args.get("sok", "")
    return render_template(
        "people/page.html",
        page=page_of(chosen(directory, filters), request.args, SIZE),
        filters=filters,
        token=token if filters.text else "",
        forgotten=bool(token) and not filters.text,
        total=len(rows(directory)),
        sent=_sent(directory),
        protected=len(directory.index.protected),
        reasons=reasons(directory),
        units=ctx.tenant.unit_names,
        classes=classes_of(directory, filters.unit) if filters.unit else (),
        vendors=destinations(ctx.tenant),
        any_on=any(c.mode != "off" for c in ctx.tenant.connections),
        read=directory.directory_snapshot.read,
        arguments=_arguments(request.args),
    )


@bp.post("/personer/sok")
def search() -> AnyResponse:
    """Search for a name; the URL has a token instead of the name."""
    ctx = request_context()
    token = save_search(ctx.store, ctx.tenant_id, request.form.get("text", ""), ctx.now)
    arguments: dict[str, Any] = {**_arguments(request.form), "sok": token or None}
    return redirect(url_for("people.page", **arguments))


@bp.get("/personer.csv")
def as_csv() -> AnyResponse:
    """Return the people in the table as a spreadsheet."""
    ctx = request_context()
    filters, token = people_filter_of(ctx), request.args.get("sok", "")
    if token and not filters.text:  # the page says that the search has expired; a file cannot
        arguments: dict[str, Any] = {**_arguments(request.args), "sok": token}
        return redirect(url_for("people.page", **arguments))
    directory, words = ctx.directory, _words(ctx)
    record_access("people.csv")
    return Response(
        overview(directory, filters, words),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="personer.csv"'},
    )


def _words(ctx: RequestContext) -> OverviewWords:
    directory = ctx.directory
    number = len(directory.prepared.roster.protected)
    return OverviewWords(
        header=(
            _("Kontots id"),
            _("E-postadress"),
            _("Efternamn"),
            _("Förnamn"),
            _("Organisationsenhet"),
            _("Roll"),
            _("Skolenheter"),
            _("Klasser"),
            _("Undervisningsgrupper"),
            _("Leverantör"),
            _("Skickas"),
            _("Varför inte"),
        ),
        student=_("elev"),
        staff=_("personal"),
        sent=_("ja"),
        left_out=_("nej"),
        protected=ngettext(
            "%(num)s person med skyddade personuppgifter",
            "%(num)s personer med skyddade personuppgifter",
            number,
        ),
        vendors=tuple((v, ctx.vendor_name(v)) for v in sorted(destinations(ctx.tenant))),
        reasons=tuple((r, reason_name(r)) for r in sorted(overview_reasons(directory))),
    )


def people_filter_of(ctx: RequestContext) -> PeopleFilter:
    """Return the filter that the URL asks for; names are looked up by its token."""
    given = request.args
    sort = given.get("sort", "namn")
    token = given.get("sok", "")
    return PeopleFilter(
        text=(find_search(ctx.store, ctx.tenant_id, token, ctx.now) or "") if token else "",
        unit=given.get("enhet", ""),
        class_name=given.get("klass", "") if given.get("enhet") else "",
        role=given.get("roll", ""),
        vendor=given.get("leverantor", ""),
        decision=given.get("beslut", ""),
        reason=given.get("orsak", ""),
        sort=sort if sort.removeprefix("-") in SORTS else "namn",
    )


def _arguments(given: Any) -> dict[str, str]:
    """Return the filter's query parameters, except a name."""
    return {name: given[name] for name in ARGUMENTS if given.get(name)}


def _sent(directory: TenantDirectory) -> int:
    found = rows(directory)
    return directory.get_or_compute(
        DirectoryResult.PEOPLE_SENT, lambda: sum(1 for row in found if row.vendors)
    )

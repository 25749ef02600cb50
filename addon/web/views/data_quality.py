"""Datakvalitet: what is wrong in Workspace, and where to correct it."""

from collections.abc import Sequence

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup

from addon.roster.findings import MESSAGES
from addon.store.base import RUNS_KEPT
from addon.web.access_log import record_access
from addon.web.charts import Series, line_chart
from addon.web.directory.results import DirectoryResult
from addon.web.finding_texts import finding_label
from addon.web.labels import severity_name
from addon.web.pagination import page_of
from addon.web.presenters.findings import FindingKind, FindingRow, kinds, over_time
from addon.web.presenters.proposals import is_set_up
from addon.web.presenters.resource_names import full_name
from addon.web.presenters.spreadsheet import spreadsheet
from addon.web.request_context import RequestContext, request_context
from addon.web.views.directory import updated_since

SIZE = 50
NAMED = 20
"""Members of a group that the page lists; the file lists all."""


bp = Blueprint("data_quality", __name__)


@bp.get("/datakvalitet")
def page() -> str:
    """Show what is wrong in Workspace, and where to correct it."""
    ctx = request_context()
    directory = ctx.directory
    found = kinds(directory)
    return render_template(
        "data_quality/page.html",
        kinds=found,
        selected=any(is_set_up(unit) for unit in ctx.tenant.school_units),
        stopped=len({a.finding.subject for k in found if k.severity == "error" for a in k.found}),
        chart=_trend(ctx),
        read=directory.directory_snapshot.read,
        stale=updated_since(ctx, directory.directory_snapshot.read),
    )


@bp.get("/datakvalitet/<code>")
def kind(code: str) -> str:
    """Show who has one kind of finding, and how to correct it."""
    ctx = request_context()
    if code not in MESSAGES:
        abort(404)
    found = next((k for k in kinds(ctx.directory) if k.code == code), FindingKind(code, "info", ()))
    names = ctx.tenant.unit_names
    concerned = {unit for about in found.found for unit in about.units}
    unit = request.args.get("enhet", "")
    return render_template(
        "data_quality/kind.html",
        kind=found,
        named=NAMED,
        full_name=full_name,
        names=names,
        units=[each for each in names if each in concerned],
        unit=unit,
        page=page_of(_of(found.found, unit), request.args, SIZE),
    )


@bp.get("/datakvalitet.csv")
def as_csv() -> Response:
    """Return the findings as CSV, all or of one kind and school unit, to forward to a school."""
    ctx = request_context()
    code, unit = request.args.get("kod", ""), request.args.get("enhet", "")
    names = ctx.tenant.unit_names
    found = [
        (kind, about)
        for kind in kinds(ctx.directory)
        if code in ("", kind.code)
        for about in _of(kind.found, unit)
    ]
    record_access("data-quality.csv")
    return Response(
        spreadsheet(_header(), (_cells(kind, about, names) for kind, about in found)),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="anmarkningar.csv"'},
    )


def _of(found: Sequence[FindingRow], unit: str) -> Sequence[FindingRow]:
    return [about for about in found if unit in about.units] if unit else found


def _trend(ctx: RequestContext) -> Markup | None:
    """Return a chart of the findings over time; None when there is only one point in time."""
    directory, store, tenant_id = ctx.directory, ctx.store, ctx.tenant_id
    trend = directory.get_or_compute(
        DirectoryResult.FINDINGS_OVER_TIME,
        lambda: over_time(store.runs(tenant_id, RUNS_KEPT)),
        ctx.newest_run,
    )
    series = [
        Series(severity_name(severity), tuple((p.at, p.number) for p in points))
        for severity, points in trend.items()
        if len(points) > 1 and severity != "info"
    ]
    return line_chart(series, _("Anmärkningar vid varje körning")) if series else None


def _header() -> tuple[str, ...]:
    return (
        _("allvar"),
        _("anmärkning"),
        _("vad det gäller"),
        _("adress"),
        _("organisationsenhet"),
        _("skolenhet"),
        _("vad som är fel"),
        _("att göra"),
    )


def _cells(kind: FindingKind, about: FindingRow, names: dict[str, str]) -> tuple[str, ...]:
    words, user = finding_label(about.finding), about.user
    return (
        severity_name(kind.severity),
        words.title,
        about.name,
        user.primary_email if user else ", ".join(m.primary_email for m in about.members),
        user.org_unit_path if user else "",
        ", ".join(names.get(code, code) for code in about.units),
        words.meaning,
        " ".join(words.steps),
    )

"""Datakvalitet: what is wrong in Workspace, and where to correct it."""

from collections.abc import Sequence

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from addon.roster.findings import MESSAGES
from addon.store.base import RUNS_KEPT
from addon.sync.known_findings import MARKABLE, Known, load_known, mark_known, unmark_known
from addon.web.access_log import record_access
from addon.web.charts import Series, line_chart
from addon.web.directory.results import DirectoryResult
from addon.web.finding_texts import finding_label
from addon.web.formats import moment
from addon.web.labels import severity_name
from addon.web.pagination import page_of
from addon.web.presenters.findings import FindingKind, FindingRow, kinds, over_time
from addon.web.presenters.findings_by_school import by_school, letter, letter_text
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
    """Show what is wrong in Workspace, by school and by kind, and where to correct it."""
    ctx = request_context()
    directory, known = ctx.directory, _known(ctx)
    found = kinds(directory)
    return render_template(
        "data_quality/page.html",
        kinds=[(kind, *map(len, kind.told_apart(known))) for kind in found],
        schools=by_school(found, known, ctx.tenant.unit_names),
        selected=any(is_set_up(unit) for unit in ctx.tenant.school_units),
        stopped=len({a.finding.subject for k in found if k.severity == "error" for a in k.found}),
        unmarked=sum(len(kind.told_apart(known)[0]) for kind in found),
        chart=_trend(ctx),
        read=directory.directory_snapshot.read,
        stale=updated_since(ctx, directory.directory_snapshot.read),
    )


@bp.get("/datakvalitet/<code>")
def kind(code: str) -> str:
    """Show who has one kind of finding, how to correct it, and which are marked as known."""
    ctx = request_context()
    found, known = _kind(ctx, code), _known(ctx)
    names = ctx.tenant.unit_names
    concerned = {unit for about in found.found for unit in about.units}
    unit = request.args.get("enhet", "")
    unmarked, marked = found.told_apart(known)
    return render_template(
        "data_quality/kind.html",
        kind=found,
        named=NAMED,
        full_name=full_name,
        names=names,
        units=[each for each in names if each in concerned],
        unit=unit,
        markable=code in MARKABLE,
        unmarked=len(unmarked),
        marked=[(about, known[about.key]) for about in _of(marked, unit)],
        page=page_of(_of(unmarked, unit), request.args, SIZE),
    )


@bp.post("/datakvalitet/<code>")
def mark(code: str) -> AnyResponse:
    """Mark findings as known, or take that back, and show their kind again."""
    ctx = request_context()
    ctx.wait_longer()
    found = _kind(ctx, code)
    if code not in MARKABLE:
        abort(404)
    keys = {about.key for about in found.found} & set(request.form.getlist("finding"))
    change = unmark_known if request.form.get("do") == "unknown" else mark_known
    number = change(
        ctx.store, ctx.tenant_id, code, keys, who=ctx.admin.email, clock=ctx.services.clock
    )
    if not number:
        flash(_("Inget är ändrat: kryssa först i vilka det gäller."), "warning")
    elif change is unmark_known:
        flash(_("Markeringen är borttagen."))
    else:
        flash(
            ngettext(
                "%(num)s är markerad ”det är så”.", "%(num)s är markerade ”det är så”.", number
            )
        )
    unit = request.form.get("enhet") or None
    return redirect(url_for("data_quality.kind", code=code, enhet=unit))


@bp.get("/skolenheter/<code>/brev")
def school(code: str) -> str:
    """Show a letter to one school about what it can correct."""
    ctx = request_context()
    name = ctx.tenant.unit_names.get(code)
    if name is None:
        abort(404)
    found, known = kinds(ctx.directory), _known(ctx)
    parts = letter(found, known, code)
    record_access("data-quality.letter")
    rows = by_school(found, known, {code: name})
    return render_template(
        "data_quality/letter.html",
        code=code,
        name=name,
        parts=parts,
        text=letter_text(parts, name, ctx.tenant.organisation.name),
        found=rows[0] if rows else None,
    )


def _kind(ctx: RequestContext, code: str) -> FindingKind:
    if code not in MESSAGES:
        abort(404)
    none = FindingKind(code, MESSAGES[code][0], ())
    return next((k for k in kinds(ctx.directory) if k.code == code), none)


def _known(ctx: RequestContext) -> Known:
    return load_known(ctx.store, ctx.tenant_id, ctx.now)


@bp.get("/datakvalitet.csv")
def as_csv() -> Response:
    """Return the findings as CSV, all or of one kind and school unit, to forward to a school."""
    ctx = request_context()
    code, unit = request.args.get("kod", ""), request.args.get("enhet", "")
    names, known = ctx.tenant.unit_names, _known(ctx)
    found = [
        (kind, about)
        for kind in kinds(ctx.directory)
        if code in ("", kind.code)
        for about in _of(kind.found, unit)
    ]
    record_access("data-quality.csv")
    return Response(
        spreadsheet(_header(), (_cells(kind, about, names, known) for kind, about in found)),
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
        _("markerad ”det är så”"),
    )


def _cells(
    kind: FindingKind, about: FindingRow, names: dict[str, str], known: Known
) -> tuple[str, ...]:
    words, user, mark = finding_label(about.finding), about.user, known.get(about.key)
    return (
        severity_name(kind.severity),
        words.title,
        about.name,
        user.primary_email if user else ", ".join(m.primary_email for m in about.members),
        user.org_unit_path if user else "",
        ", ".join(names.get(code, code) for code in about.units),
        words.meaning,
        " ".join(words.steps),
        f"{moment(mark.at)}, {mark.who}" if mark else "",
    )

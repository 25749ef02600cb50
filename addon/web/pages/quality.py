"""Datakvalitet: what is wrong in Workspace, and where to mend it."""

import csv
import io
from collections.abc import Iterator

from flask import Blueprint, Response, abort, render_template, request

from addon.overview import harmless
from addon.roster.findings import MESSAGES
from addon.web.charts import Series, line_chart
from addon.web.finding_words import finding_words
from addon.web.here import here
from addon.web.paging import page_of
from addon.web.views.findings import Kind, kinds, over_time
from addon.web.words import severity_name

SIZE = 50
HEADER = ("allvar", "anmärkning", "vad det gäller", "adress", "organisationsenhet", "att göra")


def blueprint() -> Blueprint:
    """The findings, by kind."""
    quality = Blueprint("quality", __name__)

    @quality.get("/datakvalitet")
    def page() -> str:
        """What is wrong in Workspace, and where do I mend it?"""
        now = here()
        found = kinds(now.desk)
        trend = over_time(now.runs)
        series = [
            Series(severity_name(severity), tuple((p.at, p.number) for p in points))
            for severity, points in trend.items()
            if len(points) > 1 and severity != "info"
        ]
        return render_template(
            "quality/page.html",
            kinds=found,
            stopped=len(
                {a.finding.subject for k in found if k.severity == "error" for a in k.found}
            ),
            chart=line_chart(series) if series else None,
            read=now.desk.survey.read,
        )

    @quality.get("/datakvalitet/<code>")
    def kind(code: str) -> str:
        """Whom one kind of finding is about, and how it is mended."""
        now = here()
        if code not in MESSAGES:
            abort(404)
        found = next((k for k in kinds(now.desk) if k.code == code), Kind(code, "info", ()))
        units = sorted({a.values["unitName"] for a in found.found if "unitName" in a.values})
        unit = request.args.get("enhet", "")
        shown = [a for a in found.found if not unit or a.values.get("unitName") == unit]
        return render_template(
            "quality/kind.html",
            kind=found,
            units=units,
            unit=unit,
            page=page_of(shown, request.args, SIZE),
        )

    @quality.get("/datakvalitet.csv")
    def as_csv() -> Response:
        """All findings, for a spreadsheet or to forward to a school."""
        text = "".join(_lines(kinds(here().desk)))
        return Response(
            text.encode("utf-8-sig"),
            mimetype="text/csv",
            headers={"Content-Disposition": 'attachment; filename="anmarkningar.csv"'},
        )

    return quality


def _lines(found: tuple[Kind, ...]) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    for kind in found:
        for about in kind.found:
            words = finding_words(about.finding)
            writer.writerow(
                map(
                    harmless,
                    (
                        severity_name(kind.severity),
                        words.title,
                        about.name,
                        about.user.primary_email if about.user else "",
                        about.user.org_unit_path if about.user else "",
                        words.meaning,
                    ),
                )
            )
    yield out.getvalue()

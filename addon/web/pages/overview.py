"""Översikt: whether everything is all right, and what waits."""

from flask import Blueprint, redirect, render_template, url_for
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from addon.roster.findings import MESSAGES
from addon.web.charts import Series, line_chart
from addon.web.here import Here, here
from addon.web.steps import steps
from addon.web.views.standing import Line, lines, newest, people_over_time


class Findings(Struct, frozen=True):
    """How many findings the newest run had that keep people from being sent, and others."""

    errors: int
    others: int


def blueprint() -> Blueprint:
    """The first page."""
    overview = Blueprint("overview", __name__)

    @overview.get("/")
    def page() -> str | AnyResponse:
        """Is everything all right? What waits for me?"""
        now = here()
        if now.is_new:
            return render_template("guide/welcome.html")
        walk = steps(now)
        connections = lines(now)
        if not walk.done and not any(line.mode != "off" for line in connections):
            return render_template("overview/beginning.html", walk=walk)
        last = newest(now.runs)
        return render_template(
            "overview/page.html",
            lines=connections,
            state=_state(now, connections),
            last=last,
            findings=None if last is None else _findings(last[1].findings),
            chart=_chart(now, connections),
        )

    @overview.get("/oversikt")
    def again() -> AnyResponse:
        """The same page, by its name."""
        return redirect(url_for("overview.page"))

    return overview


def _state(now: Here, connections: tuple[Line, ...]) -> str:
    """The one thing that matters most, in a word for the template."""
    statuses = {line.status for line in connections}
    if now.runs and now.runs[0].status == "unread":
        return "unread"
    for status in ("held", "problem", "failed", "waiting", "refused", "ok"):
        if status in statuses:
            return status
    return "off"


def _findings(counts: dict[str, int]) -> Findings:
    severity = {code: kind for code, (kind, _) in MESSAGES.items()}
    errors = sum(n for code, n in counts.items() if severity.get(code) == "error")
    return Findings(errors, sum(counts.values()) - errors)


def _chart(now: Here, connections: tuple[Line, ...]) -> object | None:
    """The people at each vendor over time, where there is a time to speak of."""
    series = []
    for line in connections:
        points = people_over_time(now.runs, line.connection.vendor)
        if len(points) > 1:
            series.append(Series(line.name, tuple((p.at, p.number) for p in points)))
    return line_chart(series) if series else None

"""Översikt: whether everything works, and what waits for the administrator."""

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from addon.bootstrap import refused_scopes
from addon.sync.known_findings import load_known
from addon.tenants.pause import is_rehearsed
from addon.web.charts import Series, line_chart
from addon.web.presenters.connection_status import (
    ConnectionStatus,
    connection_statuses,
    people_over_time,
)
from addon.web.presenters.overview import headline
from addon.web.presenters.pause_proposal import timely_pause_proposal
from addon.web.presenters.setup_steps import setup_steps
from addon.web.presenters.vendor_errors import trouble_remedy
from addon.web.request_context import RequestContext, request_context

bp = Blueprint("overview", __name__)


@bp.get("/")
def page() -> str | AnyResponse:
    """Show whether everything works, and what waits for the administrator."""
    ctx = request_context()
    if ctx.is_new:
        with ctx.waiting():
            scopes = refused_scopes(ctx.services.settings, ctx.admin.email)
        return render_template("setup/welcome.html", scopes=scopes)
    walk = setup_steps(ctx.store, ctx.tenant, ctx.runs, ctx.vendors, ctx.now)
    connections = connection_statuses(ctx.sync_context, ctx.tenant, ctx.runs, ctx.holds, ctx.now)
    if not walk.done and all(status.mode == "off" for status in connections):
        return render_template("overview/beginning.html", walk=walk)
    found = headline(ctx.runs, connections, ctx.last_reading)
    return render_template(
        "overview/page.html",
        statuses=connections,
        headline=found,
        findings=found.findings,
        marked=len(load_known(ctx.store, ctx.tenant_id, ctx.now)) if found.findings else 0,
        chart=_chart(ctx, connections),
        remedy=trouble_remedy,
        push=ctx.push,
        rehearsed=is_rehearsed(ctx.tenant, ctx.now),
        pause_proposal=timely_pause_proposal(ctx.tenant, ctx.now),
    )


@bp.get("/oversikt")
def again() -> AnyResponse:
    """Redirect the page's other address to the page."""
    return redirect(url_for("overview.page"))


def _chart(ctx: RequestContext, connections: tuple[ConnectionStatus, ...]) -> object | None:
    """Return a chart of the people at each vendor over time; None with fewer than two points."""
    series = []
    for status in connections:
        points = people_over_time(ctx.runs, status.connection)
        if status.mode != "off" and len(points) > 1:
            series.append(Series(status.name, tuple((p.at, p.number) for p in points)))
    return line_chart(series) if series else None

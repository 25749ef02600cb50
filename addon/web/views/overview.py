"""Översikt: whether everything works, and what waits for the administrator."""

from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, url_for
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from addon.bootstrap import refused_scopes
from addon.sync.known_findings import Known, load_known
from addon.tenants.pause import is_rehearsed
from addon.web.directory.cache import TenantDirectory
from addon.web.presenters.connection_status import ConnectionStatus, connection_statuses
from addon.web.presenters.delivery_history import SchoolEvent, schools_of_run
from addon.web.presenters.findings import kinds
from addon.web.presenters.overview import FindingCounts, headline, unmarked_findings
from addon.web.presenters.pause_proposal import timely_pause_proposal
from addon.web.presenters.run_history import RunSummary, run_summaries
from addon.web.presenters.setup_steps import setup_steps
from addon.web.presenters.tasks_to_do import things_to_do
from addon.web.presenters.vendor_errors import trouble_remedy
from addon.web.presenters.vendor_impact import PeopleCounts, carried
from addon.web.request_context import RequestContext, request_context
from addon.web.studied_proposals import answers_of

SHOWN = 6
"""Maximum number of runs under what has happened lately."""
TOLD_BY_SCHOOL = 500
"""Most people of a run that is told by school; a larger one, such as the first, is by vendor."""

bp = Blueprint("overview", __name__)


class _Counted(Struct, frozen=True):
    """What the directory says: the people to each vendor, and the findings without a mark."""

    people: dict[str, PeopleCounts]
    findings: FindingCounts


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
    known = load_known(ctx.store, ctx.tenant_id, ctx.now)
    counted = ctx.from_directory(lambda directory: _counted(directory, connections, known))
    unmarked = None if counted is None else counted.findings
    found = headline(ctx.runs, connections, ctx.last_reading, unmarked)
    summaries = run_summaries(ctx.runs, ctx.tenant, ctx.now)
    happened = [run for run in summaries if run.did_anything][:SHOWN]
    return render_template(
        "overview/page.html",
        statuses=connections,
        people=None if counted is None else counted.people,
        headline=found,
        todo=things_to_do(
            ctx.tenant,
            connections,
            found.findings,
            len(ctx.protection.ended),
            frozenset(answers_of(ctx).without_students),
        ),
        marked=len(known) if found.findings and counted is None else 0,
        happened=[(run, _at_schools(ctx, run)) for run in happened],
        units=ctx.tenant.unit_names,
        remedy=trouble_remedy,
        push=ctx.push,
        rehearsed=is_rehearsed(ctx.tenant, ctx.now),
        pause_proposal=timely_pause_proposal(ctx.tenant, ctx.now),
    )


@bp.get("/oversikt")
def again() -> AnyResponse:
    """Redirect the page's other address to the page."""
    return redirect(url_for("overview.page"))


def _at_schools(ctx: RequestContext, run: RunSummary) -> Sequence[SchoolEvent]:
    """Return what a run did at each school; nothing while the directory is not ready."""
    if run.running or not 0 < sum(run.people.values()) <= TOLD_BY_SCHOOL:
        return ()
    found = ctx.from_directory(
        lambda directory: schools_of_run(directory, ctx.store, run.id, run.finished)
    )
    return found or ()


def _counted(
    directory: TenantDirectory, connections: Sequence[ConnectionStatus], known: Known
) -> _Counted:
    """Return what the directory says. Raises StillComputing."""
    vendors = [each.connection.vendor for each in connections if each.mode != "off"]
    people = {vendor: carried(directory, vendor) for vendor in vendors}
    return _Counted(
        {vendor: counts for vendor, counts in people.items() if counts is not None},
        unmarked_findings(kinds(directory), known),
    )

"""Körningar: what happened, when, to whom."""

from collections.abc import Mapping, Sequence

import msgspec
from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from addon.store.base import RUNS_KEPT
from addon.store.records import Shelf
from addon.tasks.base import QueueError
from addon.tasks.requests import SAME_WITHIN, run_now
from addon.tenants.pause import paused
from addon.web.charts import Series, bar_chart
from addon.web.directory.cache import NotRead, NotReady
from addon.web.pagination import page_of
from addon.web.presenters.resource_names import Subject, subjects
from addon.web.presenters.run_history import WholeRun, whole_runs
from addon.web.presenters.run_progress import asked
from addon.web.presenters.vendor_errors import trouble_said
from addon.web.request_context import Here, here

SIZE = 25
CHARTED = 40
"""Runs in the chart."""
DWARFS = 10
"""So many times the people of the second largest run, and a run is told beside the chart."""
NEWEST = 60
"""Records that are looked through for a run before all are."""


class Progress(Struct, frozen=True):
    """How far a delivery has come: operations done and planned."""

    vendor: str
    done: int
    planned: int


def blueprint() -> Blueprint:
    """The history of runs, and one run's story."""
    runs = Blueprint("runs", __name__)
    runs.add_app_template_filter(trouble_said, "trouble_said")

    @runs.get("/korningar")
    def page() -> AnyResponse | str:
        """What happened, when, to whom?"""
        now = here()
        found = _runs(now, RUNS_KEPT)
        begun = _begun(now, found)
        if begun is not None:
            return begun
        wanted = request.args.get("visa", "")
        rows = [run for run in found if run.did_anything] if wanted == "andringar" else found
        charted, beyond = _comparable(found[:CHARTED])
        return render_template(
            "runs/page.html",
            newest=found[0] if found else None,
            page=page_of(rows, request.args, SIZE),
            wanted=wanted if wanted == "andringar" else "",
            chart=_chart(charted) if _worth_a_chart(charted) else None,
            beyond=beyond,
            going=next((run for run in found if run.running), None),
            asked=asked(now),
        )

    @runs.post("/korningar/nu")
    def now() -> AnyResponse:
        """Have a run begin."""
        at = here()
        if paused(at.tenant, at.now) is not None:
            flash(
                _("Det är paus, så inget körs. Avsluta pausen under Inställningar först."),
                "warning",
            )
            return redirect(url_for("runs.page"))
        if not any(c.mode != "off" for c in at.tenant.connections):
            flash(_("Ingen leverantör är på, så det finns inget att köra."), "warning")
            return redirect(url_for("vendors.page"))
        try:
            ordered = run_now(at.house.queue(), at.tenant_id, at.now)
        except QueueError:
            flash(_("Körningen kunde inte startas just nu. Försök igen om en stund."), "warning")
            return redirect(url_for("runs.page"))
        if not ordered:  # it is the wish of a moment ago, whose run may have begun since
            same_since = at.now // SAME_WITHIN * SAME_WITHIN
            return redirect(url_for("runs.page", begard=int(same_since)))
        at.log("run.asked")
        return redirect(url_for("runs.page", begard=int(at.now)))

    @runs.get("/korningar/<run_id>")
    def run(run_id: str) -> str:
        """One run's story."""
        at = here()
        return render_template("runs/run.html", **_story(at, run_id))

    @runs.get("/korningar/<run_id>/lage")
    def progress(run_id: str) -> str | AnyResponse:
        """How the run is going, for the page that follows it."""
        if request.headers.get("HX-Request") != "true":
            return redirect(url_for("runs.run", run_id=run_id))
        return render_template("runs/story.html", **_story(here(), run_id))

    return runs


def going(here: Here) -> tuple[Progress, ...]:
    """What is being delivered now."""
    shelf = Shelf("progress", here.tenant_id)
    found = []
    for name in here.store.papers(shelf, here.now):
        paper = here.store.kept(shelf, name, here.now)
        if paper is not None:
            told = msgspec.json.decode(paper.data, type=dict[str, int])
            found.append(Progress(name, told.get("done", 0), told.get("planned", 0)))
    return tuple(found)


def _runs(now: Here, most: int) -> tuple[WholeRun, ...]:
    return whole_runs(now.store.runs(now.tenant_id, most), now.tenant, now.now)


def _begun(now: Here, found: Sequence[WholeRun]) -> AnyResponse | None:
    """The way to the run that was asked for, once it has begun."""
    since = asked(now)
    if since is None or not found or found[0].started < since:
        return None
    story = url_for("runs.run", run_id=found[0].id)
    if request.headers.get("HX-Request") == "true":
        return Response(headers={"HX-Redirect": story})
    return redirect(story)


def _story(at: Here, run_id: str) -> dict[str, object]:
    found = _find(at, run_id)
    if found is None:
        abort(404)
    return {
        "run": found,
        "record": found.record,
        "progress": going(at) if found.running else (),
        "known": _known(at),
    }


def _find(at: Here, run_id: str) -> WholeRun | None:
    """The run that a record belongs to. Most ask for a new one, and there may be many."""
    for most in (NEWEST, RUNS_KEPT):
        whole = _runs(at, most)
        found = next(
            (run for run in whole[: -1 if most == NEWEST else None] if run.has(run_id)), None
        )
        if found is not None:
            return found
    return None


def _known(at: Here) -> Mapping[str, Subject]:
    """Names for the failures, where the directory is to be had."""
    try:
        return subjects(at.desk)
    except (NotRead, NotReady):
        return {}


def _comparable(runs: Sequence[WholeRun]) -> tuple[Sequence[WholeRun], WholeRun | None]:
    """The runs without the one that would make all others vanish, such as the first delivery."""
    ordered = sorted(runs, key=lambda run: sum(run.people.values()))
    if len(ordered) < 3:
        return runs, None
    second, largest = (sum(run.people.values()) for run in ordered[-2:])
    if not second or largest < DWARFS * second:
        return runs, None
    return [run for run in runs if run is not ordered[-1]], ordered[-1]


def _worth_a_chart(runs: Sequence[WholeRun]) -> bool:
    return len(runs) > 1 and any(any(run.people.values()) for run in runs)


def _chart(runs: Sequence[WholeRun]) -> Markup:
    """To how many people the newest runs did something, the oldest first."""
    ordered = list(reversed(runs))

    def points(kind: str) -> tuple[tuple[float, float], ...]:
        return tuple((run.started, run.people[kind]) for run in ordered)

    series = [
        Series(_("Skapade"), points("create")),
        Series(_("Ändrade"), points("update")),
        Series(_("Borttagna"), points("delete"), removes=True),
    ]
    return bar_chart(series, _("Personer som de senaste körningarna skapade, ändrade och tog bort"))

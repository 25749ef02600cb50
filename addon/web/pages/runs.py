"""Körningar: what happened, when, to whom."""

from collections.abc import Mapping, Sequence

import msgspec
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from addon.pause import paused
from addon.queue import QueueError
from addon.queue.orders import run_now
from addon.store import Run, Shelf
from addon.web.charts import Series, bar_chart
from addon.web.here import Here, here
from addon.web.paging import page_of
from addon.web.study import NotRead, NotReady
from addon.web.views.standing import Record, record_of
from addon.web.views.subjects import Subject, subjects

SIZE = 25
CHARTED = 40
"""Runs in the chart."""
MOST = 1000


class Progress(Struct, frozen=True):
    """How far a delivery has come: operations done and planned."""

    vendor: str
    done: int
    planned: int


class Row(Struct, frozen=True):
    """A run in the list: what it did in all."""

    run: Run
    record: Record
    created: int
    changed: int
    removed: int
    failed: int

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.run.finished is None else self.run.finished - self.run.started


def blueprint() -> Blueprint:
    """The history of runs, and one run's story."""
    runs = Blueprint("runs", __name__)

    @runs.get("/korningar")
    def page() -> str:
        """What happened, when, to whom?"""
        now = here()
        found = now.store.runs(now.tenant_id, MOST)
        wanted = request.args.get("visa", "")
        rows = [row_of(run) for run in found]
        if wanted == "andringar":
            rows = [r for r in rows if r.created or r.changed or r.removed or r.failed]
        newest = [row_of(run) for run in found[:CHARTED]]
        return render_template(
            "runs/page.html",
            newest=newest[0] if newest else None,
            page=page_of(rows, request.args, SIZE),
            wanted=wanted,
            chart=_chart(newest) if len(newest) > 1 else None,
            going=[run for run in found if run.status == "running"],
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
            run_now(at.house.queue(), at.tenant_id, at.now)
        except QueueError:
            flash(_("Körningen kunde inte startas just nu. Försök igen om en stund."), "warning")
            return redirect(url_for("runs.page"))
        at.log("run.asked")
        flash(_("Körningen har beställts och börjar strax."))
        return redirect(url_for("runs.page"))

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


def row_of(run: Run) -> Row:
    """A run with what it did at all vendors together."""
    record = record_of(run)
    counts = {"create": 0, "update": 0, "delete": 0}
    failed = 0
    for part in record.connections:
        failed += len(part.failures)
        if part.status == "held":
            continue  # what was planned, not what was done
        for kind, by_type in part.operations.items():
            counts[kind] = counts.get(kind, 0) + sum(by_type.values())
    return Row(run, record, counts["create"], counts["update"], counts["delete"], failed)


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


def _story(at: Here, run_id: str) -> dict[str, object]:
    found = next((r for r in at.store.runs(at.tenant_id, MOST) if r.id == run_id), None)
    if found is None:
        abort(404)
    return {
        "row": row_of(found),
        "run": found,
        "record": record_of(found),
        "progress": going(at) if found.status == "running" else (),
        "known": _known(at),
        "running": found.status == "running",
    }


def _known(at: Here) -> Mapping[str, Subject]:
    """Names for the failures, where the directory is to be had."""
    try:
        return subjects(at.desk)
    except (NotRead, NotReady):
        return {}


def _chart(rows: Sequence[Row]) -> object:
    """Operations of the newest runs, the oldest first."""
    ordered = list(reversed(rows))
    series = [
        Series(_("Skapade"), tuple((r.run.started, r.created) for r in ordered)),
        Series(_("Ändrade"), tuple((r.run.started, r.changed) for r in ordered)),
        Series(_("Borttagna"), tuple((r.run.started, r.removed) for r in ordered)),
    ]
    return bar_chart(series)

"""What a page shows while the directory is being read, or while what it needs is being made."""

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from addon import survey
from addon.queue import QueueError, Task
from addon.queue.work import READ
from addon.survey import State
from addon.web.here import Here, here
from addon.web.study import NotRead, NotReady
from addon.web.way_back import local

READINGS = "runs"
SAME_WITHIN = 30.0
"""Seconds without a word from a reading under way within which it is not asked for again."""
ACCEPTED = 202


def waiting(app: Flask) -> None:
    """Have the application's pages wait for what they need, and say so."""

    @app.errorhandler(NotRead)
    def not_read(error: NotRead) -> AnyResponse | tuple[str, int]:
        now = here()
        if now.is_new:
            return redirect(url_for("overview.page"))
        state = error.state
        expired = state is not None and state.status == "done"
        if state is None or expired or state.lost(now.now):
            state = order_reading(now)
        return _page(state)

    @app.errorhandler(NotReady)
    def not_ready(error: NotReady) -> tuple[str, int]:
        return _page(None)


def blueprint() -> Blueprint:
    """Reading the directory anew."""
    directory = Blueprint("directory", __name__)

    @directory.post("/katalog/las")
    def read() -> AnyResponse:
        """Have the directory read now, and come back to the page that asked for it."""
        order_reading(here())
        return redirect(local(request.form.get("back", "")))

    return directory


def order_reading(now: Here) -> State:
    """Have the tenant's directory read in the queue, unless it is being read; how that stands."""
    known = survey.state(now.store, now.tenant_id, now.now)
    if known is not None and known.status == "reading" and now.now - known.at < SAME_WITHIN:
        return known
    now.forget_directory()
    state = State("reading", now.now)
    survey.tell(now.store, now.tenant_id, state)
    task = Task(
        queue=READINGS,
        name=f"read-{now.tenant_id}-{int(now.now * 1000)}",
        path=READ,
        payload={"tenant": now.tenant_id},
    )
    try:
        now.house.queue().enqueue(task)
    except QueueError as error:
        state = State("failed", now.now, detail=str(error))
        survey.tell(now.store, now.tenant_id, state)
    return state


def _page(state: State | None) -> tuple[str, int]:
    part = request.headers.get("HX-Request") == "true"
    template = "parts/waiting.html" if part else "waiting.html"
    again = request.full_path.rstrip("?") if request.method == "GET" else None
    return render_template(template, state=state, again=again, part=part), ACCEPTED

"""What a page shows while the directory is being read, or while what it needs is being made."""

from flask import Blueprint, Flask, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from addon.tasks.base import QueueError, Task
from addon.tasks.handlers import READ
from addon.web.directory import snapshot_store
from addon.web.directory.cache import NotRead, NotReady
from addon.web.directory.snapshot_store import State
from addon.web.request_context import Here, here
from addon.web.security.safe_redirect import local

READINGS = "runs"
SAME_WITHIN = 30.0
"""Seconds without a word from a reading under way within which it is not asked for again."""
ACCEPTED, NOTHING, CONFLICT = 202, 204, 409


def waiting(app: Flask) -> None:
    """Have the application's pages wait for what they need, and say so."""

    @app.errorhandler(NotRead)
    def not_read(error: NotRead) -> AnyResponse | tuple[str, int]:
        now = here()
        if now.is_new:
            return redirect(url_for("overview.page"))
        state = error.state
        expired = state is not None and state.status == "done"
        wished = request.form.get("read") == "again"
        if state is None or expired or wished or state.lost(now.now):
            state = order_reading(now)
        return _page(state)

    @app.errorhandler(NotReady)
    def not_ready(error: NotReady) -> AnyResponse | tuple[str, int]:
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
    known = snapshot_store.state(now.store, now.tenant_id, now.now)
    if known is not None and known.status == "reading" and now.now - known.at < SAME_WITHIN:
        return known
    now.forget_directory()
    state = State("reading", now.now)
    snapshot_store.tell(now.store, now.tenant_id, state)
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
        snapshot_store.tell(now.store, now.tenant_id, state)
    return state


def _page(state: State | None) -> AnyResponse | tuple[str, int]:
    if request.method == "POST":
        return _part_again(state) if _is_part() else _form_again(state)
    template = "parts/waiting.html" if _is_part() else "waiting.html"
    again = request.full_path.rstrip("?")
    return render_template(template, state=state, again=again, part=_is_part()), ACCEPTED


def _form_again(state: State | None) -> tuple[str, int]:
    """A form that met what was not there: nothing is saved, and all that was filled in is kept."""
    given = request.form.items(multi=True)
    fields = [each for each in given if each[0] not in ("csrf_token", "read")]
    return render_template("form_again.html", state=state, fields=fields), CONFLICT


def _part_again(state: State | None) -> AnyResponse:
    """A part of a page that a form asks for as it is filled in: what is shown stays, and what
    asked is told to ask again; where the directory cannot be read, that is said in the outcome.
    """
    if state is None or state.status != "failed":
        return Response(status=NOTHING, headers={"HX-Trigger": "again"})
    told = render_template("parts/unread.html", state=state)
    where = {"HX-Retarget": "#utfall", "HX-Reswap": "innerHTML"}
    return Response(told, headers=where)


def _is_part() -> bool:
    return request.headers.get("HX-Request") == "true"

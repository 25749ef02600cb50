"""What a page shows while the directory is being read or what it needs is being computed."""

from flask import Blueprint, Flask, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from addon.age import age, is_future
from addon.sync.report import stored_report
from addon.tasks.base import Task, TaskQueueError
from addon.tasks.handlers import READ
from addon.web.directory import snapshot_store
from addon.web.directory.cache import DirectoryNotRead, StillComputing, TenantDirectory
from addon.web.directory.snapshot_store import ReadingState
from addon.web.htmx import asks_for_part
from addon.web.request_context import RequestContext, request_context
from addon.web.security.safe_redirect import safe_path

READINGS = "runs"
SAME_WITHIN = 30.0
"""Seconds since the last progress of a reading within which no other is requested."""
ACCEPTED, NOTHING, CONFLICT = 202, 204, 409


def init_app(app: Flask) -> None:
    """Register error handlers that show a waiting page when data is not ready."""

    @app.errorhandler(DirectoryNotRead)
    def not_read(error: DirectoryNotRead) -> AnyResponse | tuple[str, int]:
        ctx = request_context()
        if ctx.is_new:
            return redirect(url_for("overview.page"))
        if request.form.get("read") == "again":
            return _page(request_reading(ctx))
        return _page(request_reading_unless_known(ctx, error.state))

    @app.errorhandler(StillComputing)
    def not_ready(error: StillComputing) -> AnyResponse | tuple[str, int]:
        return _page(None)


bp = Blueprint("directory", __name__)


@bp.post("/katalog/las")
def read() -> AnyResponse:
    """Request a reading of the directory, and go back to the page that asked for it."""
    request_reading(request_context())
    return redirect(safe_path(request.form.get("back", "")))


def request_reading(ctx: RequestContext) -> ReadingState:
    """Enqueue a reading of the tenant's directory unless one is under way; return its state."""
    known = snapshot_store.load_state(ctx.store, ctx.tenant_id, ctx.now)
    if known is not None and known.status == "reading" and age(known.at, ctx.now) < SAME_WITHIN:
        return known
    ctx.forget_directory()
    state = ReadingState("reading", ctx.now)
    snapshot_store.save_reading_state(ctx.store, ctx.tenant_id, state)
    task = Task(
        queue=READINGS,
        name=f"read-{ctx.tenant_id}-{int(ctx.now * 1000)}",
        path=READ,
        payload={"tenant": ctx.tenant_id},
    )
    try:
        ctx.services.queue().enqueue(task)
    except TaskQueueError as error:
        state = ReadingState("failed", ctx.now, detail=str(error), problem="set-up")
        snapshot_store.save_reading_state(ctx.store, ctx.tenant_id, state)
    return state


def request_reading_unless_known(ctx: RequestContext, state: ReadingState | None) -> ReadingState:
    """Return the state of the reading, of which `state` was known.

    A new reading is requested when there is none, when it has expired, and when it was cut off.
    """
    if state is None or state.status == "done" or state.lost(ctx.now):
        return request_reading(ctx)
    return state


def _page(state: ReadingState | None) -> AnyResponse | tuple[str, int]:
    if request.method == "POST":
        return _part_again(state) if asks_for_part() else _form_again(state)
    template = "parts/waiting.html" if asks_for_part() else "waiting.html"
    again = request.full_path.rstrip("?")
    return render_template(template, state=state, again=again, part=asks_for_part()), ACCEPTED


def _form_again(state: ReadingState | None) -> tuple[str, int]:
    """Show a form whose data was not ready: nothing is saved, and its fields are kept."""
    given = request.form.items(multi=True)
    fields = [each for each in given if each[0] not in ("csrf_token", "read")]
    return render_template("form_again.html", state=state, fields=fields), CONFLICT


def _part_again(state: ReadingState | None) -> AnyResponse:
    """Answer a request for a part of a page while its form is being filled in.

    The page keeps what it shows, and the part is requested again; when the directory cannot be
    read, the outcome part says so.
    """
    if state is None or state.status != "failed":
        return Response(status=NOTHING, headers={"HX-Trigger": "again"})
    told = render_template("parts/unread.html", state=state)
    where = {"HX-Retarget": "#utfall", "HX-Reswap": "innerHTML"}
    return Response(told, headers=where)


def updated_since(ctx: RequestContext, read: float) -> bool:
    """Whether a run that began after `read` had any operations, so that people have changed."""
    return any(
        part.did_something
        for run in ctx.runs
        if run.started > read and not is_future(run.started, ctx.now)
        for part in stored_report(run).connections
    )


def current_directory(ctx: RequestContext) -> TenantDirectory:
    """Return the tenant's directory, if no run has found changes since it was read.

    Only such a directory can show what the next run would do. Raises DirectoryNotRead, after
    requesting a reading, and StillComputing.
    """
    directory = ctx.directory
    if updated_since(ctx, directory.directory_snapshot.read):
        raise DirectoryNotRead(request_reading(ctx))
    return directory


def directory_since(ctx: RequestContext, moment: float) -> TenantDirectory:
    """Return the tenant's directory, if it was read at `moment` or later.

    Raises DirectoryNotRead, after requesting a reading unless the last one failed, and
    StillComputing.
    """
    try:
        directory = ctx.directory
    except DirectoryNotRead as error:
        raise DirectoryNotRead(request_reading_unless_known(ctx, error.state)) from None
    if directory.directory_snapshot.read < moment and not is_future(moment, ctx.now):
        raise DirectoryNotRead(request_reading(ctx))
    return directory

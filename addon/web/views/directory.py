"""What a page shows while the directory is being read, or while what it needs is being made."""

from flask import Blueprint, Flask, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

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
"""Seconds without a word from a reading under way within which it is not asked for again."""
ACCEPTED, NOTHING, CONFLICT = 202, 204, 409


def init_app(app: Flask) -> None:
    """Have the application's pages wait for what they need, and say so."""

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
    """Have the directory read now, and come back to the page that asked for it."""
    request_reading(request_context())
    return redirect(safe_path(request.form.get("back", "")))


def request_reading(ctx: RequestContext) -> ReadingState:
    """Have the tenant's directory read in the queue, unless it is being read; how that stands."""
    known = snapshot_store.load_state(ctx.store, ctx.tenant_id, ctx.now)
    if known is not None and known.status == "reading" and ctx.now - known.at < SAME_WITHIN:
        return known
    ctx.forget_directory()
    state = ReadingState("reading", ctx.now)
    snapshot_store.save_state(ctx.store, ctx.tenant_id, state)
    task = Task(
        queue=READINGS,
        name=f"read-{ctx.tenant_id}-{int(ctx.now * 1000)}",
        path=READ,
        payload={"tenant": ctx.tenant_id},
    )
    try:
        ctx.services.queue().enqueue(task)
    except TaskQueueError as error:
        state = ReadingState("failed", ctx.now, detail=str(error))
        snapshot_store.save_state(ctx.store, ctx.tenant_id, state)
    return state


def request_reading_unless_known(ctx: RequestContext, state: ReadingState | None) -> ReadingState:
    """How the reading stands, of which `state` was known.

    One is requested where there is none, where its day is over, and where it was cut off.
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
    """A form that met what was not there: nothing is saved, and all that was filled in is kept."""
    given = request.form.items(multi=True)
    fields = [each for each in given if each[0] not in ("csrf_token", "read")]
    return render_template("form_again.html", state=state, fields=fields), CONFLICT


def _part_again(state: ReadingState | None) -> AnyResponse:
    """A part of a page that a form asks for as it is filled in: what is shown stays, and what
    asked is told to ask again; where the directory cannot be read, that is said in the outcome.
    """
    if state is None or state.status != "failed":
        return Response(status=NOTHING, headers={"HX-Trigger": "again"})
    told = render_template("parts/unread.html", state=state)
    where = {"HX-Retarget": "#utfall", "HX-Reswap": "innerHTML"}
    return Response(told, headers=where)


def updated_since(ctx: RequestContext, read: float) -> bool:
    """Whether a run that began after `read` found anything to do: then people have changed."""
    return any(
        any(any(by_type.values()) for by_type in part.operations.values())
        for run in ctx.runs
        if run.started > read
        for part in stored_report(run).connections
    )


def current_directory(ctx: RequestContext) -> TenantDirectory:
    """The tenant's directory, if no run has found changes since it was read.

    What the next run would do can be told about no other. Raises DirectoryNotRead, having ordered a
    reading, and StillComputing.
    """
    directory = ctx.directory
    if updated_since(ctx, directory.directory_snapshot.read):
        raise DirectoryNotRead(request_reading(ctx))
    return directory


def directory_since(ctx: RequestContext, moment: float) -> TenantDirectory:
    """The tenant's directory, if it was read after a moment.

    Raises DirectoryNotRead, having ordered a reading unless the last one failed, and
    StillComputing.
    """
    try:
        directory = ctx.directory
    except DirectoryNotRead as error:
        raise DirectoryNotRead(request_reading_unless_known(ctx, error.state)) from None
    if directory.directory_snapshot.read < moment:
        raise DirectoryNotRead(request_reading(ctx))
    return directory

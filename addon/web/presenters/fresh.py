"""Whether the directory that a page shows is older than what runs have found since."""

from addon.web.directory.cache import DirectoryNotRead, TenantDirectory
from addon.web.presenters.connection_status import record_of
from addon.web.request_context import RequestContext
from addon.web.views.directory import request_reading


def updated_since(ctx: RequestContext, read: float) -> bool:
    """Whether a run that began after `read` found anything to do: then people have changed."""
    return any(
        any(any(by_type.values()) for by_type in part.operations.values())
        for run in ctx.runs
        if run.started > read
        for part in record_of(run).connections
    )


def current_directory_or_none(ctx: RequestContext) -> TenantDirectory:
    """The tenant's desk, of a directory that no run has overtaken.

    What the next run would do can be told of no other. Raises NotRead, having ordered a reading,
    and NotReady.
    """
    directory = ctx.directory
    if updated_since(ctx, directory.survey.read):
        raise DirectoryNotRead(request_reading(ctx))
    return directory


def directory_since(ctx: RequestContext, moment: float) -> TenantDirectory:
    """The tenant's desk, of a directory that was read after a moment.

    Raises NotRead, having ordered a reading unless the last one failed, and NotReady.
    """
    try:
        directory = ctx.directory
    except DirectoryNotRead as error:
        state = error.state
        if state is None or state.status == "done" or state.lost(ctx.now):
            state = request_reading(ctx)
        raise DirectoryNotRead(state) from None
    if directory.survey.read < moment:
        raise DirectoryNotRead(request_reading(ctx))
    return directory

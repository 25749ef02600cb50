"""Whether the directory that a page shows is older than what runs have found since."""

from addon.web.directory.cache import Desk, NotRead
from addon.web.presenters.connection_status import record_of
from addon.web.request_context import Here
from addon.web.views.directory import order_reading


def overtaken(now: Here, read: float) -> bool:
    """Whether a run that began after `read` found anything to do: then people have changed."""
    return any(
        any(any(by_type.values()) for by_type in part.operations.values())
        for run in now.runs
        if run.started > read
        for part in record_of(run).connections
    )


def fresh_desk(now: Here) -> Desk:
    """The tenant's desk, of a directory that no run has overtaken.

    What the next run would do can be told of no other. Raises NotRead, having ordered a reading,
    and NotReady.
    """
    desk = now.desk
    if overtaken(now, desk.survey.read):
        raise NotRead(order_reading(now))
    return desk


def desk_since(now: Here, moment: float) -> Desk:
    """The tenant's desk, of a directory that was read after a moment.

    Raises NotRead, having ordered a reading unless the last one failed, and NotReady.
    """
    try:
        desk = now.desk
    except NotRead as error:
        state = error.state
        if state is None or state.status == "done" or state.lost(now.now):
            state = order_reading(now)
        raise NotRead(state) from None
    if desk.survey.read < moment:
        raise NotRead(order_reading(now))
    return desk

"""The endpoints that Cloud Tasks calls to have tasks done."""

from flask import Blueprint, request

from addon.tasks.changes import CHANGES, PLACES
from addon.tasks.channel_schedule import CHANNELS
from addon.tasks.handlers import DELIVER, PROTECT, READ, RECONCILE, RUN, WITHDRAW
from addon.web.services import current_services

LARGEST = 16_384
"""Maximum bytes of a payload, which has ids only."""

bp = Blueprint("tasks", __name__)


@bp.post(RUN)
@bp.post(DELIVER)
@bp.post(READ)
@bp.post(PROTECT)
@bp.post(WITHDRAW)
@bp.post(RECONCILE)
@bp.post(CHANGES)
@bp.post(CHANNELS)
@bp.post(PLACES)
def do() -> tuple[dict[str, str], int]:
    """Do the task."""
    request.max_content_length = LARGEST
    handler = current_services().task_handler
    result = handler.handle(request.path, request.get_json(force=True, silent=True))
    return {"outcome": result.outcome}, result.status

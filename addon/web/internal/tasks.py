"""What Cloud Tasks calls: the endpoints through which tasks come back to be done."""

from flask import Blueprint, request

from addon.tasks.handlers import DELIVER, READ, RECONCILE, RUN, WITHDRAW, TaskHandler

LARGEST = 16_384
"""Bytes of a payload: it has ids only."""


def blueprint(work: TaskHandler) -> Blueprint:
    """The endpoints of tasks."""
    tasks = Blueprint("tasks", __name__)

    @tasks.post(RUN)
    @tasks.post(DELIVER)
    @tasks.post(READ)
    @tasks.post(WITHDRAW)
    @tasks.post(RECONCILE)
    def do() -> tuple[dict[str, str], int]:
        """Do the task."""
        request.max_content_length = LARGEST
        answer = work.handle(request.path, request.get_json(force=True, silent=True))
        return {"outcome": answer.outcome}, answer.status

    return tasks

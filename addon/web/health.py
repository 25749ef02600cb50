"""Whether the process is alive."""

from flask import Blueprint

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> dict[str, str]:
    """Answers as long as the process does."""
    return {"status": "ok"}

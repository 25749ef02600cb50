"""No form is taken that was not one of ours: a token in each, bound to the session."""

from collections.abc import Sequence

from flask import Flask
from flask_wtf.csrf import CSRFProtect


def init_app(app: Flask, exempt: Sequence[str]) -> None:
    """Refuse what has no token, at all endpoints but those of the blueprints `exempt`.

    Those are for programs, which `task_auth` checks. Call this when all are registered.
    """
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # as long as the session
    protection = CSRFProtect(app)
    for name in exempt:
        protection.exempt(app.blueprints[name])

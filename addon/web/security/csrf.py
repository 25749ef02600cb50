"""CSRF protection: every form carries a token that is bound to the session."""

from collections.abc import Sequence

from flask import Flask
from flask_wtf.csrf import CSRFProtect


def init_app(app: Flask, exempt: Sequence[str]) -> None:
    """Refuse requests without a token at all endpoints but those of the blueprints `exempt`.

    The exempt ones are for programs, which prove who they are by tokens. Call this when all
    blueprints are registered.
    """
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # valid as long as the session
    protection = CSRFProtect(app)
    for name in exempt:
        protection.exempt(app.blueprints[name])

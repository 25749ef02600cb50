"""Skolsynk: from a Google Workspace domain to the vendors of digital teaching material."""

from flask import Flask

from addon.settings import Settings


def create_app(settings: Settings) -> Flask:
    """The web application: its parts, put together."""
    from addon.web import health

    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    app.config["SKOLSYNK"] = settings
    app.register_blueprint(health.blueprint)
    return app

"""The web application under gunicorn, started from the command line."""

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from addon import create_app
from addon.settings import Settings


class _Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with the options given here instead of its own command line."""

    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self._app = app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until the process is told to end."""
    options = {
        "bind": f"{host}:{port}",
        "threads": 8,
        "worker_class": "gthread",
        "control_socket_disable": True,  # it would be in the home folder, for all servers one
    }
    _Server(create_app(settings), options).run()

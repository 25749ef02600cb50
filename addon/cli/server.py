"""The web application under gunicorn, started from the command line."""

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from addon import EXTENSION_KEY, create_app, logs
from addon.bootstrap import open_store
from addon.settings import Settings, SqliteAddress
from addon.web.server.worker import BufferingWorker
from addon.web.services import Services


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


def serve(settings: Settings, host: str, port: int, quiet: bool = False) -> None:
    """Serve until the process is terminated; with `quiet`, start without log messages.

    Raises StoreError when the store's file cannot be used.
    """
    if isinstance(settings.store, SqliteAddress):
        open_store(settings).close()  # report an unusable file here, before a worker fails with it
    app = create_app(settings)
    services: Services = app.extensions[EXTENSION_KEY]
    options = {
        "bind": f"{host}:{port}",
        "workers": 1,  # the local queue allows one process; overrides $WEB_CONCURRENCY
        "threads": 16,
        "worker_class": BufferingWorker,
        "worker_connections": 512,
        "control_socket_disable": True,  # all servers would share one socket in the home directory
        "post_worker_init": lambda worker: services.start(app.jinja_env),
        "worker_exit": lambda server, worker: services.stop(),
    }
    if quiet or settings.log_format == "json":
        options["loglevel"] = "warning"
    if settings.log_format == "json":
        options["on_starting"] = lambda server: logs.take_over_loggers(
            "gunicorn.error", "gunicorn.access"
        )
    _Server(app, options).run()

"""Skolsynk: from a Google Workspace domain to the vendors of digital teaching material."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Flask

from addon.settings import Settings

if TYPE_CHECKING:
    from addon.queue import Queue
    from addon.store import Store

HOUSE = "skolsynk"
"""Where `app.extensions` has the application's `addon.web.house.House`."""


def create_app(
    settings: Settings,
    *,
    store: "Store | None" = None,
    queue: "Queue | None" = None,
    certs_url: str | None = None,
    seconds: float | None = None,
    clock: Callable[[], float] = time.time,
) -> Flask:
    """The web application: its parts, put together.

    Nothing is opened before it is needed. `store` and `queue` stand in for those that the
    settings name, `certs_url` for where Google's certificates are, `seconds` for how long a
    delivery may take before it goes on in another task.
    """
    from addon.queue.work import SECONDS
    from addon.web import answers, bands, cron, doors, health, language, pages, tasks, waiting
    from addon.web.house import House

    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    house = House(settings, store, queue, seconds or SECONDS, clock)
    app.extensions[HOUSE] = house
    answers.common(app, https_only=settings.on_app_engine)
    doors.guard(app, settings, certs_url or doors.CERTS_URL)
    app.register_blueprint(health.blueprint(house.store))
    app.register_blueprint(cron.blueprint(house.store, house.queue, settings.schedule_hours, clock))
    app.register_blueprint(tasks.blueprint(house.work))
    language.speak(app)
    bands.bands(app)
    waiting.waiting(app)
    app.register_blueprint(language.blueprint())
    app.register_blueprint(waiting.blueprint())
    for page in pages.blueprints():
        app.register_blueprint(page)
    return app

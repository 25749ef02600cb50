"""Skolsynk: from a Google Workspace domain to the vendors of digital teaching material."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Flask

from addon.settings import Settings

if TYPE_CHECKING:
    from addon.store.base import Store
    from addon.tasks.base import Queue

HOUSE = "skolsynk"
"""Where `app.extensions` has the application's `addon.web.services.House`."""


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
    from addon.tasks.handlers import SECONDS
    from addon.web import (
        answers,
    )
    from addon.web import (
        context_processors as bands,
    )
    from addon.web import (
        i18n as language,
    )
    from addon.web import (
        labels as words,
    )
    from addon.web import (
        pagination as paging,
    )
    from addon.web import (
        views as pages,
    )
    from addon.web.internal import cron, health, tasks
    from addon.web.request_context import Here
    from addon.web.security import (
        auth as gate,
    )
    from addon.web.security import (
        csrf as forgery,
    )
    from addon.web.security import (
        sessions as session,
    )
    from addon.web.security import (
        task_auth as doors,
    )
    from addon.web.services import House
    from addon.web.views import directory as waiting
    from addon.web.views import sign_in as signin

    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    house = House(settings, store, queue, seconds or SECONDS, clock)
    app.extensions[HOUSE] = house
    session.sessions(app, settings, house.store, clock)
    answers.common(app, https_only=settings.serves_https)
    doors.guard(app, settings, certs_url or doors.CERTS_URL)
    gate.gate(app, house, Here)
    language.speak(app)
    words.words(app)
    paging.paging(app)
    bands.bands(app)
    waiting.waiting(app)
    for programs in (
        health.blueprint(house.store),
        cron.blueprint(house.store, house.queue, settings.schedule_hours, clock, house.tidy),
        tasks.blueprint(house.work),
    ):
        app.register_blueprint(programs)
    for page in (signin.blueprint(app, house), language.blueprint(), waiting.blueprint()):
        app.register_blueprint(page)
    for page in pages.blueprints():
        app.register_blueprint(page)
    forgery.refuse(app, but=("cron", "tasks"))
    return app

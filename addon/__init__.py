"""Skolsynk syncs a Google Workspace domain to the vendors of digital teaching material."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Flask

from addon.settings import Settings

if TYPE_CHECKING:
    from addon.store.base import Store
    from addon.tasks.base import TaskQueue

EXTENSION_KEY = "skolsynk"
"""The key in `app.extensions` of the application's `addon.web.services.Services`."""


def create_app(
    settings: Settings,
    *,
    store: "Store | None" = None,
    queue: "TaskQueue | None" = None,
    seconds: float | None = None,
    clock: Callable[[], float] = time.time,
) -> Flask:
    """Create the web application.

    Nothing is opened before it is needed. `store` and `queue` replace those that the settings
    name, and `seconds` is how long a delivery may take before it continues in another task.
    """
    from addon.tasks.handlers import SECONDS
    from addon.web import (
        context_processors,
        errors,
        i18n,
        navigation,
        pagination,
        template_filters,
        views,
    )
    from addon.web.addon_card import endpoints as addon_card
    from addon.web.internal import cron, health, push, tasks
    from addon.web.request_context import RequestContext
    from addon.web.security import auth, csrf, headers, sessions, task_auth, trusted_hosts
    from addon.web.security.google_certificates import GOOGLE, GoogleCertificates
    from addon.web.security.google_tokens import GoogleTokenVerifier
    from addon.web.services import Services
    from addon.web.views import directory, public, sign_in

    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    services = Services(settings, store, queue, seconds or SECONDS, clock)
    app.extensions[EXTENSION_KEY] = services
    sessions.init_app(app, settings, services.signing_keys)
    headers.init_app(app, https_only=settings.serves_https)
    trusted_hosts.init_app(app, settings)
    errors.init_app(app)
    certificates = GoogleCertificates(settings.web.google_certs or GOOGLE, clock)
    tokens = GoogleTokenVerifier(certificates, clock)
    task_auth.init_app(app, settings, tokens)
    auth.init_app(app, services, RequestContext)
    addon_card.init_app(app, services, tokens)
    i18n.init_app(app)
    template_filters.init_app(app)
    pagination.init_app(app)
    context_processors.init_app(app)
    navigation.init_app(app)
    directory.init_app(app)
    sign_in.init_app(app, settings)
    health.init_app(app, services.store)
    push.init_app(app, services)
    programs = (cron, tasks, health, push, addon_card)
    for module in (*programs, sign_in, i18n, directory, public, *views.PAGES):
        app.register_blueprint(module.bp)
    csrf.init_app(app, exempt=("cron", "tasks", "push", "addon_card"))
    return app

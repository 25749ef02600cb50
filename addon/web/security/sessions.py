"""The signed cookie: the id of a session in the store, a language, and no data about anybody."""

import logging
import secrets
from collections.abc import Callable
from datetime import timedelta

from flask import Flask, Request, Response, render_template, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from addon.bootstrap import secret_manager
from addon.settings import Settings
from addon.store.base import CacheStore, StoreError
from addon.store.records import Namespace
from addon.vendors.profiles import NotConfigured
from addon.web.security.headers import FOR_PROGRAMS, is_public

log = logging.getLogger(__name__)

IDLE = timedelta(hours=12)
"""Time without a request after which a session expires."""
SECRETS = Namespace("session")
WITHOUT = "skolsynk.without_sessions"


def init_app(
    app: Flask, settings: Settings, store: Callable[[], CacheStore], clock: Callable[[], float]
) -> None:
    """Configure the application's sessions."""
    secure = settings.serves_https
    app.config.update(
        SESSION_COOKIE_NAME="__Host-skolsynk" if secure else "skolsynk",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=IDLE,
        SESSION_REFRESH_EACH_REQUEST=True,
    )
    app.session_interface = _Sessions(lambda: secret(settings, store, clock()))

    @app.before_request
    def without_sessions() -> tuple[str, int] | None:
        """Answer 503 when sessions cannot be opened; that page needs no session."""
        if WITHOUT not in request.environ:
            return None
        return render_template("errors/broken.html"), 503


def secret(settings: Settings, store: Callable[[], CacheStore], now: float) -> str:
    """Return the secret that signs sessions: the setting, or one created once in the store.

    Raises NotConfigured and StoreError.
    """
    given = settings.web.session_secret
    if given is not None:
        name = given.removeprefix("secretmanager:")
        return given if name == given else secret_manager()(name)
    kept = store().get(SECRETS, "secret", now)
    if kept is None:
        store().put_if_absent(SECRETS, "secret", secrets.token_hex(32).encode(), now)
        kept = store().get(SECRETS, "secret", now)
    assert kept is not None
    return kept.data.decode()


class _Sessions(SecureCookieSessionInterface):
    """Sessions whose secret is loaded at the first request, so not before gunicorn forks."""

    def __init__(self, ask: Callable[[], str]) -> None:
        self._ask = ask

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:  # type: ignore[override]
        if is_public(request.method, request.path):
            return self.make_null_session(app)
        if request.path.split("/")[1] in (*FOR_PROGRAMS, "static"):
            return self.session_class()
        if not app.secret_key:
            try:
                app.secret_key = self._ask()
            except (NotConfigured, StoreError) as error:
                log.error("there can be no sessions: %s", error)
                request.environ[WITHOUT] = True
                return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if app.secret_key:
            super().save_session(app, session, response)

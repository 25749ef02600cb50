"""The signed cookie: the id of a session in the store, a language, and no data about anybody."""

import logging
from collections.abc import Callable
from datetime import timedelta

from flask import Flask, Request, Response, render_template, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from addon.settings import Settings
from addon.store.base import StoreError
from addon.vendors.profiles import NotConfigured
from addon.web.security.headers import FOR_PROGRAMS, is_public

log = logging.getLogger(__name__)

IDLE = timedelta(hours=12)
"""Time without a request after which a session expires."""
WITHOUT = "skolsynk.without_sessions"


def init_app(app: Flask, settings: Settings, keys: Callable[[], tuple[str, ...]]) -> None:
    """Configure the application's sessions, which `keys` sign; see SigningKeys."""
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
    app.session_interface = _Sessions(keys)

    @app.before_request
    def without_sessions() -> tuple[str, int] | None:
        """Answer 503 when sessions cannot be opened; that page needs no session."""
        if WITHOUT not in request.environ:
            return None
        return render_template("errors/broken.html"), 503


class _Sessions(SecureCookieSessionInterface):
    """Sessions whose secrets are loaded at a request, so not before gunicorn forks."""

    def __init__(self, keys: Callable[[], tuple[str, ...]]) -> None:
        self._keys = keys

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:  # type: ignore[override]
        if is_public(request.method, request.path):
            return self.make_null_session(app)
        if request.path.split("/")[1] in (*FOR_PROGRAMS, "static"):
            return self.session_class()
        try:
            key, *earlier = self._keys()
        except (NotConfigured, StoreError) as error:
            log.error("there can be no sessions: %s", error)
            request.environ[WITHOUT] = True
            return self.session_class()
        if app.secret_key != key or app.config["SECRET_KEY_FALLBACKS"] != earlier:
            app.config["SECRET_KEY_FALLBACKS"] = earlier
            app.config["WTF_CSRF_SECRET_KEY"] = [*earlier, key]  # the last one signs
            app.secret_key = key
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if app.secret_key:
            super().save_session(app, session, response)

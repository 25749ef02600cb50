"""Pages answer under the installation's own name only, so that no link is made of another's.

Programs prove who they are in other ways: health checks, cron and tasks come within a platform, by
names of its own.
"""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, Response, render_template
from werkzeug.wrappers import Response as AnyResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

from addon.settings import Settings
from addon.web.security.headers import FOR_PROGRAMS, HEADERS

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
HOST = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
NEUTRAL = "localhost"
"""The name that a request gets where its own does not matter."""


def init_app(app: Flask, settings: Settings) -> None:
    """Answer 400 to requests for pages under another host than that of SKOLSYNK_URL."""
    own = None if settings.web.url is None else urlsplit(settings.web.url).hostname

    def refused() -> AnyResponse:
        with app.app_context():
            page = render_template("errors/wrong_host.html")
        return Response(page, 400, HEADERS)

    app.wsgi_app = _TrustedHosts(app.wsgi_app, own, refused)  # type: ignore[assignment]


class _TrustedHosts:
    """Passes on the requests under a trusted name; without `own` every well-formed name is."""

    def __init__(
        self, app: "WSGIApplication", own: str | None, refused: Callable[[], AnyResponse]
    ) -> None:
        self._app = app
        self._own = own
        self._refused = refused

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        given = environ.get("HTTP_HOST", "")
        if not self._is_trusted(given):
            if environ.get("PATH_INFO", "").lstrip("/").partition("/")[0] not in FOR_PROGRAMS:
                return self._refused()(environ, start)
            environ["HTTP_HOST"] = NEUTRAL
        return self._app(environ, start)

    def _is_trusted(self, given: Any) -> bool:
        found = HOST.fullmatch(given)
        if found is None:
            return not given and self._own is None  # HTTP/1.0 has no name
        name = found[1].lower().rstrip(".")
        return self._own is None or name == self._own.lower() or name in LOOPBACK

"""Authentication of /cron and /tasks: App Engine itself, or our own service account.

On App Engine a request from outside cannot have these headers, since App Engine removes them:
"headers with names that match App Engine-specific headers" are removed from incoming requests
(https://cloud.google.com/appengine/docs/standard/reference/request-headers); of a task's headers,
"if any of these headers are present in an external user request to your app, they are replaced by
the internal ones" (https://cloud.google.com/tasks/docs/creating-appengine-handlers). Names with
underscores would look the same to WSGI; gunicorn drops those while its `header_map` has its
default value.

Elsewhere Cloud Tasks and Cloud Scheduler send an OpenID Connect token that Google has signed
(https://cloud.google.com/tasks/docs/creating-http-target-tasks#token). When tasks run in the
process itself, every request is refused.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, abort, request
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport import Request as Transport
from google.auth.transport import Response as Certificates
from google.auth.transport.requests import Request as Requests
from google.oauth2.id_token import verify_token
from werkzeug.datastructures import Headers

from addon.settings import LocalTasks, Settings

log = logging.getLogger(__name__)

CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
"""Where Google publishes the certificates that verify its tokens."""
ISSUERS = ("https://accounts.google.com", "accounts.google.com")
SKEW = 10
"""Seconds by which Google's clock and ours may differ."""
CERTS_KEPT = 3600.0
"""Seconds. Google publishes new certificates a day or more before they are used."""
FAILURE_KEPT = 5.0
CERTS_WITHIN = 10.0


class Unauthorized(Exception):
    """The request is refused; the message says why, for our log only."""


Verifier = Callable[[Headers], None]
"""Accepts a request with these headers, or raises Unauthorized."""


def init_app(app: Flask, settings: Settings, certs_url: str = CERTS_URL) -> None:
    """Verify the caller of /cron and /tasks, whether the path exists or not."""
    verifiers = _verifiers(settings, certs_url)

    @app.before_request
    def check() -> None:
        verify = verifiers.get(request.path.split("/")[1])
        if verify is None:
            return
        try:
            verify(request.headers)
        except Unauthorized as why:
            log.warning("refused %s %r: %s", request.method, request.path[:200], why)
            abort(403)


def _verifiers(settings: Settings, certs_url: str) -> Mapping[str, Verifier]:
    """Return the verifiers by the first part of a path."""
    if settings.on_app_engine:
        return {"cron": _only_cron, "tasks": _only_tasks}
    if isinstance(settings.tasks, LocalTasks):
        return {"cron": _nobody, "tasks": _nobody}
    assert settings.tasks_url is not None
    assert settings.service_account is not None
    verifier = OidcVerifier(settings.tasks_url, settings.service_account, certs_url)
    return {"cron": verifier, "tasks": verifier}


def _only_cron(headers: Headers) -> None:
    if headers.get("X-Appengine-Cron") != "true":
        raise Unauthorized("it is not from App Engine's cron")


def _only_tasks(headers: Headers) -> None:
    if not (headers.get("X-AppEngine-QueueName") and headers.get("X-AppEngine-TaskName")):
        raise Unauthorized("it is not from Cloud Tasks")


def _nobody(headers: Headers) -> None:
    raise Unauthorized("tasks are done in the process here")


class OidcVerifier:
    """Accepts a token of `service_account` that Google has signed for `audience`.

    https://developers.google.com/identity/openid-connect/openid-connect#validatinganidtoken
    """

    def __init__(self, audience: str, service_account: str, certs_url: str = CERTS_URL) -> None:
        self._audience = audience
        self._service_account = service_account
        self._certs_url = certs_url
        self._transport = _Remembering()

    def __call__(self, headers: Headers) -> None:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("it has no token")
        claims = self._verified(token.strip())
        if claims.get("iss") not in ISSUERS:
            raise Unauthorized("its token is not of Google's making")
        if claims.get("email") != self._service_account or claims.get("email_verified") is not True:
            raise Unauthorized("its token is another account's")

    def _verified(self, token: str) -> Mapping[str, Any]:
        try:
            return verify_token(
                token,
                self._transport,
                audience=self._audience,
                certs_url=self._certs_url,
                clock_skew_in_seconds=SKEW,
            )
        except TransportError:
            log.error("the certificates at %s cannot be had", self._certs_url)
            raise Unauthorized("its token cannot be checked now") from None
        except (GoogleAuthError, ValueError, KeyError, TypeError) as error:
            raise Unauthorized(f"its token is not good ({type(error).__name__})") from None


class _Remembering(Transport):
    """A transport that caches responses for CERTS_KEPT and failures for FAILURE_KEPT."""

    def __init__(self) -> None:
        self._requests = Requests()
        self._lock = threading.Lock()
        self._fetched: dict[str, tuple[float, Certificates | None]] = {}

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **more: Any,
    ) -> Certificates:
        with self._lock:
            until, response = self._fetched.get(url, (0.0, None))
            if until <= time.monotonic():
                response = self._fetch(url, method)
                kept = CERTS_KEPT if response is not None else FAILURE_KEPT
                self._fetched[url] = time.monotonic() + kept, response
        if response is None:
            raise TransportError(f"{url} cannot be had")  # type: ignore[no-untyped-call]
        return response

    def _fetch(self, url: str, method: str) -> Certificates | None:
        try:
            response = self._requests(url, method=method, timeout=CERTS_WITHIN)
        except TransportError:
            return None
        return response if response.status == 200 else None

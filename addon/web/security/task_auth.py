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
from collections.abc import Callable, Mapping

from flask import Flask, abort, request
from werkzeug.datastructures import Headers

from addon.settings import LocalTasks, Settings
from addon.web.security.google_certificates import CertificatesUnavailableError
from addon.web.security.google_tokens import GoogleTokenVerifier, InvalidTokenError

log = logging.getLogger(__name__)


class Unauthorized(Exception):
    """The request is refused; the message says why, for our log only."""


Verifier = Callable[[Headers], None]
"""Accepts a request with these headers, or raises Unauthorized."""


def init_app(app: Flask, settings: Settings, tokens: GoogleTokenVerifier) -> None:
    """Verify the caller of /cron and /tasks, whether the path exists or not."""
    verifiers = _verifiers(settings, tokens)

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


def _verifiers(settings: Settings, tokens: GoogleTokenVerifier) -> Mapping[str, Verifier]:
    """Return the verifiers by the first part of a path."""
    if settings.on_app_engine:
        return {"cron": _only_cron, "tasks": _only_tasks}
    if isinstance(settings.tasks, LocalTasks):
        return {"cron": _nobody, "tasks": _nobody}
    assert settings.tasks_url is not None
    assert settings.service_account is not None
    verifier = OidcVerifier(settings.tasks_url, settings.service_account, tokens)
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
    """Accepts a token of `service_account` that Google has signed for `audience`."""

    def __init__(self, audience: str, service_account: str, tokens: GoogleTokenVerifier) -> None:
        self._audience = audience
        self._service_account = service_account
        self._tokens = tokens

    def __call__(self, headers: Headers) -> None:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("it has no token")
        try:
            claims = self._tokens.verify(token.strip(), self._audience)
        except CertificatesUnavailableError:
            raise Unauthorized("its token cannot be checked now") from None
        except InvalidTokenError as error:
            raise Unauthorized(f"its token is not good: {error}") from None
        if claims.email != self._service_account or not claims.email_verified:
            raise Unauthorized("its token is another account's")

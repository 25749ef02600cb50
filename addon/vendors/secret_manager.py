"""Vendors' secrets from Google Secret Manager: kept in memory for minutes, never stored."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from addon.vendors.profiles import NotConfigured

log = logging.getLogger(__name__)

FRESH = 300.0
STALE = 3600.0
AGAIN = 30.0
"""Seconds: how long a value is used without asking again; its maximum age while Secret Manager
cannot be reached; and then the time until the next attempt."""

TIMEOUT = 10.0
"""Seconds that one answer may take, retries included."""

DEFINITE = frozenset(
    "FailedPrecondition Forbidden InvalidArgument NotFound PermissionDenied Unauthenticated".split()
)
"""Deliberate refusals: the value known before is not used any longer."""


@dataclass
class _Known:
    """What is known of a secret. `fetched` and `ask_at` are times of the cache's clock."""

    value: str | None = field(default=None, repr=False)
    fetched: float = 0.0
    ask_at: float = 0.0
    lock: Lock = field(default_factory=Lock)


class SecretManager:
    """Gives secrets by resource name, `projects/P/secrets/S/versions/V`: a `profiles.Secrets`.

    With `latest` for a version, a new version is used within `FRESH` seconds, or at once after
    `forget`. `endpoint` is the `host:port` of a server that replaces the API, without TLS, for
    tests. `clock` gives seconds, `client` a client of Google's library.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        client: Callable[[], Any] | None = None,
    ) -> None:
        self._make_client = client or (lambda: _client(endpoint))
        self._clock = clock
        self._client: Any = None
        self._known: dict[str, _Known] = {}
        self._lock = Lock()

    def __call__(self, name: str) -> str:
        """Return the secret. Raises NotConfigured, with what to do."""
        with self._lock:
            known = self._known.setdefault(name, _Known())
        with known.lock:  # one thread asks, the others wait for the answer
            if known.value is None or self._clock() >= known.ask_at:
                self._ask(name, known)
            assert known.value is not None
            return known.value

    def forget(self, name: str) -> None:
        """Discard the value, so that it is fetched again: call it when a vendor rejects it."""
        with self._lock:
            self._known.pop(name.removeprefix("secretmanager:"), None)

    def _ask(self, name: str, known: _Known) -> None:
        now = self._clock()
        try:
            value = self._fetch(name)
        except NotConfigured:
            known.value = None
            raise
        except Exception as error:
            kind = type(error).__name__
            age = now - known.fetched
            if known.value is None or age >= STALE or kind in DEFINITE:
                known.value = None
                raise NotConfigured(_what_to_do(name, kind)) from None
            known.ask_at = now + AGAIN
            log.warning("%s cannot be read (%s); going on with what was read before", name, kind)
            return
        known.value, known.fetched, known.ask_at = value, now, now + FRESH

    def _fetch(self, name: str) -> str:
        from google.api_core.retry import Retry

        with self._lock:
            if self._client is None:
                self._client = self._make_client()
        retry = Retry(initial=0.2, maximum=2.0, timeout=TIMEOUT)
        answer = self._client.access_secret_version(name=name, retry=retry, timeout=TIMEOUT)
        try:
            value: str = answer.payload.data.decode().strip()
        except UnicodeDecodeError:
            raise NotConfigured(f"{name} is not text: add a new version of it") from None
        if not value:
            raise NotConfigured(f"{name} is empty: add a new version of it")
        return value


def _client(endpoint: str | None) -> Any:
    """Create Google's client; importing its libraries takes half a second."""
    from google.cloud.secretmanager import SecretManagerServiceClient

    if endpoint is None:
        return SecretManagerServiceClient()
    import grpc  # type: ignore[import-untyped]
    from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
        SecretManagerServiceGrpcTransport,
    )

    channel = grpc.insecure_channel(endpoint)
    return SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))


def _what_to_do(name: str, kind: str) -> str:
    secret, _, version = name.partition("/versions/")
    short = secret.rpartition("/")[2]
    if kind in ("PermissionDenied", "Forbidden"):
        return (
            f"Secret Manager does not let Skolsynk read {name}: grant its service account the role "
            f"Secret Manager Secret Accessor (roles/secretmanager.secretAccessor) on {secret}"
        )
    if kind == "NotFound":
        return (
            f"{name} is not in Secret Manager: add it with `gcloud secrets create {short}` and "
            f"`gcloud secrets versions add {short} --data-file=-`, or fix the vendor profile"
        )
    if kind == "FailedPrecondition":
        return (
            f"version {version} of {secret} is disabled or destroyed: enable it, or add a new one "
            f"with `gcloud secrets versions add {short} --data-file=-`"
        )
    if kind == "InvalidArgument":
        return f"{name} is not the name of a secret's version: fix the vendor profile"
    if kind in ("DefaultCredentialsError", "RefreshError", "Unauthenticated"):
        return (
            f"{name} cannot be read without Google credentials: on Google Cloud see that the "
            "program runs as a service account, elsewhere run "
            "`gcloud auth application-default login`"
        )
    if kind == "ModuleNotFoundError":
        return f"{name} needs the package google-cloud-secret-manager: install requirements.txt"
    return f"{name} cannot be read from Secret Manager just now ({kind}); the next run tries again"

"""One API query after the other, told apart by what went wrong, and tried again when it helps.

Sources: "Directory API: Limits and quotas" and "Resolve errors" at developers.google.com.
"""

import http.client
import json
import random
import threading
from collections.abc import Callable
from typing import Any

import google.auth.exceptions
import httplib2
from googleapiclient.errors import HttpError
from msgspec import Struct

from addon.directory.errors import AccessRefused, DirectoryError
from addon.directory.quota import Quota

QUOTA_REASONS = frozenset({"userRateLimitExceeded", "rateLimitExceeded", "quotaExceeded"})
SERVER_ERRORS = frozenset({500, 502, 503, 504})
NETWORK_ERRORS = (
    OSError,
    http.client.HTTPException,
    httplib2.HttpLib2Error,
    google.auth.exceptions.TransportError,
    json.JSONDecodeError,
    UnicodeDecodeError,
)


class Patience(Struct, frozen=True):
    """How often and how long (seconds) a query is tried again before the reading fails.

    Quota errors get more tries: the quota is counted by the minute, so its window passes.
    """

    tries: int = 5
    quota_tries: int = 9
    first_wait: float = 0.5
    longest_wait: float = 32.0


class NotFound(Exception):
    """The API says that what was asked for does not exist."""


class Calls:
    """Runs queries against the API: within the quota, patient, and all or nothing.

    After one query has failed for good every other one stops, since the reading has failed.
    """

    def __init__(self, patience: Patience, quota: Quota, who: str) -> None:
        self._patience = patience
        self._quota = quota
        self._who = who
        self._failed = threading.Event()
        self._failure: BaseException = DirectoryError("the reading was stopped")
        self._lock = threading.Lock()
        self.count = 0

    def execute(self, what: str, send: Callable[[], Any]) -> Any:
        """What `send()` answers; `what` names the query in an error message.

        Raises NotFound, AccessRefused or DirectoryError.
        """
        tried = 0
        while True:
            self._wait(self._quota.delay())
            with self._lock:
                self.count += 1
            try:
                return send()
            except HttpError as error:
                trouble = self._classify(what, error)
            except google.auth.exceptions.RefreshError:
                raise self._refused(what, "the credentials were not accepted") from None
            except NETWORK_ERRORS as error:
                trouble = _Trouble(f"the answer failed ({type(error).__name__})", 0)
            tried += 1
            allowed = self._patience.quota_tries if trouble.quota else self._patience.tries
            if tried >= allowed:
                raise DirectoryError(
                    f"{what}: {trouble.said}, {tried} times. Nothing was sent to anyone; the "
                    "next run reads the directory again."
                ) from None
            self._wait(trouble.wait or self._backoff(tried))

    def fail(self, error: BaseException) -> None:
        """Let every other query of this reading end, with the first such `error`."""
        with self._lock:
            if not self._failed.is_set():
                self._failure = error
                self._failed.set()

    def _backoff(self, tried: int) -> float:
        ceiling = min(self._patience.longest_wait, self._patience.first_wait * 2.0 ** (tried - 1))
        return ceiling * random.uniform(0.5, 1.0)

    def _wait(self, seconds: float) -> None:
        if self._failed.wait(seconds) if seconds > 0 else self._failed.is_set():
            raise self._failure

    def _classify(self, what: str, error: HttpError) -> "_Trouble":
        status, reason = int(error.resp.status), reason_of(error)
        if status == 429 or (status == 403 and reason in QUOTA_REASONS):
            return _Trouble("the quota was exceeded", _retry_after(error), quota=True)
        if status in SERVER_ERRORS:
            return _Trouble(f"the answer was {status}", _retry_after(error))
        if status == 404:
            raise NotFound(what) from None
        if status in (401, 403) or reason == "domainNotFound":
            raise self._refused(what, f"{status} {reason}".strip()) from None
        raise DirectoryError(f"{what}: the answer was {status} {reason}".rstrip()) from None

    def _refused(self, what: str, why: str) -> AccessRefused:
        return AccessRefused(
            f"{what}: Google does not let Skolsynk read the directory ({why}). Install Skolsynk "
            "from the Google Workspace Marketplace and grant it its scopes (Admin console, "
            f"Security, API controls, Domain-wide delegation), and see that {self._who} is an "
            "administrator who may read users, groups and organisational units."
        )


class _Trouble(Struct, frozen=True):
    """A failure that may pass: what to say of it and how long (seconds) to wait, if told."""

    said: str
    wait: float
    quota: bool = False


def reason_of(error: HttpError) -> str:
    """The machine-readable reason in an API error, or an empty text."""
    try:
        body = json.loads(error.content)["error"]
        return str(body["errors"][0]["reason"])
    except (ValueError, LookupError, TypeError):
        return ""


def _retry_after(error: HttpError) -> float:
    told = error.resp.get("retry-after", "")
    return min(float(told), 120.0) if str(told).isdigit() else 0.0



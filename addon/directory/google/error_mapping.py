"""Classifies the failure of a query: whether it may pass, and what an administrator can do.

Sources: "Directory API: Limits and quotas" and "Resolve errors" at developers.google.com.
"""

import http.client
import json
import re
from collections.abc import Mapping
from typing import Any

import google.auth.exceptions
import httplib2
from httplib2.decode import DecodeLimitError
from msgspec import Struct

from addon.bounded_http import AnswerTooLargeError
from addon.directory.errors import AGAIN, UNSENT, AccessRefused, DirectoryError

QUOTA_REASONS = frozenset(
    "userRateLimitExceeded rateLimitExceeded quotaExceeded RATE_LIMIT_EXCEEDED".split()
)
DAILY_LIMIT = frozenset({"dailyLimitExceeded", "dailyLimitExceededUnreg"})
NOT_FOUND_REASONS = frozenset({"notFound", "resourceNotFound"})
SERVER_ERRORS = frozenset({408, 500, 502, 503, 504})
NOT_THERE = frozenset({404, 405, 410, 501})


class NotJson(Exception):
    """A successful answer that is not JSON: a proxy's page, or a truncated answer."""


NETWORK_ERRORS = (
    OSError,
    http.client.HTTPException,
    httplib2.HttpLib2Error,
    google.auth.exceptions.TransportError,
    UnicodeDecodeError,
    NotJson,
)
"""Failures of the connection to the directory; another try may succeed."""


GRANT = (
    "Install Skolsynk from the Google Workspace Marketplace and grant it its scopes (Admin "
    "console, Security, API controls, Domain-wide delegation), and see that the account in "
    "delegatedAdmin is an administrator who may read users, groups and organisational units, "
    "and that what the query names belongs to the organisation."
)
REMEDIES = {
    "invalid_grant": "See that the account that the tenant document names in delegatedAdmin "
    "exists and is not suspended, and that this machine's clock is right.",
    "accessNotConfigured": "Enable the Admin SDK API in Skolsynk's Google Cloud project.",
    "SERVICE_DISABLED": "Enable the Admin SDK API in Skolsynk's Google Cloud project.",
}


TOO_LARGE = (AnswerTooLargeError, DecodeLimitError)
"""Answers of which more is not read, nor are they asked for again."""


class NotFoundAnswer(Exception):
    """The answer says that what was requested does not exist.

    `by_google` is true when the answer is an error of the API itself with that reason, and not
    the page of a proxy or of another server.
    """

    def __init__(self, what: str, by_google: bool = False) -> None:
        super().__init__(what)
        self.by_google = by_google


class ErrorAnswer(Exception):
    """An answer whose status is an error. The body may be anything; it is read here only."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"the answer was {status}")
        self.status = status
        self.headers = headers
        self.body = body


class FinalError(DirectoryError):
    """The API answered with an error that asking again does not change.

    `why` is the status and the reason in the answer. `lasting` is true when every other query
    would be answered so for hours.
    """

    def __init__(self, message: str, status: int, reason: str, lasting: bool = False) -> None:
        super().__init__(message, "day-quota" if lasting else "odd-answer")
        self.status = status
        self.why = f"{status} {reason}".rstrip()
        self.lasting = lasting


class ApiError(Struct, frozen=True):
    """A failure that may pass: its message, and the wait (seconds) that was requested."""

    said: str
    wait: float = 0.0
    quota: bool = False


def classify_error(what: str, error: Exception) -> ApiError:
    """Return `error` as a failure that may pass, or raise the one that `what` finally fails with.

    Raises NotFoundAnswer, AccessRefused, DirectoryError, or `error` itself when it has nothing to
    do with the API.
    """
    if isinstance(error, ErrorAnswer):
        return _answered(what, error)
    if isinstance(error, TOO_LARGE):
        raise DirectoryError(f"{what}: the answer is larger than it may be. {UNSENT}") from None
    if isinstance(error, NETWORK_ERRORS):
        return ApiError(f"the answer failed ({type(error).__name__})")
    if isinstance(error, google.auth.exceptions.GoogleAuthError):
        if error.retryable:
            return ApiError("the credentials could not be exchanged for a token")
        raise refused(what, _grant_error(error)) from None
    raise error


def refused(what: str, why: str) -> AccessRefused:
    """The error that access is refused for the reason `why`, with the remedy."""
    because = f" ({why})" if why else ""
    remedy = REMEDIES.get(why.split()[-1] if why else "", GRANT)
    return AccessRefused(
        f"{what}: Google does not let Skolsynk read the directory{because}. {remedy} {UNSENT}", why
    )


def reason_of(error: ErrorAnswer) -> str:
    """The machine-readable reason in an API error, or an empty string."""
    try:
        answer = json.loads(error.body)
    except (ValueError, RecursionError):
        return ""
    body = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(body, dict):
        return ""
    entries = [*_list(body.get("errors")), *_list(body.get("details"))]
    reasons = (_word(entry.get("reason")) for entry in entries if isinstance(entry, dict))
    return next(filter(None, reasons), "")


def _answered(what: str, error: ErrorAnswer) -> ApiError:
    status, reason = error.status, reason_of(error)
    why = f"{status} {reason}".rstrip()
    if reason in DAILY_LIMIT:
        raise FinalError(
            f"{what}: the quota of the whole day is used up ({why}). {UNSENT} Google grants a new "
            "one at midnight Pacific time; ask Google for a larger one if this happens again.",
            status,
            reason,
            lasting=True,
        ) from None
    if status == 429 or (status == 403 and reason in QUOTA_REASONS):
        return ApiError("the quota was exceeded", _retry_after(error), quota=True)
    if status in SERVER_ERRORS:
        return ApiError(f"the answer was {status}", _retry_after(error))
    if status in (401, 403) or reason == "domainNotFound":
        raise refused(what, why) from None
    if status in NOT_THERE:
        by_google = status == 404 and reason in NOT_FOUND_REASONS
        raise NotFoundAnswer(what, by_google) from None
    raise FinalError(f"{what}: the answer was {why}. {AGAIN}", status, reason) from None


def _retry_after(error: ErrorAnswer) -> float:
    told = str(error.headers.get("retry-after", ""))
    return float(told) if told.isascii() and told.isdigit() else 0.0


def _grant_error(error: google.auth.exceptions.GoogleAuthError) -> str:
    """The error code of the token endpoint; its description may contain an address."""
    details = error.args[1] if len(error.args) > 1 else None
    return _word(details.get("error")) if isinstance(details, dict) else ""


def _word(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z_]{1,60}", value) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []

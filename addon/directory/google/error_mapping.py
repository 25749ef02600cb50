"""Classifies the failure of a query: whether it may pass, and what an administrator can do.

Sources: "Directory API: Limits and quotas" and "Resolve errors" at developers.google.com.
"""

import http.client
import json
import re
from typing import Any

import google.auth.exceptions
import httplib2
from googleapiclient.errors import HttpError
from msgspec import Struct

from addon.directory.errors import AGAIN, UNSENT, AccessRefused, DirectoryError

QUOTA_REASONS = frozenset(
    "userRateLimitExceeded rateLimitExceeded quotaExceeded dailyLimitExceeded "
    "RATE_LIMIT_EXCEEDED".split()
)
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


class NotFoundAnswer(Exception):
    """The API says that what was requested does not exist."""


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
    if isinstance(error, HttpError):
        return _answered(what, error)
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


def reason_of(error: HttpError) -> str:
    """The machine-readable reason in an API error, or an empty string."""
    try:
        body = json.loads(error.content)["error"]
    except (ValueError, LookupError, TypeError):
        return ""
    if not isinstance(body, dict):
        return ""
    entries = [*_list(body.get("errors")), *_list(body.get("details"))]
    reasons = (_word(entry.get("reason")) for entry in entries if isinstance(entry, dict))
    return next(filter(None, reasons), "")


def _answered(what: str, error: HttpError) -> ApiError:
    status, reason = int(error.resp.status), reason_of(error)
    if status == 429 or (status == 403 and reason in QUOTA_REASONS):
        return ApiError("the quota was exceeded", _retry_after(error), quota=True)
    if status in SERVER_ERRORS:
        return ApiError(f"the answer was {status}", _retry_after(error))
    if status in (401, 403) or reason == "domainNotFound":
        raise refused(what, f"{status} {reason}".strip()) from None
    if status in NOT_THERE:
        raise NotFoundAnswer(what) from None
    said = f"the answer was {status} {reason}".rstrip()
    raise DirectoryError(f"{what}: {said}. {AGAIN}") from None


def _retry_after(error: HttpError) -> float:
    told = str(error.resp.get("retry-after", ""))
    return float(told) if told.isascii() and told.isdigit() else 0.0


def _grant_error(error: google.auth.exceptions.GoogleAuthError) -> str:
    """The error code of the token endpoint; its description may contain an address."""
    details = error.args[1] if len(error.args) > 1 else None
    return _word(details.get("error")) if isinstance(details, dict) else ""


def _word(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z_]{1,60}", value) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []

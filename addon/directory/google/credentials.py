"""How Skolsynk proves to Google that it may read a tenant's directory.

Without a key: the identity that the program runs as asks the IAM Credentials API to sign in
the name of the service account, and the signed assertion is exchanged for a token that acts as
the tenant's administrator (OAuth 2.0 for service accounts, "delegating domain-wide
authority"). Outside Google Cloud, a key file does the same.
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import google.auth
import google.auth.transport.requests
from google.auth import iam
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError
from google.oauth2 import service_account

from addon.bounded_http import bounded_session
from addon.directory.errors import UNSENT, AccessRefused

SCOPES = tuple(
    f"https://www.googleapis.com/auth/admin.directory.{name}.readonly"
    for name in ("user", "orgunit", "group", "group.member", "domain", "customer")
)
"""All scopes requested, all read-only; SECURITY.md lists them with the reason for each."""

AUDIT_SCOPE = "https://www.googleapis.com/auth/admin.reports.audit.readonly"
"""The scope by which changes of groups and OUs are heard of, where that is asked for."""

IAM_CREDENTIALS = "https://iamcredentials.googleapis.com"
TOKEN_URI = "https://oauth2.googleapis.com/token"
RUNTIME_SCOPE = "https://www.googleapis.com/auth/iam"
NOT_ALLOWED = frozenset({"unauthorized_client", "access_denied", "invalid_scope"})
TIMEOUT = 30.0
"""Seconds for a whole answer."""
LARGEST_ANSWER = 100_000
"""Bytes of an answer with a signature or a token."""


def anonymous() -> Any:
    """No credentials, for a server that replaces Google."""
    return AnonymousCredentials()  # type: ignore[no-untyped-call]


def from_key_file(path: Path, subject: str | None, scopes: Sequence[str] = SCOPES) -> Any:
    """Load a service account's credentials from its key file, acting as `subject`.

    `subject` is the tenant's `delegatedAdmin`, or None to act as the account itself. Raises
    AccessRefused when the file cannot be used.
    """
    try:
        return service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]
            str(path), scopes=list(scopes), subject=subject
        )
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise AccessRefused(
            f"The service-account key file {path} cannot be used ({type(error).__name__}). "
            "Create a key for the service account and name its file in SKOLSYNK_GOOGLE_KEY_FILE. "
            f"{UNSENT}"
        ) from None


def keyless(
    account: str,
    subject: str | None,
    *,
    scopes: Sequence[str] = SCOPES,
    runtime: Any = None,
    iam_credentials: str = IAM_CREDENTIALS,
    token_uri: str = TOKEN_URI,
) -> Any:
    """The service account's credentials without a key, acting as `subject`.

    `account` is the service account's address, `subject` the tenant's `delegatedAdmin`, or None to
    act as the account itself.
    `runtime` are the credentials that the program runs with (default: Google's application
    default credentials); they need the role Service Account Token Creator on `account`. The
    other two are the URLs of the IAM Credentials API and the token endpoint. No request is made
    until a token is needed; then AccessRefused is raised if the set-up is not right.
    """
    signer = _Signer(account, runtime, iam_credentials.rstrip("/"))
    return _Delegated(  # type: ignore[no-untyped-call]
        signer, account, token_uri, scopes=list(scopes), subject=subject
    )


class _Signer(iam.Signer):
    """Signs in the service account's name through the IAM Credentials API."""

    def __init__(self, account: str, runtime: Any, base: str) -> None:
        super().__init__(self._send, runtime, account)  # type: ignore[no-untyped-call]
        self._account = account
        self._base = base
        session = bounded_session(LARGEST_ANSWER)
        self._transport: Any = google.auth.transport.requests.Request(session)

    def sign(self, message: str | bytes) -> bytes:
        """Sign `message`. Raises AccessRefused, or TransportError for other failures."""
        if self._credentials is None:
            self._credentials = _runtime()
        try:
            signature: bytes = super().sign(message)
            return signature
        except RefreshError as error:
            if error.retryable:
                raise
            raise AccessRefused(
                "The Google credentials that Skolsynk runs with gave no token to sign with "
                f"({type(error).__name__}). {_SIGN_IN} {UNSENT}"
            ) from None

    def client_id(self) -> str:
        """The service account's client id, as the Admin console wants it; empty if unknown.

        It is read from an identity token, which anyone who may sign for the account can get.
        """
        try:
            url = f"{IAM_CREDENTIALS}/v1/projects/-/serviceAccounts/{self._account}:generateIdToken"
            headers = {"Content-Type": "application/json"}
            self._credentials.before_request(self._send, "POST", url, headers)
            answer = self._send(url, "POST", json.dumps({"audience": "skolsynk"}), headers)
            payload = str(json.loads(answer.data)["token"]).split(".")[1]
            claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            told = str(claims.get("azp") or claims["sub"])
        except (AccessRefused, GoogleAuthError, LookupError, TypeError, ValueError, AttributeError):
            return ""
        return told if re.fullmatch(r"\d{10,30}", told) else ""

    def _send(
        self,
        url: str,
        method: str = "GET",
        body: Any = None,
        headers: Any = None,
        timeout: float | None = None,
        **options: Any,
    ) -> Any:
        """Send by Google's transport to the configured URL. Raises AccessRefused for refusals."""
        place = url.replace(IAM_CREDENTIALS, self._base, 1)
        seconds = TIMEOUT if timeout is None else min(timeout, TIMEOUT)
        answer = self._transport(
            url=place, method=method, body=body, headers=headers, timeout=seconds, **options
        )
        if ":signBlob" in url and answer.status in (400, 401, 403, 404):
            raise AccessRefused(
                f"Google does not let Skolsynk sign as {self._account} ({answer.status}). Enable "
                "the IAM Service Account Credentials API (iamcredentials.googleapis.com) in its "
                "project, see that SKOLSYNK_SERVICE_ACCOUNT names it rightly, and grant what "
                "Skolsynk runs as the role Service Account Token Creator "
                f"(roles/iam.serviceAccountTokenCreator) on it. {UNSENT}"
            )
        return answer


class _Delegated(service_account.Credentials):
    """Credentials whose errors say what to grant, and to whom, when Google refuses a token."""

    _signer: _Signer

    def refresh(self, request: Any) -> None:
        """Fetch a token. Raises AccessRefused, or RefreshError when another try may help."""
        try:
            super().refresh(request)  # type: ignore[no-untyped-call]
        except RefreshError as error:
            code = _code(error)
            if error.retryable or not code:
                raise
            raise AccessRefused(self._what_to_do(code), code) from None

    def _what_to_do(self, code: str) -> str:
        if code in NOT_ALLOWED:
            known = self._signer.client_id()
            client = f"the client ID {known}" if known else f"the client ID of {self.signer_email}"
            return (
                f"Google does not let Skolsynk read the directory ({code}). In the Admin console, "
                "under Security, Access and data control, API controls, Domain-wide delegation, "
                f"add {client} with exactly these scopes: {', '.join(SCOPES)}. It may take a "
                f"while until Google knows of it. {UNSENT}"
            )
        if code == "invalid_grant":
            return (
                "Google does not let Skolsynk act as the administrator that the tenant document "
                f"names in delegatedAdmin ({code}). See that the account exists and is not "
                f"suspended, and that this machine's clock is right. {UNSENT}"
            )
        return f"Google gave no token to read the directory with ({code}). {UNSENT}"


_SIGN_IN = (
    "On Google Cloud, see that the program runs as a service account; elsewhere, run "
    "`gcloud auth application-default login` or name a key file in SKOLSYNK_GOOGLE_KEY_FILE."
)


@cache
def _runtime() -> Any:
    """The credentials that the program runs with: Google's application default credentials."""
    try:
        credentials, _ = google.auth.default(scopes=[RUNTIME_SCOPE])
    except DefaultCredentialsError:
        raise AccessRefused(
            f"Skolsynk has no Google credentials to sign with. {_SIGN_IN} {UNSENT}"
        ) from None
    return credentials


def _code(error: RefreshError) -> str:
    """The token endpoint's error code; its description may contain an address."""
    details = error.args[1] if len(error.args) > 1 else None
    told = details.get("error") if isinstance(details, dict) else None
    return told if isinstance(told, str) and re.fullmatch(r"[A-Za-z_]{1,60}", told) else ""

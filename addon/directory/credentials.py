"""How Skolsynk proves to Google that it may read a tenant's directory."""

from pathlib import Path
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.oauth2 import service_account

from addon.directory.errors import UNSENT, AccessRefused

SCOPES = tuple(
    f"https://www.googleapis.com/auth/admin.directory.{name}.readonly"
    for name in ("user", "orgunit", "group", "group.member", "domain", "customer")
)
"""All that is asked for, all read-only; SECURITY.md lists them with the reason of each."""


def anonymous() -> Any:
    """No credentials: for an endpoint that answers in Google's place."""
    return AnonymousCredentials()  # type: ignore[no-untyped-call]


def from_key_file(path: Path, subject: str) -> Any:
    """A service account's credentials from its key file, acting as `subject`.

    `subject` is the tenant's `delegatedAdmin`. Raises AccessRefused when the file cannot be
    used.
    """
    try:
        return service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]
            str(path), scopes=list(SCOPES), subject=subject
        )
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise AccessRefused(
            f"The service-account key file {path} cannot be used ({type(error).__name__}). "
            "Create a key for the service account and name its file in SKOLSYNK_GOOGLE_KEY_FILE. "
            f"{UNSENT}"
        ) from None

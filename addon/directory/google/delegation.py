"""Whether Google still lets Skolsynk act in a customer's name.

With credentials that is a token's question alone: Google gives one, or says that the client is not
authorised. What the API then answers is about the administrator, not about the delegation.
"""

import threading
from contextlib import closing

from msgspec import structs

from addon.directory.errors import OUR_OWN, AccessRefused, DirectoryError
from addon.directory.google.administrators import QUICK_RETRIES, WITHIN
from addon.directory.google.client import DirectoryClient
from addon.directory.google.credentials import NOT_ALLOWED, SCOPES
from addon.directory.google.error_mapping import NotFoundAnswer
from addon.directory.google.quota import quota_of
from addon.directory.google.reader import DirectorySource
from addon.directory.google.retry import RetryingCaller
from addon.tenants.licence import DelegationState


def check_delegation(source: DirectorySource, customer: str) -> DelegationState:
    """Return whether `source` may act in the customer's name; `unknown` when that is not clear.

    A token for one of the scopes is enough: an administrator may have left out the others. Never
    raises for an answer of whatever kind.
    """
    source = structs.replace(source, retry_policy=QUICK_RETRIES, timeout=WITHIN)
    if source.endpoint is not None:
        return _by_the_api(source, customer)
    for scope in SCOPES:
        narrowed = structs.replace(source, credentials=source.credentials.with_scopes([scope]))
        state = token_state(narrowed, customer)
        if state != "refused":
            return state
    return "refused"


def token_state(source: DirectorySource, customer: str) -> DelegationState:
    """Return whether Google gives a token for the scopes of the source's credentials."""
    with closing(DirectoryClient(source.credentials, None, source.timeout)) as service:
        calls = RetryingCaller(
            source.retry_policy, quota_of(None, customer, "token"), threading.Event()
        )
        try:
            calls.execute("the token", service.fetch_token)
        except AccessRefused as refused:
            return "refused" if refused.why in NOT_ALLOWED - {"invalid_scope"} else "unknown"
        except (DirectoryError, NotFoundAnswer):
            return "unknown"
    return "works"


def _by_the_api(source: DirectorySource, customer: str) -> DelegationState:
    """Ask the server that replaces Google, which gives no tokens, for a user."""
    with closing(DirectoryClient(None, source.endpoint, source.timeout)) as service:
        calls = RetryingCaller(
            source.retry_policy, quota_of(source.endpoint, customer, "token"), threading.Event()
        )
        request = service.api.users().list(customer=customer, maxResults=1, fields="users(id)")
        try:
            calls.execute("users.list", lambda: service.send(request))
        except AccessRefused as refused:
            by_status = refused.why.split()[:1] in (["401"], ["403"])
            return "refused" if by_status and refused.why not in OUR_OWN else "unknown"
        except (DirectoryError, NotFoundAnswer):
            return "unknown"
    return "works"

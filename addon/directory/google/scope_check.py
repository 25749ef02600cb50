"""Which of its scopes Google does not let Skolsynk use in a customer's name, one by one.

A token for all scopes is refused as a whole when one of them is missing: granted for fewer, not
granted again after an update of the app, or waiting for a second administrator's approval.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from msgspec import structs

from addon.directory.errors import OUR_OWN, AccessRefused, DirectoryError
from addon.directory.google.administrators import QUICK_RETRIES, WITHIN
from addon.directory.google.client import DirectoryClient
from addon.directory.google.credentials import SCOPES
from addon.directory.google.delegation import token_state
from addon.directory.google.error_mapping import NotFoundAnswer
from addon.directory.google.quota import quota_of
from addon.directory.google.reader import DirectorySource
from addon.directory.google.responses import json_object
from addon.directory.google.retry import RetryingCaller

MINE = "my_customer"
"""The customer of whoever asks."""
CHECK = "access-check"

Send = Callable[[Any], Mapping[str, Any]]


def refused_scopes(source: DirectorySource) -> tuple[str, ...]:
    """Return those of SCOPES that Google refuses, as far as it says so; never raises for an answer.

    `source` acts as an administrator. The scopes are asked for at the same time.
    """
    source = structs.replace(source, retry_policy=QUICK_RETRIES, timeout=WITHIN)
    by_scope = _refused_by_token if source.endpoint is None else _refused_by_the_api
    with ThreadPoolExecutor(len(SCOPES)) as threads:
        refused = list(threads.map(lambda scope: by_scope(source, scope), SCOPES))
    return tuple(scope for scope, is_refused in zip(SCOPES, refused, strict=True) if is_refused)


def _refused_by_token(source: DirectorySource, scope: str) -> bool:
    narrowed = structs.replace(source, credentials=source.credentials.with_scopes([scope]))
    return token_state(narrowed, CHECK) == "refused"


def _refused_by_the_api(source: DirectorySource, scope: str) -> bool:
    """Ask the server that replaces Google, which gives no tokens, for what the scope allows."""
    name = scope.rpartition("/auth/admin.directory.")[2].removesuffix(".readonly")
    with closing(DirectoryClient(None, source.endpoint, source.timeout)) as service:
        quota = quota_of(source.endpoint, CHECK, name)
        calls = RetryingCaller(source.retry_policy, quota, threading.Event())

        def send(request: Any) -> Mapping[str, Any]:
            answer = calls.execute(name, lambda: service.send(request))
            found: Mapping[str, Any] = json_object(name, answer)
            return found

        try:
            REQUESTS[name](service.api, send)
        except AccessRefused as refused:
            return refused.why not in OUR_OWN
        except (DirectoryError, NotFoundAnswer):
            return False
    return False


def _members(api: Any, send: Send) -> object:
    """Ask for the members of a group, if there is one that may be listed."""
    try:
        listed = send(api.groups().list(customer=MINE, maxResults=1, fields="groups(id)"))
    except AccessRefused:
        return None  # which is another scope
    groups = listed.get("groups")
    if not isinstance(groups, list) or not groups or not isinstance(groups[0], dict):
        return None
    return send(api.members().list(groupKey=str(groups[0].get("id")), maxResults=1))


REQUESTS: Mapping[str, Callable[[Any, Send], object]] = {
    "user": lambda api, send: send(
        api.users().list(customer=MINE, maxResults=1, fields="users(id)")
    ),
    "orgunit": lambda api, send: send(api.orgunits().list(customerId=MINE, type="children")),
    "group": lambda api, send: send(
        api.groups().list(customer=MINE, maxResults=1, fields="groups(id)")
    ),
    "group.member": _members,
    "domain": lambda api, send: send(api.domains().list(customer=MINE)),
    "customer": lambda api, send: send(api.customers().get(customerKey=MINE)),
}
"""A request that each scope allows, by the part of its name that differs."""

"""Looks up in the Directory API whether a person is an administrator of a Workspace customer."""

import threading
from contextlib import closing

from msgspec import Struct, structs

from addon.directory.errors import AccessRefused
from addon.directory.google.client import DirectoryClient
from addon.directory.google.error_mapping import NotFoundAnswer
from addon.directory.google.quota import quota_of
from addon.directory.google.reader import DirectorySource
from addon.directory.google.responses import Filled, NameAnswer, json_object, single
from addon.directory.google.retry import ReadRetryPolicy, RetryingCaller
from addon.text import cleaned

FIELDS = "id,primaryEmail,name,isAdmin,isDelegatedAdmin,customerId,suspended,archived"
NO_ADMINISTRATOR = frozenset({"403", "403 forbidden"})
"""Google's answers to people who may not ask; other reasons concern Skolsynk, not the person."""
QUICK_RETRIES = ReadRetryPolicy(
    tries=2, quota_tries=2, first_wait=0.2, longest_wait=1.0, longest_told=2.0
)
"""Used while a person waits for the page."""
WITHIN = 10.0


class AccountAnswer(Struct, rename="camel"):
    """An account as users.get returns it."""

    id: Filled
    customer_id: str | None = None
    primary_email: str | None = None
    name: NameAnswer | None = None
    is_admin: bool | None = None
    is_delegated_admin: bool | None = None
    suspended: bool | None = None
    archived: bool | None = None


class AdministratorAccount(Struct, frozen=True):
    """A customer's account. `super_admin` has all rights in Workspace, `delegated` some of them."""

    id: str
    customer: str
    address: str
    name: str
    super_admin: bool
    delegated: bool


def find_account(source: DirectorySource, sub: str, email: str) -> AdministratorAccount | None:
    """The account whose id is `sub`, if it is active and belongs to a customer.

    `source` acts as `email`, the person who signs in. Returns None if there is no such account or
    it may not ask, as those who are not administrators may not. Raises DirectoryError when the
    answer cannot be obtained now, AccessRefused when Skolsynk has no access in the customer's name.
    """
    found = _account(source, "users.get of who signs in", sub, email)
    if found is None or found.id != sub:
        return None
    if found.suspended or found.archived or not found.customer_id:
        return None
    name = found.name or NameAnswer()
    return AdministratorAccount(
        id=found.id,
        customer=found.customer_id,
        address=cleaned(found.primary_email or email),
        name=cleaned(f"{name.given_name or ''} {name.family_name or ''}").strip(),
        super_admin=bool(found.is_admin),
        delegated=bool(found.is_delegated_admin),
    )


def is_administrator_of(source: DirectorySource, address: str, customer: str) -> bool | None:
    """Whether an address is an active administrator's of this very customer.

    `source` acts as that address. None when a server that replaces Google does not know it: nobody
    is acted as there. Raises DirectoryError, AccessRefused when Skolsynk has no access.
    """
    found = _account(source, "users.get of delegatedAdmin", address, address)
    if found is None:
        return None if source.endpoint is not None else False
    may = found.is_admin or found.is_delegated_admin
    gone = found.suspended or found.archived
    return bool(may and not gone and found.customer_id == customer)


def find_super_administrator(source: DirectorySource, key: str) -> bool:
    """Whether an id or an address is an active super administrator's.

    Raises DirectoryError, also when whoever `source` acts as may not ask.
    """
    found = _account(source, "users.get of an administrator", key, "", may_not_ask_is_nobody=False)
    return bool(found and found.is_admin and not (found.suspended or found.archived))


def customer_of(source: DirectorySource, sub: str) -> str | None:
    """Return the customer of an account as Google tells whoever `source` acts as; None if it has
    no such account. Raises DirectoryError.
    """
    found = _account(source, "users.get of who was refused", sub, "", may_not_ask_is_nobody=False)
    return None if found is None or found.id != sub else found.customer_id


def _account(
    source: DirectorySource, what: str, key: str, asker: str, may_not_ask_is_nobody: bool = True
) -> AccountAnswer | None:
    """Return an account while a person waits; None if there is none. Raises DirectoryError."""
    source = structs.replace(source, retry_policy=QUICK_RETRIES, timeout=WITHIN)
    with closing(DirectoryClient(source.credentials, source.endpoint, source.timeout)) as service:
        quota = quota_of(source.endpoint, "sign-in", asker)
        calls = RetryingCaller(source.retry_policy, quota, threading.Event())
        request = service.api.users().get(userKey=key, fields=FIELDS, projection="basic")
        try:
            answer = json_object(what, calls.execute(what, lambda: service.send(request)))
        except NotFoundAnswer:
            return None
        except AccessRefused as refused:
            if refused.why not in NO_ADMINISTRATOR or not may_not_ask_is_nobody:
                raise
            return None
    return single(what, answer, AccountAnswer)

"""Who gets in: whom Google calls an administrator of a customer, and the customer's tenant admits.

An administrator is known by the id of the account. An address in the tenant's list belongs to the
account that first got in by it, and brings nothing along when it moves to another account.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from addon.bootstrap import directory_source, refused_scopes, source_as
from addon.directory.errors import OUR_OWN, AccessRefused, DirectoryError
from addon.directory.google.administrators import (
    AdministratorAccount,
    find_account,
    find_super_administrator,
)
from addon.settings import Settings
from addon.store.records import AuthenticationRecord
from addon.tenants.document import load_tenant
from addon.tenants.model import Tenant
from addon.web.services import Services

log = logging.getLogger(__name__)

Refusal = Literal["nobody", "administrator", "delegated", "listed", "unlisted", "access", "unknown"]
AccessLevel = Literal["full", "list", "none"]
"""`list`: a super administrator who is not in the tenant's list may see and change the list."""
ListFault = Literal["oneself", "super", "unknown"]


class Administrator(Struct, frozen=True):
    """A signed-in administrator. `sub` is Google's id, `tenant` the customer they administer.

    Times are seconds since 1970 UTC; `checked` is when Google last confirmed it.
    """

    sub: str
    email: str
    name: str
    tenant: str
    super_admin: bool
    checked: float
    signed_in: float


class SignInRefused(Exception):
    """The person may not sign in; `why` selects the text that explains it.

    `scopes` are those that Google refuses to Skolsynk, as far as it says so. `tenant` is the
    customer, where it is known.
    """

    def __init__(self, why: Refusal, scopes: tuple[str, ...] = (), tenant: str = "") -> None:
        super().__init__(why)
        self.why: Refusal = why
        self.scopes = scopes
        self.tenant = tenant


def find_administrator(services: Services, sub: str, email: str) -> Administrator:
    """Return the person that the identity provider named, as Google says, as an administrator.

    Raises SignInRefused.
    """
    now = services.clock()
    with services.waiting.place_for(email.rpartition("@")[2]):
        found = _asked(services.settings, sub, email)
    return Administrator(
        sub=sub,
        email=found.address,
        name=found.name,
        tenant=found.customer,
        super_admin=found.super_admin,
        checked=now,
        signed_in=now,
    )


def admission_of(
    admin: Administrator, listed: Sequence[str], accounts: Mapping[str, str]
) -> AccessLevel:
    """Return how far a tenant that lists these administrators admits this one.

    Without a list all super administrators are admitted; delegated ones only when listed.
    """
    if _listed_as(admin, listed, accounts) is not None or (admin.super_admin and not listed):
        return "full"
    return "list" if admin.super_admin else "none"


def admit(services: Services, admin: Administrator, known: AuthenticationRecord) -> AccessLevel:
    """Return how far the tenant admits the administrator, "full" or "list".

    An address in the list is from now on this account's, if it is nobody's yet. Raises
    SignInRefused and StoreError.
    """
    listed = () if known.document is None else load_tenant(known.document).administrators
    admission = admission_of(admin, listed, known.accounts)
    if admission == "none":
        raise SignInRefused("listed" if listed else "delegated", tenant=admin.tenant)
    address = _listed_as(admin, listed, known.accounts)
    if address is not None and address not in known.accounts:
        services.store().bind_administrator(admin.tenant, address, admin.sub)
    return admission


def raise_unless_admitted(services: Services, admin: Administrator) -> None:
    """Raise SignInRefused unless the tenant admits the administrator to everything."""
    if admit(services, admin, services.store().authentication(admin.tenant)) != "full":
        raise SignInRefused("unlisted", tenant=admin.tenant)


def fault_of_list(
    services: Services, admin: Administrator, tenant: Tenant, wanted: Sequence[str]
) -> ListFault | None:
    """Return why the administrator may not replace the tenant's list of administrators, or None.

    `oneself`: they would shut themselves out. `super`: it would shut out a super administrator,
    which only another one may do. `unknown`: Google does not say whether it would. Raises
    StoreError.
    """
    accounts = services.store().authentication(tenant.customer_id).accounts
    had = admission_of(admin, tenant.administrators, accounts)
    if had == "full" and admission_of(admin, wanted, accounts) != "full":
        return "oneself"
    if admin.super_admin:
        return None
    kept = set(map(str.casefold, wanted))
    removed = [a for a in map(str.casefold, tenant.administrators) if a not in kept]
    try:
        for address in removed:
            source = directory_source(services.settings, tenant)
            if find_super_administrator(source, accounts.get(address, address)):
                return "super"
    except DirectoryError as error:
        log.warning("the list of administrators stays as it is: %s", error)
        return "unknown"
    return None


def _listed_as(
    admin: Administrator, listed: Sequence[str], accounts: Mapping[str, str]
) -> str | None:
    """Return the listed address, in lower case, by which the administrator gets in; None if not."""
    for address in map(str.casefold, listed):
        if accounts.get(address) == admin.sub:
            return address
    own = admin.email.casefold()
    return own if own in map(str.casefold, listed) and own not in accounts else None


def _asked(settings: Settings, sub: str, email: str) -> AdministratorAccount:
    """Look up the person's account with Google. Raises SignInRefused."""
    try:
        found = find_account(source_as(settings, email), sub, email)
    except AccessRefused as error:
        log.error("an administrator could not be checked: %s", error)
        if error.why in OUR_OWN:
            raise SignInRefused("unknown") from None
        raise SignInRefused("access", refused_scopes(settings, email)) from None
    except DirectoryError as error:
        log.warning("an administrator could not be checked: %s", error)
        raise SignInRefused("unknown") from None
    if found is None:
        raise SignInRefused("administrator")
    if not (found.super_admin or found.delegated):
        raise SignInRefused("administrator", tenant=found.customer)
    return found

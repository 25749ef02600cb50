"""Which tenant's access log a refused sign-in belongs to: that of the account's customer.

Google does not tell who is no administrator which customer they belong to. It is the tenant whose
domain the address is in, when Google says so of the account in the tenant's own name.
"""

import logging
import threading
from collections.abc import Callable

import msgspec

from addon.bootstrap import directory_source
from addon.directory.errors import DirectoryError
from addon.directory.google.administrators import customer_of
from addon.settings import Settings
from addon.store.base import Store, StoreError
from addon.tenants.document import load_tenant
from addon.tenants.model import Tenant

log = logging.getLogger(__name__)

KNOWN_FOR = 3600.0
"""Seconds for which the domains of all tenants are kept, since reading them costs a read each."""


class TenantDomains:
    """The domains of all tenants, read when somebody has been refused. Thread-safe."""

    def __init__(
        self, settings: Settings, store: Callable[[], Store], clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._until = 0.0

    def customer_of_refused(self, sub: str, email: str) -> str:
        """Return the tenant that the account belongs to, "" if that is none or is not known."""
        try:
            candidate = self._tenant_of(email.rpartition("@")[2].casefold())
            tenant = None if candidate is None else self._load(candidate)
            if tenant is None:
                return ""
            found = customer_of(directory_source(self._settings, tenant), sub)
            return found if found == tenant.customer_id else ""
        except (DirectoryError, StoreError) as error:
            log.warning("a refused sign-in is in no tenant's log: %s", error)
            return ""

    def _tenant_of(self, domain: str) -> str | None:
        now = self._clock()
        with self._lock:
            if not 0 <= self._until - now <= KNOWN_FOR:
                self._known, self._until = self._read(), now + KNOWN_FOR
            return self._known.get(domain)

    def _read(self) -> dict[str, str]:
        """Return the tenant by domain; one that Google has named counts before one that is told."""
        store = self._store()
        told: dict[str, str] = {}
        verified: dict[str, str] = {}
        for tenant_id in store.tenants():
            document, licence = store.tenant_and_licence(tenant_id)
            tenant = None if document is None else _readable(document)
            if tenant is not None and tenant.primary_domain:
                told[tenant.primary_domain.casefold()] = tenant_id
            verified |= {domain.casefold(): tenant_id for domain in licence.domains}
        return told | verified

    def _load(self, tenant_id: str) -> Tenant | None:
        document = self._store().tenant(tenant_id)
        return None if document is None else _readable(document)


def _readable(document: bytes) -> Tenant | None:
    try:
        return load_tenant(document)
    except msgspec.DecodeError:
        return None  # written by an earlier version with another schema

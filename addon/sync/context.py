"""What every run needs from outside, and how it finds what it is about."""

import time
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from addon.delivery.throttle import RetryPolicy
from addon.directory.snapshot import Snapshot
from addon.planning.ledger import LedgerKey
from addon.settings import Settings
from addon.store.base import Store
from addon.tenants.document import load_tenant
from addon.tenants.model import Connection, Tenant
from addon.vendors.profiles import NotConfigured, Target

ReadDirectory = Callable[[Tenant], Snapshot]


class SecretSource(Protocol):
    """What gives secrets by resource name; `forget` has one asked for again."""

    def __call__(self, name: str) -> str: ...

    def forget(self, name: str) -> None:
        """Have a secret asked for again next time."""


class NotFoundError(Exception):
    """There is no such tenant, connection or hold; the message says what there is."""


class SyncContext(Struct, frozen=True):
    """What a run needs from outside: settings, store, the directory, and how to show progress.

    `secrets` are those that profiles refer to in Secret Manager. `progress` is told a vendor,
    operations done and operations planned. `clock` gives seconds since 1970 UTC.
    """

    settings: Settings
    store: Store
    read_directory: ReadDirectory
    progress: Callable[[str, int, int], None] = lambda vendor, done, planned: None
    retry_policy: RetryPolicy = RetryPolicy()
    clock: Callable[[], float] = time.time
    secrets: SecretSource | None = None


def load_tenant_or_raise(store: Store, tenant_id: str) -> Tenant:
    """The tenant's document. Raises NotFoundError."""
    document = store.tenant(tenant_id)
    if document is None:
        known = ", ".join(store.tenants()) or "none; import one with `tenant import FILE`"
        raise NotFoundError(f"there is no tenant {tenant_id}; known are: {known}")
    return load_tenant(document)


def select_connections(tenant: Tenant, vendor: str | None) -> tuple[Connection, ...]:
    """The tenant's connections, or the one to `vendor`. Raises NotFoundError."""
    if vendor is None:
        return tenant.connections
    connection = tenant.connection(vendor)
    if connection is None:
        known = ", ".join(c.vendor for c in tenant.connections) or "none"
        raise NotFoundError(f"{tenant.customer_id} has no connection to {vendor}; it has: {known}")
    return (connection,)


def ledger_key(tenant_id: str, connection: Connection) -> LedgerKey | None:
    """Whose ledger the connection writes, or None while it is off."""
    return (
        None
        if connection.mode == "off"
        else LedgerKey(tenant_id, connection.vendor, connection.mode)
    )


def resolve_target(
    settings: Settings, connection: Connection, secrets: SecretSource | None
) -> Target | NotConfigured:
    """Where the connection sends to, or why that is not known."""
    vendor = settings.vendors.get(connection.vendor)
    if vendor is None:
        return NotConfigured(f"{connection.vendor} is not among the vendor profiles")
    endpoint = vendor.live if connection.mode == "live" else vendor.test
    if endpoint is None:
        return NotConfigured(
            f"{connection.vendor} has no {connection.mode} endpoint in the vendor profiles"
        )
    try:
        return endpoint.resolve(settings.environ, secrets)
    except NotConfigured as error:
        return error


def forget_secret(context: SyncContext, connection: Connection) -> None:
    """The vendor did not accept its key: it is asked for again next time, for it may be new."""
    vendor = context.settings.vendors[connection.vendor]
    endpoint = vendor.live if connection.mode == "live" else vendor.test
    if context.secrets is not None and endpoint is not None:
        context.secrets.forget(endpoint.secret)

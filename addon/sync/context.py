"""The dependencies of every run, and the lookup of its tenant, connections and targets."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from addon.delivery.throttle import RetryPolicy
from addon.directory.evidence import AskDirectory, all_unknown
from addon.directory.google.channels import ChannelRequest, WatchOutcome
from addon.directory.google.members import MembersRead
from addon.directory.places_seen import PlacesSeen
from addon.directory.push_state import PushChannel
from addon.directory.snapshot import Snapshot
from addon.planning.ledger import LedgerKey
from addon.settings import Settings
from addon.store.base import Store, TenantStore
from addon.store.unit_claims import delivered
from addon.tenants.document import load_tenant
from addon.tenants.licence import DelegationState, LicenceAnswer, LicenceRecord
from addon.tenants.model import Connection, Tenant
from addon.vendors.profiles import NotConfigured, Target

ReadDirectory = Callable[[Tenant], Snapshot]

COMMAND_LINE = "command line"
"""The actor in the audit log of a change that nobody who has signed in made."""


class SecretSource(Protocol):
    """Returns secrets by resource name, from a cache."""

    def __call__(self, name: str) -> str: ...

    def forget(self, name: str) -> None:
        """Remove a secret from the cache, so that it is read again next time."""


class NotFoundError(Exception):
    """A tenant, connection or hold does not exist; the message says which."""


def no_licence_answer(domains: Sequence[str]) -> LicenceAnswer:
    """Return that there is no answer about these domains."""
    return LicenceAnswer(tuple(domains), None, "not-asked")


def no_channels(tenant: Tenant, requests: Sequence[ChannelRequest]) -> Mapping[str, WatchOutcome]:
    """Return that Google has not answered."""
    return {each.channel.id: "no-answer" for each in requests}


def none_stopped(tenant: Tenant, channels: Sequence[PushChannel]) -> frozenset[str]:
    """Return that no channel was stopped."""
    return frozenset()


class SyncContext(Struct, frozen=True):
    """The dependencies of a run: settings, store, directory, progress and others.

    `secrets` reads the secrets in Secret Manager that profiles refer to. `progress` is called
    with a vendor and the numbers of operations done and planned. `ask_directory` asks about
    single accounts, groups, OUs and memberships. `ask_licence` asks for the licence of the customer
    with these domains, `check_delegation` whether Google lets Skolsynk act for it. `watch_changes`
    asks for channels of notifications, `stop_channels` ends them. `see_places` returns
    how the OUs and groups look, `read_members` the members of groups by id. `clock` returns seconds
    since 1970 UTC.
    """

    settings: Settings
    store: Store
    read_directory: ReadDirectory
    progress: Callable[[str, int, int], None] = lambda vendor, done, planned: None
    retry_policy: RetryPolicy = RetryPolicy()
    clock: Callable[[], float] = time.time
    secrets: SecretSource | None = None
    ask_directory: AskDirectory = all_unknown
    ask_licence: Callable[[Sequence[str]], LicenceAnswer] = no_licence_answer
    check_delegation: Callable[[Tenant], DelegationState] = lambda tenant: "unknown"
    watch_changes: Callable[[Tenant, Sequence[ChannelRequest]], Mapping[str, WatchOutcome]] = (
        no_channels
    )
    see_places: Callable[[Tenant], PlacesSeen] = lambda tenant: PlacesSeen()
    read_members: Callable[[Tenant, Iterable[str]], MembersRead] = lambda tenant, groups: (
        MembersRead()
    )
    stop_channels: Callable[[Tenant, Sequence[PushChannel]], frozenset[str]] = none_stopped


def load_tenant_or_raise(store: TenantStore, tenant_id: str) -> Tenant:
    """Return the tenant from its document in the store. Raises NotFoundError."""
    return _loaded(store, tenant_id, store.tenant(tenant_id))


def load_delivered_tenant(context: SyncContext, tenant_id: str) -> tuple[Tenant, LicenceRecord]:
    """Return the tenant without school units that are another's, and what is known of its licence.

    Raises NotFoundError.
    """
    document, licence = context.store.tenant_and_licence(tenant_id)
    tenant = _loaded(context.store, tenant_id, document)
    return delivered(context.store, tenant, document or b"", context.clock()), licence


def load_tenant_with_licence(store: Store, tenant_id: str) -> tuple[Tenant, LicenceRecord]:
    """Return the tenant, and what is known of its licence, by one read. Raises NotFoundError."""
    document, licence = store.tenant_and_licence(tenant_id)
    return _loaded(store, tenant_id, document), licence


def _loaded(store: TenantStore, tenant_id: str, document: bytes | None) -> Tenant:
    if document is None:
        known = ", ".join(store.tenants()) or "none; import one with `tenant import FILE`"
        raise NotFoundError(f"there is no tenant {tenant_id}; known are: {known}")
    return load_tenant(document)


def select_connections(tenant: Tenant, vendor: str | None) -> tuple[Connection, ...]:
    """Return the tenant's connections, or the one to `vendor`. Raises NotFoundError."""
    if vendor is None:
        return tenant.connections
    connection = tenant.connection(vendor)
    if connection is None:
        known = ", ".join(c.vendor for c in tenant.connections) or "none"
        raise NotFoundError(f"{tenant.customer_id} has no connection to {vendor}; it has: {known}")
    return (connection,)


def ledger_key(tenant_id: str, connection: Connection) -> LedgerKey | None:
    """Return the key of the connection's ledger, or None if the connection is off."""
    return (
        None
        if connection.mode == "off"
        else LedgerKey(tenant_id, connection.vendor, connection.mode)
    )


def resolve_target(
    settings: Settings, connection: Connection, secrets: SecretSource | None
) -> Target | NotConfigured:
    """Return the connection's target, or a NotConfigured error that says what is missing."""
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
    """Have the vendor's key read again next time, after the vendor did not accept it."""
    vendor = context.settings.vendors[connection.vendor]
    endpoint = vendor.live if connection.mode == "live" else vendor.test
    if context.secrets is not None and endpoint is not None:
        context.secrets.forget(endpoint.secret)

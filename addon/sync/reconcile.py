"""Compare a vendor's resources with the ledger, and correct the ledger where they differ.

Nothing is written at the vendor: the next run sends again what is missing or differs and deletes
what is not wanted, subject to the connection's limits.
"""

import asyncio
from collections.abc import Callable

import msgspec
from msgspec import Struct

from addon.delivery.listing import ListedResources
from addon.delivery.throttle import DeliveryStopped
from addon.delivery.transport import RetriesExhausted
from addon.planning.ledger import Ledger, LedgerChange
from addon.planning.plan import standing_refusals
from addon.ss12000.mapping import ResourceMapper
from addon.ss12000.resources import TYPES, ResourceType
from addon.store.base import CacheStore
from addon.store.ids import new_run_id
from addon.store.process_identity import process_holder
from addon.store.records import Namespace
from addon.sync.context import (
    NotFoundError,
    SyncContext,
    ledger_key,
    load_tenant_or_raise,
    resolve_target,
    select_connections,
)
from addon.sync.drift import (
    Listings,
    OwnResources,
    TooManyMissing,
    TypeDrift,
    compare,
    too_many_missing,
)
from addon.sync.licence import admit
from addon.sync.prepare import PreparedRun, read_and_prepare
from addon.sync.session import ScimSession, VendorSession
from addon.tenants.model import Limits
from addon.vendors.profiles import NotConfigured

NAMESPACE = "reconciled"
KEPT = 30 * 24 * 3600.0
"""Seconds until the result of a reconciliation expires in the store."""


class Reconciliation(Struct, frozen=True):
    """The result of a reconciliation, by type; `detail` says why it is incomplete, if it is.

    `held` are the types of which so much is missing that a person must confirm that the vendor's
    address is right; then the ledger was not changed.
    """

    tenant: str
    vendor: str
    mode: str
    types: tuple[TypeDrift, ...]
    detail: str | None = None
    held: tuple[TooManyMissing, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the vendor could list every type."""
        return self.detail is None and all(drift.listed for drift in self.types)

    def total(self, what: str) -> int:
        """Return the sum over all types of one count, such as `missing`."""
        return sum(getattr(drift, what) for drift in self.types)


def save_reconciliation(store: CacheStore, found: Reconciliation, now: float) -> None:
    """Save a reconciliation for a month; it has only counts. Raises StoreError."""
    namespace, data = Namespace(NAMESPACE, found.tenant), msgspec.json.encode(found)
    store.put(namespace, found.vendor, data, now, now + KEPT)


def load_reconciliation(
    store: CacheStore, tenant_id: str, vendor: str, now: float
) -> tuple[float, Reconciliation] | None:
    """Return when the last reconciliation was (seconds since 1970 UTC), and its result.

    None if there is none. Raises StoreError.
    """
    item = store.get(Namespace(NAMESPACE, tenant_id), vendor, now)
    if item is None:
        return None
    return item.saved, msgspec.json.decode(item.data, type=Reconciliation)


def reconcile(
    context: SyncContext, tenant_id: str, vendor: str, confirmed: bool = False
) -> Reconciliation:
    """Compare the vendor with the ledger of the connection's mode, and correct the ledger.

    Unless `confirmed`, nothing is corrected when the vendor lacks more than the connection's
    limits allow to be removed: then its address or key may be another's.

    Raises NotFoundError, FarewellError, NotConfigured, LeaseHeldByOther, DirectoryError and
    StoreError.
    """
    tenant = load_tenant_or_raise(context.store, tenant_id)
    admit(context, tenant_id)
    connection = select_connections(tenant, vendor)[0]
    key = ledger_key(tenant_id, connection)
    if key is None:
        raise NotFoundError(f"the connection of {tenant_id} to {vendor} is off; turn it on first")
    target = resolve_target(context.settings, connection, context.secrets)
    if isinstance(target, NotConfigured):
        raise target
    prepared = read_and_prepare(context, tenant, (connection,))
    mapper = prepared.mapper(connection)
    session = VendorSession(context, key, target, process_holder(new_run_id(context.clock())))

    def own(ledger: Ledger) -> OwnResources:
        return own_resources(prepared, mapper, ledger, context.clock())

    return asyncio.run(_ask(session, own, connection.limits, confirmed))


async def _ask(
    session: VendorSession, own: Callable[[Ledger], OwnResources], limits: Limits, confirmed: bool
) -> Reconciliation:
    """List each type at the vendor and correct the ledger accordingly."""
    key = session.key
    drifts: list[TypeDrift] = []
    held: tuple[TooManyMissing, ...] = ()
    detail = None
    async with session.with_lease() as lease:
        ledger = await asyncio.to_thread(session.context.store.ledger, key)
        async with session.open(ledger, lease) as opened:
            try:
                listings = await list_all(opened)
            except (RetriesExhausted, DeliveryStopped) as trouble:
                detail = str(trouble)
            else:
                ours = await asyncio.to_thread(own, ledger)
                ours.recognise(listings)
                drifts, changes = compare_all(listings, ledger, ours)
                if not confirmed:
                    asked = (too_many_missing(drift, ledger, limits) for drift in drifts)
                    held = tuple(each for each in asked if each is not None)
                if not held:
                    opened.ledger_writer.record(changes)
    return Reconciliation(key.tenant, key.vendor, key.mode, tuple(drifts), detail, held)


async def list_all(session: ScimSession) -> dict[ResourceType, ListedResources | None]:
    """Return what the vendor lists of each type. Raises RetriesExhausted and DeliveryStopped."""
    return {resource_type: await session.scim.list(resource_type) for resource_type in TYPES}


def compare_all(
    listings: Listings, ledger: Ledger, own: OwnResources
) -> tuple[list[TypeDrift], list[LedgerChange]]:
    """Return how each type differs, and the changes that correct the ledger."""
    found = [compare(t, listings[t], ledger, own) for t in TYPES]
    return [drift for drift, _ in found], [change for _, changes in found for change in changes]


def own_resources(
    prepared: PreparedRun, mapper: ResourceMapper, ledger: Ledger, now: float
) -> OwnResources:
    """Return what is this tenant's: what is wanted, and the accounts of all people read.

    Employments of people who have none any more are recognised by what they refer to.
    """
    people = {mapper.user_id(user.id) for user in prepared.snapshot.users}
    for user_id in prepared.roster.protected | prepared.protection.hidden:
        people |= mapper.external_ids(user_id)
    units = mapper.school_units() | {mapper.organisation_external_id()}
    return OwnResources(mapper.resources(standing_refusals(ledger, now)), people, units)

"""Compare a vendor's resources with the ledger, and correct the ledger where they differ.

Nothing is written at the vendor: the next run creates what is missing and deletes what is not
wanted, subject to the connection's limits.
"""

import asyncio
from collections.abc import Iterator, Mapping, Set

import msgspec
from msgspec import Struct

from addon.delivery.listing import ListedResources
from addon.delivery.throttle import DeliveryStopped
from addon.delivery.transport import RetriesExhausted
from addon.planning.ledger import Ledger, LedgerChange, LedgerEntry
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
from addon.sync.prepare import PreparedRun, read_and_prepare
from addon.sync.session import VendorSession
from addon.vendors.profiles import NotConfigured

NAMESPACE = "reconciled"
KEPT = 30 * 24 * 3600.0
"""Seconds until the result of a reconciliation expires in the store."""


class TypeDrift(Struct, frozen=True, rename="camel"):
    """How one type at the vendor differs from the ledger, as counts of resources.

    `there` are at the vendor; `missing` are in the ledger but not at the vendor; `adopted` are
    this tenant's and at the vendor, but were not in the ledger; `different_id` have another id at
    the vendor; `several` are at the vendor more than once; `others` are at the vendor but not
    known to be this tenant's, and are left unchanged. `listed` is false if the vendor cannot list
    the type; then the counts are unknown.
    """

    resource_type: ResourceType
    listed: bool = True
    there: int = 0
    missing: int = 0
    adopted: int = 0
    different_id: int = 0
    several: int = 0
    others: int = 0


class Reconciliation(Struct, frozen=True):
    """The result of a reconciliation, by type; `detail` says why it is incomplete, if it is."""

    tenant: str
    vendor: str
    mode: str
    types: tuple[TypeDrift, ...]
    detail: str | None = None

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


def reconcile(context: SyncContext, tenant_id: str, vendor: str) -> Reconciliation:
    """Compare the vendor with the ledger of the connection's mode, and correct the ledger.

    Raises NotFoundError, NotConfigured, LeaseHeldByOther, DirectoryError, StoreError.
    """
    tenant = load_tenant_or_raise(context.store, tenant_id)
    connection = select_connections(tenant, vendor)[0]
    key = ledger_key(tenant_id, connection)
    if key is None:
        raise NotFoundError(f"the connection of {tenant_id} to {vendor} is off; turn it on first")
    target = resolve_target(context.settings, connection, context.secrets)
    if isinstance(target, NotConfigured):
        raise target
    prepared = read_and_prepare(context, tenant, (connection,))
    mapper = ResourceMapper(prepared.vendor_rosters[vendor], tenant, connection)
    session = VendorSession(context, key, target, process_holder(new_run_id(context.clock())))
    return asyncio.run(_ask(session, _ours(prepared, mapper), mapper.school_units()))


async def _ask(
    session: VendorSession, ours: Mapping[ResourceType, set[str]], school_units: Set[str]
) -> Reconciliation:
    """List each type at the vendor and correct the ledger accordingly."""
    key = session.key
    found: list[TypeDrift] = []
    held: dict[ResourceType, ListedResources | None] = {}
    detail = None
    async with session.with_lease() as lease:
        ledger = await asyncio.to_thread(session.context.store.ledger, key)
        async with session.open(ledger, lease) as opened:
            try:
                for resource_type in TYPES:
                    held[resource_type] = await opened.scim.list(resource_type)
                _recognise(held, ours, school_units)
                for resource_type in TYPES:
                    drift, changes = _compare(resource_type, held[resource_type], ledger, ours)
                    found.append(drift)
                    opened.ledger_writer.record(changes)
            except (RetriesExhausted, DeliveryStopped) as trouble:
                detail = str(trouble)
    return Reconciliation(key.tenant, key.vendor, key.mode, tuple(found), detail)


def _ours(prepared: PreparedRun, mapper: ResourceMapper) -> Mapping[ResourceType, set[str]]:
    """Return externalIds of this tenant: of the wanted resources and of all people read."""
    ours: dict[ResourceType, set[str]] = {t: set() for t in TYPES}
    for resource in mapper.resources():
        ours[resource.resource_type].add(resource.external_id)
    people = {user.id for user in prepared.snapshot.users} | prepared.roster.protected
    for user_id in people:
        of_person = mapper.external_ids(user_id)
        ours["User"] |= of_person
        ours["Employment"] |= of_person
    return ours


def _recognise(
    held: Mapping[ResourceType, ListedResources | None],
    ours: Mapping[ResourceType, set[str]],
    school_units: Set[str],
) -> None:
    """Add resources that refer to the tenant's school units to `ours`.

    This also finds people who left long ago.
    """
    for resource_type, holding in held.items():
        for external_id, references in (holding.references if holding else {}).items():
            if not school_units.isdisjoint(references):
                ours[resource_type].add(external_id)
                if resource_type == "Employment":
                    ours["User"].update(references)


def _compare(
    resource_type: ResourceType,
    holding: ListedResources | None,
    ledger: Ledger,
    ours: Mapping[ResourceType, set[str]],
) -> tuple[TypeDrift, list[LedgerChange]]:
    """Return how a type differs, and the changes that correct the ledger."""
    if holding is None:
        return TypeDrift(resource_type, listed=False), []
    held = holding.ids
    entries = ledger.entries[resource_type]
    changes = list(_forget_missing(resource_type, held, entries))
    missing, adopted, different, several, others = len(changes), 0, 0, 0, 0
    for external_id, ids in held.items():
        entry = entries.get(external_id)
        known = (entry.vendor_id or external_id) if entry is not None else ""
        if entry is None and external_id not in ours[resource_type]:
            others += len(ids)
            continue
        if len(ids) > 1:
            several += 1
        elif entry is None:
            adopted += 1
        elif entry.is_pending or known in ids:
            continue
        else:
            different += 1
            changes.append(_change(resource_type, external_id, LedgerEntry(ids[0], entry.content)))
            continue
        changes.append(_change(resource_type, external_id, LedgerEntry(ids[0], b"")))
    there = sum(len(ids) for ids in held.values())
    return (
        TypeDrift(resource_type, True, there, missing, adopted, different, several, others),
        changes,
    )


def _forget_missing(
    resource_type: ResourceType, held: Mapping[str, list[str]], entries: Mapping[str, LedgerEntry]
) -> Iterator[LedgerChange]:
    for external_id in entries.keys() - held.keys():
        yield LedgerChange(resource_type, external_id, forget=True)


def _change(resource_type: ResourceType, external_id: str, entry: LedgerEntry) -> LedgerChange:
    return LedgerChange(resource_type, external_id, entry)

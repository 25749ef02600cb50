"""The removal of protected people alone, everywhere that a ledger says they are, each hour.

It needs no run: it goes on in a pause, during holds, and where a connection is off or gone from
the document, in both environments. What could not be removed is tried again the next time.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Set
from hashlib import blake2b

from msgspec import structs

from addon.directory.errors import DirectoryError
from addon.directory.scope import places_of
from addon.planning.ledger import Ledger, LedgerKey, shard_of
from addon.planning.protected_set import (
    ProtectedSet,
    RemovalOutcome,
    unit_codes,
    with_removal,
)
from addon.ss12000.ids import Ids
from addon.store.base import StoreError
from addon.store.ids import new_run_id
from addon.store.process_identity import process_holder
from addon.store.records import ConnectionState
from addon.sync.context import SyncContext, load_tenant_or_raise
from addon.sync.former_units import codes_at_vendor, unknown_units
from addon.sync.protected_elsewhere import OtherEnvironment, remove_protected_elsewhere
from addon.sync.protected_set import load_protection, record_reading, record_units
from addon.sync.readiness import ReadyConnection, check_readiness
from addon.sync.report import ConnectionReport, Removal
from addon.sync.session import VendorSession
from addon.tenants.model import Connection, Tenant

log = logging.getLogger(__name__)


def read_protected(context: SyncContext, tenant_id: str) -> Tenant:
    """Read who is protected, and nobody else, and add those found to the tenant's set.

    Nothing is read where no vendor has anybody, or of a tenant that has left. When the directory
    cannot be read, the set stays as it is. Return the tenant. Raises NotFoundError and StoreError.
    """
    tenant = load_tenant_or_raise(context.store, tenant_id)
    places = places_of(tenant.protected)
    if not places or not any(number for _, number, _ in context.store.ledgers(tenant_id)):
        return tenant
    if context.store.licence(tenant_id).farewell:
        return tenant
    started = context.clock()
    try:
        snapshot = context.read_directory(structs.replace(tenant, school_units=()))
    except DirectoryError as error:
        log.warning("who is protected was not read: %s", error)
        return tenant
    record_reading(context, tenant, snapshot, started, whole=False)
    return tenant


def remove_protected_everywhere(
    context: SyncContext,
    tenant_id: str,
    seconds: float | None = None,
    but: Set[str] = frozenset(),
) -> tuple[Removal, ...]:
    """Remove all protected people who are in a ledger, except at the vendors in `but`.

    It takes about `seconds` at most. Return what was done; nothing where nobody was to be
    removed. Where a ledger has school units whose codes nobody knows, the vendor is asked for them.

    Costs one read of the store if nobody is protected, and two for each connection if
    everybody is removed already and its ledger has not changed since, and one more while no
    school unit of the tenant is known. Raises NotFoundError and StoreError.
    """
    protection = load_protection(context.store, tenant_id)
    if not protection.removable:
        return ()
    tenant = load_tenant_or_raise(context.store, tenant_id)
    protection = record_units(context, tenant, protection)
    deadline = None if seconds is None else time.monotonic() + seconds
    found = []
    for key, _, _ in context.store.ledgers(tenant_id):
        if key.vendor in but:
            continue
        state = context.store.connection_state(key)
        units = unit_codes(tenant, protection)
        state_hash = _state_hash(protection.removable, units, state.ledger)
        if not _pending(state) and protection.cleared.get(_place(key)) == state_hash:
            continue
        codes = _codes_of_former_units(context, tenant, key, state.ledger, units, deadline)
        protection = record_units(context, tenant, protection, codes or ())
        outcome = _remove_at(context, tenant, key, state, protection, deadline)
        if outcome is not None:
            found.append(Removal(key, outcome))
        is_clear = outcome is None and codes == frozenset()
        _record(context, key, outcome, state_hash if is_clear else "")
    return tuple(found)


def _codes_of_former_units(
    context: SyncContext,
    tenant: Tenant,
    key: LedgerKey,
    ledger: Ledger,
    known: Iterable[str],
    deadline: float | None,
) -> frozenset[str] | None:
    """Return the codes of the ledger's school units that are not `known`, as the vendor has them.

    None when the vendor can be asked later.
    """
    unknown = unknown_units(context, key, ledger, known)
    if not unknown:
        return frozenset()
    ready = _readiness_at(context, tenant, key)
    if not isinstance(ready, ReadyConnection):
        return None
    return codes_at_vendor(_session(context, ready, deadline), unknown)


def _remove_at(
    context: SyncContext,
    tenant: Tenant,
    key: LedgerKey,
    state: ConnectionState,
    protection: ProtectedSet,
    deadline: float | None,
) -> RemovalOutcome | None:
    """Remove the protected people from one environment; None if there are none.

    Who has an account or an employment left is left.
    """
    pending = _pending(state)
    theirs = _resources_of(tenant, protection)
    before = _there(context, key, state.ledger, theirs)
    if not before and not pending:
        return None
    ready = _readiness_at(context, tenant, key)
    if not isinstance(ready, ReadyConnection):
        problem = ready.detail or "it is not set up"
        return RemovalOutcome(context.clock(), 0, len(_people(theirs, before)), problem)
    session = _session(context, ready, deadline)
    found = OtherEnvironment(ready.connection, key, before, pending)
    stopped = asyncio.run(remove_protected_elsewhere(context, found, session))
    after = _there(context, key, context.store.ledger(key), theirs)
    left = _people(theirs, after)
    removed = _people(theirs, before) - left
    if after and stopped is None:
        stopped = "the rest is left to the next time"
    if stopped is not None:
        what = "the removal of protected people from %s (%s) is not complete: %d are left"
        log.error(what, key.vendor, key.mode, len(left))
    return RemovalOutcome(context.clock(), len(removed), len(left), stopped or "")


def _pending(state: ConnectionState) -> frozenset[str]:
    """Return externalIds of protected people who are removed but may still be in groups."""
    return frozenset(() if state.hold is None else state.hold.protected_being_removed)


def _readiness_at(
    context: SyncContext, tenant: Tenant, key: LedgerKey
) -> ReadyConnection | ConnectionReport:
    """Return whether an environment can be delivered to, though the connection be off or gone."""
    connection = tenant.connection(key.vendor) or Connection(vendor=key.vendor)
    return check_readiness(context, key.tenant, structs.replace(connection, mode=key.mode))


def _session(context: SyncContext, ready: ReadyConnection, deadline: float | None) -> VendorSession:
    run = process_holder(new_run_id(context.clock()))
    return VendorSession(context, ready.key, ready.target, run, deadline)


def _resources_of(tenant: Tenant, protection: ProtectedSet) -> dict[str, str]:
    """Return whose each resource is of those to be removed: user ids by externalId.

    These are accounts, and employments at all units that the document has or has had.
    """
    ids, units = Ids(tenant.customer_id), unit_codes(tenant, protection)
    return {each: user for user in protection.removable for each in ids.of_person(user, units)}


def _there(
    context: SyncContext, key: LedgerKey, ledger: Ledger, theirs: Mapping[str, str]
) -> frozenset[str]:
    """Return the externalIds of these people's resources that are in the ledger."""
    context.store.load(key, ledger, {shard_of(each) for each in theirs} & ledger.unread.keys())
    return frozenset(theirs.keys() & _entries(ledger))


def _people(theirs: Mapping[str, str], external_ids: Iterable[str]) -> set[str]:
    """Return whose these resources are, as user ids."""
    return {theirs[each] for each in external_ids}


def _entries(ledger: Ledger) -> set[str]:
    return {each for entries in ledger.entries.values() for each in entries}


def _state_hash(removable: Iterable[str], units: Iterable[str], ledger: Ledger) -> str:
    """Return a hash of who is removable, of the units that their employments may be at, and of
    what the ledger has, as far as the store read it.

    Of a shard that was not read it has the digest, of the others the externalIds.
    """
    found = blake2b(" ".join((*sorted(removable), "at", *sorted(units))).encode(), digest_size=16)
    for number, part in sorted(ledger.unread.items()):
        found.update(f" {number}:".encode() + part.digest)
    for external_id in sorted(_entries(ledger)):
        found.update(f" {external_id}".encode())
    return found.hexdigest()


def _record(
    context: SyncContext, key: LedgerKey, outcome: RemovalOutcome | None, cleared: str
) -> None:
    """Save what a removal came to, and in which state the place was found clear, if it was."""

    def change(known: ProtectedSet | None) -> ProtectedSet:
        return with_removal(known or ProtectedSet(), _place(key), outcome, cleared)

    try:
        context.store.update_protected_set(key.tenant, change)
    except StoreError as error:
        log.warning("what was removed at %s was not noted: %s", key.vendor, error)


def _place(key: LedgerKey) -> str:
    return f"{key.vendor}.{key.mode}"

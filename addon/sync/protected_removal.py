"""The removal of protected people alone, everywhere that a ledger says they are, each hour.

It needs no run: it goes on in a pause, during holds, and where a connection is off or gone from
the document, in both environments. What could not be removed is tried again the next time.
"""

import asyncio
import logging
import time
from collections.abc import Set
from hashlib import blake2b

from msgspec import structs

from addon.directory.errors import DirectoryError
from addon.directory.scope import places_of
from addon.planning.ledger import Ledger, LedgerKey, shard_of
from addon.planning.protected_set import ProtectedSet, RemovalOutcome, with_removal
from addon.ss12000.ids import Ids
from addon.store.base import StoreError
from addon.store.ids import new_run_id
from addon.store.process_identity import process_holder
from addon.store.records import ConnectionState
from addon.sync.context import SyncContext, load_tenant_or_raise
from addon.sync.protected_elsewhere import OtherEnvironment, remove_protected_elsewhere
from addon.sync.protected_set import load_protection, record_reading
from addon.sync.readiness import ReadyConnection, check_readiness
from addon.sync.report import Removal
from addon.sync.session import VendorSession
from addon.tenants.model import Connection, Tenant

log = logging.getLogger(__name__)


def read_protected(context: SyncContext, tenant_id: str) -> None:
    """Read who is protected, and nobody else, and add those found to the tenant's set.

    Nothing is read where no vendor has anybody, or of a tenant that has left. When the directory
    cannot be read, the set stays as it is. Raises NotFoundError and StoreError.
    """
    tenant = load_tenant_or_raise(context.store, tenant_id)
    places = places_of(tenant.protected)
    if not places or not any(number for _, number, _ in context.store.ledgers(tenant_id)):
        return
    if context.store.licence(tenant_id).farewell:
        return
    started = context.clock()
    try:
        snapshot = context.read_directory(structs.replace(tenant, school_units=()))
    except DirectoryError as error:
        log.warning("who is protected was not read: %s", error)
        return
    record_reading(context, tenant, snapshot, started, whole=False)


def remove_protected_everywhere(
    context: SyncContext,
    tenant_id: str,
    seconds: float | None = None,
    but: Set[str] = frozenset(),
) -> tuple[Removal, ...]:
    """Remove all protected people who are in a ledger, except at the vendors in `but`.

    It takes about `seconds` at most. Return what was done; nothing where nobody was to be
    removed. Costs one read of the store if nobody is protected, and two for each connection if
    everybody is removed already and its ledger has not changed since. Raises NotFoundError and
    StoreError.
    """
    protection = load_protection(context.store, tenant_id)
    if not protection.removable:
        return ()
    tenant = load_tenant_or_raise(context.store, tenant_id)
    deadline = None if seconds is None else time.monotonic() + seconds
    found = []
    for key, _, _ in context.store.ledgers(tenant_id):
        if key.vendor in but:
            continue
        state = context.store.connection_state(key)
        state_hash = _state_hash(protection, state.ledger)
        if protection.cleared.get(_place(key)) == state_hash:
            continue
        outcome = _remove_at(context, tenant, key, state, protection, deadline)
        if outcome is not None:
            found.append(Removal(key, outcome))
        _record(context, key, outcome, state_hash if outcome is None else "")
    return tuple(found)


def _remove_at(
    context: SyncContext,
    tenant: Tenant,
    key: LedgerKey,
    state: ConnectionState,
    protection: ProtectedSet,
    deadline: float | None,
) -> RemovalOutcome | None:
    """Remove the protected people from one environment; None if there are none."""
    connection = tenant.connection(key.vendor) or Connection(vendor=key.vendor)
    connection = structs.replace(connection, mode=key.mode)
    hold = state.hold
    pending = frozenset(() if hold is None else hold.protected_being_removed)
    before = _there(context, tenant, key, state.ledger, protection.removable)
    if not before and not pending:
        return None
    people = {Ids(tenant.customer_id).user(each) for each in protection.removable}
    ready = check_readiness(context, key.tenant, connection)
    if not isinstance(ready, ReadyConnection):
        left = len(before & people)
        return RemovalOutcome(context.clock(), 0, left, ready.detail or "it is not set up")
    run = process_holder(new_run_id(context.clock()))
    session = VendorSession(context, key, ready.target, run, deadline)
    found = OtherEnvironment(connection, key, before, pending)
    problem = asyncio.run(remove_protected_elsewhere(context, found, session))
    after = _there(context, tenant, key, context.store.ledger(key), protection.removable)
    removed, left = len((before - after) & people), len(after & people)
    if after and problem is None:
        problem = "the rest is left to the next time"
    if problem is not None:
        log.error("%d protected people are still at %s (%s)", left, key.vendor, key.mode)
    return RemovalOutcome(context.clock(), removed, left, problem or "")


def _there(
    context: SyncContext, tenant: Tenant, key: LedgerKey, ledger: Ledger, ids: Set[str]
) -> frozenset[str]:
    """Return the externalIds of these people's accounts and employments that are in the ledger."""
    external_ids = Ids(tenant.customer_id)
    units = [unit.code for unit in tenant.school_units]
    wanted = {external_ids.user(each) for each in ids}
    wanted |= {external_ids.employment(unit, each) for each in ids for unit in units}
    context.store.load(key, ledger, {shard_of(each) for each in wanted} & ledger.unread.keys())
    return frozenset(wanted & _entries(ledger))


def _entries(ledger: Ledger) -> set[str]:
    return {each for entries in ledger.entries.values() for each in entries}


def _state_hash(protection: ProtectedSet, ledger: Ledger) -> str:
    """Return a hash of who is removable and what the ledger has, as far as the store read it.

    Of a shard that was not read it has the digest, of the others the externalIds.
    """
    found = blake2b(protection.removable_hash.encode(), digest_size=16)
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

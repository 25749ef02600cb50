"""Keep what a delivery did to whom: one write of the store, by ids, while its run is kept.

What changed is told by the reading before: a vendor's ledger has hashes, and no memberships. The
protected are in no history, and those who become so are removed from it.
"""

import logging
from collections.abc import Callable, Iterable, Iterator

from addon.age import age
from addon.delivery.lease import PROLONGED_AFTER
from addon.directory.scope import places_of
from addon.logs import error_place
from addon.planning.history import (
    DeliveryHistory,
    HistoryEntry,
    history_id,
    in_parts,
)
from addon.planning.ledger import LedgerKey
from addon.planning.protected_set import ProtectedSet
from addon.planning.result import DeliveryResult
from addon.ss12000.mapping import ResourceMapper
from addon.store.base import ProtectedStore, Store, StoreError
from addon.store.records import RunRecord
from addon.sync.forgotten_people import external_ids_of_users
from addon.sync.history_entries import EntriesOfRun, ResourceKey, ResourceOutcome
from addon.sync.prepare import PreparedRun
from addon.tenants.model import Connection

log = logging.getLogger(__name__)

WITHDRAWN = "withdrawn"


def keep_history(
    store: Store,
    run: RunRecord,
    key: LedgerKey,
    now: float,
    entries: Callable[[], Iterable[HistoryEntry]],
) -> None:
    """Save the entries of a delivery; an error costs its history, but not its report."""
    try:
        store.add_history(_parts(run, key, now, entries()))
    except Exception as error:
        what = str(error) if isinstance(error, StoreError) else error_place(error)
        log.error("what was done to whom is not kept of %s at %s: %s", run.id, key.vendor, what)


def _parts(
    run: RunRecord, key: LedgerKey, now: float, entries: Iterable[HistoryEntry]
) -> list[DeliveryHistory]:
    ordered = sorted(entries, key=lambda each: (each.resource_type, each.external_id))
    return [
        DeliveryHistory(
            id=history_id(now, run.id, key.vendor, key.mode, n),
            tenant=key.tenant,
            run=run.parent or run.id,
            at=now,
            vendor=key.vendor,
            mode=key.mode,
            entries=part,
        )
        for n, part in enumerate(in_parts(ordered))
    ]


def outcomes_of(result: DeliveryResult) -> dict[ResourceKey, ResourceOutcome]:
    """Return what became of each resource of a delivery."""
    found = {
        (failed.resource_type, failed.external_id): ResourceOutcome(
            failed.operation, "refused" if failed.refused else "failed"
        )
        for failed in result.failures
    }
    return found | {name: ResourceOutcome(kind, "done") for name, kind in result.done.items()}


def entries_of_withdrawal(
    store: Store, tenant_id: str, result: DeliveryResult
) -> list[HistoryEntry]:
    """Return the entries of a withdrawal, which reads no directory. Raises StoreError."""
    protection = store.protected_set(tenant_id) or ProtectedSet()
    hidden = external_ids_of_users(tenant_id, protection.hidden)
    return [each for entry in _withdrawn(result) if (each := entry.without(hidden)) is not None]


def _withdrawn(result: DeliveryResult) -> Iterator[HistoryEntry]:
    for (kind, external_id), outcome in outcomes_of(result).items():
        if kind == "Employment":
            continue  # nobody knows whose
        person = external_id if kind == "User" else ""
        why = WITHDRAWN if kind == "User" else ""
        yield HistoryEntry(kind, external_id, outcome.operation, outcome.result, person, why=why)


def entries_of_delivery(
    store: ProtectedStore,
    prepared: PreparedRun,
    connection: Connection,
    mapper: ResourceMapper,
    result: DeliveryResult,
    now: float,
) -> list[HistoryEntry]:
    """Return the entries of a delivery, without who is protected now. Raises StoreError.

    That costs no read where nobody can be protected, or when the directory was read a moment ago.
    """
    outcomes = outcomes_of(result)
    if not outcomes:
        return []
    hidden, tenant = prepared.protection.hidden, prepared.tenant
    is_old = age(prepared.evidence.read, now) >= PROLONGED_AFTER
    if is_old and (hidden or places_of(tenant.protected)):
        found = store.protected_set(tenant.customer_id)
        hidden |= frozenset() if found is None else found.hidden
    protected = frozenset(map(mapper.user_id, hidden))
    entries = EntriesOfRun(prepared, connection, mapper, outcomes).entries()
    return [each for entry in entries if (each := entry.without(protected)) is not None]

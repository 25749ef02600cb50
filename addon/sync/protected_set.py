"""Record what a reading says about who is protected, in the tenant's set in the store."""

from collections.abc import Iterable, Iterator, Set

from addon.directory.evidence import Absent, Present, UserQuestion
from addon.directory.scope import places_of
from addon.directory.snapshot import Snapshot, User
from addon.planning.protected_set import (
    ProtectedReading,
    ProtectedSet,
    after_reading,
    confirmed,
    missing,
    released,
    strictest,
    unit_codes,
    with_protected,
    with_units,
)
from addon.ss12000.ids import Ids
from addon.store.base import ProtectedStore, Store
from addon.store.history import HistoryStore
from addon.store.ids import new_entry_id
from addon.store.records import AuditEntry
from addon.sync.context import (
    COMMAND_LINE,
    NotFoundError,
    SyncContext,
    load_tenant_or_raise,
)
from addon.sync.forgotten_people import forget_people
from addon.sync.kept_reading import forget_reading
from addon.sync.known_placements import KnownDirectory, load_known
from addon.tenants.model import Tenant

MOST_ASKED = 50
"""About so many accounts Google is asked when a reading finds them nowhere."""


def record_reading(
    context: SyncContext, tenant: Tenant, snapshot: Snapshot, started: float, whole: bool = True
) -> ProtectedSet:
    """Save whom a reading found protected and the document's units, and return the tenant's set.

    `started` is when the reading began (seconds since 1970 UTC). A reading that is not `whole`
    only adds. Raises StoreError.
    """
    store, tenant_id, now = context.store, tenant.customer_id, context.clock()
    seen = frozenset(user.id for user in snapshot.users)
    reading = ProtectedReading(snapshot.protected, seen, started, whole)
    known = store.protected_set(tenant_id)
    is_first = known is None or known.knows_nobody
    sent = _sent(store, tenant_id, snapshot.protected) if is_first else None
    absent = _absent(context, tenant, missing(known, reading, now))
    limit = strictest(tenant)
    units = _units(context, tenant, known)

    def change(known: ProtectedSet | None) -> ProtectedSet:
        after = after_reading(known, reading, limit, now=now, sent=sent, absent=absent)
        return with_units(after, units)

    if (known or ProtectedSet()) == (same := change(known)):
        return same  # nearly always: one read
    before = None if known is None else known.removable
    _forget_new(store, tenant_id, before, same)  # first: whoever is killed here does it again
    after = store.update_protected_set(tenant_id, change)
    _forget_new(store, tenant_id, before, after)  # and what was saved meanwhile
    return after


def _forget_new(
    store: HistoryStore, tenant_id: str, before: Set[str] | None, after: ProtectedSet
) -> None:
    """Remove those who have become protected from the history of deliveries.

    Nothing is read where nobody was known `before`: then nothing has been sent.
    """
    if before is not None:
        forget_people(store, tenant_id, after.removable - before)


def record_units(
    context: SyncContext, tenant: Tenant, known: ProtectedSet, codes: Iterable[str] = ()
) -> ProtectedSet:
    """Save the document's units, and `codes`, among those that it has had, and return the set.

    `known` is the set as it was read. Nothing is written of units that it has. Raises StoreError.
    """
    units = _units(context, tenant, known).union(codes)
    if units <= known.units:
        return known
    return context.store.update_protected_set(
        tenant.customer_id, lambda found: with_units(found, units)
    )


def knows_protected(snapshot: Snapshot, tenant: Tenant) -> bool:
    """Whether the snapshot was read with all groups and OUs that the document protects now.

    If not, nobody in it knows the members of a group that was not read: that is not "no members".
    """
    return set(places_of(tenant.protected)) <= set(snapshot.protected_places)


def load_protection(store: ProtectedStore, tenant_id: str) -> ProtectedSet:
    """Return the tenant's set as it is now. Raises StoreError."""
    return store.protected_set(tenant_id) or ProtectedSet()


def confirm_growth(store: ProtectedStore, tenant_id: str, number: int) -> None:
    """Save that a person has confirmed the `number` people who became protected at once.

    If there are more by now, a person must look again. Raises StoreError.
    """

    def change(known: ProtectedSet | None) -> ProtectedSet:
        known = known or ProtectedSet()
        return known if len(known.pending) > number else confirmed(known)

    store.update_protected_set(tenant_id, change)


def protect(store: Store, tenant_id: str, ids: Set[str]) -> None:
    """Save that a person has said that these people are protected. Raises StoreError."""
    if ids:
        store.update_protected_set(tenant_id, lambda known: with_protected(known, ids))
        forget_people(store, tenant_id, ids)


def release(
    context: SyncContext,
    tenant_id: str,
    users: Set[str] | None = None,
    actor: str = COMMAND_LINE,
) -> int:
    """Release the `users`, or all, whose protection has ended; return how many.

    They may be sent from now on. `actor` is for the audit log. Raises NotFoundError when there is
    no such tenant, or nobody of `users` whose protection has ended, and StoreError.
    """
    load_tenant_or_raise(context.store, tenant_id)
    found: list[frozenset[str]] = []

    def change(known: ProtectedSet | None) -> ProtectedSet:
        known = known or ProtectedSet()
        ended = known.releasable if users is None else (known.releasable | known.gone) & users
        found[:] = [ended]
        return released(known, ended)

    context.store.update_protected_set(tenant_id, change)
    ids = found[0]
    if users is not None and not ids:
        raise NotFoundError(
            f"{', '.join(sorted(users))} is not among those of {tenant_id} whose protection has "
            "ended: whom Google Workspace has as protected is not released"
        )
    if ids:
        forget_reading(context.store, tenant_id)  # they are not in it
        now = context.clock()
        subject = next(iter(ids)) if len(ids) == 1 else str(len(ids))
        entry = AuditEntry(new_entry_id(now), now, actor, "protection.released", subject)
        context.store.append_audit(tenant_id, entry)
    return len(ids)


def _units(context: SyncContext, tenant: Tenant, known: ProtectedSet | None) -> frozenset[str]:
    """Return the codes of the units that the document has or has had.

    A set without units is of an earlier version: then those of earlier readings are among them.
    """
    known = known or ProtectedSet()
    codes = frozenset(unit_codes(tenant, known))
    if known.units:
        return codes
    earlier = load_known(context.store, tenant.customer_id, context.clock())
    return codes if earlier is None else codes.union(_units_of(earlier))


def _units_of(known: KnownDirectory) -> Iterator[str]:
    """Yield the codes of the units that earlier readings knew."""
    yield from (unit.code for unit in known.school_units)
    for person in known.placements.people.values():
        yield from person.employments
    yield from (unit for unit, _ in known.gone_employments)


def _sent(store: Store, tenant_id: str, ids: Set[str]) -> frozenset[str]:
    """Return which of `ids` a vendor has, by the ledgers."""
    if not ids:
        return frozenset()
    external_ids = Ids(tenant_id)
    by_external_id = {external_ids.user(each): each for each in ids}
    found: set[str] = set()
    for key, _, _ in store.ledgers(tenant_id):
        there = store.ledger(key).entries["User"].keys()
        found.update(by_external_id[each] for each in there & by_external_id.keys())
    return frozenset(found)


def _absent(context: SyncContext, tenant: Tenant, ids: Set[str]) -> frozenset[str]:
    """Return which of `ids` are accounts that do not exist, as far as Google says so."""
    if not ids:
        return frozenset()
    questions = [UserQuestion(each) for each in sorted(ids)]
    answers = context.ask_directory(tenant, questions, MOST_ASKED)
    return frozenset(
        question.user
        for question in questions
        if isinstance(answer := answers[question], Absent)
        or (isinstance(answer, Present) and isinstance(answer.found, User) and answer.found.deleted)
    )

"""Ask for a tenant's licence: once a day, and at once when Google refuses its directory.

A tenant that came by hand is not asked for: UNLICENSED is its state for ever, until somebody comes
from the add-on's card, which shows that it has installed the app since. The answers, and whether
the delegation lasts, begin and end the tenant's farewell; what that does is in
`addon.sync.farewell`.
"""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct, structs

from addon.directory.errors import OUR_OWN, AccessRefused
from addon.store.base import CacheStore
from addon.store.ids import new_entry_id
from addon.store.origin import load_origin, record_origin
from addon.store.records import AuditEntry
from addon.sync.channels import resume_notifications
from addon.sync.context import SyncContext, load_tenant_or_raise
from addon.sync.farewell import cancel_withdrawals, continue_farewell, erase_readings
from addon.tenants.licence import FarewellError, LicenceRecord, after_answer, with_domains

log = logging.getLogger(__name__)


class Admission(Struct, frozen=True):
    """That a tenant may be read and sent; `asked` is whether its licence was just asked for."""

    licence: LicenceRecord
    asked: bool


def admit(context: SyncContext, tenant_id: str, record: LicenceRecord | None = None) -> Admission:
    """Admit a tenant that has not left; its licence is asked for first when that is due.

    `record` is what is known of the licence, if it was read already.

    In a farewell it is asked for each time, so that who comes back need not wait. Raises
    FarewellError if the tenant has left: nothing may be read or sent. Raises StoreError.
    """
    record = context.store.licence(tenant_id) if record is None else record
    due = bool(record.farewell or (record.domains and _is_due(context, tenant_id, record)))
    if due:
        record = check_licence(context, tenant_id)
    if record.farewell:
        raise FarewellError(tenant_id, record)
    return Admission(record, asked=due)


def admit_or_continue_farewell(
    context: SyncContext, tenant_id: str, record: LicenceRecord
) -> Admission:
    """Return what `admit` returns; of a tenant that has left, do what is left of its farewell.

    Raises FarewellError and StoreError.
    """
    try:
        return admit(context, tenant_id, record)
    except FarewellError as left:
        continue_farewell(context, tenant_id, left.record)
        raise


def remember_domains(
    context: SyncContext, tenant_id: str, admission: Admission, domains: tuple[str, ...]
) -> None:
    """Save the verified domains that were read, if they were not all known.

    The licence is then asked for the first time, if it never was. Raises StoreError.
    """
    record = admission.licence
    if not set(domains) <= set(record.domains):
        record = context.store.update_licence(tenant_id, lambda known: with_domains(known, domains))
    if record.domains and not record.asked:
        check_licence(context, tenant_id)


@contextmanager
def licence_asked_when_refused(
    context: SyncContext, tenant_id: str, admission: Admission
) -> Iterator[None]:
    """Ask for the licence at once when Google refuses the directory in the block.

    Unless it was asked for at the admission, or the tenant came by hand and had no licence to lose
    when it was last asked for. Raises FarewellError in place of AccessRefused if the
    farewell begins, and StoreError.
    """
    try:
        yield
    except AccessRefused as refused:
        known = admission.licence
        by_hand = came_by_hand(context.store, tenant_id, known, context.clock())
        if refused.why not in OUR_OWN and not (admission.asked or by_hand):
            record = check_licence(context, tenant_id)
            if record.farewell:
                raise FarewellError(tenant_id, record) from None
        raise


def check_licence(context: SyncContext, tenant_id: str) -> LicenceRecord:
    """Ask for the licence, and begin or end the farewell if it is time; return what is known then.

    The first answer says how the tenant came, and a later ACTIVE that it has come from the
    Marketplace since. Raises NotFoundError and StoreError.
    """
    store, now = context.store, context.clock()
    record = store.licence(tenant_id)
    if context.settings.marketplace_app is None:
        return record
    from_marketplace = came_from_marketplace(store, tenant_id, record, now)
    answer = context.ask_licence(record.domains)
    if answer.state == "ACTIVE":
        record_origin(store, tenant_id, "marketplace", now)
    needed = from_marketplace and record.needs_delegation(answer, now)
    tenant = load_tenant_or_raise(store, tenant_id)
    delegation = context.check_delegation(tenant) if needed else "unknown"
    token = secrets.token_urlsafe(32)

    def change(known: LicenceRecord) -> LicenceRecord:
        after = after_answer(known, answer, delegation, now, from_marketplace)
        return structs.replace(after, token=token) if after.farewell and not after.token else after

    after = store.update_licence(tenant_id, change)
    if after.never_licensed:
        record_origin(store, tenant_id, "by hand", now)
    log.info("the licence: %s%s", after.name, f" ({after.problem})" if after.problem else "")
    if after.farewell and not record.farewell:
        log.warning("the app was uninstalled and the access is gone: the farewell begins")
        _note(context, tenant_id, "tenant.left")
    if record.farewell and not after.farewell:
        log.info("the app was installed again: the farewell has ended")
        cancel_withdrawals(context, tenant_id, record)
        resume_notifications(context, tenant_id)
        _note(context, tenant_id, "tenant.returned")
    if after.farewell:  # each time: a reading that was going on may have been stored since
        after = erase_readings(context, tenant_id)
    return after


def came_from_marketplace(
    store: CacheStore, tenant_id: str, record: LicenceRecord, now: float
) -> bool:
    """Whether the tenant has, or had, a licence: by its answers or by how it came."""
    return record.licensed or load_origin(store, tenant_id, now) == "marketplace"


def came_by_hand(store: CacheStore, tenant_id: str, record: LicenceRecord, now: float) -> bool:
    """Whether the access was given by hand: every answer was UNLICENSED, and no card has come."""
    return record.never_licensed and load_origin(store, tenant_id, now) != "marketplace"


def _is_due(context: SyncContext, tenant_id: str, record: LicenceRecord) -> bool:
    """Whether the licence is to be asked for: daily, and not of who came by hand."""
    if context.settings.marketplace_app is None:
        return False
    now = context.clock()
    return record.is_due(now) and not came_by_hand(context.store, tenant_id, record, now)


def _note(context: SyncContext, tenant_id: str, action: str) -> None:
    """Add an entry to the audit log that nobody in particular has caused."""
    now = context.clock()
    context.store.append_audit(tenant_id, AuditEntry(new_entry_id(now), now, "Skolsynk", action))

"""Approve before a pause ends what the first run after it would remove."""

from typing import Protocol

from msgspec import Struct, structs

from addon.planning.advance_approval import can_be_approved, content_hash_of
from addon.planning.emptied_groups import EmptiedGroup
from addon.planning.ledger import LedgerKey
from addon.planning.limits import APPROVAL_LASTS, Approval, Hold
from addon.store.base import CacheStore, LedgerStore, TenantStore
from addon.store.ids import new_entry_id
from addon.store.records import AuditEntry
from addon.sync.context import (
    NotFoundError,
    SyncContext,
    ledger_key,
    load_tenant_or_raise,
    select_connections,
)
from addon.sync.ended_memberships import approve_memberships, refuse_memberships
from addon.sync.licence import admit, licence_asked_when_refused
from addon.sync.planner import planner_for
from addon.sync.prepare import read_and_prepare
from addon.tenants.model import Pause, Tenant
from addon.tenants.pause import current_pause, ends_at, is_rehearsed

APPROVED, TAKEN_BACK = "start.approved", "start.taken-back"
"""The codes of both in the audit log; their subject is the vendor."""


class NotRehearsedError(Exception):
    """It is not the last week of a pause; the message says so."""

    def __init__(self, tenant_id: str) -> None:
        super().__init__(
            f"{tenant_id} is not in the last week of a pause, so there is nothing to approve in "
            "advance"
        )


class ApprovalStore(LedgerStore, TenantStore, CacheStore, Protocol):
    """What an approval in advance is saved in."""


def advance_approval(store: LedgerStore, key: LedgerKey, now: float) -> Approval | None:
    """Return the valid approval in advance of a connection, if any. Raises StoreError."""
    found = store.approval(key)
    return found if found is not None and found.in_advance and found.is_valid(now) else None


def approve_in_advance(
    store: ApprovalStore, key: LedgerKey, hold: Hold, pause: Pause, now: float, who: str
) -> Approval:
    """Save that `who` approves exactly `hold`, for the runs that follow the pause.

    Raises StoreError, and ValueError for a hold that cannot be approved in advance.
    """
    if not can_be_approved(hold):
        raise ValueError("the hold cannot be approved in advance")
    until = ends_at(pause) + APPROVAL_LASTS
    approval = structs.replace(hold.approval(now), until=until, by=who)
    approve_memberships(store, key.tenant, hold.emptied, now, until)
    store.set_approval(key, approval)
    _log(store, key, APPROVED, now, who)
    return approval


def take_back(store: ApprovalStore, key: LedgerKey, now: float, who: str) -> bool:
    """Remove an approval in advance; return False if there is none. Raises StoreError."""
    found = advance_approval(store, key, now)
    if found is None:
        return False
    groups = tuple(
        EmptiedGroup(group, "", "", tuple(sorted(members)), len(members))
        for group, members in found.memberships.items()
    )
    refuse_memberships(store, key.tenant, groups, now)
    store.set_approval(key, None)
    _log(store, key, TAKEN_BACK, now, who)
    return True


def _log(store: TenantStore, key: LedgerKey, what: str, now: float, who: str) -> None:
    store.append_audit(key.tenant, AuditEntry(new_entry_id(now), now, who, what, key.vendor))


class AdvanceReport(Struct, frozen=True, omit_defaults=True):
    """The result of approving in advance by command.

    `held` is whether the first run would be held now, and `content` a hash of what it would remove;
    `people` are how many of it. The approval is valid `until` (seconds since 1970 UTC).
    """

    tenant: str
    vendor: str
    approved: bool
    held: bool
    people: int = 0
    content: str = ""
    until: float = 0.0


def approve_content(
    context: SyncContext, tenant_id: str, vendor: str, content: str, who: str
) -> AdvanceReport:
    """Read the directory, and approve what the first run would be held for if that is `content`.

    Raises NotFoundError, NotRehearsedError, FarewellError, DirectoryError and StoreError.
    """
    tenant, key = _connection_key(context, tenant_id, vendor)
    pause = current_pause(tenant, context.clock())
    if pause is None or not is_rehearsed(tenant, context.clock()):
        raise NotRehearsedError(tenant_id)
    admission = admit(context, tenant_id)
    (connection,) = connections = select_connections(tenant, vendor)
    with licence_asked_when_refused(context, tenant_id, admission):
        prepared = read_and_prepare(context, tenant, connections, remember=False)
    hold = planner_for(context, prepared, connection, key, remember=False).unapproved_hold
    if hold is None:
        return AdvanceReport(tenant_id, vendor, approved=False, held=False)
    found = AdvanceReport(tenant_id, vendor, False, True, len(hold.people), content_hash_of(hold))
    if content != found.content or not can_be_approved(hold):
        return found
    approval = approve_in_advance(context.store, key, hold, pause, context.clock(), who)
    return structs.replace(found, approved=True, until=approval.until)


def take_back_by_command(
    context: SyncContext, tenant_id: str, vendor: str, who: str
) -> AdvanceReport:
    """Remove an approval in advance. Raises NotFoundError if there is none, and StoreError."""
    _tenant, key = _connection_key(context, tenant_id, vendor)
    if not take_back(context.store, key, context.clock(), who):
        raise NotFoundError(f"nothing of {tenant_id} at {vendor} is approved in advance")
    return AdvanceReport(tenant_id, vendor, approved=False, held=False)


def _connection_key(context: SyncContext, tenant_id: str, vendor: str) -> tuple[Tenant, LedgerKey]:
    tenant = load_tenant_or_raise(context.store, tenant_id)
    (connection,) = select_connections(tenant, vendor)
    key = ledger_key(tenant_id, connection)
    if key is None:
        raise NotFoundError(f"{vendor} is off, so no run sends anything there")
    return tenant, key

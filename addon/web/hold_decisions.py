"""What a person's yes or no to a hold does, wherever it is given."""

from collections.abc import Sequence

from msgspec import Struct

from addon.planning.limits import Approval
from addon.sync.context import NotFoundError
from addon.sync.ending import forget_ending
from addon.sync.holds import HoldChangedError, record_approval, record_refusal
from addon.tasks.base import TaskQueueError
from addon.tasks.page_requests import request_run, request_withdrawal
from addon.tenants.pause import current_pause
from addon.web.formats import listed
from addon.web.presenters.hold import approval_of
from addon.web.request_context import RequestContext
from addon.web.translation import gettext_str as _
from addon.web.version_token import value_hash
from addon.web.waiting_holds import WaitingHold


class DecisionResult(Struct, frozen=True):
    """What a decision led to, in words; `is_warning` if it was not to what was asked for."""

    text: str
    is_warning: bool = False


def removal_hash(held: WaitingHold, approval: Approval | None) -> str:
    """Return a hash of what a hold would remove, and of the answers that it has had.

    It stays the same when a run holds exactly the same again.
    """
    answered = held.hold.refused, None if approval is None else approval.at
    return value_hash((held.vendor, held.key.mode, held.hold.content, answered))


def approve(ctx: RequestContext, held: WaitingHold) -> DecisionResult:
    """Approve the hold as it was shown, and request the run that carries it out.

    Raises StoreError.
    """
    return _approve_withdrawal(ctx, held) if held.hold.withdrawal else approve_all(ctx, [held])[0]


def approve_all(ctx: RequestContext, holds: Sequence[WaitingHold]) -> tuple[DecisionResult, ...]:
    """Approve the holds as they were shown, each by itself, and request one run for them.

    Returns the result for those that are approved, and one for each that is not. None of them is
    of a withdrawal. Raises StoreError.
    """
    if current_pause(ctx.tenant, ctx.now) is not None:
        return (
            _warning(_("Det är paus, så inget skickas. Avsluta pausen under Inställningar först.")),
        )
    approved, others = list[str](), list[DecisionResult]()
    for held in holds:
        refused = _record(ctx, held)
        if refused is None:
            approved.append(held.vendor)
        else:
            others.append(refused)
    if not approved:
        return tuple(others)
    names = listed(map(ctx.vendor_name, approved))
    result = DecisionResult(_("Godkänt. Det skickas till %(vendor)s nu.", vendor=names))
    try:
        request_run(ctx.services.queue(), ctx.tenant_id, ctx.now, "-".join(approved))
    except TaskQueueError:
        result = _warning(_("Godkänt, men det gick inte att börja nu. Nästa körning gör det."))
    for vendor in approved:
        ctx.append_audit("hold.approved", vendor)
    return (result, *others)


def _approve_withdrawal(ctx: RequestContext, held: WaitingHold) -> DecisionResult:
    if (refused := _record(ctx, held)) is not None:
        return refused
    queue, name = ctx.services.queue(), ctx.vendor_name(held.vendor)
    try:
        request_withdrawal(queue, ctx.tenant_id, held.vendor, ctx.now, held.key.mode)
    except TaskQueueError:  # no scheduled run carries it out instead
        ctx.store.set_approval(held.key, None)
        return _warning(
            _("Det gick inte att börja, så inget har tagits bort. Försök igen om en stund.")
        )
    ctx.append_audit("hold.approved", held.vendor)
    return DecisionResult(_("Godkänt. Det skickas till %(vendor)s nu.", vendor=name))


def _record(ctx: RequestContext, held: WaitingHold) -> DecisionResult | None:
    """Save the approval of the hold as it was shown; return why not if it is not approved."""
    try:
        record_approval(
            ctx.store, ctx.tenant_id, held.vendor, ctx.now, held.key.mode, shown=held.hold
        )
    except HoldChangedError:
        return _warning(changed_text(ctx, held))
    except NotFoundError:
        return _warning(gone_text())
    return None


def refuse(ctx: RequestContext, held: WaitingHold) -> DecisionResult:
    """Refuse the hold. Raises StoreError."""
    name = ctx.vendor_name(held.vendor)
    if not _record_refusal(ctx, held):
        return _warning(gone_text())
    if held.hold.withdrawal:
        forget_ending(ctx.store, ctx.tenant_id)
        return DecisionResult(
            _("Inget tas bort hos %(vendor)s, och avvecklingen är avbruten.", vendor=name)
        )
    return DecisionResult(_("Inget tas bort hos %(vendor)s. Spärren står kvar.", vendor=name))


def refuse_all(ctx: RequestContext, holds: Sequence[WaitingHold]) -> tuple[DecisionResult, ...]:
    """Refuse the holds, none of which is of a withdrawal; return as `approve_all`.

    Raises StoreError.
    """
    refused = [held.vendor for held in holds if _record_refusal(ctx, held)]
    if not refused:
        return (_warning(gone_text()),)
    names = listed(map(ctx.vendor_name, refused))
    text = _("Inget tas bort hos %(vendor)s. Spärren står kvar.", vendor=names)
    return (DecisionResult(text),)


def _record_refusal(ctx: RequestContext, held: WaitingHold) -> bool:
    """Save and log the refusal; return False if there is no such hold any more."""
    try:
        record_refusal(ctx.store, ctx.tenant_id, held.vendor, ctx.now, held.key.mode)
    except NotFoundError:
        return False
    ctx.append_audit("hold.refused", held.vendor)
    return True


def gone_text(name: str = "") -> str:
    """Return the message that there is no such hold any more; `name` is the vendor's."""
    if name:
        return _("Spärren hos %(vendor)s finns inte längre.", vendor=name)
    return _("Spärren finns inte längre.")


def changed_text(ctx: RequestContext, held: WaitingHold) -> str:
    """Return the message that the hold has changed since it was shown."""
    name = ctx.vendor_name(held.vendor)
    if approval_of(ctx.store, held, ctx.now) is None:
        return _(
            "Spärren hos %(vendor)s har ändrats sedan den visades. Granska den och bestäm igen.",
            vendor=name,
        )
    told = _("Någon av er har redan godkänt det som var spärrat hos %(vendor)s.", vendor=name)
    if held.hold.withdrawal:
        return told
    return f"{told} {_('Ska det stoppas, slå av %(vendor)s.', vendor=name)}"


def _warning(text: str) -> DecisionResult:
    return DecisionResult(text, is_warning=True)

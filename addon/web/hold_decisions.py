"""What a person's yes or no to a hold does, wherever it is given."""

from msgspec import Struct

from addon.planning.limits import Approval
from addon.sync.context import NotFoundError
from addon.sync.ending import forget_ending
from addon.sync.holds import HoldChangedError, record_approval, record_refusal
from addon.tasks.base import TaskQueueError
from addon.tasks.page_requests import request_run, request_withdrawal
from addon.tenants.pause import current_pause
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
    queue, name = ctx.services.queue(), ctx.vendor_name(held.vendor)
    if not held.hold.withdrawal and current_pause(ctx.tenant, ctx.now) is not None:
        return _warning(
            _("Det är paus, så inget skickas. Avsluta pausen under Inställningar först.")
        )
    try:
        record_approval(
            ctx.store, ctx.tenant_id, held.vendor, ctx.now, held.key.mode, shown=held.hold
        )
    except HoldChangedError:
        return _warning(changed_text(ctx, held))
    except NotFoundError:
        return _warning(gone_text())
    result = DecisionResult(_("Godkänt. Det skickas till %(vendor)s nu.", vendor=name))
    try:
        if held.hold.withdrawal:
            request_withdrawal(queue, ctx.tenant_id, held.vendor, ctx.now, held.key.mode)
        else:
            request_run(queue, ctx.tenant_id, ctx.now, held.vendor)
    except TaskQueueError:
        if held.hold.withdrawal:  # no scheduled run carries it out instead
            ctx.store.set_approval(held.key, None)
            return _warning(
                _("Det gick inte att börja, så inget har tagits bort. Försök igen om en stund.")
            )
        result = _warning(_("Godkänt, men det gick inte att börja nu. Nästa körning gör det."))
    ctx.append_audit("hold.approved", held.vendor)
    return result


def refuse(ctx: RequestContext, held: WaitingHold) -> DecisionResult:
    """Refuse the hold. Raises StoreError."""
    name = ctx.vendor_name(held.vendor)
    try:
        record_refusal(ctx.store, ctx.tenant_id, held.vendor, ctx.now, held.key.mode)
    except NotFoundError:
        return _warning(gone_text())
    ctx.append_audit("hold.refused", held.vendor)
    if held.hold.withdrawal:
        forget_ending(ctx.store, ctx.tenant_id)
    if held.hold.withdrawal:
        return DecisionResult(
            _("Inget tas bort hos %(vendor)s, och avvecklingen är avbruten.", vendor=name)
        )
    return DecisionResult(_("Inget tas bort hos %(vendor)s. Spärren står kvar.", vendor=name))


def gone_text() -> str:
    """Return the message that there is no such hold any more."""
    return _("Spärren finns inte längre.")


def changed_text(ctx: RequestContext, held: WaitingHold) -> str:
    """Return the message that the hold has changed since it was shown."""
    if approval_of(ctx.store, held, ctx.now) is None:
        return _("Spärren har ändrats sedan den visades. Granska den och bestäm igen.")
    name = ctx.vendor_name(held.vendor)
    told = _("Någon av er har redan godkänt det som var spärrat hos %(vendor)s.", vendor=name)
    if held.hold.withdrawal:
        return told
    return f"{told} {_('Ska det stoppas, slå av %(vendor)s.', vendor=name)}"


def _warning(text: str) -> DecisionResult:
    return DecisionResult(text, is_warning=True)

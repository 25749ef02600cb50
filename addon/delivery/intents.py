"""Record that an operation is about to be sent, in case no answer arrives."""

from collections.abc import Awaitable, Callable

from msgspec import structs

from addon.delivery.ledger_writer import LedgerWriter
from addon.planning.ledger import UNCERTAIN, LedgerChange, LedgerEntry
from addon.planning.plan import Operation


def intent_of(op: Operation) -> LedgerChange:
    """Return the change to record before an operation is sent, in case no answer arrives."""
    return LedgerChange(
        op.resource_type,
        op.external_id,
        LedgerEntry("", b"") if op.kind == "create" else LedgerEntry(op.vendor_id, UNCERTAIN),
    )


def without_intent(op: Operation) -> LedgerChange:
    """Return the change that reverts an intent."""
    if op.kind == "create":
        return LedgerChange(op.resource_type, op.external_id, forget=True)
    return LedgerChange(op.resource_type, op.external_id, LedgerEntry(op.vendor_id, op.previous))


def intend_with(ledger_writer: LedgerWriter) -> Callable[[Operation], Awaitable[None]]:
    """Return a function that writes the intent of one create at once.

    It is used for a resource that the vendor has lost.
    """

    async def intend(op: Operation) -> None:
        ledger_writer.record([intent_of(structs.replace(op, kind="create"))])
        await ledger_writer.flush()

    return intend

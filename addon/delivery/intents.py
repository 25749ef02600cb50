"""Record that an operation is about to be sent, in case no answer arrives."""

from collections.abc import Awaitable, Callable

from msgspec import structs

from addon.delivery.ledger_writer import LedgerWriter
from addon.planning.ledger import UNCERTAIN, LedgerChange, LedgerEntry
from addon.planning.plan import Operation


def intent_of(op: Operation) -> LedgerChange:
    """Return the change to record before an operation is sent, in case no answer arrives."""
    if op.kind == "create":
        entry = LedgerEntry("", b"")
    else:
        entry = acknowledged(op, op.vendor_id, UNCERTAIN)
    return LedgerChange(op.resource_type, op.external_id, entry)


def acknowledged(op: Operation, vendor_id: str, content: bytes) -> LedgerEntry:
    """Return the entry of a resource that the vendor has; it keeps the mark of the one before.

    The mark says that the vendor is to be asked for copies.
    """
    before = LedgerEntry("", op.previous)
    if before.is_doubted and before.until is not None:
        return LedgerEntry.doubted(vendor_id, content, before.until)
    return LedgerEntry(vendor_id, content)


def changes_entry(op: Operation) -> bool:
    """Whether the intent of an operation is another entry than what the ledger has."""
    if op.ask or op.only_looks:
        return False
    return LedgerEntry("", op.previous).hash != UNCERTAIN


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

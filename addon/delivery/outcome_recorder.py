"""Record in the ledger what became of each operation."""

from collections.abc import Callable, Sequence

from addon.delivery.intents import acknowledged, changes_entry, without_intent
from addon.delivery.ledger_writer import LedgerWriter
from addon.delivery.operation_outcome import RefusedByVendor, Succeeded
from addon.planning.ledger import (
    ASK_FIRST,
    LOOK_AFTER,
    LedgerChange,
    LedgerEntry,
    OperationKind,
    Refusal,
)
from addon.planning.plan import Operation
from addon.ss12000.resources import ResourceType


class OutcomeRecorder:
    """Records the outcomes of one delivery. `clock` gives seconds since 1970 UTC."""

    def __init__(self, ledger_writer: LedgerWriter, clock: Callable[[], float]) -> None:
        self._ledger_writer = ledger_writer
        self._clock = clock
        self._errors: dict[tuple[ResourceType, str], int] = {}

    def succeeded(self, op: Operation, outcome: Succeeded) -> None:
        """Record a success; what may come to have copies is marked to be looked at again."""
        look_at = self._clock() + LOOK_AFTER
        if op.kind == "delete" and not op.doubted:
            self._ledger_writer.record([LedgerChange(*_name(op), forget=True)])
            return
        if op.kind == "delete":
            entry = LedgerEntry.removed(look_at)
        elif outcome.doubted:
            entry = LedgerEntry.doubted(outcome.vendor_id, op.content, look_at)
        elif op.look:
            entry = LedgerEntry(outcome.vendor_id, op.content)
        else:
            entry = acknowledged(op, outcome.vendor_id, op.content)
        self._record(op, entry)

    def refused(self, op: Operation, refused: RefusedByVendor, lacks: bool) -> None:
        """Record a refusal; `lacks` is whether the vendor does not have the resource.

        A resource that the vendor has nevertheless stays in the ledger; if that is uncertain,
        it stays as one that the vendor must be asked about. So does one of which copies of an
        earlier create may show up. A conflict is no refusal.
        """
        refusal = None
        if not refused.conflict or op.kind == "delete":
            taken: OperationKind = "delete" if op.kind == "delete" else "update"
            kind: OperationKind = "create" if lacks else taken
            refusal = Refusal(kind, op.content, refused.status, refused.detail, self._clock())
        as_before = op.kind != "create" and not lacks and not refused.unsure
        kept = LedgerEntry(op.vendor_id, op.previous) if as_before else None
        forget = lacks and not refused.unsure
        if forget and op.doubted:
            before = LedgerEntry("", op.previous)
            look_at = self._clock() + LOOK_AFTER
            kept, forget = before if before.is_removed else LedgerEntry.removed(look_at), False
        self._ledger_writer.record([LedgerChange(*_name(op), kept, forget, refusal)])

    def late(self, op: Operation, seconds: float) -> None:
        """Record that a create may have its effect for as many seconds."""
        self._record(op, LedgerEntry.lost("", self._clock() + seconds))

    def question(self, op: Operation) -> None:
        """Record that the vendor is to be asked whether it has a resource."""
        self._record(op, LedgerEntry(op.vendor_id, ASK_FIRST))

    def untried(self, op: Operation) -> None:
        """Revert the intent of an operation, so that the vendor need not be asked about it."""
        if changes_entry(op):
            self._ledger_writer.record([without_intent(op)])

    def note_earlier_errors(self, operations: Sequence[Operation]) -> None:
        """Note in how many runs operations met a server error, before an intent removes that."""
        for op in operations:
            earlier = self._ledger_writer.refusal(*_name(op))
            is_same = earlier is not None and earlier.content == op.content
            self._errors.setdefault(_name(op), earlier.errors if earlier and is_same else 0)

    def count_error(self, op: Operation, status: int | None) -> None:
        """Record that an operation was answered with a server error, so that it rests in time."""
        if status is None or status < 500 or status == 503:
            return
        errors = self._errors.get(_name(op), 0) + 1
        refusal = Refusal(op.kind, op.content, status, "", self._clock(), errors)
        self._ledger_writer.record([LedgerChange(*_name(op), refusal=refusal)])

    def _record(self, op: Operation, entry: LedgerEntry) -> None:
        self._ledger_writer.record([LedgerChange(*_name(op), entry)])


def _name(op: Operation) -> tuple[ResourceType, str]:
    return op.resource_type, op.external_id

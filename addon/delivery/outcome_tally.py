"""Count the outcomes of a delivery's operations, and record them in the ledger."""

from collections.abc import Callable

from msgspec import UNSET, UnsetType, structs

from addon.delivery.ledger_writer import LedgerWriter
from addon.delivery.operation_outcome import (
    AbsenceUnproven,
    OperationOutcome,
    RefusedByVendor,
)
from addon.delivery.outcome_recorder import OutcomeRecorder
from addon.delivery.response import answered
from addon.planning.ledger import OperationKind
from addon.planning.plan import Operation
from addon.planning.result import FailedOperation, VendorProblem
from addon.ss12000.resources import ResourceType

ResourceKey = tuple[ResourceType, str]
"""A resource by its type and externalId."""


class OutcomeTally:
    """The outcomes of one delivery, each resource in one of them.

    `done` are the numbers of successes by kind and type, `succeeded` what was done to each
    resource; `left` is what is left for the next run. `conflicts` are writes that
    another resource at the vendor prevented; `lacking` are the externalIds of resources that the
    vendor does not have after their type was settled. `clock` gives seconds since 1970 UTC.
    """

    def __init__(self, ledger_writer: LedgerWriter, clock: Callable[[], float]) -> None:
        self.recorder = OutcomeRecorder(ledger_writer, clock)
        self.done: dict[str, dict[str, int]] = {"create": {}, "update": {}, "delete": {}}
        self.succeeded: dict[ResourceKey, OperationKind] = {}
        self.failures: dict[ResourceKey, FailedOperation] = {}
        self.left: set[ResourceKey] = set()
        self.conflicts: dict[ResourceKey, Operation] = {}
        self.lacking: set[str] = set()

    @property
    def removed(self) -> int:
        """How many resources were deleted."""
        return sum(self.done["delete"].values())

    def updated(self, resource_type: ResourceType) -> int:
        """Return how many resources of a type were updated."""
        return self.done["update"].get(resource_type, 0)

    def take_conflicts(self, resource_type: ResourceType) -> list[Operation]:
        """Return the operations of a type that were in conflict, and clear their failures."""
        found = [name for name in self.conflicts if name[0] == resource_type]
        for name in found:
            del self.failures[name]
            self.lacking.discard(name[1])
        return [self.conflicts.pop(name) for name in found]

    def note(self, op: Operation, outcome: OperationOutcome) -> None:
        """Record the outcome of an operation."""
        if isinstance(outcome, RefusedByVendor):
            self._refuse(op, outcome)
            return
        name = resource_key(op)
        if not op.only_looks:
            of_kind = self.done[op.kind]
            of_kind[op.resource_type] = of_kind.get(op.resource_type, 0) + 1
            self.succeeded[name] = op.kind
        self.failures.pop(name, None)
        self.conflicts.pop(name, None)
        self.left.discard(name)
        self.lacking.discard(op.external_id)
        self.recorder.succeeded(op, outcome)

    def _refuse(self, op: Operation, refused: RefusedByVendor) -> None:
        """Record a refusal, so that it is not tried again at once; a conflict is.

        A resource that the vendor has nevertheless stays in the ledger; if that is uncertain,
        it stays as one that the vendor must be asked about.
        """
        rests = not refused.conflict or op.kind == "delete"
        problem = UNSET if refused.detail else VendorProblem("status", refused.status)
        said = refused.detail or answered(refused.status)
        self.fail(op, refused.status, said, problem, refused=rests)
        lacks = op.kind != "delete" and not refused.there  # certain unless `unsure`
        if lacks:
            self.lacking.add(op.external_id)
        if refused.conflict and op.kind != "delete":
            again = op.ask or (op.kind == "create" and refused.there)
            self.conflicts[resource_key(op)] = structs.replace(op, ask=again)
        self.recorder.refused(op, refused, lacks)

    def doubt(self, op: Operation, unproven: AbsenceUnproven) -> None:
        """Leave an operation on a resource whose absence is not proven.

        A delete may have been carried out, and so may what a page was the answer to: the resource
        stays uncertain.
        """
        self.fail(op, unproven.status, str(unproven), unproven.problem)
        self.left.add(resource_key(op))
        if unproven.question:
            self.recorder.question(op)
        elif op.kind != "delete" and not unproven.uncertain:
            self.recorder.untried(op)

    def leave(self, op: Operation, untried: bool, late: float | None = None) -> None:
        """Leave an operation for the next run.

        If it was `untried`, its intent is removed, so that the next run need not ask the vendor.
        `late` is for how many seconds a create may still have its effect.
        """
        self.left.add(resource_key(op))
        if op.kind == "create":
            self.lacking.add(op.external_id)
        if untried:
            self.recorder.untried(op)
        elif late is not None:
            self.recorder.late(op, late)

    def fail(
        self,
        op: Operation,
        status: int | None,
        said: str,
        problem: VendorProblem | UnsetType = UNSET,
        refused: bool = False,
    ) -> None:
        """Note why an operation failed; the last reason counts."""
        self.failures[resource_key(op)] = FailedOperation(
            op.kind, op.resource_type, op.external_id, status, said, refused, problem
        )


def resource_key(op: Operation) -> ResourceKey:
    """Return the type and externalId of the resource that an operation is about."""
    return op.resource_type, op.external_id

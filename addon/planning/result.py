"""The outcome of a delivery, for the report of its run. Pure."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType, structs

from addon.planning.ledger import OperationKind
from addon.ss12000.resources import ResourceType

ProblemCode = Literal[
    "unreachable",
    "timeout",
    "connection-broken",
    "status",
    "key-refused",
    "redirect",
    "endpoint-missing",
    "left-alone",
    "address",
    "certificate",
    "tls",
    "list",
    "contradiction",
    "taken-over",
    "ledger",
    "program",
    "time-spent",
    "turned-off",
    "paused",
]


class VendorProblem(Struct, frozen=True, omit_defaults=True):
    """Why a delivery, or an operation of it, did not go on: pages have their words for each code.

    `status` is the HTTP status that it is about, 0 where there is none.
    """

    code: ProblemCode
    status: int = 0


class FailedOperation(Struct, frozen=True, rename="camel"):
    """An operation that the vendor did not do, for the run's report."""

    operation: OperationKind
    resource_type: ResourceType
    external_id: str
    http_status: int | None
    detail: str
    refused: bool = False
    problem: VendorProblem | UnsetType = UNSET
    """For pages; the JSON of the command line does not have it. UNSET: the words are others'."""


class DeliveryResult(Struct, frozen=True):
    """The outcome of a plan. `left` is how many operations were not tried or given up."""

    operations: dict[str, dict[str, int]]
    failures: tuple[FailedOperation, ...]
    left: int = 0
    stopped: str | None = None
    spent: bool = False
    problem: VendorProblem | None = None

    def combined_with(self, other: "DeliveryResult") -> "DeliveryResult":
        """The outcomes of this and then of another plan."""
        operations = {
            kind: {name: found.get(name, 0) + more.get(name, 0) for name in {**found, **more}}
            for (kind, found), more in zip(
                self.operations.items(), other.operations.values(), strict=True
            )
        }
        return structs.replace(
            other,
            operations=operations,
            failures=self.failures + other.failures,
            left=self.left + other.left,
        )

    @property
    def status(self) -> int | None:
        """The HTTP status that stopped it, if one did."""
        return None if self.problem is None else self.problem.status or None

    @property
    def complete(self) -> bool:
        """Whether everything of the plan was done."""
        return not (self.failures or self.left or self.stopped)

"""The outcome of a delivery, for the run's report. Pure."""

from collections.abc import Mapping
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
    "certificate-expired",
    "certificate-name",
    "certificate-authority",
    "own-resources",
    "tls",
    "list",
    "contradiction",
    "not-scim",
    "absence-unproven",
    "cannot-tell",
    "looks-later",
    "taken-over",
    "ledger",
    "program",
    "time-spent",
    "turned-off",
    "paused",
    "protection",
]


class VendorProblem(Struct, frozen=True, omit_defaults=True):
    """Why a delivery or an operation did not continue, as a code that pages translate.

    `status` is the HTTP status that caused it, 0 if there was none.
    """

    code: ProblemCode
    status: int = 0


class FailedOperation(Struct, frozen=True, rename="camel"):
    """An operation that the vendor did not carry out, for the run's report."""

    operation: OperationKind
    resource_type: ResourceType
    external_id: str
    http_status: int | None
    detail: str
    refused: bool = False
    problem: VendorProblem | UnsetType = UNSET
    """For pages; not in the JSON of the command line. UNSET if `detail` is the vendor's text."""


class DeliveryResult(Struct, frozen=True):
    """The outcome of a plan. `left` is how many operations were not tried or were given up.

    `limitation` is what cannot be known at this vendor, None if nothing is in doubt.
    `stopped` is why the delivery ended early, None if it did not. `spent` is true if it ended
    without a failure: its time was over, or a person stopped it. `problem` is the code of
    `stopped`. `done` is what was done to each resource, by its type and externalId.
    """

    operations: dict[str, dict[str, int]]
    failures: tuple[FailedOperation, ...]
    left: int = 0
    stopped: str | None = None
    spent: bool = False
    problem: VendorProblem | None = None
    limitation: str | None = None
    done: Mapping[tuple[ResourceType, str], OperationKind] = {}

    def combined_with(self, other: "DeliveryResult") -> "DeliveryResult":
        """Return the combined outcome of this plan and of `other`, which was carried out after."""
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
            limitation=self.limitation or other.limitation,
            done={**self.done, **other.done},
        )

    @property
    def status(self) -> int | None:
        """The HTTP status that stopped the delivery, if one did."""
        return None if self.problem is None else self.problem.status or None

    @property
    def complete(self) -> bool:
        """Whether every operation of the plan was carried out."""
        return not (self.failures or self.left or self.stopped)

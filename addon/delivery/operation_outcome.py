"""The outcomes of one operation at a vendor."""

from msgspec import Struct

from addon.delivery.transport import RetriesExhausted
from addon.planning.result import VendorProblem

ABSENCE_UNPROVEN = "the vendor does not have its id, but nothing shows that it does not have it"
CONTRADICTION = "the vendor says both that it has this and that it has not"


class Succeeded(Struct, frozen=True):
    """The vendor carried out the operation; `vendor_id` is empty if it returned none.

    `doubted` is whether the vendor may come to show copies of the resource, because the answer to
    an earlier create was lost.
    """

    vendor_id: str = ""
    doubted: bool = False


class RefusedByVendor(Struct, frozen=True):
    """The vendor refused the operation.

    `conflict` is whether another resource at the vendor prevents it (409), `there` whether the
    vendor has the resource in some form, and `unsure` whether it may have carried out the
    operation in an earlier attempt. `detail` is the vendor's message, empty if it sent none.
    """

    status: int
    detail: str
    conflict: bool = False
    there: bool = False
    unsure: bool = False


OperationOutcome = Succeeded | RefusedByVendor


class AbsenceUnproven(RetriesExhausted):
    """A resource's id was answered 404 or 410, and nothing proves that the vendor lacks it.

    `question` is whether the vendor has at least not found it when asked. Then the next run asks
    again, and believes it if the answer is the same.
    """

    def __init__(self, status: int, question: bool) -> None:
        super().__init__(ABSENCE_UNPROVEN, VendorProblem("absence-unproven", status), False)
        self.question = question


def contradiction(uncertain: bool) -> RetriesExhausted:
    """Return the error for a resource that the vendor finds and does not have."""
    return RetriesExhausted(CONTRADICTION, VendorProblem("contradiction"), uncertain)

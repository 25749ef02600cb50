"""What of the first run after a pause can be approved in advance, and what is, by vendor."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from addon.planning.advance_approval import Excess, can_be_approved, content_hash_of, excess
from addon.planning.limits import Approval, Hold
from addon.web.presenters.next_run import NextRun
from addon.web.version_token import value_hash


class AdvanceQuestion(Struct, frozen=True):
    """What the first run would be held for at a vendor, and the approval that was given in advance.

    `hold` is None where nothing would be held if nothing was approved. `beyond` is what the
    approval does not cover, and `is_held` whether that would be held. `mark` changes whenever
    anything else would be removed, and with each answer.
    """

    vendor: str
    is_test: bool
    hold: Hold | None
    approved: Approval | None
    beyond: Excess
    is_held: bool
    mark: str

    @property
    def can_approve(self) -> bool:
        """Whether there is something that is not approved and can be."""
        waits = self.approved is None or not self.beyond.is_nothing
        return waits and can_be_approved(self.hold)


def advance_questions(
    outlooks: Sequence[NextRun], approvals: Mapping[str, Approval]
) -> tuple[AdvanceQuestion, ...]:
    """Return the question of each vendor with something to approve, or that is approved."""
    found = (_question(each, approvals.get(each.vendor)) for each in outlooks)
    return tuple(each for each in found if each.approved or can_be_approved(each.hold))


def _question(outlook: NextRun, approved: Approval | None) -> AdvanceQuestion:
    hold = outlook.planned.unapproved
    content = "" if hold is None else content_hash_of(hold)
    at = None if approved is None else approved.at
    return AdvanceQuestion(
        vendor=outlook.vendor,
        is_test=outlook.mode == "test",
        hold=hold,
        approved=approved,
        beyond=Excess() if hold is None or approved is None else excess(hold, approved),
        is_held=outlook.planned.hold is not None,
        mark=value_hash((outlook.vendor, outlook.mode, content, at)),
    )

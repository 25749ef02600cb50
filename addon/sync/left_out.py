"""Who was known and is left out by the document or by a growth of the protected: not gone. Pure.

Leaving out explains a removal for as long as it lasts. It can be a mistake that is undone, before
the removal has been carried out or approved; then those who were left out are known again, so that
a short list on that day takes nothing from them.
"""

from collections.abc import Set

from msgspec import Struct, structs

from addon.roster.model import Roster
from addon.roster.placements import Loss, Placements, combined, losses, only

KEPT = 90 * 24 * 3600.0
"""Seconds for which those are known who were left out last."""


class LeftOut(Struct, frozen=True):
    """Placements that are left out: by the document, and by protection that is not confirmed.

    `at` is when somebody was left out last (seconds since 1970 UTC).
    """

    by_document: Placements = Placements()
    pending: Placements = Placements()
    at: float = 0.0

    @property
    def all(self) -> Placements:
        """All of them."""
        return combined(self.by_document, self.pending)


NOBODY = LeftOut()


def recalled(known: Placements, left_out: LeftOut, document_changed: bool) -> Placements:
    """Return what a reading is compared with.

    Who was left out by the document is compared again when that has changed.
    """
    if left_out == NOBODY:
        return known
    back = left_out.all if document_changed else left_out.pending
    return combined(known, back)


def is_by_protection(loss: Loss, known: Placements, roster: Roster) -> bool:
    """Whether protection explains the loss: of a whole group, that of all its members."""
    if loss.kind == "group":
        members = known.groups[loss.group].members
        return bool(members) and members <= roster.protected
    return loss.user in roster.protected


def left_out_now(
    before: LeftOut,
    known: Placements,
    current: Placements,
    unexplained: Set[Loss],
    protected: Set[str],
    pending: Set[str],
    document_changed: bool,
    now: float,
) -> LeftOut:
    """Return who is left out from now on.

    `known` was compared and `current` is known from now; the losses between them are explained
    but for those in `unexplained`. Of the `protected`, only those `pending` are kept in mind.
    """
    explained = [loss for loss in losses(known, current) if loss not in unexplained]

    def users(loss: Loss) -> Set[str]:
        return {loss.user} if loss.user else known.groups[loss.group].members

    hidden = {loss for loss in explained if users(loss) & pending and users(loss) <= protected}
    document = {loss for loss in explained if not users(loss) <= protected}
    by_document = only(known, document)
    if not document_changed and now - before.at < KEPT:
        by_document = combined(by_document, before.by_document)
    left = LeftOut(_kept(by_document, current, protected), only(known, hidden))
    if left.all == Placements():
        return NOBODY
    is_new = left.by_document != before.by_document or left.pending != before.pending
    return structs.replace(left, at=now if is_new else before.at)


def _kept(left: Placements, current: Placements, protected: Set[str]) -> Placements:
    """The placements that are not there, without those of protected people."""
    return only(left, {loss for loss in losses(left, current) if loss.user not in protected})

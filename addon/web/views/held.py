"""Who would go if a hold were let go, where they are now, and what may have happened."""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from addon.delivery.guard import Hold
from addon.directory.snapshot import User
from addon.prepared import Prepared
from addon.web.study import Desk
from addon.web.views.subjects import Subject, full_name, subjects


class Leaver(Struct, frozen=True):
    """Someone who would be removed. `reason` is a code of the overview; `gone` is said of an
    account that the directory no longer has, and then there is no `user`.
    """

    external_id: str
    name: str
    reason: str
    user: User | None = None


class HeldView(Struct, frozen=True):
    """A hold as a person can judge it.

    `places` are the organisational units that most of them are in now, with how many;
    `reasons` how many for each reason; `deleted` how many accounts are no longer there.
    """

    leavers: tuple[Leaver, ...]
    places: tuple[tuple[str, int], ...]
    reasons: tuple[tuple[str, int], ...]

    @property
    def deleted(self) -> int:
        """How many accounts are no longer there."""
        return dict(self.reasons).get("gone", 0)


def held_view(desk: Desk, hold: Hold) -> HeldView:
    """The hold's people by name, as far as they are in the directory. Raises NotReady."""
    known, prepared = subjects(desk), desk.prepared
    name = ("held", hold.at, hold.people[:1], len(hold.people))
    return desk.make(name, lambda: _view(known, prepared, hold))


def _view(known: Mapping[str, Subject], prepared: Prepared, hold: Hold) -> HeldView:
    leavers = sorted(
        (_leaver(known.get(i), prepared, i) for i in hold.people),
        key=lambda leaver: (leaver.user is None, leaver.name.casefold(), leaver.external_id),
    )
    places = Counter(each.user.org_unit_path for each in leavers if each.user is not None)
    reasons = Counter(leaver.reason for leaver in leavers)
    return HeldView(tuple(leavers), tuple(places.most_common(5)), tuple(reasons.most_common()))


def _leaver(subject: Subject | None, prepared: Prepared, external_id: str) -> Leaver:
    if subject is None or subject.user is None:
        return Leaver(external_id, "", "gone")
    user = subject.user
    if user.id in prepared.roster.people:
        reason = "no chosen school unit"
    else:
        reason = prepared.roster.left_out.get(user.id, "not selected")
    return Leaver(external_id, full_name(user), reason, user)

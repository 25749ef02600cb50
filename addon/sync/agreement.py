"""Which losses of a reading are real: by proof, or because two readings agree about them.

Two readings agree when both show the same thing: the account is missing, the group is missing, or
its list lacks a member. A membership whose group lists somebody, while their account is missing,
is not shown to have ended; it goes with the person, or waits with them.
"""

from collections.abc import Callable, Iterable, Mapping, Set

from msgspec import Struct

from addon.age import is_future
from addon.planning.emptied_groups import EmptiedGroup
from addon.planning.recent_removals import DAY
from addon.roster.placements import Loss
from addon.sync.ended_memberships import Approved, ended_memberships
from addon.sync.enquiry import Enquiry
from addon.sync.known_placements import KnownDirectory


class Judgement(Struct, frozen=True):
    """What is not confirmed of a reading's losses.

    `unconfirmed` says since which reading (seconds since 1970 UTC) each loss is seen, as far as
    this one shows it, and `missing` the same of each thing that shows a loss, as it is kept for
    the next reading. `emptied` are memberships that wait for a person; they are among them.
    `ended` are the memberships that ended in the last 24 hours by agreement alone, and when.
    """

    unconfirmed: Mapping[Loss, float] = {}
    missing: Mapping[str, float] = {}
    emptied: tuple[EmptiedGroup, ...] = ()
    ended: Mapping[Loss, float] = {}


def judge(
    customer_id: str,
    known: KnownDirectory,
    enquiry: Enquiry,
    lost: Iterable[Loss],
    incomplete: Set[str],
    approved: Callable[[], Approved],
    now: float,
) -> Judgement:
    """Return which of the losses are not confirmed; `lost` has people before their groups.

    At the units in `incomplete`, a selector names what is missing: nothing of them is confirmed.
    `approved` is called only if it is needed.
    """
    missing = known.missing
    seen: dict[Loss, dict[str, float]] = {}
    agreed: dict[Loss, float] = {}
    unconfirmed: dict[Loss, float] = {}

    def has_moved(membership: Loss) -> bool:
        return enquiry.is_in_other_class(membership, joined=_moved(membership) not in missing)

    for loss in lost:
        complete = loss.unit not in incomplete
        if complete and enquiry.proves(loss):
            continue
        people = enquiry.people(loss)
        waits = not complete or not people.isdisjoint(unconfirmed)
        if not waits and enquiry.goes_with(loss, people):
            continue
        gone = frozenset[Loss]() if waits else people
        seen[loss] = {
            key: _since(missing, key, now)
            for key in (f"{loss.key}\t{sign}" for sign in enquiry.signs(loss, gone))
        }
        since = min(seen[loss].values(), default=now)
        agrees = not waits and enquiry.agrees(loss, now - since)
        (agreed if agrees else unconfirmed)[loss] = since
    earlier = ended_of_day(known, now)
    decided = ended_memberships(
        customer_id, known.placements, agreed, earlier, has_moved, enquiry, approved
    )
    unconfirmed.update((loss, since) for loss, since in agreed.items() if loss in decided.waiting)
    kept = {key: since for loss in unconfirmed for key, since in seen[loss].items()}
    memberships = (each for loss in unconfirmed for each in enquiry.memberships(loss))
    moved = (_moved(each) for each in memberships if has_moved(each))
    kept.update((key, missing.get(key, now)) for key in moved)
    ended = {**earlier, **dict.fromkeys(decided.ended, now)}
    return Judgement(unconfirmed, kept, decided.emptied, ended)


def ended_of_day(known: KnownDirectory, now: float) -> Mapping[Loss, float]:
    """Return the memberships that ended in the last 24 hours, without those that are there again.

    What ended at a time that lies ahead may have ended today.
    """
    groups = known.placements.groups
    return {
        loss: min(at, now)
        for loss, at in known.ended.items()
        if now - at < DAY and not (loss.group in groups and loss.user in groups[loss.group].members)
    }


def _moved(membership: Loss) -> str:
    return f"{membership.key}\tmoved"


def _since(missing: Mapping[str, float], key: str, now: float) -> float:
    since = missing.get(key, now)
    return now if is_future(since, now) else since  # the clock was ahead then

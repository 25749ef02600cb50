"""Which losses of a reading are real: by proof, or because two readings agree about them.

Two readings agree when both show the same thing: the account is missing, the group is missing, or
its list lacks a member. A membership whose group lists somebody, while their account is missing,
is not shown to have ended; it goes with the person, or waits with them.
"""

from collections.abc import Callable, Iterable, Mapping, Set

from msgspec import Struct

from addon.age import is_future
from addon.planning.emptied_groups import EmptiedGroup
from addon.roster.placements import Loss, Placements
from addon.sync.ended_memberships import Approved, emptied_groups
from addon.sync.enquiry import Enquiry


class Judgement(Struct, frozen=True):
    """What is not confirmed of a reading's losses.

    `unconfirmed` says since which reading (seconds since 1970 UTC) each loss is seen, as far as
    this one shows it, and `missing` the same of each thing that shows a loss, as it is kept for
    the next reading. `emptied` are memberships that wait for a person; they are among them.
    """

    unconfirmed: Mapping[Loss, float] = {}
    missing: Mapping[str, float] = {}
    emptied: tuple[EmptiedGroup, ...] = ()


def judge(
    customer_id: str,
    known: Placements,
    missing: Mapping[str, float],
    enquiry: Enquiry,
    lost: Iterable[Loss],
    incomplete: Set[str],
    approved: Callable[[], Approved],
    now: float,
) -> Judgement:
    """Return which of the losses are not confirmed; `lost` has people before their groups.

    `missing` is what the last reading kept. At the units in `incomplete`, a selector names what is
    missing: nothing of them is confirmed. `approved` is called only if it is needed.
    """
    seen: dict[Loss, dict[str, float]] = {}
    agreed: dict[Loss, float] = {}
    unconfirmed: dict[Loss, float] = {}
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
    emptied, waiting = emptied_groups(customer_id, known, agreed, enquiry, approved)
    unconfirmed.update((loss, since) for loss, since in agreed.items() if loss in waiting)
    kept = {key: since for loss in unconfirmed for key, since in seen[loss].items()}
    return Judgement(unconfirmed, kept, emptied)


def _since(missing: Mapping[str, float], key: str, now: float) -> float:
    since = missing.get(key, now)
    return now if is_future(since, now) else since  # the clock was ahead then

"""Which holds are one question: the same people, memberships or classes, held at several vendors.

Each hold is still answered by itself, on exactly what it would do.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

from msgspec import Struct

from addon.planning.limits import Hold
from addon.web.presenters.hold import EmptiedView, HeldView, HoldCause, Leaver
from addon.web.waiting_holds import WaitingHold

MOSTLY = 0.8
"""The part of the smaller of two holds that the other must have too, to be the same question."""


class JointView(Struct, frozen=True):
    """The people and groups of several holds, each once.

    `reasons` has the number of people for each reason, the most frequent first. `vendors` are the
    ids of the vendors at which each person, by externalId, would be removed.
    """

    leavers: tuple[Leaver, ...]
    reasons: tuple[tuple[str, int], ...]
    cause: HoldCause | None
    emptied: tuple[EmptiedView, ...]
    vendors: Mapping[str, tuple[str, ...]]


def in_questions(
    holds: Iterable[WaitingHold], is_approved: Callable[[WaitingHold], bool]
) -> tuple[tuple[WaitingHold, ...], ...]:
    """Return the holds by question, both in the order given.

    Holds that have been answered differently are different questions.
    """
    found: list[tuple[Hashable, set[Hashable], list[WaitingHold]]] = []
    for held in holds:
        kind, about = _subject(held.hold)
        key = kind, bool(held.hold.refused), is_approved(held)
        for other, of_question, members in found:
            if kind and key == other and _is_same(about, of_question):
                of_question |= about
                members.append(held)
                break
        else:
            found.append((key, set(about), [held]))
    return tuple(tuple(members) for _key, _about, members in found)


def people_of(holds: Iterable[WaitingHold]) -> int:
    """Return how many people the holds would remove, each counted once."""
    return len({person for held in holds for person in held.hold.people})


def memberships_of(holds: Iterable[WaitingHold]) -> int:
    """Return how many memberships the holds would end, each counted once."""
    return len({pair for held in holds for pair in _memberships(held.hold)})


def joint_view(views: Sequence[tuple[str, HeldView]]) -> JointView:
    """Return what several holds would remove; `views` are by the id of the vendor."""
    leavers, vendors = dict[str, Leaver](), dict[str, tuple[str, ...]]()
    emptied = dict[EmptiedView, None]()
    for vendor, view in views:
        for leaver in view.leavers:
            leavers.setdefault(leaver.external_id, leaver)
            vendors[leaver.external_id] = (*vendors.get(leaver.external_id, ()), vendor)
        emptied.update(dict.fromkeys(view.emptied))
    reasons = dict[str, int]()
    for leaver in leavers.values():
        reasons[leaver.reason] = reasons.get(leaver.reason, 0) + 1
    _vendor, largest = max(views, key=lambda each: len(each[1].leavers))
    ordered = sorted(reasons.items(), key=lambda each: -each[1])
    place = {reason: n for n, (reason, _number) in enumerate(ordered)}
    return JointView(
        tuple(sorted(leavers.values(), key=lambda each: place[each.reason])),
        tuple(ordered),
        largest.cause,
        tuple(emptied),
        vendors,
    )


def _subject(hold: Hold) -> tuple[str, frozenset[Hashable]]:
    """Return what a hold is about, and which people or groups; "" if it is its own question."""
    if hold.withdrawal:
        return "", frozenset()
    if hold.growth:
        return "growth", frozenset()
    if hold.people:
        return "people", frozenset(hold.people)
    if hold.emptied:
        return "memberships", frozenset(_memberships(hold))
    others = frozenset((kind, i) for kind, ids in hold.others.items() for i in ids)
    return ("others" if others else ""), others


def _is_same(about: frozenset[Hashable], others: set[Hashable]) -> bool:
    smaller = min(len(about), len(others))
    return len(about & others) >= MOSTLY * smaller


def _memberships(hold: Hold) -> set[tuple[str, str]]:
    return {(group.group, member) for group in hold.emptied for member in group.members}

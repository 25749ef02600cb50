"""Check whether a plan changes so much that a person must approve it first. Pure."""

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Literal

from msgspec import Struct, field, structs

from addon.age import age
from addon.planning.emptied_groups import EmptiedGroup, by_group, memberships
from addon.planning.ledger import Ledger
from addon.planning.limit_exceeded import LimitExceeded
from addon.planning.plan import Plan
from addon.planning.recent_removals import RecentRemovals
from addon.ss12000.resources import ResourceType
from addon.tenants.model import ChangeLimit, LimitedType, Limits
from addon.text import counted

FEWEST_BY_PERCENT = 5
"""A percentage limit never holds fewer removals than this.

In a small school a single pupil is already a large percentage.
"""

DEFAULT_REMOVALS: dict[LimitedType, ChangeLimit] = {
    "StudentGroup": ChangeLimit(number=10, percent=25),
    "Activity": ChangeLimit(number=10, percent=25),
}
"""How many of a type may be removed in a day where the document names no limit for the type.

More than both, the number and the percentage, is held. Growth is not limited.
"""

NOTHING_RECENT = RecentRemovals()

APPROVAL_LASTS = 3 * 24 * 3600.0
"""Seconds after which an approval that could not be carried out expires."""


class Approval(Struct, frozen=True):
    """What a person has approved: the removal of `people`, and `changes` in number by type.

    `at` is the time of the approval, in seconds since 1970 UTC; see APPROVAL_LASTS. `others` are
    the externalIds of other resources whose removal is approved, by type, and `memberships` the
    externalIds of the people who are approved to be no longer in a group, by that of the group.
    One in advance, of a run after a pause, is by the administrator `by` and valid `until` a time.
    """

    people: frozenset[str] = frozenset()
    changes: dict[str, int] = {}
    at: float = 0.0
    others: dict[str, frozenset[str]] = {}
    memberships: dict[str, frozenset[str]] = {}
    tried: bool = False
    """Whether a run has begun to carry it out, by itself."""
    until: float = 0.0
    by: str = ""

    @property
    def in_advance(self) -> bool:
        """Whether it was given before a run had held anything."""
        return self.until > 0

    def removals(self, resource_type: str) -> frozenset[str]:
        """Return the externalIds of a type whose removal is approved."""
        return (
            self.people if resource_type == "User" else self.others.get(resource_type, frozenset())
        )

    @property
    def named(self) -> frozenset[str]:
        """The externalIds of everything whose removal is approved."""
        return self.people.union(*self.others.values())

    def is_of(self, hold: "Hold") -> bool:
        """Whether nobody would be removed by the hold whom it does not name."""
        return self.people.issuperset(hold.people)

    def covers(self, ledger: Ledger) -> bool:
        """Whether the removal of everything in the ledger is approved, as far as limits go.

        One in advance is of a run, never of a withdrawal.
        """
        return not self.in_advance and all(
            ledger.entries[kind].keys() <= self.removals(kind)
            for kind in ("User", *DEFAULT_REMOVALS)
        )

    def is_valid(self, now: float) -> bool:
        """Whether the approval has not expired at `now` (seconds since 1970 UTC)."""
        lasts = self.until - self.at if self.in_advance else APPROVAL_LASTS
        return age(self.at, now) < lasts


class Hold(Struct, frozen=True):
    """The part of a plan that waits for approval: what it would do, and which limits it exceeds.

    `people` are the externalIds of the User resources that would be removed, sorted, `others`
    those of employments and other limited types, by type, `changes` is by how many each type
    would grow or shrink, and `emptied` which memberships would end: an approval covers these four.
    `held` is how many User resources the vendor has by the ledger, and `there` how many of each
    limited type, not counting those that were created since it was first held.
    `reason` is the text of `exceeded` in English, or another reason to wait; holds saved by
    earlier versions have only the text. `at` is in seconds since 1970 UTC. `withdrawal` is true
    when the removal of everything was requested. `refused` is when a person refused the plan
    (seconds since 1970 UTC), 0 if nobody has. `protected_being_removed` are externalIds of
    protected people, and of their employments, that were removed during the hold and may still
    be in the vendor's groups. `placed_in` are the codes of the units of `people`, and `places` has
    for each of them two bytes: the number of their unit in it, from 1, or 0 if it is unknown.
    """

    people: tuple[str, ...]
    held: int
    reason: str
    operations: dict[str, dict[str, int]]
    changes: dict[str, int] = {}
    at: float = 0.0
    withdrawal: bool = False
    refused: float = 0.0
    protected_being_removed: tuple[str, ...] = field(default=(), name="hidden")
    exceeded: tuple[LimitExceeded, ...] = ()
    others: dict[str, tuple[str, ...]] = {}
    placed_in: tuple[str, ...] = ()
    places: bytes = b""
    emptied: tuple[EmptiedGroup, ...] = ()
    there: dict[str, int] = {}

    @property
    def content(self) -> tuple[object, ...]:
        """What an approval of it would be of."""
        removed = self.people, self.others, self.changes, self.growth, self.withdrawal
        return (*removed, self.emptied) if self.emptied else removed

    @property
    def memberships(self) -> int:
        """How many memberships of `emptied` groups would end."""
        return memberships(self.emptied)

    def units(self) -> Iterator[tuple[str, str]]:
        """Yield each of `people` whose school unit is known, with the unit's code."""
        for person, n in zip(self.people, memoryview(self.places).cast("H"), strict=False):
            if 0 < n <= len(self.placed_in):
                yield person, self.placed_in[n - 1]

    @property
    def growth(self) -> int:
        """How many people became protected in one step, if it holds for that; else 0."""
        return sum(each.number for each in self.exceeded if each.kind == "protected")

    @property
    def waits(self) -> bool:
        """Whether a plan waits for approval; false if it only records protected people."""
        return bool(self.reason)

    @property
    def types_that_grow(self) -> frozenset[str]:
        """The types of which more would be created than a limit of the document allows."""
        return frozenset(each.type for each in self.exceeded if each.kind == "more")

    def of_waiting(self, waiting: Plan) -> "Hold":
        """Return the hold of only the `waiting` part of its plan, as the rest is sent."""
        changes = {kind: -len(ops) for kind, ops in waiting.deletes.items() if ops}
        grown = {kind: self.changes[kind] for kind in self.types_that_grow}
        return structs.replace(self, operations=counts(waiting), changes={**changes, **grown})

    def keep_only_protected(self) -> "Hold | None":
        """Return a hold with only `protected_being_removed`; None if there are none."""
        marked = self.protected_being_removed
        return Hold((), 0, "", {}, at=self.at, protected_being_removed=marked) if marked else None

    def answered_by(self, earlier: "Hold") -> bool:
        """Whether `earlier` was refused and this plan goes no further than it."""
        return bool(
            earlier.refused
            and set(self.people) <= set(earlier.people)
            and all(
                set(ids) <= set(earlier.others.get(kind, ()))
                for kind, ids in self.others.items()
                if kind != "Employment"  # they have no limit of their own
            )
            and all(
                is_within(change, earlier.changes.get(kind, 0))
                for kind, change in self.changes.items()
            )
            and not memberships(self.emptied, by_group(earlier.emptied))
        )

    def approval(self, at: float) -> Approval:
        """Return the approval of exactly this plan at `at` (seconds since 1970 UTC)."""
        others = {kind: frozenset(ids) for kind, ids in self.others.items()}
        ended = by_group(self.emptied)
        return Approval(frozenset(self.people), self.changes, at, others, ended)


def check_limits(
    plan: Plan,
    ledger: Ledger,
    limits: Limits,
    approved: Approval | None = None,
    recent: RecentRemovals = NOTHING_RECENT,
    needs_approval: Set[str] = frozenset(),
    emptied: Sequence[EmptiedGroup] = (),
    at_most: Mapping[str, int] | None = None,
) -> Hold | None:
    """Return the hold if the plan exceeds a limit, or None if it may be carried out.

    A plan that does no more than was `approved` may be carried out. The removals of the last 24
    hours, `recent`, count together with those of the plan. The removal of protected people does
    not count towards the limits. `needs_approval` are externalIds of people who are removed only
    when a person approves, however few they are; the memberships of `emptied` groups end only then.
    `at_most` are how many of each type a percentage is taken of, if the ledger has more: what was
    created during a hold does not end it.
    """
    approved = approved or Approval()
    removed = _removed(plan, limits)
    changes = _changes(plan)
    there = {kind: ledger.count(kind) for kind in removed}
    there = {kind: min(n, (at_most or {}).get(kind, n)) for kind, n in there.items()}
    exceeded = _exceeded_by_people(removed["User"], there["User"], limits, approved, recent)
    missing = (needs_approval & set(removed["User"])) - approved.people
    if missing and not exceeded:
        exceeded.append(LimitExceeded("place-missing", len(missing), 0))
    ending = memberships(emptied, approved.memberships)
    if ending:
        exceeded.append(LimitExceeded("group-emptied", ending, 0, type="StudentGroup"))
    exceeded += _exceeded_by_default(removed, there, limits, approved, recent)
    for resource_type, limit in limits.changes.items():
        change = changes.get(resource_type, 0)
        if not is_within(change, approved.changes.get(resource_type, 0)):
            held = there[resource_type]
            earlier = recent.fewer(resource_type, removed[resource_type]) if change < 0 else 0
            exceeded += _too_much_changed(resource_type, change, held, limit, earlier)
    if not exceeded:
        return None
    named = {**removed, "Employment": tuple(op.external_id for op in plan.deletes["Employment"])}
    return Hold(
        people=removed["User"],
        held=there["User"],
        reason="; ".join(map(str, exceeded)),
        operations=counts(plan),
        changes=changes,
        exceeded=tuple(exceeded),
        others={kind: ids for kind, ids in named.items() if ids and kind != "User"},
        emptied=tuple(emptied),
        there={str(kind): n for kind, n in there.items()},
    )


def withdrawal_hold(ledger: Ledger, plan: Plan, now: float, reason: str) -> Hold:
    """Return the hold of a withdrawal, however little there is; `plan` removes the whole ledger.

    `reason` is said in English after the number of people.
    """
    hold = check_limits(plan, ledger, Limits(deletions=0, deletions_percent=0))
    if hold is None:
        hold = Hold((), 0, "", counts(plan))
    reason = f"{counted(len(hold.people), 'person', 'people')} would be removed: {reason}"
    return structs.replace(hold, reason=reason, at=now, withdrawal=True)


def growth_hold(plan: Plan, ledger: Ledger, number: int, limit: int) -> Hold:
    """Return the hold of everything while `number` people, above `limit`, became protected at once.

    `plan` is what is carried out nevertheless.
    """
    exceeded = LimitExceeded("protected", number, limit)
    return Hold((), ledger.people(), str(exceeded), counts(plan), exceeded=(exceeded,))


def count_removals(
    plan: Plan, limits: Limits, approved: Approval | None, recent: RecentRemovals, now: float
) -> RecentRemovals:
    """Return `recent` with the removals of a plan that is about to be carried out at `now`.

    What a person approved does not count.
    """
    approved = approved or Approval()
    counted: dict[str, set[str]] = {
        kind: set(ids) - approved.removals(kind) for kind, ids in _removed(plan, limits).items()
    }
    changes = {
        kind: change
        for kind, change in _changes(plan).items()
        if not is_within(change, approved.changes.get(kind, 0))
    }
    return recent.as_of(now).adding(now, counted, changes)


def _removed(plan: Plan, limits: Limits) -> dict[ResourceType, tuple[str, ...]]:
    """Return the externalIds that the plan removes of the types that have limits."""
    types: tuple[ResourceType, ...] = ("User", *DEFAULT_REMOVALS, *limits.changes)
    return {kind: tuple(op.external_id for op in plan.deletes[kind]) for kind in types}


def _exceeded_by_people(
    people: tuple[str, ...],
    there: int,
    limits: Limits,
    approved: Approval,
    recent: RecentRemovals,
) -> list[LimitExceeded]:
    if set(people) <= approved.people:
        return []
    earlier = recent.others("User", people)
    return _too_many_removed(len(people) + earlier, there + earlier, limits, earlier)


def _exceeded_by_default(
    removed: dict[ResourceType, tuple[str, ...]],
    there: Mapping[ResourceType, int],
    limits: Limits,
    approved: Approval,
    recent: RecentRemovals,
) -> list[LimitExceeded]:
    """Return which of DEFAULT_REMOVALS are exceeded; a limit of the document replaces them."""
    exceeded: list[LimitExceeded] = []
    for kind in DEFAULT_REMOVALS:
        if kind in limits.changes or set(removed[kind]) <= approved.removals(kind):
            continue
        earlier = recent.others(kind, removed[kind])
        number, held = len(removed[kind]) + earlier, there[kind] + earlier
        exceeded += _too_many_by_default(kind, number, held, earlier)
    return exceeded


def is_too_many(going: int, held: int, limits: Limits) -> bool:
    """Whether removing `going` of `held` people would need approval."""
    return bool(_too_many_removed(going, held, limits))


def is_too_much_less(resource_type: str, fewer: int, held: int, limits: Limits) -> bool:
    """Whether `fewer` than the `held` resources of a type would need approval."""
    if resource_type not in limits.changes:
        return bool(_too_many_by_default(resource_type, fewer, held))
    return any(
        _too_much_changed(resource_type, -fewer, held, limit)
        for limited, limit in limits.changes.items()
        if limited == resource_type and fewer
    )


def _too_many_removed(
    going: int, held: int, limits: Limits, earlier: int = 0
) -> list[LimitExceeded]:
    if going > limits.deletions:
        there = held if earlier else None
        return [LimitExceeded("removed", going, limits.deletions, False, there, earlier=earlier)]
    percent = limits.deletions_percent
    if going >= FEWEST_BY_PERCENT and going > held * percent / 100:
        return [LimitExceeded("removed", going, percent, True, held, earlier=earlier)]
    return []


def _too_many_by_default(
    resource_type: str, going: int, held: int, earlier: int = 0
) -> list[LimitExceeded]:
    """Return the default limit of a type that is exceeded: the larger of its two numbers."""
    found = [limit for kind, limit in DEFAULT_REMOVALS.items() if kind == resource_type]
    if not found:
        return []
    least, percent = found[0].number or 0, found[0].percent or 0.0
    by_percent = held * percent / 100 > least
    if going <= (held * percent / 100 if by_percent else least):
        return []
    limit = percent if by_percent else least
    return [LimitExceeded("removed", going, limit, by_percent, held, resource_type, earlier)]


def _too_much_changed(
    resource_type: str, change: int, held: int, limit: ChangeLimit, earlier: int = 0
) -> list[LimitExceeded]:
    """Return the limit that the change in number of a type exceeds, if any.

    `earlier` are those by which the type has shrunk in the last 24 hours. The first delivery of a
    type never exceeds a limit.
    """
    if not held:
        return []
    kind: Literal["more", "fewer"] = "more" if change > 0 else "fewer"
    number, there = abs(change) + earlier, held + earlier
    about = there, resource_type, earlier
    if limit.number is not None and number > limit.number:
        return [LimitExceeded(kind, number, limit.number, False, *about)]
    if limit.percent is not None and number > there * limit.percent / 100:
        return [LimitExceeded(kind, number, limit.percent, True, *about)]
    return []


def _changes(plan: Plan) -> dict[str, int]:
    """Return by how many each type would grow, or shrink if negative, without zeros."""
    found: dict[str, int] = {}
    for resource_type, writes in plan.writes.items():
        created = sum(1 for op in writes if op.kind == "create" and not op.ask)
        change = created - len(plan.deletes[resource_type])
        if change:
            found[resource_type] = change
    return found


def is_within(change: int, approved: int) -> bool:
    """Whether a change is in the direction of the approved one and no larger, or is zero."""
    return change == 0 or ((change > 0) == (approved > 0) and abs(change) <= abs(approved))


def counts(plan: Plan) -> dict[str, dict[str, int]]:
    """Return how many resources of each type the plan creates, updates and deletes."""
    found: dict[str, dict[str, int]] = {"create": {}, "update": {}, "delete": {}}
    for operation in plan.operations():
        of_kind = found[operation.kind]
        of_kind[operation.resource_type] = of_kind.get(operation.resource_type, 0) + 1
    return found

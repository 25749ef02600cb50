"""Check whether a plan changes so much that a person must approve it first. Pure."""

from typing import Literal

from msgspec import Struct, field

from addon.planning.ledger import Ledger
from addon.planning.plan import Plan
from addon.tenants.model import ChangeLimit, Limits

FEWEST_BY_PERCENT = 5
"""A percentage limit never holds fewer removals than this.

In a small school a single pupil is already a large percentage.
"""


APPROVAL_LASTS = 3 * 24 * 3600.0
"""Seconds after which an approval that could not be carried out expires."""


class Approval(Struct, frozen=True):
    """What a person has approved: the removal of `people`, and `changes` in number by type.

    `at` is the time of the approval, in seconds since 1970 UTC; see APPROVAL_LASTS.
    """

    people: frozenset[str] = frozenset()
    changes: dict[str, int] = {}
    at: float = 0.0

    def is_valid(self, now: float) -> bool:
        """Whether the approval has not expired at `now` (seconds since 1970 UTC)."""
        return now - self.at < APPROVAL_LASTS


class LimitExceeded(Struct, frozen=True, omit_defaults=True):
    """A limit of a connection that a plan exceeds.

    With the `kind` `removed`, `number` people would be removed, out of `there` when the limit is
    a percentage. With `more` or `fewer`, the vendor would have `number` more or fewer resources
    of `type` than the `there` that it has now. With `protected`, `number` people became
    protected in one step. `limit` is a percentage if `percent` is true, otherwise a number.
    """

    kind: Literal["removed", "more", "fewer", "protected"]
    number: int
    limit: int | float
    percent: bool = False
    there: int | None = None
    type: str = "User"

    def __str__(self) -> str:
        limit = f"the limit is {self.limit:g}{' percent' if self.percent else ''}"
        if self.kind == "protected":
            return f"{self.number} people became protected at once; {limit}"
        if self.kind != "removed":
            return f"{self.number} {self.kind} {self.type} than the {self.there} there; {limit}"
        of = "" if self.there is None else f" of {self.there}"
        return f"{self.number}{of} people would be removed; {limit}"


class Hold(Struct, frozen=True):
    """A plan that waits for approval: what it would do, and which limits it exceeds.

    `people` are the externalIds of the User resources that would be removed, sorted, and
    `changes` is by how many each type would grow or shrink: an approval covers these two.
    `held` is how many User resources the vendor has by the ledger.
    `reason` is the text of `exceeded` in English, or another reason to wait; holds saved by
    earlier versions have only the text. `at` is in seconds since 1970 UTC. `withdrawal` is true
    when the removal of everything was requested. `refused` is when a person refused the plan
    (seconds since 1970 UTC), 0 if nobody has. `protected_being_removed` are externalIds of
    protected people, and of their employments, that were removed during the hold and may still
    be in the vendor's groups.
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

    @property
    def growth(self) -> int:
        """How many people became protected in one step, if it holds for that; else 0."""
        return sum(each.number for each in self.exceeded if each.kind == "protected")

    @property
    def waits(self) -> bool:
        """Whether a plan waits for approval; false if it only records protected people."""
        return bool(self.reason)

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
                _within(change, earlier.changes.get(kind, 0))
                for kind, change in self.changes.items()
            )
        )

    def approval(self, at: float) -> Approval:
        """Return the approval of exactly this plan at `at` (seconds since 1970 UTC)."""
        return Approval(frozenset(self.people), self.changes, at)


def check_limits(
    plan: Plan, ledger: Ledger, limits: Limits, approved: Approval | None = None
) -> Hold | None:
    """Return the hold if the plan exceeds a limit, or None if it may be carried out.

    A plan that does no more than was `approved` may be carried out. The removal of protected
    people does not count towards the limits.
    """
    approved = approved or Approval()
    people = tuple(op.external_id for op in plan.deletes["User"])
    changes = _changes(plan)
    exceeded: list[LimitExceeded] = []
    if not set(people) <= approved.people:
        exceeded += _too_many_removed(len(people), ledger.people(), limits)
    for resource_type, limit in limits.changes.items():
        change = changes.get(resource_type, 0)
        if not _within(change, approved.changes.get(resource_type, 0)):
            there = ledger.count(resource_type)
            exceeded += _too_much_changed(resource_type, change, there, limit)
    if not exceeded:
        return None
    return Hold(
        people=people,
        held=ledger.people(),
        reason="; ".join(map(str, exceeded)),
        operations=counts(plan),
        changes=changes,
        exceeded=tuple(exceeded),
    )


def growth_hold(plan: Plan, ledger: Ledger, number: int, limit: int) -> Hold:
    """Return the hold of everything while `number` people, above `limit`, became protected at once.

    `plan` is what is carried out nevertheless.
    """
    exceeded = LimitExceeded("protected", number, limit)
    return Hold((), ledger.people(), str(exceeded), counts(plan), exceeded=(exceeded,))


def is_too_many(going: int, held: int, limits: Limits) -> bool:
    """Whether removing `going` of `held` people would need approval."""
    return bool(_too_many_removed(going, held, limits))


def is_too_much_less(resource_type: str, fewer: int, held: int, limits: Limits) -> bool:
    """Whether `fewer` than the `held` resources of a type would need approval."""
    return any(
        _too_much_changed(resource_type, -fewer, held, limit)
        for limited, limit in limits.changes.items()
        if limited == resource_type and fewer
    )


def _too_many_removed(going: int, held: int, limits: Limits) -> list[LimitExceeded]:
    if going > limits.deletions:
        return [LimitExceeded("removed", going, limits.deletions)]
    if going >= FEWEST_BY_PERCENT and going > held * limits.deletions_percent / 100:
        return [LimitExceeded("removed", going, limits.deletions_percent, True, held)]
    return []


def _too_much_changed(
    resource_type: str, change: int, held: int, limit: ChangeLimit
) -> list[LimitExceeded]:
    """Return the limit that the change in number of a type exceeds, if any.

    The first delivery of a type never exceeds one.
    """
    if not held:
        return []
    kind: Literal["more", "fewer"] = "more" if change > 0 else "fewer"
    number = abs(change)
    if limit.number is not None and number > limit.number:
        return [LimitExceeded(kind, number, limit.number, False, held, resource_type)]
    if limit.percent is not None and number > held * limit.percent / 100:
        return [LimitExceeded(kind, number, limit.percent, True, held, resource_type)]
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


def _within(change: int, approved: int) -> bool:
    """Whether a change is in the direction of the approved one and no larger, or is zero."""
    return change == 0 or ((change > 0) == (approved > 0) and abs(change) <= abs(approved))


def counts(plan: Plan) -> dict[str, dict[str, int]]:
    """Return how many resources of each type the plan creates, updates and deletes."""
    found: dict[str, dict[str, int]] = {"create": {}, "update": {}, "delete": {}}
    for operation in plan.operations():
        of_kind = found[operation.kind]
        of_kind[operation.resource_type] = of_kind.get(operation.resource_type, 0) + 1
    return found

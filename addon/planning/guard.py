"""Whether a plan removes too much to go without a person's word. Pure."""

from typing import Literal

from msgspec import Struct

from addon.planning.ledger import Ledger
from addon.planning.plan import Plan
from addon.tenants.model import ChangeLimit, Limits

FEWEST_BY_PERCENT = 5
"""A percentage never holds fewer removals than this: in a small school one pupil is many."""


APPROVAL_LASTS = 3 * 24 * 3600.0
"""Seconds after which what was approved and could not be done must be approved again."""


class Approval(Struct, frozen=True):
    """What a person has let go: the removal of `people`, and `changes` in number by type.

    `at` is when, in seconds since 1970 UTC; see APPROVAL_LASTS.
    """

    people: frozenset[str] = frozenset()
    changes: dict[str, int] = {}
    at: float = 0.0

    def is_valid(self, now: float) -> bool:
        """Whether it is still to be gone by."""
        return now - self.at < APPROVAL_LASTS


class LimitExceeded(Struct, frozen=True, omit_defaults=True):
    """A limit of a connection that a plan is beyond.

    `kind` is `removed`: `number` people would be removed, out of `there` where the limit is a
    percentage; or `more` or `fewer`: by how many resources of `type` the vendor would have than
    the `there` that it has. `limit` is a number, or a percentage where `percent`.
    """

    kind: Literal["removed", "more", "fewer"]
    number: int
    limit: int | float
    percent: bool = False
    there: int | None = None
    type: str = "User"

    def __str__(self) -> str:
        limit = f"the limit is {self.limit:g}{' percent' if self.percent else ''}"
        if self.kind != "removed":
            return f"{self.number} {self.kind} {self.type} than the {self.there} there; {limit}"
        of = "" if self.there is None else f" of {self.there}"
        return f"{self.number}{of} people would be removed; {limit}"


class Hold(Struct, frozen=True):
    """A plan that waits for a person: what it would do, and against which limits.

    `people` are the externalIds of the User resources that would be removed, sorted, and
    `changes` by how many each type would grow or shrink: what an approval is for. `reason`
    says `exceeded` in English, or why else it waits; holds of earlier versions have it alone.
    `at` is in seconds since 1970 UTC. `withdrawal` is true when
    everything was asked to be removed. `refused` is when a person said no, 0 while nobody has.
    `hidden` are externalIds of protected people, and of their employments, who were removed while
    it stood and may be in the vendor's groups yet.
    """

    people: tuple[str, ...]
    held: int
    reason: str
    operations: dict[str, dict[str, int]]
    changes: dict[str, int] = {}
    at: float = 0.0
    withdrawal: bool = False
    refused: float = 0.0
    hidden: tuple[str, ...] = ()
    exceeded: tuple[LimitExceeded, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether it waits for a person at all, and is no mere note of who is `hidden`."""
        return bool(self.reason)

    def keep_only_protected(self) -> "Hold | None":
        """What is left of it when nothing is held any more."""
        return Hold((), 0, "", {}, at=self.at, hidden=self.hidden) if self.hidden else None

    def answered_by(self, earlier: "Hold") -> bool:
        """Whether a no to `earlier` is a no to this too: it goes no further."""
        return bool(
            earlier.refused
            and set(self.people) <= set(earlier.people)
            and all(
                _within(change, earlier.changes.get(kind, 0))
                for kind, change in self.changes.items()
            )
        )

    def approval(self, at: float) -> Approval:
        """The approval of exactly this."""
        return Approval(frozenset(self.people), self.changes, at)


def check_limits(
    plan: Plan, ledger: Ledger, limits: Limits, approved: Approval | None = None
) -> Hold | None:
    """The hold that the plan runs into, or None when it may go.

    A plan may go that does no more than was `approved`. Protected people do not count.
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


def is_too_many(going: int, held: int, limits: Limits) -> bool:
    """Whether a plan that removes so many of the people held would wait for a person's word."""
    return bool(_too_many_removed(going, held, limits))


def _too_many_removed(going: int, held: int, limits: Limits) -> list[LimitExceeded]:
    if going > limits.deletions:
        return [LimitExceeded("removed", going, limits.deletions)]
    if going >= FEWEST_BY_PERCENT and going > held * limits.deletions_percent / 100:
        return [LimitExceeded("removed", going, limits.deletions_percent, True, held)]
    return []


def _too_much_changed(
    resource_type: str, change: int, held: int, limit: ChangeLimit
) -> list[LimitExceeded]:
    """Why a type changes too much in number; a first delivery of it never does."""
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
    """By how many each type would grow (or shrink, below 0); types that do neither are absent."""
    found: dict[str, int] = {}
    for resource_type, writes in plan.writes.items():
        created = sum(1 for op in writes if op.kind == "create" and not op.ask)
        change = created - len(plan.deletes[resource_type])
        if change:
            found[resource_type] = change
    return found


def _within(change: int, approved: int) -> bool:
    """Whether a change goes no further, in the same direction, than an approved one."""
    return change == 0 or ((change > 0) == (approved > 0) and abs(change) <= abs(approved))


def counts(plan: Plan) -> dict[str, dict[str, int]]:
    """How many of each type the plan creates, updates and deletes."""
    found: dict[str, dict[str, int]] = {"create": {}, "update": {}, "delete": {}}
    for operation in plan.operations():
        of_kind = found[operation.kind]
        of_kind[operation.resource_type] = of_kind.get(operation.resource_type, 0) + 1
    return found

"""Whether a plan removes too much to go without a person's word. Pure."""

from collections.abc import Set

from msgspec import Struct

from addon.delivery.ledger import Ledger
from addon.delivery.plan import Plan
from addon.tenant import Limits

FEWEST_BY_PERCENT = 5
"""A percentage never holds fewer removals than this: in a small school one pupil is many."""


class Hold(Struct, frozen=True):
    """A plan that waits for a person: whom it would remove, and against which limit.

    `people` are the externalIds of the User resources that would be removed, sorted: what an
    approval is for. `reason` says it with numbers. `at` is in seconds since 1970 UTC.
    `withdrawal` is true when everything was asked to be removed.
    """

    people: tuple[str, ...]
    held: int
    reason: str
    operations: dict[str, dict[str, int]]
    at: float = 0.0
    withdrawal: bool = False


def check(
    plan: Plan, ledger: Ledger, limits: Limits, approved: Set[str] = frozenset()
) -> Hold | None:
    """The hold that the plan runs into, or None when it may go.

    A plan that removes nobody but those in `approved` may go. Protected people do not count.
    """
    people = tuple(op.external_id for op in plan.deletes["User"])
    if set(people) <= approved:
        return None
    held, going = ledger.people(), len(people)
    if going > limits.deletions:
        reason = f"{going} people would be removed; the limit is {limits.deletions}"
    elif going >= FEWEST_BY_PERCENT and going > held * limits.deletions_percent / 100:
        percent = f"{limits.deletions_percent:g}"
        reason = f"{going} of {held} people would be removed; the limit is {percent} percent"
    else:
        return None
    return Hold(people=people, held=held, reason=reason, operations=counts(plan))


def counts(plan: Plan) -> dict[str, dict[str, int]]:
    """How many of each type the plan creates, updates and deletes."""
    found: dict[str, dict[str, int]] = {"create": {}, "update": {}, "delete": {}}
    for operation in plan.operations():
        of_kind = found[operation.kind]
        of_kind[operation.resource_type] = of_kind.get(operation.resource_type, 0) + 1
    return found

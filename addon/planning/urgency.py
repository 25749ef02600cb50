"""What of a plan is sent first where others wait for the vendor too. Pure.

New people come first, with what they need and what must have them, then changes, then removals. The
removal of protected people is before all of these. Within each, types go in the order in which
resources refer to each other, so that nothing refers to what the vendor does not have.
"""

from collections.abc import Set
from typing import Literal

from msgspec import Struct, structs

from addon.planning.plan import Operation, Plan
from addon.ss12000.resources import ResourceType, references

Stage = Literal["new", "changes"]
"""How far a plan is carried out: all that is new, or all but the removals."""

OF_GROUPS: tuple[ResourceType, ...] = ("StudentGroup", "Activity")

Key = tuple[ResourceType, str]


class UrgentPart(Struct, frozen=True):
    """The part of a plan up to a stage.

    `urgent` are the updates that go with what is new; `later` is how many operations are not of it.
    """

    plan: Plan
    stage: Stage
    urgent: frozenset[Key]
    later: int

    def of(self, plan: Plan) -> Plan:
        """Return the same part of the plan that is made again."""
        return _limited(plan, self.stage, self.urgent)


def urgent_part(plan: Plan, stage: Stage) -> UrgentPart:
    """Return the part of a plan up to a stage.

    With what is new go all creates, and the groups and activities that get somebody or something
    which is created.
    """
    created = {op.external_id for ops in plan.writes.values() for op in ops if op.kind == "create"}
    urgent = frozenset(
        (kind, op.external_id)
        for kind in OF_GROUPS
        for op in plan.writes[kind]
        if not references(op.body).isdisjoint(created)
    )
    part = _limited(plan, stage, urgent)
    count = sum(1 for _ in plan.operations()) - sum(1 for _ in part.operations())
    return UrgentPart(part, stage, urgent, count)


def _limited(plan: Plan, stage: Stage, urgent: Set[Key]) -> Plan:
    def goes(kind: ResourceType, op: Operation) -> bool:
        return stage == "changes" or op.kind == "create" or (kind, op.external_id) in urgent

    writes = {kind: [op for op in ops if goes(kind, op)] for kind, ops in plan.writes.items()}
    nothing: dict[ResourceType, list[Operation]] = {kind: [] for kind in plan.deletes}
    return structs.replace(plan, writes=writes, deletes=nothing, looks=())

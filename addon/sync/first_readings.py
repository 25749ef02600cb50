"""What waits while too little is known to compare a reading with. Pure.

When what was known is gone but vendors have resources, a first short list cannot be told from a
whole one. So until two whole readings, AGREE_AFTER apart, have been made, nothing is removed or
changed: a change may take somebody out of a class or from a school.
"""

from collections.abc import Set

from msgspec import structs

from addon.age import is_future
from addon.directory.snapshot import Doubts, Snapshot
from addon.planning.plan import Operation, Plan
from addon.ss12000.resources import ResourceType
from addon.sync.enquiry import AGREE_AFTER
from addon.sync.known_placements import Beginning, KnownDirectory

BY_DOCUMENT: tuple[ResourceType, ...] = ("Organisation", "SchoolUnit")
"""Types that follow the tenant document, whatever a reading has."""
OF_GROUPS: tuple[ResourceType, ...] = ("StudentGroup", "Activity")


def is_doubtful(snapshot: Snapshot) -> bool:
    """Whether the reading itself says that something in it is short or could not be read."""
    return bool(snapshot.unread) or snapshot.doubts != Doubts()


def settling_since(known: KnownDirectory | Beginning, snapshot: Snapshot, now: float) -> float:
    """Return since when readings know something that a second one has to agree with; else 0.

    It begins again with a reading whose lists of accounts, groups or OUs are short.
    """
    if isinstance(known, Beginning):
        return now if known.delivered else 0.0
    if not known.settling:
        return 0.0
    doubts = structs.replace(snapshot.doubts, groups=frozenset())
    if doubts != Doubts() or is_future(known.settling, now):
        return now
    return 0.0 if now - known.settling >= AGREE_AFTER else known.settling


def unsettled_groups(known: KnownDirectory | Beginning, snapshot: Snapshot) -> frozenset[str]:
    """Return ids of the groups that have never been read whole while a vendor may have them."""
    doubted = snapshot.doubts.groups
    if isinstance(known, Beginning):
        return doubted if known.delivered else frozenset()
    return known.unsettled & doubted


def only_creates(plan: Plan, approved: Set[str]) -> Plan:
    """Return the plan without what it changes or removes, unless that removal was `approved`."""
    return structs.replace(
        plan,
        writes={
            kind: [op for op in ops if kind in BY_DOCUMENT or op.kind == "create"]
            for kind, ops in plan.writes.items()
        },
        deletes={
            kind: [op for op in ops if op.external_id in approved]
            for kind, ops in plan.deletes.items()
        },
    )


def without_changes_of(plan: Plan, groups: Set[str], approved: Set[str]) -> Plan:
    """Return the plan without changes and removals of these groups and their activities."""

    def stays(op: Operation) -> bool:
        return op.external_id not in groups or op.kind == "create" or op.external_id in approved

    return structs.replace(
        plan,
        writes={
            kind: list(filter(stays, ops)) if kind in OF_GROUPS else ops
            for kind, ops in plan.writes.items()
        },
        deletes={
            kind: list(filter(stays, ops)) if kind in OF_GROUPS else ops
            for kind, ops in plan.deletes.items()
        },
    )

"""Removals that wait for evidence, as a question: since when, what happens by itself, and who."""

from collections.abc import Callable

from msgspec import Struct

from addon.planning.limits import Hold
from addon.store.base import LedgerStore
from addon.sync.context import ledger_key
from addon.sync.enquiry import AGREE_AFTER
from addon.web.directory.cache import PlannedConnection, TenantDirectory
from addon.web.presenters.hold import Leaver, held_view
from addon.web.presenters.hold_questions import joint_view
from addon.web.version_token import value_hash


class WaitingUnit(Struct, frozen=True):
    """A unit where `number` people, groups or memberships are missing since a reading.

    `decided` is the earliest time at which another reading can decide, 0 if none can: its
    selection names an OU or a group that is not there. Times are seconds since 1970 UTC.
    """

    code: str
    name: str
    number: int
    since: float
    decided: float


class WaitingRemovals(Struct, frozen=True):
    """What waits at the units, and what the vendors would lose if a person says that it is gone.

    `holds` are that by vendor, empty if nobody can say so now. `token` identifies it in a form.
    """

    units: tuple[WaitingUnit, ...]
    holds: tuple[tuple[str, Hold], ...]
    leavers: tuple[Leaver, ...]
    token: str


def waiting_removals(
    directory: TenantDirectory, store: LedgerStore, newest_run: str, now: float
) -> WaitingRemovals | None:
    """Return what waits, None if nothing does. Raises StillComputing and StoreError.

    Where a hold waits, or an approval has not been carried out, that is answered first.
    """
    units = _units(directory)
    planned = [directory.planned(c.vendor, newest_run) for c in directory.tenant.connections]
    found = [
        (each.connection.vendor, _as_hold(each, directory.directory_snapshot.read))
        for each in planned
        if each is not None and each.waiting and _can_be_answered(directory, store, each, now)
    ]
    if not units and not found:
        return None
    views = [(vendor, held_view(directory, hold, f"{vendor} waiting")) for vendor, hold in found]
    return WaitingRemovals(
        units=units,
        holds=tuple(found),
        leavers=joint_view(views).leavers if views else (),
        token=value_hash([(vendor, hold.people, hold.others) for vendor, hold in found]),
    )


def _can_be_answered(
    directory: TenantDirectory, store: LedgerStore, planned: PlannedConnection, now: float
) -> bool:
    key = ledger_key(directory.tenant.customer_id, planned.connection)
    evidence = directory.prepared.evidence
    if key is None or planned.hold is not None or evidence.settling or evidence.doubtful:
        return False
    hold, approval = store.hold(key), store.approval(key)
    answered = approval is not None and approval.is_valid(now)
    return not answered and (hold is None or not hold.waits)


def _as_hold(planned: PlannedConnection, read: float) -> Hold:
    """Return what a person would approve, in the form of a hold."""
    others = {kind: ids for kind, ids in planned.waiting.items() if kind != "User"}
    deletes = {kind: len(ids) for kind, ids in planned.waiting.items()}
    return Hold(
        people=planned.waiting.get("User", ()),
        held=planned.ledger.people(),
        reason="unconfirmed",
        operations={"create": {}, "update": {}, "delete": deletes},
        others=others,
        at=read,
    )


def _units(directory: TenantDirectory) -> tuple[WaitingUnit, ...]:
    evidence, names = directory.prepared.evidence, directory.tenant.unit_names
    numbers = {
        each.subject: dict(each.values)["count"]
        for each in evidence.findings
        if each.code == "removal-unconfirmed"
    }
    missing = _with_missing_places(directory)
    return tuple(
        WaitingUnit(
            code,
            names.get(code, code),
            int(number),
            evidence.since.get(code, 0.0),
            0.0 if missing(code) else evidence.since.get(code, 0.0) + AGREE_AFTER,
        )
        for code, number in numbers.items()
    )


def _with_missing_places(directory: TenantDirectory) -> Callable[[str], bool]:
    """Return whether a unit's selection names an OU or a group that is not there."""
    users = directory.prepared.evidence.needs_approval
    people = directory.prepared.evidence.unconfirmed.people
    units = {
        unit
        for user in users
        if user in people
        for unit in (*(unit for unit, _year in people[user].enrolments), *people[user].employments)
    }
    return units.__contains__

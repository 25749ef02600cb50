"""What a change of the tenant document explains of those whom a reading does not place. Pure.

A loss is explained if the earlier selections reach them in this very reading and the new ones do
not. Whom neither reaches is missing for another reason, wherever they would be placed now. A
selection that has changed and reads groups is no proof either: a group's list may be short.
Classes and groups of a unit that has left the document are explained in any case: nothing that
the document says now can give them.
"""

from collections.abc import Iterable, Iterator, Mapping, Set

from msgspec import Struct, structs

from addon.directory.snapshot import Snapshot
from addon.roster.model import Roster
from addon.roster.placements import Loss, Placements, losses, placements_of
from addon.roster.select import select
from addon.sync.group_values import ATTRIBUTE
from addon.sync.known_placements import KnownDirectory, units_of
from addon.sync.known_places import as_documented, place_org_units
from addon.sync.left_out import is_by_protection
from addon.tenants.conditions import SlowPatternError
from addon.tenants.model import NO_EXCEPTIONS, SchoolUnit, Selector, Tenant, rules_of

Role = tuple[str, str]
"""A unit's code, and `student` or `staff`."""


class NewSelections(Struct, frozen=True):
    """The selectors that read groups and have changed since people were placed.

    They may reach whom nothing reaches, as long as Google has not said that they do not: somebody
    lost since the document changed (`changed` in this reading), or `waiting` since then, by
    `Loss.key`.
    """

    selectors: Mapping[Role, Selector] = {}
    changed: bool = False
    waiting: Set[str] = frozenset()

    def of(self, loss: Loss) -> tuple[Selector, ...]:
        """The selectors that may reach somebody who is placed nowhere."""
        return tuple(self.selectors.values()) if self.changed or loss.key in self.waiting else ()


def new_selections(tenant: Tenant, known: KnownDirectory) -> NewSelections:
    """Return the selectors that read groups and are not as when the known people were placed."""
    before = list(map(_selectors, _earlier(tenant, known)))
    return NewSelections(
        {
            role: selector
            for role, selector in _selectors(tenant.school_units).items()
            if _reads_groups(selector)
            and any(not _is_as_before(selector, each.get(role)) for each in before)
        },
        is_changed(tenant, known),
        {key.rpartition("\t")[0] for key in known.missing},
    )


def is_changed(tenant: Tenant, known: KnownDirectory) -> bool:
    """Whether the document selects otherwise than at the last reading."""
    return bool(known.school_units) and known.school_units != units_of(tenant)


def unexplained_losses(
    tenant: Tenant,
    snapshot: Snapshot,
    known: KnownDirectory,
    roster: Roster,
    current: Placements,
    incomplete: Set[str],
) -> tuple[Loss, ...]:
    """Return the losses that neither protection nor a change of the document explains.

    `current` are the placements of the roster. `incomplete` are the units of which a place is
    missing: nothing of theirs is explained.
    """
    lost = tuple(
        loss
        for loss in losses(known.placements, current)
        if not is_by_protection(loss, known.placements, roster)
    )
    if not lost or not is_changed(tenant, known):
        return lost
    anyway = lost_anyway(tenant, snapshot, known)
    if anyway is None:
        return lost
    new = new_selections(tenant, known)
    people = {
        loss
        for loss in lost
        if loss.is_person
        and (loss.unit in incomplete or loss in anyway or _may_be_reached(loss, new, roster))
    }
    missing = {(loss.unit, loss.user) for loss in people}
    units = {unit.code: unit for unit in tenant.school_units}

    def is_unexplained(loss: Loss) -> bool:
        if loss.is_person or loss.unit in incomplete:
            return loss in people or loss.unit in incomplete
        return _may_exist(loss, units.get(loss.unit)) and (
            loss in anyway
            or loss.whole_group in anyway
            or not missing.isdisjoint((loss.unit, user) for user in _users(loss, known.placements))
        )

    return tuple(filter(is_unexplained, lost))


def lost_anyway(
    tenant: Tenant, snapshot: Snapshot, known: KnownDirectory
) -> frozenset[Loss] | None:
    """Return what the reading lacks by each earlier document too; None if that is unknown."""
    found: frozenset[Loss] | None = None
    for units in _earlier(tenant, known):
        before = structs.replace(tenant, school_units=units)
        places = place_org_units(before, known.places, snapshot.org_units)
        try:
            roster = select(before, as_documented(before, snapshot, places))
        except SlowPatternError:
            return None
        lost = frozenset(losses(known.placements, placements_of(roster)))
        found = lost if found is None else found & lost
    return found


def _earlier(tenant: Tenant, known: KnownDirectory) -> Iterator[tuple[SchoolUnit, ...]]:
    """The school units by which the known people were placed, where they are others now."""
    for units in (known.former_units, known.school_units):
        if units and units != units_of(tenant):
            yield units


def _may_be_reached(loss: Loss, new: NewSelections, roster: Roster) -> bool:
    """Whether a selector that has changed may reach the person, who is in the list of no group."""
    return (loss.unit, loss.kind) in new.selectors or (
        bool(new.selectors) and loss.user not in roster.people
    )


def _may_exist(loss: Loss, unit: SchoolUnit | None) -> bool:
    """Whether the document has a rule that could give the group."""
    rules = () if unit is None else (*rules_of(unit.classes), *rules_of(unit.teaching_groups))
    return any(rule.source == loss.source for rule in rules)


def _users(loss: Loss, known: Placements) -> Iterable[str]:
    return (loss.user,) if loss.user else known.groups[loss.group].members


def _selectors(units: Iterable[SchoolUnit]) -> dict[Role, Selector]:
    return {
        (unit.code, role): selector
        for unit in units
        for role, selector in (("student", unit.students), ("staff", unit.staff))
    }


def _reads_groups(selector: Selector) -> bool:
    return bool(selector.groups) or any(
        clause.attribute == ATTRIBUTE for clauses in selector.filters for clause in clauses
    )


def _is_as_before(selector: Selector, before: Selector | None) -> bool:
    """Whether it chooses as before, but for the exceptions."""
    return before is not None and (
        selector.excepting(NO_EXCEPTIONS) == before.excepting(NO_EXCEPTIONS)
    )

"""Whom a selection that is being made reaches, by name, beside whom the saved one does."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from addon.conditions import fold
from addon.delivery.guard import is_too_many
from addon.proposals.order import swedish
from addon.proposals.words import Role
from addon.roster.explain import selection
from addon.roster.filters import choose
from addon.roster.placement import defects
from addon.tenant import SchoolUnit, Selector, Tenant
from addon.web.study import Desk
from addon.web.views.people import PersonRow, rows

SHOWN = 100
"""Names of a list; how many there are is told."""


class Names(Struct, frozen=True):
    """How many people, and the first of them by name."""

    count: int = 0
    first: tuple[PersonRow, ...] = ()


class Reach(Struct, frozen=True):
    """What a selector makes of the directory.

    `inside` are sent in that role and `stopped` kept out by its filters; `new` are chosen now
    and not in the saved selection, `gone` the other way round. `as_staff` are students by this
    selector who count as staff, since they are staff somewhere; `unsendable` lack a name or an
    address.
    `failing` is for each filter, clause by clause, how many of those reached it is untrue of.
    """

    role: Role
    inside: Names
    stopped: Names
    new: Names
    gone: Names
    as_staff: Names
    unsendable: Names
    failing: tuple[tuple[int, ...], ...]
    missing_org_units: tuple[str, ...]
    missing_groups: tuple[str, ...]


class Removal(Struct, frozen=True):
    """How many people the change takes away from a vendor, and whether that is held."""

    vendor: str
    people: int
    held: bool


def reach(desk: Desk, unit: SchoolUnit, role: Role, wanted: Selector, staff: Selector) -> Reach:
    """Whom `wanted` reaches as the unit's `role`; `staff` is the unit's own selector of staff.

    Raises NotReady.
    """
    index = desk.index
    found = selection(index, wanted)
    saved = choose(unit.students if role == "students" else unit.staff, index).chosen
    adults = choose(staff, index).chosen | _staff(desk, unit.code) if role == "students" else ()
    as_staff = found.chosen.intersection(adults)
    verified = frozenset(map(fold, desk.snapshot.domains))
    unsendable = {
        user_id
        for user_id in found.chosen - as_staff
        if any(d.severity == "error" for d in defects(index.users[user_id], verified))
    }
    return Reach(
        role=role,
        inside=names(desk, found.chosen - as_staff - unsendable),
        stopped=names(desk, found.stopped),
        new=names(desk, found.chosen - saved),
        gone=names(desk, saved - found.chosen),
        as_staff=names(desk, as_staff),
        unsendable=names(desk, unsendable),
        failing=found.failing,
        missing_org_units=found.missing_org_units,
        missing_groups=found.missing_groups,
    )


def removals(
    tenant: Tenant, desk: Desk, code: str, students: Selector, staff: Selector
) -> tuple[Removal, ...]:
    """Whom the vendors that are on would lose if the unit's selectors became these."""
    index, roster = desk.index, desk.prepared.roster
    stay = choose(students, index).chosen | choose(staff, index).chosen
    found = []
    for connection in tenant.connections:
        view = desk.prepared.views.get(connection.vendor)
        if connection.mode == "off" or code not in connection.school_units or view is None:
            continue
        others = set(connection.school_units) - {code}
        gone = 0
        for user_id in view.people:
            person = roster.people[user_id]
            units = {e.unit for e in person.enrolments} | set(person.employments)
            gone += code in units and user_id not in stay and not units & others
        if gone:
            held = is_too_many(gone, len(view.people), connection.limits)
            found.append(Removal(connection.vendor, gone, held))
    return tuple(found)


def names(desk: Desk, ids: Iterable[str]) -> Names:
    """The people by name, as the table of all people has them. Raises NotReady."""
    known = ranked(desk)
    found = sorted((known[i] for i in set(ids) if i in known), key=lambda each: each[0])
    return Names(len(found), tuple(row for _rank, row in found[:SHOWN]))


def ranked(desk: Desk) -> Mapping[str, tuple[int, PersonRow]]:
    """Each person's place in the alphabet and row, by id. Raises NotReady."""
    table = rows(desk)
    return desk.make("ranked", lambda: {row.id: (n, row) for n, row in enumerate(table)})


def attributes(desk: Desk, used: Iterable[str]) -> tuple[str, ...]:
    """The attributes that a clause can be about: those everybody has, those in use, `used`."""
    own = sorted(desk.survey.attributes, key=swedish)
    common = ("orgUnitPath", "groups", "primaryEmail", "name.givenName", "name.familyName")
    return tuple(dict.fromkeys((*common, *own, *used)))


def _staff(desk: Desk, besides: str) -> frozenset[str]:
    """Who is staff at another unit than this one."""
    people = desk.prepared.roster.people

    def others() -> frozenset[str]:
        return frozenset(
            person.id
            for person in people.values()
            if any(unit != besides for unit in person.employments)
        )

    return desk.make(("staff besides", besides), others)

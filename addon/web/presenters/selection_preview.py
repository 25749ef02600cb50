"""Whom a selection that is being made reaches, by name, beside whom the saved one does."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from addon.planning.guard import is_too_many
from addon.proposals.vocabulary import Role
from addon.roster.explain import Selection, selection
from addon.roster.filters import choose
from addon.roster.placement import defects
from addon.tenants.model import Connection, SchoolUnit, Selector
from addon.text import fold, sort_key
from addon.web.directory.cache import Desk
from addon.web.presenters.people import PersonRow, rows
from addon.web.presenters.school_unit import People, people_of

SHOWN = 100
"""Names of a list; how many there are is told."""


class Names(Struct, frozen=True):
    """How many people, and the first of them by name."""

    count: int = 0
    first: tuple[PersonRow, ...] = ()


class Reach(Struct, frozen=True):
    """What a selector makes of the directory.

    `inside` are sent in that role and `stopped` kept out by its filters; `new` are sent in it
    by this selection and not by the saved one, `gone` the other way round. `as_staff` are
    students by this selector who count as staff, since they are staff somewhere; `unsendable`
    lack a name or an address.
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


class Outcome(Struct, frozen=True):
    """What a unit's selection makes of the directory, beside the saved one.

    `turned` are students, at the units named `turned_at`, whom it makes staff.
    """

    students: Reach
    staff: Reach
    turned: Names
    turned_at: tuple[str, ...]
    removals: tuple[Removal, ...]


class Ground(Struct, frozen=True):
    """Whom each unit's saved selectors choose, by code and role, and all who cannot be sent."""

    chosen: Mapping[str, Mapping[Role, frozenset[str]]]
    unsendable: frozenset[str]


def outcome(
    desk: Desk,
    unit: SchoolUnit,
    students: Selector,
    staff: Selector,
    connections: Iterable[Connection],
) -> Outcome:
    """What the unit's selectors would make of the directory and of what `connections` carry.

    Raises NotReady.
    """
    before, index = people_of(desk), desk.index
    pupils, adults = selection(index, students), selection(index, staff)
    after = _placed(desk, unit.code, {"students": pupils.chosen, "staff": adults.chosen})
    everybody = frozenset[str]().union(*(people.staff for people in after.values()))
    turned = {code: people.students & everybody for code, people in before.items()}
    old, new = before.get(unit.code, People()), after[unit.code]
    return Outcome(
        students=_reach(desk, "students", pupils, new.students, old.students, everybody),
        staff=_reach(desk, "staff", adults, new.staff, old.staff),
        turned=names(desk, frozenset[str]().union(*turned.values())),
        turned_at=tuple(each.name for each in desk.tenant.school_units if turned.get(each.code)),
        removals=tuple(_removals(desk, after, connections)),
    )


def _placed(desk: Desk, code: str, chosen: Mapping[Role, frozenset[str]]) -> Mapping[str, People]:
    """Who is a student and who is staff where, as `addon.roster.placement.place` has it, if the
    selectors of unit `code` chose these.
    """
    ground = desk.make("ground of selections", lambda: _ground(desk))
    choices = {**ground.chosen, code: chosen}
    staff = frozenset[str]().union(*(each["staff"] for each in choices.values()))
    return {
        code: People(
            students=each["students"] - staff - ground.unsendable,
            staff=each["staff"] - ground.unsendable,
        )
        for code, each in choices.items()
    }


def _ground(desk: Desk) -> Ground:
    index, verified = desk.index, frozenset(map(fold, desk.snapshot.domains))
    return Ground(
        chosen={
            unit.code: {
                "students": choose(unit.students, index).chosen,
                "staff": choose(unit.staff, index).chosen,
            }
            for unit in desk.tenant.school_units
        },
        unsendable=frozenset(
            user.id
            for user in index.users.values()
            if any(defect.severity == "error" for defect in defects(user, verified))
        ),
    )


def _reach(
    desk: Desk,
    role: Role,
    found: Selection,
    inside: frozenset[str],
    saved: frozenset[str],
    staff: frozenset[str] = frozenset(),
) -> Reach:
    as_staff = found.chosen & staff
    return Reach(
        role=role,
        inside=names(desk, inside),
        stopped=names(desk, found.stopped),
        new=names(desk, inside - saved),
        gone=names(desk, saved - inside),
        as_staff=names(desk, as_staff),
        unsendable=names(desk, found.chosen - inside - as_staff),
        failing=found.failing,
        missing_org_units=found.missing_org_units,
        missing_groups=found.missing_groups,
    )


def _removals(
    desk: Desk, after: Mapping[str, People], connections: Iterable[Connection]
) -> Iterator[Removal]:
    for connection in connections:
        view = desk.prepared.views.get(connection.vendor)
        if view is None:
            continue
        stay = [after[code] for code in connection.school_units if code in after]
        gone = view.people.keys() - frozenset[str]().union(*(p.students | p.staff for p in stay))
        if gone:
            held = is_too_many(len(gone), len(view.people), connection.limits)
            yield Removal(connection.vendor, len(gone), held)


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
    own = sorted(desk.survey.attributes, key=sort_key)
    common = ("orgUnitPath", "groups", "primaryEmail", "name.givenName", "name.familyName")
    return tuple(dict.fromkeys((*common, *own, *used)))

"""The people whom a selection being edited includes, by name, compared with the saved one."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from addon.planning.limits import is_too_many
from addon.proposals.vocabulary import Role
from addon.roster.explain import SelectorOutcome, selector_outcome
from addon.roster.filters import choose
from addon.roster.placement import defects
from addon.tenants.model import Connection, SchoolUnit, Selector
from addon.text import sort_key
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.people import PersonRow, rows
from addon.web.presenters.proposals import Claim
from addon.web.presenters.school_unit import PeopleBreakdown, people_of

SHOWN = 100
"""The number of names shown in a list; the total is always given."""


class NameList(Struct, frozen=True):
    """The number of people, and the first of them by name."""

    count: int = 0
    first: tuple[PersonRow, ...] = ()


class RolePreview(Struct, frozen=True):
    """The effect of a selector on the directory.

    `inside` are sent in that role and `stopped` are kept out by its filters; `new` are sent in it
    by this selection and not by the saved one, `gone` the other way round. `as_staff` are students
    by this selector who count as staff, since they are staff at some unit; `unsendable` lack a name
    or an address. `failing` has, for each filter and clause, the number of people selected for whom
    the clause is false. `excepted` would be chosen but for the exceptions; `users` are those of
    them who are named one by one, each by user id, and None for somebody whom it does not reach.
    """

    role: Role
    inside: NameList
    stopped: NameList
    new: NameList
    gone: NameList
    as_staff: NameList
    unsendable: NameList
    failing: tuple[tuple[int, ...], ...]
    missing_org_units: tuple[str, ...]
    missing_groups: tuple[str, ...]
    excepted: NameList = NameList()
    users: tuple[tuple[str, PersonRow | None], ...] = ()


class VendorRemoval(Struct, frozen=True):
    """How many people the change removes from a vendor, and whether that is held."""

    vendor: str
    people: int
    held: bool


class SelectionPreview(Struct, frozen=True):
    """The effect of a unit's selection on the directory, compared with the saved one.

    `turned` are students whom it turns into staff, `turned_at` the names of their units. `claims`
    are the other units whose selections have some of its students too.
    """

    students: RolePreview
    staff: RolePreview
    turned: NameList
    turned_at: tuple[str, ...]
    removals: tuple[VendorRemoval, ...]
    claims: tuple[Claim, ...] = ()


class _SavedSelections(Struct, frozen=True):
    """Whom each unit's saved selectors choose, by code and role, and all who cannot be sent."""

    chosen: Mapping[str, Mapping[Role, frozenset[str]]]
    unsendable: frozenset[str]


def preview_selection(
    directory: TenantDirectory,
    unit: SchoolUnit,
    students: Selector,
    staff: Selector,
    connections: Iterable[Connection],
    newest_run: str,
) -> SelectionPreview:
    """Return the effect of the unit's selectors on the directory and on what `connections` carry.

    What has been removed in 24 hours counts against the limits. Raises StillComputing.
    """
    before, index = people_of(directory), directory.index
    pupils, adults = selector_outcome(index, students), selector_outcome(index, staff)
    after = _placed(directory, unit.code, {"students": pupils.chosen, "staff": adults.chosen})
    everybody = frozenset[str]().union(*(people.staff for people in after.values()))
    turned = {code: people.students & everybody for code, people in before.items()}
    old, new = before.get(unit.code, PeopleBreakdown()), after[unit.code]
    return SelectionPreview(
        students=_role_preview(
            directory, students, "students", pupils, new.students, old.students, everybody
        ),
        staff=_role_preview(directory, staff, "staff", adults, new.staff, old.staff),
        turned=names(directory, frozenset[str]().union(*turned.values())),
        turned_at=tuple(
            each.name for each in directory.tenant.school_units if turned.get(each.code)
        ),
        removals=tuple(_removals(directory, after, connections, newest_run)),
        claims=tuple(
            Claim(code, shared)
            for code, people in after.items()
            if code != unit.code and (shared := len(people.students & new.students))
        ),
    )


def _placed(
    directory: TenantDirectory, code: str, chosen: Mapping[Role, frozenset[str]]
) -> Mapping[str, PeopleBreakdown]:
    """Return the students and staff of each unit if the selectors of unit `code` chose `chosen`.

    Follows the rules of `addon.roster.placement.place`.
    """
    cannot = unsendable(directory)
    saved = directory.get_or_compute(
        DirectoryResult.SAVED_SELECTIONS, lambda: _saved_selections(directory, cannot)
    )
    choices = {**saved.chosen, code: chosen}
    staff = frozenset[str]().union(*(each["staff"] for each in choices.values()))
    return {
        code: PeopleBreakdown(
            students=each["students"] - staff - saved.unsendable,
            staff=each["staff"] - saved.unsendable,
        )
        for code, each in choices.items()
    }


def _saved_selections(directory: TenantDirectory, cannot: frozenset[str]) -> _SavedSelections:
    index = directory.index
    return _SavedSelections(
        chosen={
            unit.code: {
                "students": choose(unit.students, index).chosen,
                "staff": choose(unit.staff, index).chosen,
            }
            for unit in directory.tenant.school_units
        },
        unsendable=cannot,
    )


def unsendable(directory: TenantDirectory) -> frozenset[str]:
    """Return the active people who cannot be sent, because a name or the address is missing."""
    users = directory.index.users.values()
    return directory.get_or_compute_for_any_document(
        DirectoryResult.PEOPLE_UNSENDABLE,
        lambda: frozenset(
            user.id
            for user in users
            if any(defect.severity == "error" for defect in defects(user, frozenset()))
        ),
        None,
    )


def _role_preview(
    directory: TenantDirectory,
    selector: Selector,
    role: Role,
    found: SelectorOutcome,
    inside: frozenset[str],
    saved: frozenset[str],
    staff: frozenset[str] = frozenset(),
) -> RolePreview:
    as_staff, known = found.chosen & staff, ranked(directory)
    named = selector.exceptions.users
    return RolePreview(
        role=role,
        inside=names(directory, inside),
        stopped=names(directory, found.stopped),
        new=names(directory, inside - saved),
        gone=names(directory, saved - inside),
        as_staff=names(directory, as_staff),
        unsendable=names(directory, found.chosen - inside - as_staff),
        failing=found.failing,
        missing_org_units=found.missing_org_units,
        missing_groups=found.missing_groups,
        excepted=names(directory, found.excepted.difference(named)),
        users=tuple(
            (id, known[id][1] if id in found.excepted and id in known else None) for id in named
        ),
    )


def _removals(
    directory: TenantDirectory,
    after: Mapping[str, PeopleBreakdown],
    connections: Iterable[Connection],
    newest_run: str,
) -> Iterator[VendorRemoval]:
    for connection in connections:
        vendor_roster = directory.prepared.vendor_rosters.get(connection.vendor)
        if vendor_roster is None:
            continue
        stay = [after[code] for code in connection.school_units if code in after]
        gone = vendor_roster.people.keys() - frozenset[str]().union(
            *(p.students | p.staff for p in stay)
        )
        if gone:
            earlier = directory.removed_today(newest_run).get(connection.vendor, 0)
            there = len(vendor_roster.people) + earlier
            held = is_too_many(len(gone) + earlier, there, connection.limits)
            yield VendorRemoval(connection.vendor, len(gone), held)


def names(directory: TenantDirectory, ids: Iterable[str]) -> NameList:
    """Return how many people these are, and the first by name. Raises StillComputing."""
    known = ranked(directory)
    found = sorted((known[i] for i in set(ids) if i in known), key=lambda each: each[0])
    return NameList(len(found), tuple(row for _rank, row in found[:SHOWN]))


def ranked(directory: TenantDirectory) -> Mapping[str, tuple[int, PersonRow]]:
    """Return each person's position by name and row, by id. Raises StillComputing."""
    table = rows(directory)
    return directory.get_or_compute(
        DirectoryResult.PEOPLE_RANKED, lambda: {row.id: (n, row) for n, row in enumerate(table)}
    )


def attributes(directory: TenantDirectory, used: Iterable[str]) -> tuple[str, ...]:
    """Return the attributes for a clause: the common ones, those in use, and those in `used`."""
    own = sorted(directory.directory_snapshot.attributes, key=sort_key)
    common = ("orgUnitPath", "groups", "primaryEmail", "name.givenName", "name.familyName")
    return tuple(dict.fromkeys((*common, *own, *used)))

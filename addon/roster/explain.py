"""Why one person is placed as they are, and what a selector makes of the directory. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from addon.directory.snapshot import User
from addon.roster.filters import choose, values_of
from addon.roster.index import DirectoryIndex, within
from addon.roster.model import Roster, StudentGroup
from addon.roster.years import NoYearError, year_of
from addon.tenants.conditions import condition
from addon.tenants.model import Clause, GroupRule, SchoolUnit, Selector, Tenant, YearRule
from addon.text import fold

Role = Literal["students", "staff"]
AccountState = Literal["active", "suspended", "archived", "deleted", "protected", "unknown"]


class ClauseAnswer(Struct, frozen=True):
    """Whether a clause is true of the person, whose `values` of its attribute these are."""

    clause: Clause
    values: tuple[str, ...]
    holds: bool


class FilterAnswer(Struct, frozen=True):
    """A filter's clauses, in order; it lets through when all hold."""

    clauses: tuple[ClauseAnswer, ...]

    @property
    def passes(self) -> bool:
        """Whether the filter lets the person through."""
        return all(answer.holds for answer in self.clauses)


class UnitReach(Struct, frozen=True):
    """How a selector of a unit reaches the person: by which of its OUs and groups.

    `chosen` is whether it has no filters or one of them lets the person through.
    """

    unit: str
    unit_name: str
    role: Role
    org_units: tuple[str, ...]
    groups: tuple[str, ...]
    filters: tuple[FilterAnswer, ...]
    chosen: bool


class Membership(Struct, frozen=True):
    """A class or a teaching group that the person is in, as `role`, and the rule it is of."""

    group: StudentGroup
    role: Literal["student", "teacher"]
    rule: GroupRule


class Year(Struct, frozen=True):
    """The school year of the person at a unit, and the texts that the rule looked in.

    `year` is None when there is none; then `misread` tells whether the pattern was found but
    gave no whole number from 0 to 13.
    """

    unit: str
    year: int | None
    rule: YearRule
    texts: tuple[str, ...]
    misread: bool = False


class Explanation(Struct, frozen=True):
    """All that the selection knows of one person.

    `enrolled` and `employed` are codes of the units whose student or staff member the person
    is. `left_out` is why the person is sent to nobody (as `Roster.left_out`), None when sent.
    `staff_first` is whether the person was chosen as a student too, which being staff
    somewhere outweighs. Of others than active people there is nothing but `standing`.
    """

    user_id: str
    standing: AccountState
    reached: tuple[UnitReach, ...] = ()
    enrolled: tuple[str, ...] = ()
    employed: tuple[str, ...] = ()
    memberships: tuple[Membership, ...] = ()
    years: tuple[Year, ...] = ()
    left_out: str | None = None
    staff_first: bool = False


class Selection(Struct, frozen=True):
    """What a selector makes of the directory: ids `chosen`, and ids its filters `stopped`.

    `failing` is for each filter, clause by clause, how many of those reached it is untrue of.
    `missing_org_units` and `missing_groups` are named and not in the directory.
    """

    chosen: frozenset[str]
    stopped: frozenset[str]
    failing: tuple[tuple[int, ...], ...] = ()
    missing_org_units: tuple[str, ...] = ()
    missing_groups: tuple[str, ...] = ()


def explain(tenant: Tenant, index: DirectoryIndex, user_id: str, roster: Roster) -> Explanation:
    """Why the person is placed as they are in `roster`, made of `tenant` and `index`."""
    user = index.users.get(user_id)
    if user is None:
        standing = _standing(index, user_id)
        reason = roster.left_out.get(user_id)
        return Explanation(user_id=user_id, standing=standing, left_out=reason)
    reached = tuple(_reached(tenant.school_units, index, user))
    person = roster.people.get(user_id)
    units = {unit.code: unit for unit in tenant.school_units}
    enrolments = person.enrolments if person else ()
    memberships = tuple(_memberships(roster.groups, units, user_id))
    roles = {reach.role for reach in reached if reach.chosen}
    return Explanation(
        user_id=user_id,
        standing="active",
        reached=reached,
        enrolled=tuple(enrolment.unit for enrolment in enrolments),
        employed=person.employments if person else (),
        memberships=memberships,
        years=tuple(
            _year(e.unit, rule, index, user, memberships)
            for e in enrolments
            if (rule := units[e.unit].school_year) is not None
        ),
        left_out=roster.left_out.get(user_id),
        staff_first=len(roles) > 1,
    )


def selection(index: DirectoryIndex, selector: Selector) -> Selection:
    """Who is chosen by a selector that an administrator is building, and who is stopped.

    Raises PatternError for a bad pattern and ValueError for a clause without its value.
    """
    choice = choose(selector, index)
    reached = [index.users[id] for id in (*choice.chosen, *choice.filtered)]
    return Selection(
        chosen=choice.chosen,
        stopped=choice.filtered,
        failing=tuple(
            tuple(_failing(clause, reached, index) for clause in clauses)
            for clauses in selector.filters
        ),
        missing_org_units=tuple(
            path
            for path in selector.org_units
            if path.strip("/") and fold(path).rstrip("/") not in index.org_units
        ),
        missing_groups=_missing_groups(index, selector.groups),
    )


def _standing(index: DirectoryIndex, user_id: str) -> AccountState:
    if user_id in index.protected:
        return "protected"
    match index.inactive.get(user_id):
        case "deleted":
            return "deleted"
        case "archived":
            return "archived"
        case "suspended":
            return "suspended"
    return "unknown"


def _reached(units: Iterable[SchoolUnit], index: DirectoryIndex, user: User) -> Iterator[UnitReach]:
    path = fold(user.org_unit_path)
    addresses = frozenset(map(fold, index.addresses_of.get(user.id, ())))
    for unit in units:
        for role, selector in _selectors(unit):
            org_units = tuple(each for each in selector.org_units if within(each)(path))
            groups = tuple(each for each in selector.groups if fold(each) in addresses)
            if org_units or groups:
                filters = tuple(_answers(clauses, index, user) for clauses in selector.filters)
                yield UnitReach(
                    unit=unit.code,
                    unit_name=unit.name,
                    role=role,
                    org_units=org_units,
                    groups=groups,
                    filters=filters,
                    chosen=not filters or any(each.passes for each in filters),
                )


def _selectors(unit: SchoolUnit) -> tuple[tuple[Role, Selector], tuple[Role, Selector]]:
    return ("students", unit.students), ("staff", unit.staff)


def _answers(clauses: Sequence[Clause], index: DirectoryIndex, user: User) -> FilterAnswer:
    return FilterAnswer(tuple(_answer(clause, index, user) for clause in clauses))


def _answer(clause: Clause, index: DirectoryIndex, user: User) -> ClauseAnswer:
    values = tuple(values_of(clause.attribute, index)(user))
    return ClauseAnswer(clause, values, condition(clause)(values))


def _memberships(
    groups: Iterable[StudentGroup], units: Mapping[str, SchoolUnit], user_id: str
) -> Iterator[Membership]:
    for group in groups:
        unit = units[group.unit]
        rule = unit.classes if group.kind == "class" else unit.teaching_groups
        if rule is None:
            continue
        if user_id in group.students:
            yield Membership(group, "student", rule)
        if user_id in group.teachers:
            yield Membership(group, "teacher", rule)


def _year(
    unit: str, rule: YearRule, index: DirectoryIndex, user: User, memberships: Iterable[Membership]
) -> Year:
    classes = [
        each.group.name
        for each in memberships
        if each.group.unit == unit and each.group.kind == "class" and each.role == "student"
    ]
    if rule.source == "class":
        texts = tuple(classes)
    elif rule.source == "orgUnit":
        texts = (user.org_unit_path,)
    else:
        texts = tuple(values_of(rule.attribute or "", index)(user))
    try:
        return Year(unit, year_of(rule, index)(user, classes), rule, texts)
    except NoYearError:
        return Year(unit, None, rule, texts, misread=True)


def _failing(clause: Clause, users: Iterable[User], index: DirectoryIndex) -> int:
    values, holds = values_of(clause.attribute, index), condition(clause)
    return sum(not holds(values(user)) for user in users)


def _missing_groups(index: DirectoryIndex, named: Sequence[str]) -> tuple[str, ...]:
    if not named:
        return ()
    known = {fold(a) for group in index.groups for a in (group.email, *group.aliases)}
    return tuple(address for address in named if fold(address) not in known)

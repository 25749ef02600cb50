"""Why a person is placed where they are, and whom a selector chooses in the directory. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Literal

from msgspec import Struct

from addon.directory.snapshot import User
from addon.roster.filters import choose, values_of
from addon.roster.groups import classes_of
from addon.roster.index import DirectoryIndex, within
from addon.roster.model import Roster, StudentGroup
from addon.roster.years import NoYearError, year_by_classes, year_of
from addon.tenants.conditions import condition
from addon.tenants.model import (
    Clause,
    GroupRule,
    SchoolUnit,
    Selector,
    SelectorExceptions,
    Tenant,
    YearRule,
    rules_of,
)
from addon.text import fold

Role = Literal["students", "staff"]
ExceptionKind = Literal["user", "orgUnit", "group"]
AccountState = Literal["active", "suspended", "archived", "deleted", "protected", "unknown"]


class ClauseAnswer(Struct, frozen=True):
    """Whether the person fulfils a clause; `values` are the person's values of its attribute."""

    clause: Clause
    values: tuple[str, ...]
    holds: bool


class FilterAnswer(Struct, frozen=True):
    """A filter's clauses, in order; the filter passes when all of them hold."""

    clauses: tuple[ClauseAnswer, ...]

    @property
    def passes(self) -> bool:
        """Whether the person passes the filter."""
        return all(answer.holds for answer in self.clauses)


class ExceptionAnswer(Struct, frozen=True):
    """An exception of a selector that the person is covered by: a user id, a path, an address."""

    kind: ExceptionKind
    value: str


class UnitReach(Struct, frozen=True):
    """How a selector of a unit reaches the person: through which of its OUs and groups.

    `chosen` is true when the selector has no filters or the person passes one of them, and
    `exceptions`, those that cover the person, are none.
    """

    unit: str
    unit_name: str
    role: Role
    org_units: tuple[str, ...]
    groups: tuple[str, ...]
    filters: tuple[FilterAnswer, ...]
    chosen: bool
    exceptions: tuple[ExceptionAnswer, ...] = ()


class Membership(Struct, frozen=True):
    """A class or teaching group that the person is in as `role`, and the rule that made it."""

    group: StudentGroup
    role: Literal["student", "teacher"]
    rule: GroupRule


class Year(Struct, frozen=True):
    """The person's school year at a unit, and the texts that the rule searched.

    `year` is None when there is none; `misread` then tells whether the pattern was found but
    gave no whole number from 0 to 13.
    """

    unit: str
    year: int | None
    rule: YearRule
    texts: tuple[str, ...]
    misread: bool = False


class Explanation(Struct, frozen=True):
    """Everything the selection knows about one person.

    `enrolled` and `employed` are the codes of the units where the person is a student or a
    staff member. `left_out` is the reason why the person is not sent to any vendor (as in
    `Roster.left_out`), or None. `staff_first` is true when the person was also chosen as a
    student, but counts as staff because they are staff at some unit. `excepted_groups` are the
    person's classes and teaching groups that a rule leaves out by name. For people who are not
    active, only `account_state` and `left_out` are set.
    """

    user_id: str
    account_state: AccountState
    reached: tuple[UnitReach, ...] = ()
    enrolled: tuple[str, ...] = ()
    employed: tuple[str, ...] = ()
    memberships: tuple[Membership, ...] = ()
    years: tuple[Year, ...] = ()
    left_out: str | None = None
    staff_first: bool = False
    excepted_groups: tuple[StudentGroup, ...] = ()


class SelectorOutcome(Struct, frozen=True):
    """The result of a selector: ids it has `chosen`, and ids that only its filters `stopped`.

    `excepted` would be chosen if the selector did not leave them out.
    `failing` has, for each filter and each of its clauses, how many of the people reached do
    not fulfil the clause. `missing_org_units` and `missing_groups` are named by the selector, as
    exceptions too, but not in the directory.
    """

    chosen: frozenset[str]
    stopped: frozenset[str]
    excepted: frozenset[str] = frozenset()
    failing: tuple[tuple[int, ...], ...] = ()
    missing_org_units: tuple[str, ...] = ()
    missing_groups: tuple[str, ...] = ()


def explain(tenant: Tenant, index: DirectoryIndex, user_id: str, roster: Roster) -> Explanation:
    """Explain why the person is placed where they are in `roster`, made of `tenant` and `index`."""
    user = index.users.get(user_id)
    if user is None:
        account_state = _account_state(index, user_id)
        reason = roster.left_out.get(user_id)
        return Explanation(user_id=user_id, account_state=account_state, left_out=reason)
    reached = tuple(_reached(tenant.school_units, index, user))
    person = roster.people.get(user_id)
    units = {unit.code: unit for unit in tenant.school_units}
    enrolments = person.enrolments if person else ()
    memberships = tuple(_memberships(roster.groups, units, user_id))
    roles = {reach.role for reach in reached if reach.chosen}
    return Explanation(
        user_id=user_id,
        account_state="active",
        reached=reached,
        enrolled=tuple(enrolment.unit for enrolment in enrolments),
        employed=person.employments if person else (),
        memberships=memberships,
        years=tuple(
            _year(e.unit, rule, index, user, memberships, roster.excepted_groups)
            for e in enrolments
            if (rule := units[e.unit].school_year) is not None
        ),
        left_out=roster.left_out.get(user_id),
        staff_first=len(roles) > 1,
        excepted_groups=tuple(
            group
            for group in roster.excepted_groups
            if user_id in group.students or user_id in group.teachers
        ),
    )


def selector_outcome(index: DirectoryIndex, selector: Selector) -> SelectorOutcome:
    """Show whom a selector that is being edited chooses, and whom its filters stop.

    Raises PatternError for a bad pattern and ValueError for a clause that lacks its value.
    """
    choice = choose(selector, index)
    ids = (*choice.chosen, *choice.excepted, *choice.filtered)
    reached = [index.users[id] for id in ids]
    return SelectorOutcome(
        chosen=choice.chosen,
        stopped=choice.filtered,
        excepted=choice.excepted,
        failing=tuple(
            tuple(_failing(clause, reached, index) for clause in clauses)
            for clauses in selector.filters
        ),
        missing_org_units=tuple(
            path
            for path in (*selector.org_units, *selector.exceptions.org_units)
            if path.strip("/") and fold(path).rstrip("/") not in index.org_units
        ),
        missing_groups=_missing_groups(index, (*selector.groups, *selector.exceptions.groups)),
    )


def _account_state(index: DirectoryIndex, user_id: str) -> AccountState:
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
                exceptions = tuple(_exceptions(selector.exceptions, user.id, path, addresses))
                yield UnitReach(
                    unit=unit.code,
                    unit_name=unit.name,
                    role=role,
                    org_units=org_units,
                    groups=groups,
                    filters=filters,
                    chosen=not exceptions and (not filters or any(each.passes for each in filters)),
                    exceptions=exceptions,
                )


def _exceptions(
    excepted: SelectorExceptions, user_id: str, path: str, addresses: Set[str]
) -> Iterator[ExceptionAnswer]:
    """Yield the exceptions that cover a person; `path` and `addresses` are folded."""
    if user_id in excepted.users:
        yield ExceptionAnswer("user", user_id)
    for org_unit in excepted.org_units:
        if within(org_unit)(path):
            yield ExceptionAnswer("orgUnit", org_unit)
    for address in excepted.groups:
        if fold(address) in addresses:
            yield ExceptionAnswer("group", address)


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
        rules = rules_of(unit.classes if group.kind == "class" else unit.teaching_groups)
        rule = next((each for each in rules if each.source == group.source), None)
        if rule is None:
            continue
        if user_id in group.students:
            yield Membership(group, "student", rule)
        if user_id in group.teachers:
            yield Membership(group, "teacher", rule)


def _year(
    unit: str,
    rule: YearRule,
    index: DirectoryIndex,
    user: User,
    memberships: Iterable[Membership],
    excepted: Iterable[StudentGroup],
) -> Year:
    classes = [
        each.group.name
        for each in memberships
        if each.group.unit == unit and each.group.kind == "class" and each.role == "student"
    ]
    left_out = classes_of(group for group in excepted if group.unit == unit).get(user.id, [])
    if rule.source == "class":
        texts = (*classes, *left_out)
    elif rule.source == "orgUnit":
        texts = index.paths_of(user)
    else:
        texts = tuple(values_of(rule.attribute or "", index)(user))
    try:
        found = year_by_classes(year_of(rule, index), user, classes, left_out)
        return Year(unit, found, rule, texts)
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

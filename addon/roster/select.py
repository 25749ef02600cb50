"""From a directory to the tenant's roster. Pure: equal input gives equal output."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from addon.directory.snapshot import Snapshot, User
from addon.roster.findings import finding, in_order
from addon.roster.groups import GroupFinder, classes_of
from addon.roster.index import DirectoryIndex
from addon.roster.model import Enrolment, Finding, Person, Roster, StudentGroup
from addon.roster.placement import UnitPeople, place
from addon.roster.years import NoYearError, has_no_year, texts_of, year_by_classes, year_of
from addon.tenants.conditions import SlowPatternError
from addon.tenants.model import SchoolUnit, Tenant, rules_of
from addon.text import fold


def select(tenant: Tenant, snapshot: Snapshot) -> Roster:
    """Place the people of `snapshot` in the units, classes and groups of `tenant`.

    People with protected identity are in `Roster.protected` and nowhere else, even if the
    snapshot has them among its users by mistake. Raises SlowPatternError, which names the place
    in the document, when one of its regular expressions takes too long.
    """
    try:
        return _select(tenant, snapshot, DirectoryIndex(tenant.protected, snapshot))
    except SlowPatternError as error:
        raise SlowPatternError(error.pattern, _place_of(tenant, error.pattern)) from None


def _select(tenant: Tenant, snapshot: Snapshot, index: DirectoryIndex) -> Roster:
    placement = place(tenant.school_units, index, snapshot.domains)
    grouping = GroupFinder(index, placement)
    roll = _Roll(index)
    groups: list[StudentGroup] = []
    for people in placement.units:
        before = len(grouping.excepted)
        made = grouping.of_unit(people)
        groups.extend(made)
        roll.enter(people, made, grouping.excepted[before:])
    findings = in_order(
        (
            *placement.findings,
            *grouping.findings,
            *grouping.about_google_groups(),
            *roll.findings(),
            *_missing(tenant, snapshot, index),
        )
    )
    left_out = dict(sorted(placement.left_out.items()))
    return Roster(
        roll.people(),
        tuple(groups),
        findings,
        left_out,
        index.protected,
        tuple(grouping.excepted),
    )


def _place_of(tenant: Tenant, pattern: str) -> str:
    """The place of a regular expression in the document."""
    for n, unit in enumerate(tenant.school_units):
        for name, rules in (("classes", unit.classes), ("teachingGroups", unit.teaching_groups)):
            for m, rule in enumerate(rules_of(rules)):
                if rule.pattern == pattern:
                    which = f"{name}[{m}]" if isinstance(rules, tuple) else name
                    return f"schoolUnits[{n}].{which}.pattern"
        if unit.school_year is not None and unit.school_year.pattern == pattern:
            return f"schoolUnits[{n}].schoolYear.pattern"
        for name, selector in (("students", unit.students), ("staff", unit.staff)):
            for i, clauses in enumerate(selector.filters):
                for j, clause in enumerate(clauses):
                    if clause.value == pattern:
                        return f"schoolUnits[{n}].{name}.filters[{i}][{j}].value"
    return ""


class _Roll:
    """Collects the enrolments and employments of one unit at a time."""

    def __init__(self, index: DirectoryIndex) -> None:
        self._index = index
        self._users = index.users
        self._enrolments: dict[str, list[Enrolment]] = {}
        self._employments: dict[str, list[str]] = {}
        self._findings: list[Finding] = []

    def enter(
        self, people: UnitPeople, groups: Iterable[StudentGroup], excepted: Iterable[StudentGroup]
    ) -> None:
        unit = people.unit
        classes, left_out = classes_of(groups), classes_of(excepted)
        year = self._years_of(unit)
        for id in people.students:
            names, other = classes.get(id, []), left_out.get(id, [])
            enrolment = Enrolment(unit.code, year(self._users[id], names, other, people))
            self._enrolments.setdefault(id, []).append(enrolment)
            if not names and other:
                self._say("student-class-excepted", id, people, names=", ".join(other))
            elif not names and unit.classes is not None:
                self._say("student-without-class", id, people)
            elif len(names) > 1:
                self._say("student-in-several-classes", id, people, count=str(len(names)))
        for id in people.staff:
            self._employments.setdefault(id, []).append(unit.code)

    def people(self) -> Mapping[str, Person]:
        """Everyone collected, by id, in the order of ids."""
        return {
            id: _person(
                self._users[id], self._enrolments.get(id, ()), self._employments.get(id, ())
            )
            for id in sorted(self._enrolments.keys() | self._employments.keys())
        }

    def findings(self) -> Iterator[Finding]:
        yield from self._findings
        for id, enrolments in self._enrolments.items():
            if len(enrolments) > 1:
                units = ", ".join(e.unit for e in enrolments)
                yield finding("student-in-several-units", id, units=units)

    def _years_of(
        self, unit: SchoolUnit
    ) -> Callable[[User, list[str], list[str], UnitPeople], int | None]:
        """Return a function that gives a student's school year, and notes that there is none."""
        rule = unit.school_year
        year = year_of(rule, self._index)
        texts = None if rule is None else texts_of(rule, self._index)

        def told(
            user: User, classes: list[str], left_out: list[str], people: UnitPeople
        ) -> int | None:
            try:
                found = year_by_classes(year, user, classes, left_out)
            except NoYearError:
                self._say("school-year-out-of-range", user.id, people)
                return None
            if found is None and rule is not None and texts is not None:
                without_class = rule.source == "class" and unit.classes is not None and not classes
                if not (without_class or has_no_year(rule, texts(user, classes))):
                    self._say("student-without-school-year", user.id, people)
            return found

        return told

    def _say(self, code: str, id: str, people: UnitPeople, **values: str) -> None:
        unit = people.unit
        self._findings.append(finding(code, id, unit=unit.code, unitName=unit.name, **values))


def _person(user: User, enrolments: Iterable[Enrolment], employments: Iterable[str]) -> Person:
    return Person(
        id=user.id,
        primary_email=user.primary_email.strip(),
        given_name=user.given_name.strip(),
        family_name=user.family_name.strip(),
        enrolments=tuple(enrolments),
        employments=tuple(employments),
    )


def _missing(tenant: Tenant, snapshot: Snapshot, index: DirectoryIndex) -> Iterator[Finding]:
    """Findings about OUs and groups of the document that are not known, or not their members."""
    selectors = [s for unit in tenant.school_units for s in (unit.students, unit.staff)]
    named = (path for s in selectors for path in (*s.org_units, *s.exceptions.org_units))
    for path in _absent(named, index):
        yield finding("org-unit-missing", path)
    for path in _absent(tenant.protected.org_units, index):
        yield finding("protected-org-unit-missing", path)
    protecting = set(map(fold, tenant.protected.groups))
    for address in snapshot.missing_groups:
        known_as = "protected-group-missing" if fold(address) in protecting else "group-missing"
        yield finding(known_as, address)
    for each in snapshot.unidentified:
        yield finding("protected-member-unknown", each.place, count=str(each.number))


def _absent(paths: Iterable[str], index: DirectoryIndex) -> Iterable[str]:
    """The `paths` that the directory lacks, each once; the root always exists."""
    by_fold = {fold(path).rstrip("/"): path for path in sorted(paths)}
    return [p for f, p in by_fold.items() if f not in index.org_units and not (p and not f)]

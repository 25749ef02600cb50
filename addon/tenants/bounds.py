"""How large the parts of a tenant document may be, so that checking any takes a second or two."""

import re
from collections.abc import Iterable, Iterator, Sized

from addon.tenants.model import GroupRules, SchoolUnit, Selector, Tenant, rules_of
from addon.validation import Faults, below

MOST_UNITS = 1_000
MOST_CONNECTIONS = 100
MOST_ADMINISTRATORS = 200
MOST_NOTICED = 100
MOST_PLACES = 15_000
"""OUs or groups in one list."""
MOST_FILTERS = 50
"""Filters of a selector, and clauses of a filter."""
MOST_RULES = 20
MOST_EXCEPTED = 5_000
"""People, classes or words in one list, and values of a clause."""
MOST_PATTERNS = 2_000
"""Different regular expressions in a document: each takes up to a millisecond to compile."""
LONGEST_NAME = 200
LONGEST_ADDRESS = 254
LONGEST_PATTERN = 1_000

CUSTOMER_ID = re.compile(r"C[0-9A-Za-z]{1,31}")
"""The form of Google's customer ids."""

TOO_MANY = "has more than {most} values"
TOO_LONG = "is longer than {most} characters"


def check_bounds(tenant: Tenant, faults: Faults) -> bool:
    """Report what of a document is too many or too long; return whether the rest can be checked."""
    if len(tenant.school_units) > MOST_UNITS:
        faults.add("schoolUnits", TOO_MANY, most=MOST_UNITS)
        return False
    before = len(faults)
    for place, listed, most in _lists(tenant):
        if len(listed) > most:
            faults.add(place, TOO_MANY, most=most)
    for place, text, longest in _texts(tenant):
        if len(text) > longest:
            faults.add(place, TOO_LONG, most=longest)
    if len(patterns_of(tenant)) > MOST_PATTERNS:
        template = "has more than {most} different regular expressions"
        faults.add("schoolUnits", template, most=MOST_PATTERNS)
    return len(faults) == before


def patterns_of(tenant: Tenant) -> set[str]:
    """Return the regular expressions of a document."""
    found: set[str] = set()
    for unit in tenant.school_units:
        rules = (*rules_of(unit.classes), *rules_of(unit.teaching_groups))
        found |= {rule.pattern for rule in rules}
        if unit.school_year is not None:
            found.add(unit.school_year.pattern)
        for selector in (unit.students, unit.staff):
            clauses = (clause for each in selector.filters for clause in each)
            found |= {
                c.value for c in clauses if "atches" in c.operator and isinstance(c.value, str)
            }
    return found


def _lists(tenant: Tenant) -> Iterator[tuple[str, Sized, int]]:
    yield "connections", tenant.connections, MOST_CONNECTIONS
    yield "administrators", tenant.administrators, MOST_ADMINISTRATORS
    yield "notices.email", tenant.notices.email, MOST_NOTICED
    yield "notices.about", tenant.notices.about, MOST_FILTERS
    yield "protected.groups", tenant.protected.groups, MOST_PLACES
    yield "protected.orgUnits", tenant.protected.org_units, MOST_PLACES
    for n, unit in enumerate(tenant.school_units):
        yield from _lists_of_unit(unit, f"schoolUnits[{n}]")
    for n, connection in enumerate(tenant.connections):
        place = f"connections[{n}]"
        yield f"{place}.schoolUnits", connection.school_units, MOST_UNITS
        yield f"{place}.fields", connection.fields, MOST_FILTERS
        yield f"{place}.except.users", connection.exceptions.users, MOST_EXCEPTED
        yield f"{place}.except.classes", connection.exceptions.classes, MOST_EXCEPTED


def _lists_of_unit(unit: SchoolUnit, place: str) -> Iterator[tuple[str, Sized, int]]:
    yield below(place, "schoolTypes"), unit.school_types, MOST_FILTERS
    yield from _lists_of_selector(unit.students, below(place, "students"))
    yield from _lists_of_selector(unit.staff, below(place, "staff"))
    yield from _lists_of_rules(unit.classes, below(place, "classes"))
    yield from _lists_of_rules(unit.teaching_groups, below(place, "teachingGroups"))
    if unit.school_year is not None:
        yield below(place, "schoolYear.none"), unit.school_year.none, MOST_EXCEPTED


def _lists_of_selector(selector: Selector, place: str) -> Iterator[tuple[str, Sized, int]]:
    yield below(place, "orgUnits"), selector.org_units, MOST_PLACES
    yield below(place, "groups"), selector.groups, MOST_PLACES
    yield below(place, "filters"), selector.filters, MOST_FILTERS
    for n, clauses in enumerate(selector.filters):
        yield f"{place}.filters[{n}]", clauses, MOST_FILTERS
        for m, clause in enumerate(clauses):
            if isinstance(clause.value, tuple):
                yield f"{place}.filters[{n}][{m}].value", clause.value, MOST_EXCEPTED
    excepted = selector.exceptions
    yield below(place, "except.users"), excepted.users, MOST_EXCEPTED
    yield below(place, "except.orgUnits"), excepted.org_units, MOST_PLACES
    yield below(place, "except.groups"), excepted.groups, MOST_PLACES


def _lists_of_rules(rules: GroupRules | None, place: str) -> Iterator[tuple[str, Sized, int]]:
    yield place, rules_of(rules), MOST_RULES
    for n, rule in enumerate(rules_of(rules)):
        at = f"{place}[{n}]" if isinstance(rules, tuple) else place
        yield below(at, "except"), rule.exceptions, MOST_EXCEPTED


def _texts(tenant: Tenant) -> Iterator[tuple[str, str, int]]:
    yield "organisation.name", tenant.organisation.name, LONGEST_NAME
    yield "organisation.organisationNumber", tenant.organisation.organisation_number or "", 20
    yield "primaryDomain", tenant.primary_domain or "", LONGEST_ADDRESS
    yield "delegatedAdmin", tenant.delegated_admin or "", LONGEST_ADDRESS
    yield from _each("administrators", tenant.administrators, LONGEST_ADDRESS)
    yield from _each("notices.email", tenant.notices.email, LONGEST_ADDRESS)
    for n, unit in enumerate(tenant.school_units):
        place = f"schoolUnits[{n}]"
        yield below(place, "name"), unit.name, LONGEST_NAME
        yield from _each_pattern(unit.classes, below(place, "classes"))
        yield from _each_pattern(unit.teaching_groups, below(place, "teachingGroups"))
        if unit.school_year is not None:
            yield below(place, "schoolYear.pattern"), unit.school_year.pattern, LONGEST_PATTERN
    for n, connection in enumerate(tenant.connections):
        if (agreement := connection.agreement) is not None:
            place = f"connections[{n}].agreement"
            yield below(place, "reference"), agreement.reference, LONGEST_NAME
            yield below(place, "notedBy"), agreement.noted_by, LONGEST_ADDRESS


def _each(place: str, texts: Iterable[str], longest: int) -> Iterator[tuple[str, str, int]]:
    return ((f"{place}[{n}]", text, longest) for n, text in enumerate(texts))


def _each_pattern(rules: GroupRules | None, place: str) -> Iterator[tuple[str, str, int]]:
    for n, rule in enumerate(rules_of(rules)):
        at = f"{place}[{n}]" if isinstance(rules, tuple) else place
        yield below(at, "pattern"), rule.pattern, LONGEST_PATTERN

"""Decodes and checks a tenant document as somebody wrote it; reports every fault with its place.

What a valid document contains is defined in `addon.tenants.model`; what the words mean is in
docs/tenant-document.md. Messages never repeat a value that can be about a person.
"""

import re
import warnings
from codecs import BOM_UTF8
from collections.abc import Container, Iterable, Mapping

import msgspec

from addon import validation as reading
from addon.tenants.attributes import attribute_fault
from addon.tenants.bounds import CUSTOMER_ID, check_bounds
from addon.tenants.conditions import Pattern, PatternError, compiled
from addon.tenants.model import (
    LAST_YEAR,
    Clause,
    Connection,
    ConnectionExceptions,
    GroupRule,
    GroupRules,
    Limits,
    Schedule,
    SchoolUnit,
    Selector,
    SelectorExceptions,
    Tenant,
    YearRule,
)
from addon.validation import Fault, Faults, below, closest
from addon.vendors.profiles import Vendor

SCHOOL_TYPES = tuple("FKLASS FTH OPPFTH GR GRAN GRS SP SAM GY GYAN GYS VUX".split())
"""Skolverket's school types, with GRS and GYS, which older data has for GRAN and GYAN."""

HOURS = (1, 2, 3, 4, 6, 8, 12, 24)
LISTS = frozenset({"in", "notIn"})
EMPTIES = frozenset({"isEmpty", "isNotEmpty"})
PATTERNS = frozenset({"matches", "notMatches"})
EXTERNAL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EXAMPLE_EXTERNAL_ID = "6f3c3a9e-5c0b-5b6c-9a55-0d8f7d1c2f10"
MOST_DELETIONS = 1_000_000_000
NOT_OWN_READER = "must be an administrator of this customer, as Google answers"
UNIT_OF_OTHERS = "is another organiser's school unit in the register"
UNIT_TAKEN = "is the school unit of another organisation that uses Skolsynk"
BETWEEN = "must be from {least} to {most}"
CANNOT_USE = "{vendor} cannot use it; it can use {fields}"
CAN_USE_NONE = "{vendor} cannot use it; it can use no optional field"


class DocumentError(ValueError):
    """The document is not valid; `faults` has the details, `str()` one fault per line."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


def not_own_reader() -> DocumentError:
    """Return the error of a `delegatedAdmin` who is not the customer's own administrator."""
    return DocumentError([Fault("delegatedAdmin", NOT_OWN_READER)])


def units_of_others(tenant: Tenant, codes: Container[str], what: str) -> DocumentError:
    """Return the error of school units that are not the tenant's own: what is wrong with each."""
    places = (
        f"schoolUnits[{n}].code" for n, unit in enumerate(tenant.school_units) if unit.code in codes
    )
    return DocumentError([Fault(place, what) for place in places])


def load_tenant(data: bytes) -> Tenant:
    """Decode a document that was checked before it was stored. Raises msgspec.DecodeError."""
    return msgspec.json.decode(data.removeprefix(BOM_UTF8), type=Tenant)


def write_document(tenant: Tenant) -> bytes:
    """Encode `tenant` as a document: UTF-8 JSON, indented, default values omitted."""
    return msgspec.json.format(msgspec.json.encode(tenant), indent=2) + b"\n"


def decode_tenant(data: bytes, vendors: Mapping[str, Vendor]) -> Tenant:
    """Decode and check the JSON document `data` (UTF-8); `vendors` are the known vendors.

    Raises DocumentError with every fault found.
    """
    faults = Faults()
    tenant = reading.read(reading.read_json(data, faults), Tenant, faults)
    _check_tenant(tenant, vendors, faults)
    if found := faults.found():
        raise DocumentError(found)
    return tenant


def _check_tenant(tenant: Tenant, vendors: Mapping[str, Vendor], faults: Faults) -> None:
    if faults.is_stand_in("") or not check_bounds(tenant, faults):
        return
    if not CUSTOMER_ID.fullmatch(tenant.customer_id):
        faults.add(
            "customerId", "must be the customer's id, such as {example}", example="C01abcdef"
        )
    _check_filled(tenant.organisation.name, "organisation.name", faults)
    _check_org_units(tenant.protected.org_units, "protected.orgUnits", faults)
    for n, path in enumerate(tenant.protected.org_units):
        if path and not path.strip("/"):
            faults.add(f"protected.orgUnits[{n}]", "must not be the whole organisation")
    _check_groups(tenant.protected.groups, "protected.groups", faults)
    for n, unit in enumerate(tenant.school_units):
        _check_unit(unit, f"schoolUnits[{n}]", faults)
    codes = [unit.code for unit in tenant.school_units]
    for n, first in _repeats(codes):
        other = f"schoolUnits[{first}]"
        faults.add(f"schoolUnits[{n}].code", "is the code of {other} too", other=other)
    for n, connection in enumerate(tenant.connections):
        _check_connection(connection, vendors, f"connections[{n}]", faults)
        _check_chosen_units(connection, codes, f"connections[{n}].schoolUnits", faults)
    for n, first in _repeats([connection.vendor for connection in tenant.connections]):
        other = f"connections[{first}]"
        faults.add(f"connections[{n}].vendor", "is the vendor of {other} too", other=other)
    _check_schedule(tenant.schedule, faults)
    _check_addresses(tenant.notices.email, "notices.email", faults)
    _check_addresses(tenant.administrators, "administrators", faults)


def _check_schedule(schedule: Schedule, faults: Faults) -> None:
    if schedule.hours is not None and schedule.hours not in HOURS:
        faults.add("schedule.hours", "must be one of {names}", names=", ".join(map(str, HOURS)))
    pause = schedule.pause
    if pause is not None and pause.until < pause.start:
        faults.add("schedule.pause.until", "must not be before from")


def _check_addresses(addresses: Iterable[str], place: str, faults: Faults) -> None:
    for n, address in enumerate(addresses):
        if not re.fullmatch(r"[^\s@]+@[^\s@]+", address):
            faults.add(f"{place}[{n}]", "must be an e-mail address")


def _check_unit(unit: SchoolUnit, place: str, faults: Faults) -> None:
    if not re.fullmatch(r"[0-9]{8}", unit.code):
        faults.add(below(place, "code"), "must be eight digits")
    _check_filled(unit.name, below(place, "name"), faults)
    if unit.municipality_code is not None and not re.fullmatch(r"[0-9]{4}", unit.municipality_code):
        faults.add(below(place, "municipalityCode"), "must be four digits")
    for n, school_type in enumerate(unit.school_types):
        if school_type not in SCHOOL_TYPES:
            at = f"{place}.schoolTypes[{n}]"
            faults.add(at, "must be one of {names}", names=", ".join(SCHOOL_TYPES))
    _check_selector(unit.students, below(place, "students"), faults)
    _check_selector(unit.staff, below(place, "staff"), faults)
    _check_group_rules(unit.classes, below(place, "classes"), faults)
    _check_group_rules(unit.teaching_groups, below(place, "teachingGroups"), faults)
    _check_rule(unit.school_year, "year", below(place, "schoolYear"), faults)
    if unit.school_year is not None:
        _check_year_form(unit.school_year, below(place, "schoolYear"), faults)


def _check_selector(selector: Selector, place: str, faults: Faults) -> None:
    _check_org_units(selector.org_units, below(place, "orgUnits"), faults)
    _check_groups(selector.groups, below(place, "groups"), faults)
    unread = any(faults.is_stand_in(below(place, key)) for key in ("orgUnits", "groups"))
    if selector.filters and not (selector.org_units or selector.groups or unread):
        faults.add(place, "selects nobody: filters only narrow, so name an OU or a group too")
    for n, clauses in enumerate(selector.filters):
        if not clauses:
            faults.add(f"{place}.filters[{n}]", "lets everybody through: it has no clause")
        for m, clause in enumerate(clauses):
            _check_clause(clause, f"{place}.filters[{n}][{m}]", faults)
    _check_selector_exceptions(selector.exceptions, below(place, "except"), faults)


def _check_selector_exceptions(excepted: SelectorExceptions, place: str, faults: Faults) -> None:
    _check_user_ids(excepted.users, below(place, "users"), faults)
    at = below(place, "orgUnits")
    _check_org_units(excepted.org_units, at, faults)
    for n, path in enumerate(excepted.org_units):
        if path and not path.strip("/"):
            faults.add(f"{at}[{n}]", "must not be the whole organisation")
    _check_groups(excepted.groups, below(place, "groups"), faults)


def _check_connection_exceptions(
    excepted: ConnectionExceptions, place: str, faults: Faults
) -> None:
    _check_user_ids(excepted.users, below(place, "users"), faults)
    for n, external_id in enumerate(excepted.classes):
        if not EXTERNAL_ID.fullmatch(external_id):
            template = (
                "must be the externalId that the class has at the vendor, such as {example};"
                " the unit's page leaves it out without it"
            )
            faults.add(f"{below(place, 'classes')}[{n}]", template, example=EXAMPLE_EXTERNAL_ID)


def _check_user_ids(ids: Iterable[str], place: str, faults: Faults) -> None:
    for n, user_id in enumerate(ids):
        if not re.fullmatch(r"[^\s/@]+", user_id):
            template = (
                "must be the account's id in Workspace, not an address; the first column of"
                " `preview --csv` has it"
            )
            faults.add(f"{place}[{n}]", template)


def _check_clause(clause: Clause, place: str, faults: Faults) -> None:
    _check_attribute(clause.attribute, below(place, "attribute"), faults)
    operator, value, at = clause.operator, clause.value, below(place, "value")
    if faults.is_stand_in(below(place, "operator")):
        return
    if operator in EMPTIES:
        if value is not None:
            faults.add(at, "must be left out: {operator} takes none", operator=operator)
    elif operator in LISTS:
        if not isinstance(value, tuple) or not value:
            template = "must be a list of text with at least one in it: {operator} takes that"
            faults.add(at, template, operator=operator)
        elif "" in value:
            faults.add(at, "holds an empty text; use isEmpty or isNotEmpty")
    elif not isinstance(value, str):
        faults.add(at, "must be one text: {operator} takes that", operator=operator)
    elif not value:
        faults.add(at, "is empty; use isEmpty or isNotEmpty")
    elif operator in PATTERNS:
        _compiled(value, at, faults)


def _check_group_rules(rules: GroupRules | None, place: str, faults: Faults) -> None:
    """Report faults of a rule, or of each rule in a list of them."""
    if not isinstance(rules, tuple):
        return _check_group_rule(rules, place, faults)
    if not rules:
        faults.add(place, "has no rule; leave it out, or give it at least one")
    for n, rule in enumerate(rules):
        _check_group_rule(rule, f"{place}[{n}]", faults)


def _check_group_rule(rule: GroupRule | None, place: str, faults: Faults) -> None:
    _check_rule(rule, "name", place, faults)
    for n, name in enumerate(rule.exceptions if rule is not None else ()):
        _check_filled(name, f"{below(place, 'except')}[{n}]", faults)


def _check_rule(rule: GroupRule | YearRule | None, part: str, place: str, faults: Faults) -> None:
    if rule is None:
        return
    compiled = _compiled(rule.pattern, below(place, "pattern"), faults)
    if faults.is_stand_in(below(place, "from")):
        return
    if compiled and rule.source != "group" and part not in compiled.groupindex:
        template = "must have the named part {part}"
        faults.add(below(place, "pattern"), template, part=f"(?P<{part}>...)")
    if rule.source != "attribute":
        if rule.attribute is not None:
            faults.add(
                below(place, "attribute"), "must be left out: from is {source}", source=rule.source
            )
    elif rule.attribute is None:
        faults.add(below(place, "attribute"), "missing: from is attribute")
    else:
        _check_attribute(rule.attribute, below(place, "attribute"), faults)


def _check_year_form(rule: YearRule, place: str, faults: Faults) -> None:
    of_form = (("first", rule.first, "startYear"), ("last", rule.last, "leavingYear"))
    for key, value, form in of_form:
        if value is not None and rule.form != form:
            template = "must be left out: as is {form}"
            faults.add(below(place, key), template, form=rule.form)
        elif value is not None and not 0 <= value <= LAST_YEAR:
            faults.add(below(place, key), BETWEEN, least=0, most=LAST_YEAR)
    for n, each in enumerate(rule.none):
        _check_filled(each, f"{place}.none[{n}]", faults)


def _check_attribute(attribute: str, place: str, faults: Faults) -> None:
    found = attribute_fault(attribute)
    if found is not None:
        faults.add(place, found.template, found.hint, **dict(found.values))


def _check_connection(
    connection: Connection, vendors: Mapping[str, Vendor], place: str, faults: Faults
) -> None:
    vendor = vendors.get(connection.vendor)
    if vendor is None:
        hint, names = closest(connection.vendor, vendors), ", ".join(vendors)
        faults.add(below(place, "vendor"), "must be one of {names}", hint, names=names)
    else:
        for n, name in enumerate(connection.fields):
            if name not in vendor.fields:
                can = ", ".join(vendor.fields)
                template = CANNOT_USE if can else CAN_USE_NONE
                faults.add(f"{place}.fields[{n}]", template, vendor=vendor.name, fields=can)
    if connection.agreement is not None:
        at = below(below(place, "agreement"), "reference")
        _check_filled(connection.agreement.reference, at, faults)
    _check_limits(connection.limits, below(place, "limits"), faults)
    _check_connection_exceptions(connection.exceptions, below(place, "except"), faults)


def _check_limits(limits: Limits, place: str, faults: Faults) -> None:
    if not 0 <= limits.deletions <= MOST_DELETIONS:
        faults.add(below(place, "deletions"), BETWEEN, least=0, most=MOST_DELETIONS)
    if not 0 <= limits.deletions_percent <= 100:
        faults.add(below(place, "deletionsPercent"), BETWEEN, least=0, most=100)
    for resource_type, limit in limits.changes.items():
        at = below(below(place, "changes"), resource_type)
        if limit.number is None and limit.percent is None:
            faults.add(at, "names no limit; give it a number, a percent or both")
        if limit.number is not None and not 0 <= limit.number <= MOST_DELETIONS:
            faults.add(below(at, "number"), BETWEEN, least=0, most=MOST_DELETIONS)
        if limit.percent is not None and limit.percent < 0:
            faults.add(below(at, "percent"), "must not be below {least}", least=0)
    number, percent, at = limits.protected.number, limits.protected.percent, "protected"
    if number is not None and not 0 <= number <= MOST_DELETIONS:
        faults.add(below(below(place, at), "number"), BETWEEN, least=0, most=MOST_DELETIONS)
    if percent is not None and not 0 <= percent <= 100:
        faults.add(below(below(place, at), "percent"), BETWEEN, least=0, most=100)


def _check_chosen_units(
    connection: Connection, codes: list[str], place: str, faults: Faults
) -> None:
    """Report unknown chosen units, unless the code of some unit could not be read."""
    known = frozenset(codes)
    unread = "" in known or faults.is_stand_in("schoolUnits")
    for n, code in enumerate(connection.school_units):
        if code not in known and not unread:
            faults.add(f"{place}[{n}]", "is not the code of a school unit in the document")
    for n, first in _repeats(connection.school_units):
        faults.add(f"{place}[{n}]", "is the same unit as {other}", other=f"{place}[{first}]")


def _check_org_units(paths: Iterable[str], place: str, faults: Faults) -> None:
    for n, path in enumerate(paths):
        if not path.startswith("/"):
            faults.add(f"{place}[{n}]", "must be an OU's whole path, which begins with /")


def _check_groups(addresses: Iterable[str], place: str, faults: Faults) -> None:
    for n, address in enumerate(addresses):
        if not re.fullmatch(r"[^\s@]+@[^\s@]+", address):
            faults.add(f"{place}[{n}]", "must be a group's e-mail address")


def _check_filled(text: str, place: str, faults: Faults) -> None:
    if not text.strip():
        faults.add(place, "must not be empty")


def _compiled(pattern: str, place: str, faults: Faults) -> Pattern | None:
    """The compiled regular expression, or None; the fault's message contains no value."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compiled(pattern)
    except PatternError as error:
        why = re.sub(r" '.*'| \".*\"", "", error.msg)
        faults.add(place, "cannot be read as a regular expression: {why}", why=why)
    except (OverflowError, RecursionError):
        faults.add(place, "is too large a regular expression")
    return None


def _repeats(values: Iterable[str]) -> list[tuple[int, int]]:
    """The indexes of repeated values, each with the index of the first occurrence."""
    first: dict[str, int] = {}
    return [
        (n, first[value])
        for n, value in enumerate(values)
        if first.setdefault(value, n) != n and value
    ]

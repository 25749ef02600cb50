"""Who is a student or staff at which unit, who cannot be sent, and why others are left out."""

from collections.abc import Iterator, Mapping, Sequence, Set

from msgspec import Struct, structs

from addon.directory.snapshot import User
from addon.roster.filters import SelectorChoice, choose
from addon.roster.findings import finding
from addon.roster.index import DirectoryIndex
from addon.roster.model import Finding
from addon.tenants.model import SchoolUnit, Selector
from addon.text import fold, is_visible


class UnitPeople(Struct, frozen=True):
    """The people of a unit who can be sent, by id; nobody is in both sets."""

    unit: SchoolUnit
    students: frozenset[str]
    staff: frozenset[str]


class Placement(Struct, frozen=True):
    """The units in the document's order with their people.

    `selected` are all users chosen by any selector and `enrolled` the students among them; both
    include people who cannot be sent because data is missing. `excepted` are users whom a selector
    would choose but for its exceptions. `left_out` gives the reason for each
    user who was read and is not among the units' people.
    """

    units: tuple[UnitPeople, ...]
    selected: frozenset[str]
    enrolled: frozenset[str]
    left_out: Mapping[str, str]
    findings: tuple[Finding, ...]
    excepted: frozenset[str] = frozenset()


def place(units: Sequence[SchoolUnit], index: DirectoryIndex, domains: Sequence[str]) -> Placement:
    """Place the users of `index` in the units. Anyone who is staff at a unit is not a student."""
    choices = [(u, choose(u.students, index), choose(u.staff, index)) for u in units]
    pupils = frozenset[str]().union(*(students.chosen for _, students, _ in choices))
    staff = frozenset[str]().union(*(staff.chosen for _, _, staff in choices))
    filtered = frozenset[str]().union(*(s.filtered | t.filtered for _, s, t in choices))
    excepted = frozenset[str]().union(*(s.excepted | t.excepted for _, s, t in choices))
    selected = pupils | staff

    findings = [finding("staff-in-student-selector", id) for id in pupils & staff]
    for unit, at_students, at_staff in choices:
        if _is_empty(unit.students, at_students):
            findings.append(_nobody(unit, "students"))
        if _is_empty(unit.staff, at_staff):
            findings.append(_nobody(unit, "staff"))

    left_out = dict(index.inactive)
    verified = frozenset(map(fold, domains))
    for id, user in index.users.items():
        if id not in selected:
            left_out[id] = _reason(id, excepted, filtered)
            continue
        for defect in defects(user, verified):
            at = (unit.code for unit, s, t in choices if id in s.chosen or id in t.chosen)
            values = (*defect.values, ("units", ", ".join(at)))
            findings.append(structs.replace(defect, values=values))
            if defect.severity == "error":
                left_out.setdefault(id, defect.code)

    sent = selected - left_out.keys()
    pupils -= staff
    return Placement(
        units=tuple(
            UnitPeople(u, s.chosen & pupils & sent, t.chosen & sent) for u, s, t in choices
        ),
        selected=selected,
        enrolled=pupils,
        left_out=left_out,
        findings=tuple(findings),
        excepted=excepted,
    )


def defects(user: User, domains: frozenset[str]) -> Iterator[Finding]:
    """What is wrong with a user's name and address; a user with an error is not sent."""
    family, given = user.family_name.strip(), user.given_name.strip()
    if not family:
        yield finding("missing-family-name", user.id)
    if not given:
        yield finding("missing-given-name", user.id)
    if (family and not is_visible(family)) or (given and not is_visible(given)):
        yield finding("name-unusable", user.id)
    local, _, domain = user.primary_email.strip().rpartition("@")
    if not (local and domain):
        yield finding("address-invalid", user.id)
    elif domains and fold(domain) not in domains:
        yield finding("address-outside-domains", user.id)


def _reason(id: str, excepted: Set[str], filtered: Set[str]) -> str:
    """Why a user whom no selector chooses is left out."""
    if id in excepted:
        return "excepted"
    return "filtered" if id in filtered else "not selected"


def _is_empty(selector: Selector, choice: SelectorChoice) -> bool:
    chosen = choice.chosen or choice.excepted
    return not chosen and bool(selector.org_units or selector.groups)


def _nobody(unit: SchoolUnit, role: str) -> Finding:
    return finding(
        "selector-without-match", unit.code, role=role, unit=unit.code, unitName=unit.name
    )

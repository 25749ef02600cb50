"""All people of a directory as rows of a table: which vendors get them, or why none does."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct, structs

from addon.directory.snapshot import User
from addon.sync.people_csv import (
    EXCEPTED,
    PROTECTED,
    UNIT_NOT_CHOSEN,
    PersonDecisionRow,
    decision_rows,
)
from addon.sync.prepare import PreparedRun
from addon.tenants.model import Tenant
from addon.text import SortKey, combined_key, fold, sort_key
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.resource_names import alphabetical, full_name
from addon.web.presenters.spreadsheet import spreadsheet

VENDOR_OFF = "vendor off"
"""The reason for someone whose unit is chosen only for vendors that are off."""


class PersonRow(Struct, frozen=True, gc=False):
    """One account. `role` is `student`, `staff` or empty; `units` are codes, `classes` names.

    `vendors` are those of `destinations` that get the person; `reason` is the code for why none
    does. `order` sorts by name in Swedish order; a search looks in `words`.
    """

    id: str
    name: str
    family_name: str
    role: str
    units: tuple[str, ...]
    classes: tuple[str, ...]
    vendors: tuple[str, ...]
    reason: str
    org_unit_path: str
    order: SortKey
    words: str


class PeopleFilter(Struct, frozen=True):
    """Which rows of the table to show, and their order; an empty field does not filter."""

    text: str = ""
    unit: str = ""
    class_name: str = ""
    role: str = ""
    vendor: str = ""
    decision: str = ""
    reason: str = ""
    sort: str = "namn"


def destinations(tenant: Tenant) -> tuple[str, ...]:
    """Return the vendors that people are sent to; while all are off, those with units chosen."""
    on = tuple(c.vendor for c in tenant.connections if c.mode != "off")
    return on or tuple(c.vendor for c in tenant.connections if c.school_units)


def rows(directory: TenantDirectory) -> tuple[PersonRow, ...]:
    """Return all people who are not protected, by family name. Raises StillComputing."""
    users, prepared = directory.users, directory.prepared
    return directory.get_or_compute(DirectoryResult.PEOPLE_ROWS, lambda: _rows(users, prepared))


def chosen(directory: TenantDirectory, filters: PeopleFilter) -> Sequence[PersonRow]:
    """Return the rows that match `filters`, in the requested order. Raises StillComputing."""
    found = rows(directory)
    if filters == PeopleFilter():
        return found
    names = directory.tenant.unit_names
    return directory.get_or_compute(
        DirectoryResult.PEOPLE_CHOSEN, lambda: _chosen(found, filters, names), filters
    )


def reasons(directory: TenantDirectory) -> Mapping[str, int]:
    """Return how many people are sent to no vendor for each reason, the most frequent first.

    Raises StillComputing.
    """
    found = rows(directory)

    def count() -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for row in found:
            if row.reason:
                counts[row.reason] = counts.get(row.reason, 0) + 1
        return dict(sorted(counts.items(), key=lambda each: -each[1]))

    return directory.get_or_compute(DirectoryResult.REASONS_NOT_SENT, count)


class OverviewWords(Struct, frozen=True):
    """The words of a spreadsheet of people, in the language of the page.

    `protected` is of the row of those with protected identity, `vendors` are names by id.
    """

    header: tuple[str, ...]
    student: str
    staff: str
    sent: str
    left_out: str
    protected: str
    vendors: tuple[tuple[str, str], ...]
    reasons: tuple[tuple[str, str], ...]


def overview_reasons(directory: TenantDirectory) -> frozenset[str]:
    """Return the codes of reasons that `overview` may say. Raises StillComputing."""
    left_out = directory.prepared.roster.left_out.values()
    return frozenset((*left_out, EXCEPTED, UNIT_NOT_CHOSEN, PROTECTED))


def overview(directory: TenantDirectory, filters: PeopleFilter, words: OverviewWords) -> bytes:
    """Return a spreadsheet of the matching people: what `preview --csv` has, in words.

    It has a line for each person and each of `destinations`. Raises StillComputing.
    """
    prepared, wanted = directory.prepared, destinations(directory.tenant)
    vendor_rosters = [
        (v, prepared.vendor_rosters[v]) for v in wanted if v in prepared.vendor_rosters
    ]
    filters = structs.replace(filters, sort=PeopleFilter().sort)
    ids = (
        None
        if filters == PeopleFilter()
        else frozenset(row.id for row in chosen(directory, filters))
    )

    def write() -> bytes:
        found = decision_rows(prepared.snapshot, prepared.roster, vendor_rosters)
        in_words = _in_words(words, directory.tenant.unit_names)
        return spreadsheet(
            words.header, (in_words(row) for row in found if ids is None or row.id in ids)
        )

    return directory.get_or_compute(DirectoryResult.OVERVIEW_CSV, write, (filters, words))


def _in_words(
    words: OverviewWords, units: Mapping[str, str]
) -> Callable[[PersonDecisionRow], tuple[str, ...]]:
    """Return what makes a row's cells."""
    vendors, reasons = dict(words.vendors), dict(words.reasons)
    roles = {"student": words.student, "staff": words.staff}
    decisions = {"sent": words.sent, "left out": words.left_out}

    def cells(row: PersonDecisionRow) -> tuple[str, ...]:
        return (
            words.protected if row.reason == PROTECTED else row.id,
            row.primary_email,
            row.family_name,
            row.given_name,
            row.org_unit_path,
            roles.get(row.role, ""),
            ", ".join(units.get(code, code) for code in row.school_units),
            ", ".join(row.classes),
            ", ".join(row.teaching_groups),
            vendors.get(row.vendor, row.vendor),
            decisions.get(row.decision, row.decision),
            reasons.get(row.reason, row.reason),
        )

    return cells


def classes_of(directory: TenantDirectory, unit: str) -> tuple[str, ...]:
    """Return the names of a unit's classes. Raises StillComputing."""
    groups = directory.prepared.roster.groups
    found = {group.name for group in groups if group.unit == unit and group.kind == "class"}
    return tuple(sorted(found, key=sort_key))


def _rows(users: Mapping[str, User], prepared: PreparedRun) -> tuple[PersonRow, ...]:
    on = destinations(prepared.tenant)
    carried = {v: prepared.vendor_rosters[v].people for v in on if v in prepared.vendor_rosters}
    classes: dict[str, list[str]] = {}
    for group in prepared.roster.groups:
        if group.kind == "class":
            for user_id in (*group.students, *group.teachers):
                classes.setdefault(user_id, []).append(group.name)
    found = [_row(user, prepared, carried, classes.get(user.id, ())) for user in users.values()]
    return tuple(sorted(found, key=lambda row: combined_key(row.order, row.id)))


def _row(
    user: User,
    prepared: PreparedRun,
    carried: Mapping[str, Mapping[str, object]],
    classes: Sequence[str],
) -> PersonRow:
    person = prepared.roster.people.get(user.id)
    vendors = tuple(vendor for vendor, people in carried.items() if user.id in people)
    reason = ""
    if person is None:
        reason = prepared.roster.left_out.get(user.id, "not selected")
    elif not vendors:
        off = any(
            user.id in vendor_roster.people for vendor_roster in prepared.vendor_rosters.values()
        )
        withheld = any(user.id in prepared.vendor_rosters[vendor].withheld for vendor in carried)
        reason = EXCEPTED if withheld else VENDOR_OFF if off else UNIT_NOT_CHOSEN
    name = full_name(user)
    return PersonRow(
        id=user.id,
        name=name,
        family_name=user.family_name,
        role="" if person is None else "student" if person.enrolments else "staff",
        units=() if person is None else (*(e.unit for e in person.enrolments), *person.employments),
        classes=tuple(classes),
        vendors=vendors,
        reason=reason,
        org_unit_path=user.org_unit_path,
        order=alphabetical(user),
        words=fold(f"{name} {user.primary_email}"),
    )


def _chosen(
    found: Sequence[PersonRow], filters: PeopleFilter, names: Mapping[str, str]
) -> Sequence[PersonRow]:
    words = fold(filters.text).split()
    kept = [
        row
        for row in found
        if (not filters.unit or filters.unit in row.units)
        and (not filters.class_name or filters.class_name in row.classes)
        and (not filters.role or row.role == ("" if filters.role == "none" else filters.role))
        and (not filters.vendor or filters.vendor in row.vendors)
        and (not filters.decision or bool(row.vendors) == (filters.decision == "sent"))
        and (not filters.reason or row.reason == filters.reason)
        and all(word in row.words for word in words)
    ]
    key = filters.sort.removeprefix("-")
    if key == "klass":
        kept.sort(key=lambda row: _known_first(map(sort_key, row.classes), row))
    elif key == "enhet":
        units = {code: sort_key(name) for code, name in names.items()}
        kept.sort(key=lambda row: _known_first((units.get(u, u) for u in row.units), row))
    elif key == "orsak":
        kept.sort(key=lambda row: _known_first([row.reason] if row.reason else [], row))
    if filters.sort.startswith("-"):
        kept.reverse()
    return kept


def _known_first(keys: Iterable[SortKey], row: PersonRow) -> SortKey:
    """Return a key that sorts by several values, then by name; rows without values come last."""
    found = tuple(keys)
    return combined_key("0" if found else "1", *found, "", row.order)

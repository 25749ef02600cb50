"""All people of a directory as rows of a table: who is sent where, and why the others are not."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from addon.conditions import fold
from addon.directory.snapshot import User
from addon.overview import UNIT_NOT_CHOSEN
from addon.prepared import Prepared
from addon.web.study import Desk

SWEDISH = str.maketrans({"å": "{", "ä": "|", "ö": "}", "æ": "|", "ø": "}"})
"""Å, Ä and Ö are the last letters, in this order, and what follows z in ASCII is free."""


class PersonRow(Struct, frozen=True, gc=False):
    """One account. `role` is student, staff or empty; `units` are codes, `classes` names.

    `vendors` are those on that the person is sent to; `reason` says why nobody gets them.
    `order` sorts by name as Swedes do, `words` is what a search looks in.
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
    order: str
    words: str


class Wish(Struct, frozen=True):
    """What of the table is to be seen; empty text is no wish."""

    text: str = ""
    unit: str = ""
    role: str = ""
    vendor: str = ""
    decision: str = ""
    reason: str = ""
    sort: str = "namn"


def swedish(text: str) -> str:
    """What sorts text as Swedes do."""
    return fold(text).translate(SWEDISH)


def rows(desk: Desk) -> tuple[PersonRow, ...]:
    """Everyone in the directory who is not protected, by family name. Raises NotReady."""
    users, prepared = desk.users, desk.prepared
    return desk.make("people", lambda: _rows(users, prepared))


def chosen(desk: Desk, wish: Wish) -> Sequence[PersonRow]:
    """The rows that are wished for, in the order that is. Raises NotReady."""
    found = rows(desk)
    if wish == Wish():
        return found
    return desk.make(("people", wish), lambda: _chosen(found, wish))


def reasons(desk: Desk) -> Mapping[str, int]:
    """How many are sent to nobody for each reason, the most frequent first. Raises NotReady."""
    found = rows(desk)

    def count() -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for row in found:
            if row.reason:
                counts[row.reason] = counts.get(row.reason, 0) + 1
        return dict(sorted(counts.items(), key=lambda each: -each[1]))

    return desk.make("reasons", count)


def _rows(users: Mapping[str, User], prepared: Prepared) -> tuple[PersonRow, ...]:
    on = [c.vendor for c in prepared.tenant.connections if c.mode != "off"]
    carried = {v: prepared.views[v].people for v in on if v in prepared.views}
    classes: dict[str, list[str]] = {}
    for group in prepared.roster.groups:
        if group.kind == "class":
            for user_id in (*group.students, *group.teachers):
                classes.setdefault(user_id, []).append(group.name)
    found = [_row(user, prepared, carried, classes.get(user.id, ())) for user in users.values()]
    return tuple(sorted(found, key=lambda row: (row.order, row.id)))


def _row(
    user: User,
    prepared: Prepared,
    carried: Mapping[str, Mapping[str, object]],
    classes: Sequence[str],
) -> PersonRow:
    person = prepared.roster.people.get(user.id)
    vendors = tuple(vendor for vendor, people in carried.items() if user.id in people)
    reason = ""
    if person is None:
        reason = prepared.roster.left_out.get(user.id, "not selected")
    elif not vendors:
        reason = UNIT_NOT_CHOSEN
    name = f"{user.given_name} {user.family_name}".strip() or user.primary_email
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
        order=swedish(f"{user.family_name} {user.given_name}"),
        words=fold(f"{name} {user.primary_email}"),
    )


def _chosen(found: Sequence[PersonRow], wish: Wish) -> Sequence[PersonRow]:
    words = fold(wish.text).split()
    kept = [
        row
        for row in found
        if (not wish.unit or wish.unit in row.units)
        and (not wish.role or row.role == ("" if wish.role == "none" else wish.role))
        and (not wish.vendor or wish.vendor in row.vendors)
        and (not wish.decision or bool(row.vendors) == (wish.decision == "sent"))
        and (not wish.reason or row.reason == wish.reason)
        and all(word in row.words for word in words)
    ]
    down = wish.sort.startswith("-")
    key = wish.sort.removeprefix("-")
    if key == "klass":
        kept.sort(key=lambda row: (swedish(", ".join(row.classes)) or "~~", row.order))
    elif key == "enhet":
        kept.sort(key=lambda row: (row.units or ("~",), row.order))
    elif key == "orsak":
        kept.sort(key=lambda row: (row.reason, row.order))
    if down:
        kept.reverse()
    return kept

"""People as CSV: whether each user read is sent to each connection, or why not.

The CSV is a contract (docs/commands.md). It contains personal data and is only for the
administrator. Of people with protected identity it contains only the number.
"""

import csv
import os
import tempfile
from collections.abc import Iterable, Iterator
from errno import ELOOP
from pathlib import Path
from typing import TextIO

from msgspec import Struct

from addon.directory.snapshot import Snapshot, User
from addon.roster.model import Person, Roster
from addon.ss12000.vendor_roster import VendorRoster
from addon.text import escape_formula

HEADER = (
    "id",
    "primaryEmail",
    "familyName",
    "givenName",
    "orgUnitPath",
    "role",
    "schoolUnits",
    "classes",
    "teachingGroups",
    "vendor",
    "decision",
    "reason",
)
DEVICES = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))
PROTECTED = "protected"
EXCEPTED = "excepted"
UNIT_NOT_CHOSEN = "no chosen school unit"


class PersonDecisionRow(Struct, frozen=True, gc=False):
    """Whether a user is sent to a vendor, or why not; lists are joined by `|` in the file."""

    id: str
    primary_email: str
    family_name: str
    given_name: str
    org_unit_path: str
    role: str
    school_units: tuple[str, ...]
    classes: tuple[str, ...]
    teaching_groups: tuple[str, ...]
    vendor: str
    decision: str
    reason: str

    def cells(self) -> list[str]:
        """Return the row's cells, with text escaped that a spreadsheet would run as a formula."""
        values = (getattr(self, name) for name in self.__struct_fields__)
        return [escape_formula("|".join(v) if isinstance(v, tuple) else v) for v in values]


def decision_rows(
    snapshot: Snapshot, roster: Roster, vendor_rosters: Iterable[tuple[str, VendorRoster]]
) -> Iterator[PersonDecisionRow]:
    """Yield a row for each user read and each of `vendor_rosters` (vendor id and its roster).

    The people with protected identity have one row together, with their number.
    """
    users: dict[str, User] = {}
    for user in snapshot.users:
        users.setdefault(user.id, user)
    for vendor, vendor_roster in vendor_rosters:
        memberships = _memberships(vendor_roster)
        for user in users.values():
            if user.id not in roster.protected:
                yield _row(user, roster, vendor_roster, vendor, memberships.get(user.id, ((), ())))
        if roster.protected:
            number = f"{PROTECTED}: {len(roster.protected)}"
            yield PersonDecisionRow(
                number, "", "", "", "", "", (), (), (), vendor, "left out", PROTECTED
            )


def write_people_csv(path: Path, lines: Iterable[PersonDecisionRow]) -> None:
    """Write the rows to a file, atomically and readable by its owner only.

    A path that is not a regular file (a pipe, a terminal) is written to directly; a link is not
    followed, unless it is one of the system's own, such as /dev/stdout. Raises OSError.
    """
    if path.is_symlink() and path.parent not in DEVICES:
        raise OSError(ELOOP, "it is a link, and where it leads others may read it", str(path))
    if path.parent in DEVICES or (path.exists() and not path.is_file()):
        with path.open("w", newline="", encoding="utf-8-sig") as stream:
            _write(stream, lines)
        return
    target = path.parent.resolve() / path.name
    # mkstemp creates a new file that only the owner can read.
    number, name = tempfile.mkstemp(".part", f"{target.name}.", target.parent)
    part = Path(name)
    try:
        with os.fdopen(number, "w", newline="", encoding="utf-8-sig") as file:
            _write(file, lines)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _write(file: TextIO, lines: Iterable[PersonDecisionRow]) -> None:
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows(line.cells() for line in lines)


def _row(
    user: User,
    roster: Roster,
    vendor_roster: VendorRoster,
    vendor: str,
    groups: tuple[tuple[str, ...], tuple[str, ...]],
) -> PersonDecisionRow:
    sent = vendor_roster.people.get(user.id)
    known = sent or roster.people.get(user.id)
    otherwise = EXCEPTED if user.id in vendor_roster.withheld else UNIT_NOT_CHOSEN
    reason = "" if sent else roster.left_out.get(user.id, otherwise)
    return PersonDecisionRow(
        id=user.id,
        primary_email=user.primary_email,
        family_name=user.family_name,
        given_name=user.given_name,
        org_unit_path=user.org_unit_path,
        role="" if known is None else "student" if known.enrolments else "staff",
        school_units=_units(known),
        classes=groups[0],
        teaching_groups=groups[1],
        vendor=vendor,
        decision="sent" if sent else "left out",
        reason=reason,
    )


def _units(person: Person | None) -> tuple[str, ...]:
    if person is None:
        return ()
    return tuple(e.unit for e in person.enrolments) + person.employments


def _memberships(vendor_roster: VendorRoster) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the names of each person's classes and teaching groups."""
    found: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for group in vendor_roster.groups:
        for user_id in (*group.students, *group.teachers):
            classes, teaching = found.get(user_id, ((), ()))
            if group.kind == "class":
                found[user_id] = ((*classes, group.name), teaching)
            else:
                found[user_id] = (classes, (*teaching, group.name))
    return found

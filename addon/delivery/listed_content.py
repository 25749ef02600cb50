"""What a resource's JSON says of the fields that a reconciliation compares, as digests.

The same is computed of what a vendor lists and of what we send, so that 90,000 resources can be
compared without keeping them. The digests are of this process alone. Pure.
"""

from collections.abc import Callable, Iterator
from typing import Any
from unicodedata import normalize

import msgspec
from msgspec import Struct, field

from addon.ss12000.resources import SCHOOL_USER


class ListedBody(Struct, rename="camel"):
    """The compared fields of a resource's JSON, of whatever type they are."""

    user_name: Any = None
    student_memberships: Any = None
    teachers: Any = None
    school: Any = field(name=SCHOOL_USER, default=None)

    def enrolments(self) -> object:
        """Return the enrolments as they are written, None if there are none."""
        return self.school.get("enrolments") if isinstance(self.school, dict) else None


class ResourceContent(Struct, frozen=True, gc=False):
    """Digests of a user's name and of references; None for what the JSON does not say.

    `member` and `enrolled` are one of the externalIds referred to, empty if there is none.
    `school_years` is a digest of the enrolments with their years, None if one has no year.
    """

    user_name: int | None = None
    members: int | None = None
    member: str = ""
    enrolments: int | None = None
    enrolled: str = ""
    school_years: int | None = None


NOTHING = ResourceContent()


def content_of_body(body: bytes) -> ResourceContent:
    """Return the content of a body that we send."""
    return content_of(msgspec.json.decode(body, type=ListedBody))


def content_of(body: ListedBody) -> ResourceContent:
    """Return the content of a decoded body; NOTHING if it says nothing of the compared fields."""
    memberships = body.student_memberships
    members = _values(memberships if memberships is not None else body.teachers)
    enrolled = body.enrolments()
    units = _values(enrolled)
    name = body.user_name if isinstance(body.user_name, str) and body.user_name else None
    if name is None and members is None and units is None:
        return NOTHING
    return ResourceContent(
        user_name=None if name is None else hash(normalize("NFC", name).casefold()),
        members=None if members is None else hash(members),
        member=min(members, default="") if members else "",
        enrolments=None if units is None else hash(units),
        enrolled=min(units, default="") if units else "",
        school_years=_years(enrolled),
    )


def _values(references: object) -> frozenset[str] | None:
    """Return the externalIds of a list of references; None if it is not a list of them."""
    if not isinstance(references, list):
        return None
    found = [each.get("value") if isinstance(each, dict) else None for each in references]
    values = frozenset(value.lower() for value in found if isinstance(value, str) and value)
    return values if values or not references else None


def _years(enrolments: object) -> int | None:
    if not isinstance(enrolments, list) or not enrolments:
        return None
    found = frozenset(_with_years(enrolments))
    return None if any(year is None for _, year in found) else hash(found)


def _with_years(enrolments: list[Any]) -> Iterator[tuple[str, int | None]]:
    for each in enrolments:
        if isinstance(each, dict):
            year = each.get("schoolYear")
            yield str(each.get("value")).lower(), year if isinstance(year, int) else None


def differs(
    wanted: ResourceContent, listed: ResourceContent, is_ours: Callable[[str], bool]
) -> bool:
    """Whether a list shows other content than what is wanted.

    What either does not say is not compared; nor are references that are not to externalIds of
    ours, because some vendors refer by ids of their own.
    """
    if _unequal(wanted.user_name, listed.user_name):
        return True
    if _unequal(wanted.members, listed.members) and _comparable(listed.member, is_ours):
        return True
    if _unequal(wanted.enrolments, listed.enrolments) and _comparable(listed.enrolled, is_ours):
        return True
    return wanted.enrolments == listed.enrolments and _unequal(
        wanted.school_years, listed.school_years
    )


def _unequal(wanted: int | None, listed: int | None) -> bool:
    return wanted is not None and listed is not None and wanted != listed


def _comparable(one: str, is_ours: Callable[[str], bool]) -> bool:
    return not one or is_ours(one)

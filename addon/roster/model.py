"""The roster: the tenant's people placed in units, classes and teaching groups."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Severity = Literal["error", "warning", "info"]


class Finding(Struct, frozen=True, order=True, gc=False):
    """Something in the data that an administrator should check or correct.

    `subject` is a user id, a group's address, an OU path or a unit code, never a name or
    an address of a person. `values` fill the message's template, so that the message can be
    given in another language.
    """

    code: str
    severity: Severity
    subject: str
    message: str
    values: tuple[tuple[str, str], ...] = ()


class Enrolment(Struct, frozen=True, gc=False):
    """A student's enrolment at one school unit."""

    unit: str
    school_year: int | None = None


class Person(Struct, frozen=True, gc=False):
    """A person who is sent: a student (enrolments) or staff (employments: unit codes).

    Both tuples are in the tenant document's order of units; one of them is empty.
    """

    id: str
    primary_email: str
    given_name: str
    family_name: str
    enrolments: tuple[Enrolment, ...] = ()
    employments: tuple[str, ...] = ()
    unconfirmed: bool = False
    """Missing from the directory without evidence: the vendor's copy stays as it is."""


class StudentGroup(Struct, frozen=True, gc=False):
    """A class or a teaching group of one unit.

    Its identity is (unit, source, source_id): the group's id, the OU's id or, for an
    attribute, the name. `students` and `teachers` are user ids, sorted.
    """

    unit: str
    kind: Literal["class", "teaching"]
    source: Literal["orgUnit", "group", "attribute"]
    source_id: str
    name: str
    students: tuple[str, ...]
    teachers: tuple[str, ...] = ()
    unconfirmed: bool = False
    """Missing from the directory without evidence: the vendor's copy stays as it is."""


class Roster(Struct, frozen=True):
    """The result of selecting from a directory.

    `left_out` gives for each user who was read and is not in `people` the reason: a finding code
    or one of `suspended`, `archived`, `deleted`, `excepted` (chosen by a selector, but for its
    exceptions), `filtered` (reached by a selector, but stopped by its filters) and `not selected`.
    `groups` are sorted by unit in the document's order, kind, name and source id, and so are
    `excepted_groups`, which are not sent because a rule leaves their names out.
    """

    people: Mapping[str, Person]
    groups: tuple[StudentGroup, ...]
    findings: tuple[Finding, ...]
    left_out: Mapping[str, str]
    protected: frozenset[str]
    excepted_groups: tuple[StudentGroup, ...] = ()

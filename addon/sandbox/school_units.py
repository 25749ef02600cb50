"""What the generator knows about a school unit that it has made."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Style = Literal[
    "classOrgUnits",
    "yearOrgUnits",
    "classGroups",
    "schemaField",
    "department",
    "startYears",
    "sharedTree",
    "groupsOnly",
]
"""Where the class of a student is recorded.

classOrgUnits  `/Elever/Norra skolan/7A`
yearOrgUnits   `/Södra skolan/Elever/Åk 7/7A`
classGroups    one OU for all; `gy-klass-na24a@`
schemaField    one OU for all; `customSchemas.Skola.klass`
department     one OU for all; `organizations.department`
startYears     `/Gymnasieskolor/Bergagymnasiet/Elever/NA25A`, named for the year they began
sharedTree     as classOrgUnits, but two units have one tree
groupsOnly     `klass-4a-kulla@`; no OU is the school's own
"""


@dataclass(frozen=True)
class Unit:
    """A school unit: its code in Skolverket's register, and where its people are in the directory.

    `slug` begins the addresses of its teaching groups. `staff_group` has its teachers, also those
    whose OU is another school's; `guest_group` has students whose OU is another school's. They are
    empty where there is none. `document` is what a right tenant document says of its people and
    rules, where that does not follow from the style.
    """

    code: str
    name: str
    slug: str
    style: Style
    school_types: tuple[str, ...]
    student_org_unit: str
    staff_org_unit: str
    staff_group: str
    guest_group: str
    municipality_code: str = "9999"
    document: Mapping[str, Any] | None = None

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Unit":
        """Return the unit from its `to_json` form."""
        return cls(**{**given, "school_types": tuple(given["school_types"])})

    def to_json(self) -> dict[str, Any]:
        """Return the unit as plain values."""
        return {**asdict(self), "school_types": list(self.school_types)}

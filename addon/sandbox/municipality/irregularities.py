"""The irregularities of real data, a few of each kind in every domain.

Suspended and archived accounts; students without a class or a family name; leavers in an
OU of their own below the school; shared tablets; the same class name twice in a unit;
people with protected identity, by group and by OU; external members, nested groups
and a group without members; students and teachers at two schools.
"""

from random import Random

from addon.sandbox.google_objects import JSON
from addon.sandbox.municipality.schools import Municipality
from addon.sandbox.municipality.units import DOMAIN
from addon.sandbox.school_units import Unit

PROTECTED_GROUP = f"skyddade@{DOMAIN}"
PROTECTED_ORG_UNIT = "/Skyddade"


class _StudentDraw:
    """A random selection of students, so that each has at most one irregularity."""

    def __init__(self, random: Random, students: dict[str, list[JSON]]) -> None:
        self._left = {code: list(each) for code, each in students.items()}
        for each in self._left.values():
            random.shuffle(each)

    def take(self, unit: Unit, count: int) -> list[JSON]:
        """Return `count` students of the unit, or as many as are left."""
        left = self._left.get(unit.code, [])
        return [left.pop() for _ in range(min(count, len(left)))]


def add_irregularities(municipality: Municipality) -> None:
    """Add the irregularities to a municipality that has its people and common groups."""
    draw = _StudentDraw(municipality.random, municipality.students)
    north, south = municipality.units[0], municipality.units[1]
    _protect(municipality, draw, north, south)
    _add_class_of_same_name(municipality, draw, south)
    _add_guests(municipality, draw, north, south)
    for unit in municipality.units:
        _alter_students(municipality, draw, unit)
    for unit in municipality.units:
        if unit.style == "classOrgUnits":
            _move_leavers(municipality, draw, unit)
    _add_tablets(municipality, north)
    _add_unusual_groups(municipality, north, south)
    _add_technical_account(municipality)


def _protect(municipality: Municipality, draw: _StudentDraw, north: Unit, south: Unit) -> None:
    by_group = [*draw.take(north, 1), *draw.take(south, 1), *municipality.teachers[south.code][-1:]]
    municipality.domain.add_group(
        {"email": PROTECTED_GROUP, "name": "Skyddad identitet"},
        [each["id"] for each in by_group],
    )
    municipality.domain.add_org_unit(PROTECTED_ORG_UNIT)
    upper = next(unit for unit in municipality.units if unit.style == "classGroups")
    for student in [*draw.take(north, 1), *draw.take(upper, 1)]:
        municipality.domain.move_user(student["id"], PROTECTED_ORG_UNIT)


def _add_class_of_same_name(municipality: Municipality, draw: _StudentDraw, unit: Unit) -> None:
    twin = f"{unit.student_org_unit}/Åk 8/7A"
    municipality.domain.add_org_unit(twin)
    for student in draw.take(unit, 2):
        municipality.domain.move_user(student["id"], twin)


def _add_guests(municipality: Municipality, draw: _StudentDraw, north: Unit, south: Unit) -> None:
    for student in draw.take(north, 2):
        municipality.domain.add_member(south.guest_group, student["id"])
    for unit, other in zip(municipality.units, municipality.units[1:], strict=False):
        for teacher in municipality.teachers[unit.code][:1]:
            municipality.domain.add_member(other.staff_group, teacher["id"])


def _alter_students(municipality: Municipality, draw: _StudentDraw, unit: Unit) -> None:
    """Make about one in a hundred each suspended, archived, without class or family name."""
    few = len(municipality.students[unit.code]) // 100 + 1
    for student in draw.take(unit, few):
        municipality.domain.suspend(student["id"])
    for student in draw.take(unit, few // 2 + 1):
        municipality.domain.archive(student["id"])
    for student in draw.take(unit, few // 4 + 1):
        municipality.domain.rename_user(student["id"], family_name="")
    for student in draw.take(unit, few // 2 + 1):
        _remove_from_class(municipality, unit, student)


def _remove_from_class(municipality: Municipality, unit: Unit, student: JSON) -> None:
    municipality.domain.move_user(student["id"], unit.student_org_unit)
    if unit.style == "schemaField":
        municipality.domain.update_user(student["id"], {"customSchemas": None})
    if unit.style == "department":
        municipality.domain.update_user(student["id"], {"organizations": None})
    for group in municipality.domain.groups_with(student["id"]):
        if "-klass-" in group["email"]:
            municipality.domain.remove_member(group["id"], student["id"])


def _move_leavers(municipality: Municipality, draw: _StudentDraw, unit: Unit) -> None:
    place = f"{unit.student_org_unit}/Slutat"
    municipality.domain.add_org_unit(place)
    for student in draw.take(unit, len(municipality.students[unit.code]) // 100 + 2):
        municipality.domain.move_user(student["id"], place)


def _add_tablets(municipality: Municipality, unit: Unit) -> None:
    place = f"{unit.student_org_unit}/7A"
    municipality.domain.add_org_unit(place)
    for number in range(1, 6):
        municipality.domain.add_user(
            {
                "primaryEmail": f"ipad-{number:02}@{DOMAIN}",
                "name": {"givenName": "iPad", "familyName": f"{number:02}"},
                "orgUnitPath": place,
            }
        )


def _add_unusual_groups(municipality: Municipality, north: Unit, south: Unit) -> None:
    """Add an external colleague, a nested group, and a group without members."""
    outside = municipality.teaching_group(north, "7A", "Ma")
    municipality.domain.add_member(outside, "extern.kollega@gmail.com", "MANAGER")
    nested = municipality.teaching_group(south, "7A", "Ma")
    pupils = [each["id"] for each in municipality.classes[south.code]["7A"]]
    mailing_list = {"email": f"lista.{south.slug}.7a@{DOMAIN}", "name": "Sändlista 7A"}
    municipality.domain.add_group(mailing_list, pupils)
    for pupil in pupils:
        municipality.domain.remove_member(nested, pupil)
    municipality.domain.add_member(nested, mailing_list["email"])
    municipality.domain.add_group({"email": f"{north.slug}-schack@{DOMAIN}", "name": "Schack"})


def _add_technical_account(municipality: Municipality) -> None:
    municipality.domain.add_user(
        {
            "primaryEmail": f"skolsynk@{DOMAIN}",
            "name": {"givenName": "Skolsynk", "familyName": "Tjänstekonto"},
            "orgUnitPath": "/",
            "isAdmin": False,
            "isDelegatedAdmin": True,
        }
    )

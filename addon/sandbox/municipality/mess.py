"""The irregularities of real data, a few of each kind in every domain.

Suspended and archived accounts; students without a class or a family name; leavers in an
OU of their own below the school; shared tablets; the same class name twice in a unit;
people with protected identity, by group and by OU; external members, nested groups
and a group without members; students and teachers at two schools.
"""

from random import Random

from addon.sandbox.google_shapes import JSON
from addon.sandbox.municipality.schools import Town
from addon.sandbox.municipality.units import DOMAIN
from addon.sandbox.school_units import Unit

PROTECTED_GROUP = f"skyddade@{DOMAIN}"
PROTECTED_ORG_UNIT = "/Skyddade"


class _Lots:
    """A random selection of students, so that each has at most one irregularity."""

    def __init__(self, random: Random, students: dict[str, list[JSON]]) -> None:
        self._left = {code: list(each) for code, each in students.items()}
        for each in self._left.values():
            random.shuffle(each)

    def draw(self, unit: Unit, count: int) -> list[JSON]:
        """Return `count` students of the unit, or as many as are left."""
        left = self._left.get(unit.code, [])
        return [left.pop() for _ in range(min(count, len(left)))]


def make_a_mess(town: Town) -> None:
    """Add the irregularities to a town that has its people and common groups."""
    lots = _Lots(town.random, town.students)
    north, south = town.units[0], town.units[1]
    _protect(town, lots, north, south)
    _double_a_class(town, lots, south)
    _visit_another_school(town, lots, north, south)
    for unit in town.units:
        _lose_touch(town, lots, unit)
    for unit in town.units:
        if unit.style == "classOrgUnits":
            _leave_school(town, lots, unit)
    _share_tablets(town, north)
    _mix_groups(town, north, south)
    _technical_account(town)


def _protect(town: Town, lots: _Lots, north: Unit, south: Unit) -> None:
    by_group = [*lots.draw(north, 1), *lots.draw(south, 1), *town.teachers[south.code][-1:]]
    town.domain.add_group(
        {"email": PROTECTED_GROUP, "name": "Skyddad identitet"},
        [each["id"] for each in by_group],
    )
    town.domain.add_org_unit(PROTECTED_ORG_UNIT)
    upper = next(unit for unit in town.units if unit.style == "classGroups")
    for student in [*lots.draw(north, 1), *lots.draw(upper, 1)]:
        town.domain.move_user(student["id"], PROTECTED_ORG_UNIT)


def _double_a_class(town: Town, lots: _Lots, unit: Unit) -> None:
    twin = f"{unit.student_org_unit}/Åk 8/7A"
    town.domain.add_org_unit(twin)
    for student in lots.draw(unit, 2):
        town.domain.move_user(student["id"], twin)


def _visit_another_school(town: Town, lots: _Lots, north: Unit, south: Unit) -> None:
    for student in lots.draw(north, 2):
        town.domain.add_member(south.guest_group, student["id"])
    for unit, other in zip(town.units, town.units[1:], strict=False):
        for teacher in town.teachers[unit.code][:1]:
            town.domain.add_member(other.staff_group, teacher["id"])


def _lose_touch(town: Town, lots: _Lots, unit: Unit) -> None:
    """Make about one in a hundred each suspended, archived, without class or family name."""
    few = len(town.students[unit.code]) // 100 + 1
    for student in lots.draw(unit, few):
        town.domain.suspend(student["id"])
    for student in lots.draw(unit, few // 2 + 1):
        town.domain.archive(student["id"])
    for student in lots.draw(unit, few // 4 + 1):
        town.domain.rename_user(student["id"], family_name="")
    for student in lots.draw(unit, few // 2 + 1):
        _lose_class(town, unit, student)


def _lose_class(town: Town, unit: Unit, student: JSON) -> None:
    town.domain.move_user(student["id"], unit.student_org_unit)
    if unit.style == "schemaField":
        town.domain.update_user(student["id"], {"customSchemas": None})
    if unit.style == "department":
        town.domain.update_user(student["id"], {"organizations": None})
    for group in town.domain.groups_with(student["id"]):
        if "-klass-" in group["email"]:
            town.domain.remove_member(group["id"], student["id"])


def _leave_school(town: Town, lots: _Lots, unit: Unit) -> None:
    place = f"{unit.student_org_unit}/Slutat"
    town.domain.add_org_unit(place)
    for student in lots.draw(unit, len(town.students[unit.code]) // 100 + 2):
        town.domain.move_user(student["id"], place)


def _share_tablets(town: Town, unit: Unit) -> None:
    place = f"{unit.student_org_unit}/7A"
    town.domain.add_org_unit(place)
    for number in range(1, 6):
        town.domain.add_user(
            {
                "primaryEmail": f"ipad-{number:02}@{DOMAIN}",
                "name": {"givenName": "iPad", "familyName": f"{number:02}"},
                "orgUnitPath": place,
            }
        )


def _mix_groups(town: Town, north: Unit, south: Unit) -> None:
    """Add an external colleague, a nested group, and a group without members."""
    outside = town.teaching_group(north, "7A", "Ma")
    town.domain.add_member(outside, "extern.kollega@gmail.com", "MANAGER")
    nested = town.teaching_group(south, "7A", "Ma")
    pupils = [each["id"] for each in town.classes[south.code]["7A"]]
    mailing_list = {"email": f"lista.{south.slug}.7a@{DOMAIN}", "name": "Sändlista 7A"}
    town.domain.add_group(mailing_list, pupils)
    for pupil in pupils:
        town.domain.remove_member(nested, pupil)
    town.domain.add_member(nested, mailing_list["email"])
    town.domain.add_group({"email": f"{north.slug}-schack@{DOMAIN}", "name": "Schack"})


def _technical_account(town: Town) -> None:
    town.domain.add_user(
        {
            "primaryEmail": f"skolsynk@{DOMAIN}",
            "name": {"givenName": "Skolsynk", "familyName": "Tjänstekonto"},
            "orgUnitPath": "/",
            "isAdmin": False,
            "isDelegatedAdmin": True,
        }
    )

"""The school units of a municipality of a given size."""

from itertools import product
from typing import NamedTuple

from addon.sandbox.municipality.names import plain
from addon.sandbox.school_units import Style, Unit

DOMAIN = "edu.storkoping.se"

_PRIMARY = ("Norra", "Södra", "Östra", "Västra", "Ängs", "Å", "Öster", "Kyrk")
_TREES = ("Björk", "Ek", "Lind", "Gran", "Ask", "Alm", "Rönn", "Hassel", "Tall", "Lönn", "Sälg")
_PLACES = ("", "backa", "haga", "lunda", "dals", "ängs", "bergs", "torps", "viks", "näs", "mo")
_UPPER = ("Storköpings gymnasium", "Lindgymnasiet", "Åsgymnasiet", "Sjögymnasiet")
_WEIGHTS = (1.0, 1.2, 0.8, 1.1, 0.9)


class PlannedUnit(NamedTuple):
    """A unit and the number of students it should have."""

    unit: Unit
    students: int


def plan_units(students: int) -> list[PlannedUnit]:
    """Return the units of a municipality with this many students; the first are always the same.

    They are Norra skolan and Södra skolan, an upper secondary school, an adapted school and adult
    education; more schools are added as the number of students grows.
    """
    primary = _primary(max(2, round(students * 0.66 / 450)))
    upper = _upper(max(1, round(students * 0.24 / 900)))
    adapted = [_flat(3000, "Ekens anpassade grundskola", "eken", "schemaField", ("GRAN",))]
    adult = [_flat(4000, "Vuxenutbildningen", "vux", "department", ("VUX",))]
    share = {"upper": round(students * 0.24), "adapted": round(students * 0.03)}
    share["adult"] = round(students * 0.07)
    share["primary"] = students - sum(share.values())
    return [
        *_divide(primary, share["primary"]),
        *_divide(upper, share["upper"]),
        *_divide(adapted, share["adapted"]),
        *_divide(adult, share["adult"]),
    ]


def _divide(units: list[Unit], students: int) -> list[PlannedUnit]:
    weights = [_WEIGHTS[number % len(_WEIGHTS)] for number in range(len(units))]
    total, given, so_far, planned = sum(weights), 0, 0.0, []
    for unit, weight in zip(units, weights, strict=True):
        so_far += weight
        until = round(students * so_far / total)
        planned.append(PlannedUnit(unit, until - given))
        given = until
    return planned


def _primary(count: int) -> list[Unit]:
    names = [f"{first}skolan" for first in _PRIMARY[4:]]
    names = [f"{first} skolan" for first in _PRIMARY[:4]] + names
    names += [f"{tree}{place}skolan" for place, tree in product(_PLACES, _TREES)]
    names += [f"Skola {number}" for number in range(len(names), count)]
    return [_primary_unit(number, name) for number, name in enumerate(names[:count])]


def _primary_unit(number: int, name: str) -> Unit:
    slug = plain(name.removesuffix("skolan")).replace("-", "")
    types = ("FKLASS", "GR")
    if number % 2:
        students, staff = f"/{name}/Elever", f"/{name}/Personal"
        return _unit(1000 + number, name, slug, "yearOrgUnits", types, students, staff)
    students, staff = f"/Elever/{name}", f"/Personal/{name}"
    return _unit(1000 + number, name, slug, "classOrgUnits", types, students, staff)


def _upper(count: int) -> list[Unit]:
    names = [*_UPPER, *(f"Gymnasium {number}" for number in range(len(_UPPER), count))]
    units = []
    for number, name in enumerate(names[:count]):
        short = "Gymnasiet" if number == 0 else name
        slug = "gy" if number == 0 else f"gy{number + 1}"
        students, staff = f"/{short} elever", f"/{short} personal"
        units.append(_unit(2000 + number, name, slug, "classGroups", ("GY",), students, staff))
    return units


def _flat(number: int, name: str, slug: str, style: Style, types: tuple[str, ...]) -> Unit:
    return _unit(number, name, slug, style, types, f"/Elever/{name}", f"/Personal/{name}")


def _unit(
    number: int,
    name: str,
    slug: str,
    style: Style,
    types: tuple[str, ...],
    students: str,
    staff: str,
) -> Unit:
    return Unit(
        code=f"9999{number}",
        name=name,
        slug=slug,
        style=style,
        school_types=types,
        student_org_unit=students,
        staff_org_unit=staff,
        staff_group=f"larare.{slug}@{DOMAIN}",
        guest_group=f"gast.{slug}@{DOMAIN}",
    )

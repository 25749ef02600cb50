"""Schools that grew up with habits of their own, beside those that the municipality planned.

Fridhemsskolan     FA, FB and 1A to 3A; fritids and mentor groups; last year's tree and leavers
its adapted school in OUs inside Fridhemsskolan's
Bergagymnasiet     classes named for the programme and the year in which they began: NA25A
Hammarskolan       two units, F-3 and 4-6, in one tree and with one staff
Kulla skola        only the addresses of its class groups say who its pupils are: klass-4a-kulla@
"""

from collections.abc import Sequence
from typing import Any

from addon.sandbox.google_objects import JSON
from addon.sandbox.municipality.names import plain
from addon.sandbox.municipality.schools import Municipality
from addon.sandbox.municipality.units import DOMAIN
from addon.sandbox.school_units import Style, Unit

_FRIDHEM = "/Grundskolor/Fridhemsskolan"
_BERGA = "/Gymnasieskolor/Bergagymnasiet"
_HAMMAR = "/Elever/Hammarskolan"
_OTHERS, _OTHER_STAFF = "/Elever/Övriga skolor", "/Personal/Övriga skolor"
_FRIDHEM_CLASSES = ("FA", "FB", "1A", "1B", "2A", "3A")
_HAMMAR_CLASSES = ("FA", "1A", "2A", "3A", "4A", "5A", "6A")
_KULLA_CLASSES = ("4A", "5A", "6A")
_ADAPTED = (("AG1", "2"), ("AG2", "5"))
_FRITIDS = ("Solen", "Månen")
_SMALLEST, _LARGEST = 5, 22
_PER_TEACHER = 8
_YEAR_OF_CLASS = {"from": "class", "pattern": r"^(?P<year>F|\d+)"}


def add_other_schools(municipality: Municipality, students: int, autumn: int) -> None:
    """Add the schools, whose classes grow with the number of `students` of the municipality."""
    size = min(_LARGEST, max(_SMALLEST, students // 60))
    add = _OtherSchools(municipality, size, autumn)
    add.fridhem()
    add.adapted()
    add.berga()
    add.hammar()
    add.kulla()


class _OtherSchools:
    """Adds one school after the other."""

    def __init__(self, municipality: Municipality, size: int, autumn: int) -> None:
        self._municipality, self._domain = municipality, municipality.domain
        self._size, self._autumn = size, autumn

    def fridhem(self) -> None:
        """Add a school that has kept the OUs of those who have left it."""
        pupils, staff = f"{_FRIDHEM}/Elever", f"{_FRIDHEM}/Personal"
        document = {
            "students": {
                "orgUnits": [pupils],
                "except": {"orgUnits": [f"{pupils}/Anpassad", f"{pupils}/Avslutade"]},
            },
            "staff": {"orgUnits": [staff]},
            "classes": {"from": "orgUnit", "pattern": rf"^{pupils}/(?P<name>[^/]+)$"},
            "schoolYear": _YEAR_OF_CLASS,
        }
        school = self._open(
            _unit(
                5100,
                "Fridhemsskolan",
                "classOrgUnits",
                ("FKLASS", "GR", "FTH"),
                (pupils, staff),
                document,
            )
        )
        people = {name: self._enrol(school, f"{pupils}/{name}") for name in _FRIDHEM_CLASSES}
        teachers = self._employ(school, staff, len(people))
        self._group("fridhem-personal", "Fridhemsskolan, personal", teachers)
        for name, members in people.items():
            self._group(f"fridhem-mentor-{name}", f"Mentor {name}", members[:3])
        youngest = [each for name in ("FA", "FB", "1A", "1B") for each in people[name]]
        for number, name in enumerate(_FRITIDS):
            self._group(f"fridhem-fritids-{name}", f"Fritids {name}", youngest[number::2])
        self._add(2, f"{pupils}/Avslutade")
        self._add(3, f"{_FRIDHEM}/Elever {self._autumn - 1}-{self._autumn}/3A")

    def adapted(self) -> None:
        """Add the adapted school whose classes lie among the other's."""
        pupils, staff = f"{_FRIDHEM}/Elever/Anpassad", f"{_FRIDHEM}/Personal anpassad"
        document = {
            "students": {"orgUnits": [pupils]},
            "staff": {"orgUnits": [staff]},
            "classes": {"from": "orgUnit", "pattern": r"/Anpassad/(?P<name>[^/]+)$"},
            "schoolYear": {
                "from": "attribute",
                "attribute": "customSchemas.Skola.arskurs",
                "pattern": r"^(?P<year>\d+)$",
            },
        }
        name = "Fridhemsskolans anpassade grundskola"
        places = (pupils, staff)
        school = self._open(_unit(5101, name, "classOrgUnits", ("GRAN",), places, document))
        for class_name, year in _ADAPTED:
            self._enrol(school, f"{pupils}/{class_name}", year=year)
        self._employ(school, staff, 2)

    def berga(self) -> None:
        """Add an upper secondary school; its introductory programme has no school year."""
        pupils, staff = f"{_BERGA}/Elever", f"{_BERGA}/Personal"
        document = {
            "students": {"orgUnits": [pupils]},
            "staff": {"orgUnits": [staff]},
            "classes": {"from": "orgUnit", "pattern": rf"^{pupils}/(?P<name>[^/]+)$"},
            "schoolYear": {
                "from": "class",
                "as": "startYear",
                "pattern": r"^[A-Z]+(?P<year>\d\d)",
                "none": ["IM"],
            },
        }
        places = (pupils, staff)
        school = self._open(_unit(5102, "Bergagymnasiet", "startYears", ("GY",), places, document))
        starts = [f"{(self._autumn - back) % 100:02}" for back in range(3)]
        names = [*(f"NA{start}A" for start in starts), *(f"TE{start}" for start in starts), "IM"]
        for name in names:
            self._enrol(school, f"{pupils}/{name}")
        self._employ(school, staff, len(names))

    def hammar(self) -> None:
        """Add two units that only the names of their classes tell apart."""
        staff = "/Personal/Hammarskolan"
        schools = [
            self._open(
                _unit(
                    number,
                    f"Hammarskolan {said}",
                    "sharedTree",
                    types,
                    (_HAMMAR, staff),
                    {
                        "students": {
                            "orgUnits": [_HAMMAR],
                            "filters": [[_in_classes(rf"^{_HAMMAR}/[{years}][A-Z]$")]],
                        },
                        "staff": {"orgUnits": [staff]},
                        "classes": {"from": "orgUnit", "pattern": rf"^{_HAMMAR}/(?P<name>[^/]+)$"},
                        "schoolYear": _YEAR_OF_CLASS,
                    },
                )
            )
            for number, said, years, types in (
                (5103, "F-3", "F1-3", ("FKLASS", "GR", "FTH")),
                (5104, "4-6", "4-6", ("GR",)),
            )
        ]
        for name in _HAMMAR_CLASSES:
            self._enrol(schools[name[0] in "456"], f"{_HAMMAR}/{name}")
        self._employ(schools[0], staff, len(_HAMMAR_CLASSES))
        self._add(2, f"{_HAMMAR}/Slutat")

    def kulla(self) -> None:
        """Add a school that has neither OUs nor attributes of its own."""
        address = r"^klass-(?P<NAME>[^@-]+)-kulla@"
        groups = [f"klass-{name.lower()}-kulla@{DOMAIN}" for name in _KULLA_CLASSES]
        document = {
            "students": {"groups": groups},
            "staff": {"groups": [f"personal-kulla@{DOMAIN}"]},
            "classes": {"from": "group", "pattern": address},
            "schoolYear": _YEAR_OF_CLASS,
        }
        places = (_OTHERS, _OTHER_STAFF)
        school = self._open(_unit(5105, "Kulla skola", "groupsOnly", ("GR",), places, document))
        for name in _KULLA_CLASSES:
            members = self._enrol(school, _OTHERS, name)
            self._group(f"klass-{name}-kulla", f"Klass {name} Kulla skola", members)
        teachers = self._employ(school, _OTHER_STAFF, len(_KULLA_CLASSES))
        self._group("personal-kulla", "Kulla skola, personal", teachers)

    # Steps

    def _open(self, unit: Unit) -> Unit:
        self._municipality.units.append(unit)
        self._domain.units = (*self._domain.units, unit)
        for path in (unit.student_org_unit, unit.staff_org_unit):
            self._domain.add_org_unit(path)
        return unit

    def _enrol(self, unit: Unit, path: str, name: str = "", year: str = "") -> list[JSON]:
        """Add a class of students, named as its OU unless `name` is given."""
        more = {"customSchemas": {"Skola": {"arskurs": year}}} if year else {}
        people = self._add(self._size, path, title="Elev", **more)
        self._municipality.students[unit.code].extend(people)
        self._municipality.classes[unit.code][name or path.rpartition("/")[2]] = people
        return people

    def _employ(self, unit: Unit, path: str, classes: int) -> list[JSON]:
        people = self._add(max(2, classes * self._size // _PER_TEACHER), path, title="Lärare")
        self._municipality.teachers[unit.code].extend(people)
        return people

    def _add(self, count: int, path: str, **more: Any) -> list[JSON]:
        return [self._municipality.account(path, **more) for _ in range(count)]

    def _group(self, local: str, name: str, members: Sequence[JSON]) -> None:
        group = {"email": f"{plain(local)}@{DOMAIN}", "name": name}
        self._domain.add_group(group, [each["id"] for each in members])


def _in_classes(pattern: str) -> JSON:
    return {"attribute": "orgUnitPath", "operator": "matches", "value": pattern}


def _unit(
    number: int,
    name: str,
    style: Style,
    types: tuple[str, ...],
    places: tuple[str, str],
    document: JSON,
) -> Unit:
    students, staff = places
    return Unit(
        code=f"9999{number}",
        name=name,
        slug=plain(name.partition("skolan")[0].partition(" ")[0]),
        style=style,
        school_types=types,
        student_org_unit=students,
        staff_org_unit=staff,
        staff_group="",
        guest_group="",
        document=document,
    )

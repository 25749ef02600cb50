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
_HAMMAR_UNITS = (
    (5103, "Hammarskolan F-3", "F1-3", ("FKLASS", "GR", "FTH")),
    (5104, "Hammarskolan 4-6", "4-6", ("GR",)),
)
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
        left_out = {"orgUnits": [f"{pupils}/Anpassad", f"{pupils}/Avslutade"]}
        document = {
            "students": {"orgUnits": [pupils], "except": left_out},
            "staff": {"orgUnits": [staff]},
            "classes": _in_path(rf"^{pupils}/(?P<name>[^/]+)$"),
            "schoolYear": _YEAR_OF_CLASS,
        }
        types = ("FKLASS", "GR", "FTH")
        self._open(5100, "Fridhemsskolan", "classOrgUnits", types, (pupils, staff), document)
        people = {name: self._enrol(f"{pupils}/{name}") for name in _FRIDHEM_CLASSES}
        teachers = self._employ(staff, len(people))
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
        in_field = {"from": "attribute", "attribute": "customSchemas.Skola.arskurs"}
        document = {
            "students": {"orgUnits": [pupils]},
            "staff": {"orgUnits": [staff]},
            "classes": _in_path(r"/Anpassad/(?P<name>[^/]+)$"),
            "schoolYear": {**in_field, "pattern": r"^(?P<year>\d+)$"},
        }
        name = "Fridhemsskolans anpassade grundskola"
        self._open(5101, name, "classOrgUnits", ("GRAN",), (pupils, staff), document)
        for class_name, year in _ADAPTED:
            self._enrol(f"{pupils}/{class_name}", year)
        self._employ(staff, len(_ADAPTED))

    def berga(self) -> None:
        """Add an upper secondary school; its introductory programme has no school year."""
        pupils, staff = f"{_BERGA}/Elever", f"{_BERGA}/Personal"
        started = {"from": "class", "as": "startYear", "none": ["IM"]}
        document = {
            "students": {"orgUnits": [pupils]},
            "staff": {"orgUnits": [staff]},
            "classes": _in_path(rf"^{pupils}/(?P<name>[^/]+)$"),
            "schoolYear": {**started, "pattern": r"^[A-Z]+(?P<year>\d\d)"},
        }
        self._open(5102, "Bergagymnasiet", "startYears", ("GY",), (pupils, staff), document)
        starts = [f"{(self._autumn - back) % 100:02}" for back in range(3)]
        names = [*(f"NA{start}A" for start in starts), *(f"TE{start}" for start in starts), "IM"]
        for name in names:
            self._enrol(f"{pupils}/{name}")
        self._employ(staff, len(names))

    def hammar(self) -> None:
        """Add two units that only the names of their classes tell apart."""
        staff = "/Personal/Hammarskolan"
        for number, name, years, types in _HAMMAR_UNITS:
            document = {
                "students": {
                    "orgUnits": [_HAMMAR],
                    "filters": [[_in_classes(rf"^{_HAMMAR}/[{years}][A-Z]$")]],
                },
                "staff": {"orgUnits": [staff]},
                "classes": _in_path(rf"^{_HAMMAR}/(?P<name>[^/]+)$"),
                "schoolYear": _YEAR_OF_CLASS,
            }
            self._open(number, name, "sharedTree", types, (_HAMMAR, staff), document)
        for name in _HAMMAR_CLASSES:
            self._enrol(f"{_HAMMAR}/{name}")
        self._employ(staff, len(_HAMMAR_CLASSES))
        self._add(2, f"{_HAMMAR}/Slutat")

    def kulla(self) -> None:
        """Add a school that has neither OUs nor attributes of its own."""
        document = {
            "students": {"groups": [f"klass-{c.lower()}-kulla@{DOMAIN}" for c in _KULLA_CLASSES]},
            "staff": {"groups": [f"personal-kulla@{DOMAIN}"]},
            "classes": {"from": "group", "pattern": r"^klass-(?P<NAME>[^@-]+)-kulla@"},
            "schoolYear": _YEAR_OF_CLASS,
        }
        places = (_OTHERS, _OTHER_STAFF)
        self._open(5105, "Kulla skola", "groupsOnly", ("GR",), places, document)
        for name in _KULLA_CLASSES:
            members = self._enrol(_OTHERS)
            self._group(f"klass-{name}-kulla", f"Klass {name} Kulla skola", members)
        teachers = self._employ(_OTHER_STAFF, len(_KULLA_CLASSES))
        self._group("personal-kulla", "Kulla skola, personal", teachers)

    # Steps

    def _open(
        self,
        number: int,
        name: str,
        style: Style,
        types: tuple[str, ...],
        places: tuple[str, str],
        document: JSON,
    ) -> None:
        students, staff = places
        unit = Unit(
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
        self._domain.units = (*self._domain.units, unit)
        for path in places:
            self._domain.add_org_unit(path)

    def _enrol(self, path: str, year: str = "") -> list[JSON]:
        """Add a class of students; `year` is in an attribute."""
        more = {"customSchemas": {"Skola": {"arskurs": year}}} if year else {}
        return self._add(self._size, path, title="Elev", **more)

    def _employ(self, path: str, classes: int) -> list[JSON]:
        number = max(2, classes * self._size // _PER_TEACHER)
        return self._add(number, path, title="Lärare")

    def _add(self, count: int, path: str, **more: Any) -> list[JSON]:
        return [self._municipality.account(path, **more) for _ in range(count)]

    def _group(self, local: str, name: str, members: Sequence[JSON]) -> None:
        group = {"email": f"{plain(local)}@{DOMAIN}", "name": name}
        self._domain.add_group(group, [each["id"] for each in members])


def _in_classes(pattern: str) -> JSON:
    return {"attribute": "orgUnitPath", "operator": "matches", "value": pattern}


def _in_path(pattern: str) -> JSON:
    return {"from": "orgUnit", "pattern": pattern}

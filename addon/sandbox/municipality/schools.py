"""The schools, classes, students, staff and groups of a municipality."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from random import Random
from typing import Any

from addon.sandbox.domain import Domain
from addon.sandbox.google_objects import JSON
from addon.sandbox.municipality.names import NamePicker, plain
from addon.sandbox.municipality.units import DOMAIN, plan_units
from addon.sandbox.school_units import Unit

CUSTOMER = "C0storkoping"
_SUBJECTS = "Ma Sv En No So Idh Bl Mu Sl Hkk Tk Mspr".split()
_COURSES = "Matematik1c Svenska1 Engelska5 Historia1b Idrott1 Fysik1 Religion1".split()
_PROGRAMMES = ("NA", "TE", "SA", "EK", "ES", "BA", "VO", "HA")
_UPPER_YEARS = ((25, 1), (24, 2), (23, 3))
_ADAPTED = (("1-3", "2"), ("4-6", "5"), ("7-9", "8"))
_ADULT = ("SFI A", "SFI B", "SFI C", "SFI D", "Grundvux", "Gymnasievux")
_TITLES = ("Lärare", "Lärare", "Lärare", "Lärare", "Förstelärare", "Fritidspedagog")
_OTHER_TITLES = ("Rektor", "Skolsköterska", "Kurator", "Skoladministratör", "Vaktmästare")


class Municipality:
    """A municipality being built.

    `students` and `teachers` are users by unit code; `classes` are the students of each
    class by unit code and the class's name.
    """

    def __init__(self, random: Random, students: int) -> None:
        self.random = random
        self.planned = plan_units(students)
        self.units = [planned.unit for planned in self.planned]
        self.domain = Domain(
            {"id": CUSTOMER, "customerDomain": DOMAIN},
            [{"domainName": DOMAIN, "isPrimary": True}, {"domainName": "storkoping.se"}],
            self.units,
        )
        self.names = NamePicker(random)
        self.students: defaultdict[str, list[JSON]] = defaultdict(list)
        self.teachers: defaultdict[str, list[JSON]] = defaultdict(list)
        self.classes: defaultdict[str, dict[str, list[JSON]]] = defaultdict(dict)
        self._numbers = count(100001)

    # People

    def fill_schools(self) -> None:
        """Add the OUs, classes and students of all units."""
        for unit, students in self.planned:
            self.domain.add_org_unit(unit.student_org_unit)
            self.domain.add_org_unit(unit.staff_org_unit)
            classes = _classes(unit, students)
            for name, _ in classes:
                self._open_class(unit, name)
            for number in range(students):
                name, year = classes[number % len(classes)]
                self._enrol(unit, name, year)

    def employ(self, staff: int) -> None:
        """Divide the staff among the units by their size, and some to the administration."""
        central = staff // 20
        for _ in range(central):
            self.account("/Personal/Förvaltningen", "storkoping.se", title="Handläggare")
        total = sum(planned.students for planned in self.planned) or 1
        so_far = employed = 0
        for unit, students in self.planned:
            so_far += students
            until = round((staff - central) * so_far / total)
            for number in range(until - employed):
                self._employ_at(unit, number)
            employed = until

    def account(self, org_unit: str, domain: str = DOMAIN, title: str = "", **more: Any) -> JSON:
        """Add a new person to the OU, which is created if it is missing."""
        if self.domain.find_org_unit(org_unit) is None:
            self.domain.add_org_unit(org_unit)
        name = self.names.another(domain)
        work = {"title": title, "primary": True, "customType": "", **more.pop("work", {})}
        return self.domain.add_user(
            {
                "primaryEmail": name.address,
                "name": {"givenName": name.given, "familyName": name.family},
                "orgUnitPath": org_unit,
                "organizations": [work],
                "externalIds": [{"type": "organization", "value": str(next(self._numbers))}],
                **more,
            }
        )

    def _enrol(self, unit: Unit, class_name: str, year: str) -> None:
        more: dict[str, Any] = {}
        if unit.style == "schemaField":
            more["customSchemas"] = {"Skola": {"klass": class_name, "arskurs": year}}
        elif unit.style == "classGroups":
            more["customSchemas"] = {"Skola": {"arskurs": year}}
        elif unit.style == "department":
            more["work"] = {"department": class_name}
        student = self.account(_class_org_unit(unit, class_name, year), title="Elev", **more)
        if unit.style == "classGroups":
            self.domain.add_member(class_group(unit, class_name), student["id"])
        self.students[unit.code].append(student)
        self.classes[unit.code][class_name].append(student)

    def _open_class(self, unit: Unit, name: str) -> None:
        self.classes[unit.code][name] = []
        if unit.style == "classGroups":
            self.domain.add_group({"email": class_group(unit, name), "name": f"Klass {name}"})

    def _employ_at(self, unit: Unit, number: int) -> None:
        teaches = number % 5 != 4
        title = self.random.choice(_TITLES if teaches else _OTHER_TITLES)
        person = self.account(unit.staff_org_unit, title=title, work={"department": unit.name})
        if teaches:
            self.teachers[unit.code].append(person)

    # Groups

    def make_common_groups(self) -> None:
        """Add groups of each unit's teachers and guest students, a nested one, and one of all."""
        for unit in self.units:
            teachers = [each["id"] for each in self.teachers[unit.code]]
            self.domain.add_group(
                {"email": unit.staff_group, "name": f"Lärare {unit.name}"}, teachers
            )
            self.domain.add_group({"email": unit.guest_group, "name": f"Gästelever {unit.name}"})
        self._appoint_mentors()
        self.domain.add_group(
            {"email": f"larare.alla@{DOMAIN}", "name": "Alla lärare"},
            [unit.staff_group for unit in self.units],
        )
        self.domain.add_group({"email": f"alla@{DOMAIN}", "name": "Alla"}, ["*"])

    def _appoint_mentors(self) -> None:
        for unit in self.units:
            if unit.style == "classGroups":
                for name in self.classes[unit.code]:
                    self._appoint(unit, class_group(unit, name))

    def make_teaching_groups(self, wanted: int | None) -> None:
        """Add teaching groups, subject by subject, until the domain has the requested number."""
        classes = sum(map(len, self.classes.values()))
        limit = len(self.domain.groups) + 2 * classes if wanted is None else wanted
        for unit, class_name, subject in self._lessons():
            if len(self.domain.groups) >= limit:
                return
            self.teaching_group(unit, class_name, subject)

    def teaching_group(self, unit: Unit, class_name: str, subject: str) -> str:
        """Return the address of the group for this class and subject; create it if missing."""
        email = f"{unit.slug}-{plain(class_name)}-{plain(subject)}@{DOMAIN}"
        if self.domain.find_group(email) is None:
            students = [each["id"] for each in self.classes[unit.code][class_name]]
            group = {"email": email, "name": f"{class_name} {subject}"}
            self.domain.add_group(group, students)
            self._appoint(unit, email)
        return email

    def _lessons(self) -> Iterator[tuple[Unit, str, str]]:
        for number in range(len(_SUBJECTS)):
            for unit in self.units:
                subjects = _subjects(unit)
                if number < len(subjects):
                    for class_name in self.classes[unit.code]:
                        yield unit, class_name, subjects[number]

    def _appoint(self, unit: Unit, group: str) -> None:
        teachers = self.teachers[unit.code]
        chosen = self.random.sample(teachers, min(len(teachers), self.random.choice((1, 1, 2))))
        for teacher, role in zip(chosen, ("OWNER", "MANAGER"), strict=False):
            self.domain.add_member(group, teacher["id"], role)


def class_group(unit: Unit, name: str) -> str:
    """Return the address of the Google group that is a class of a unit of style classGroups."""
    return f"{unit.slug}-klass-{plain(name)}@{DOMAIN}"


def _subjects(unit: Unit) -> list[str]:
    if unit.style in {"classOrgUnits", "yearOrgUnits"}:
        return _SUBJECTS
    return _COURSES if unit.style == "classGroups" else []


def _parallel(classes: Sequence[tuple[str, str]], times: int) -> list[tuple[str, str]]:
    """Return `times` of each class, numbered from the second."""
    return [
        (name if number == 1 else f"{name} grupp {number}", year)
        for number in range(1, max(1, times) + 1)
        for name, year in classes
    ]


def _class_org_unit(unit: Unit, name: str, year: str) -> str:
    if unit.style == "classOrgUnits":
        return f"{unit.student_org_unit}/{name}"
    if unit.style == "yearOrgUnits":
        return f"{unit.student_org_unit}/Åk {year}/{name}"
    return unit.student_org_unit


def _classes(unit: Unit, students: int) -> list[tuple[str, str]]:
    """Return the names of the unit's classes, with their school years."""
    if unit.style == "classGroups":
        parallel = max(1, round(students / 75))
        return [
            (f"{_PROGRAMMES[number % 8]}{start}{'ABCDEFGH'[number // 8 % 8]}", str(year))
            for number in range(parallel)
            for start, year in _UPPER_YEARS
        ]
    if unit.style == "schemaField":
        return _parallel(_ADAPTED, round(students / 30))
    if unit.style == "department":
        return _parallel([(name, "") for name in _ADULT], round(students / 150))
    parallel = max(1, round(students / 240))
    return [
        (f"{year}{'ABCDEFGHIJ'[number % 10]}", str(year))
        for year in range(10)
        for number in range(parallel)
    ]

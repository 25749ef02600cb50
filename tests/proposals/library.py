"""Structures of Swedish schools as text: `structures/README.md` says how they are written."""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from random import Random
from typing import NamedTuple

from msgspec import Struct, structs

from addon.directory.snapshot import Group, OrgUnit, Snapshot, User, unit_codes_in
from addon.tenants.model import Organisation, Tenant
from addon.text import fold
from addon.web.directory.snapshot_store import without_identifying_fields

STRUCTURES = Path(__file__).parent / "structures"
AUTUMN = 2025
_CHOICE = re.compile(r"\{([^{}]*(?:,|\.\.)[^{}]*)\}")
_RANGE = re.compile(r"(.)\.\.(.)|(\d+)\.\.(\d+)")


class RegisteredUnit(NamedTuple):
    """A unit as the register has it."""

    code: str
    name: str
    school_types: tuple[str, ...] = ("GR",)
    status: str = "AKTIV"
    municipality_code: str | None = "9999"


class UnitTruth(Struct):
    """Who belongs to a unit: ids, classes by name, and school years (None: no school year)."""

    students: set[str]
    staff: set[str]
    classes: dict[str, set[str]]
    years: dict[str, int]


class Structure(Struct):
    """A domain as a survey reads it, the units, and the truth by the unit's code.

    `either` are people who may be in a unit or not; `asked` are codes of units that the
    directory does not tell apart, so that a question is the right answer.
    """

    name: str
    tenant: Tenant
    units: tuple[RegisteredUnit, ...]
    snapshot: Snapshot
    truth: Mapping[str, UnitTruth]
    either: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()


class StructureError(ValueError):
    """A line of a structure is not written as README.md says."""


def structures(folder: Path = STRUCTURES) -> list[Structure]:
    """Return every structure of a folder, by name."""
    return [load(each) for each in sorted(folder.iterdir()) if (each / "units.txt").exists()]


def load(folder: Path) -> Structure:
    """Return the structure in `folder`. Raises StructureError, which names the line."""
    texts = {
        name: (folder / f"{name}.txt").read_text(encoding="utf-8")
        if (folder / f"{name}.txt").exists()
        else ""
        for name in ("units", "people", "groups", "org_units")
    }
    return parse(folder.name, **texts)


def parse(name: str, units: str, people: str, groups: str = "", org_units: str = "") -> Structure:
    """Return the structure that the texts of its files say. Raises StructureError."""
    reading = _Reading(name)
    for told, text in (
        (reading.unit, units),
        (reading.org_unit, org_units),
        (reading.group, groups),
        (reading.person, people),
    ):
        for line in text.splitlines():
            if line.strip() and not line.startswith("#"):
                try:
                    told(line)
                except (ValueError, KeyError, IndexError) as error:
                    raise StructureError(f"{name}: {line!r}: {error}") from error
    return reading.structure()


def expanded(line: str) -> Iterator[str]:
    """The lines that a line with choices such as `{7..9}{A,B}` stands for.

    `{1}` repeats what the first choice gave, `{1^}` in upper case, `{1_}` in lower case, and
    `{1=}` what stands after the = of the alternative.
    """
    choices = [_alternatives(found[1]) for found in _CHOICE.finditer(line)]
    for chosen in product(*choices):
        rest = iter(chosen)
        text = _CHOICE.sub(lambda found, rest=rest: next(rest)[0], line)  # type: ignore[misc]
        for number, (value, other) in enumerate(chosen, 1):
            for mark, said in (
                ("", value),
                ("^", value.upper()),
                ("_", value.lower()),
                ("=", other),
            ):
                text = text.replace(f"{{{number}{mark}}}", said)
        yield text


def _alternatives(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for part in text.split(","):
        span = _RANGE.fullmatch(part)
        if span and span[3] is not None:
            step = 1 if int(span[4]) >= int(span[3]) else -1
            values = [str(n) for n in range(int(span[3]), int(span[4]) + step, step)]
            found.extend((value, value) for value in values)
        elif span:
            values = [chr(n) for n in range(ord(span[1]), ord(span[2]) + 1)]
            found.extend((value, value) for value in values)
        else:
            value, _, other = part.partition("=")
            found.append((value, other or value))
    return found


class _Reading:
    """Collects what the lines say."""

    def __init__(self, name: str) -> None:
        self._name, self._organisation, self._domain = name, name, "skola.se"
        self._units: dict[str, RegisteredUnit] = {}
        self._truth: dict[str, UnitTruth] = {}
        self._paths: dict[str, OrgUnit] = {}
        self._groups: dict[str, Group] = {}
        self._members: dict[str, set[str]] = {}
        self._users: list[User] = []
        self._either: set[str] = set()
        self._asked: set[str] = set()

    def unit(self, line: str) -> None:
        word, colon, rest = line.partition(":")
        if colon and "|" not in line:
            if word == "organisation":
                self._organisation = rest.strip()
            elif word == "domain":
                self._domain = rest.strip()
            else:
                raise ValueError("organisation: or domain: expected")
            return
        key, code, name, types, *more = (part.strip() for part in line.split("|"))
        status = "UPPHORT" if "ceased" in more else "AKTIV"
        self._units[key] = RegisteredUnit(code, name, tuple(types.split()), status)
        self._truth[key] = UnitTruth(set(), set(), {}, {})
        if "ask" in more:
            self._asked.add(code)

    def org_unit(self, line: str) -> None:
        for text in expanded(line):
            path, _, description = (part.strip() for part in text.partition("|"))
            self._add_path(path)
            if description:
                known = self._paths[fold(path)]
                self._paths[fold(path)] = _described(known, description)

    def group(self, line: str) -> None:
        for text in expanded(line):
            address, name, *rest = (part.strip() for part in text.split("|"))
            made = Group(id=f"g-{address}", email=self._at(address), name=name)
            self._groups[address] = _described(made, rest[0]) if rest else made

    def person(self, line: str) -> None:
        for text in expanded(line):
            place, account, truth = (part.strip() for part in text.split("|"))
            count, _, path = place.partition(" ")
            for _n in range(self._number(count, text)):
                self._one(path.strip(), account, truth)

    def structure(self) -> Structure:
        groups = tuple(
            structs.replace(group, members=frozenset(self._members.get(address, ())))
            for address, group in self._groups.items()
        )
        snapshot = Snapshot(
            users=tuple(self._users), groups=groups, org_units=tuple(self._paths.values())
        )
        survey = without_identifying_fields(snapshot, 0.0, ()).snapshot
        return Structure(
            name=self._name,
            tenant=Tenant(customer_id="C1", organisation=Organisation(name=self._organisation)),
            units=tuple(self._units.values()),
            snapshot=structs.replace(survey, autumn=AUTUMN),
            truth={self._units[key].code: truth for key, truth in self._truth.items()},
            either=frozenset(self._either),
            asked=frozenset(self._asked),
        )

    def _one(self, path: str, account: str, truth: str) -> None:
        id = f"u{len(self._users) + 1}"
        address, attributes, suspended = f"{id}@{self._domain}", {}, False
        for part in filter(None, (part.strip() for part in account.split(";"))):
            if part.startswith("in "):
                for group in part.split()[1:]:
                    self._groups.setdefault(
                        group, Group(id=f"g-{group}", email=self._at(group), name=group)
                    )
                    self._members.setdefault(group, set()).add(id)
            elif part.startswith("mail "):
                address = self._at(part[5:].strip().replace("#", str(len(self._users) + 1)))
            elif part == "suspended":
                suspended = True
            else:
                attribute, equals, value = part.partition("=")
                if not equals:
                    raise ValueError(f"{part!r} is no attribute=value")
                attributes[attribute.strip()] = (value.strip(),)
        self._add_path(path)
        self._users.append(
            User(
                id=id,
                primary_email=address,
                given_name="Åsa",
                family_name="Öberg",
                org_unit_path=path,
                suspended=suspended,
                attributes=attributes,
            )
        )
        if not suspended:
            self._believe(id, truth)

    def _believe(self, id: str, truth: str) -> None:
        for each in truth.split("&"):
            self._place(id, each.strip())

    def _place(self, id: str, truth: str) -> None:
        role, *rest = (part.strip() for part in truth.split(";"))
        word, *keys = role.split()
        if word == "nobody":
            return
        if word == "either":
            self._either.add(id)
            return
        for key in keys:
            unit = self._truth[key]
            {"student": unit.students, "staff": unit.staff}[word].add(id)
            for part in rest:
                kind, _, value = part.partition(" ")
                if kind == "class":
                    unit.classes.setdefault(value.strip(), set()).add(id)
                elif kind == "year":
                    unit.years[id] = int(value)
                else:
                    raise ValueError(f"{part!r} is neither a class nor a year")

    def _number(self, count: str, text: str) -> int:
        low, _, high = count.partition("-")
        if not high:
            return int(low)
        return Random(text).randint(int(low), int(high))

    def _add_path(self, path: str) -> None:
        while path and path != "/":
            name = path.rpartition("/")[2]
            self._paths.setdefault(fold(path), OrgUnit(id=f"o-{path}", path=path, name=name))
            path = path.rpartition("/")[0]

    def _at(self, address: str) -> str:
        if address.endswith("@"):
            return address + self._domain
        return address if "@" in address else f"{address}@{self._domain}"


def _described(thing, description):
    return structs.replace(thing, described_codes=unit_codes_in(description))

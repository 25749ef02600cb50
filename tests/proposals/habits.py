"""Structures that combine schools' habits at random, with their truth."""

from collections.abc import Iterator, Mapping
from random import Random
from typing import NamedTuple

from tests.proposals.library import Structure, parse

SCHOOLS = (
    ("Norra skolan", "Norra", "norra"),
    ("Ängsskolan", "Ängs", "angs"),
    ("Bergtorpsskolan", "Bergtorp", "bergtorp"),
    ("Vikens skola", "Viken", "viken"),
    ("Östra Storskolan", "Östra Stor", "ostrastor"),
    ("Kyrkskolan", "Kyrk", "kyrk"),
)
GYMNASIUM = ("Lindens gymnasium", "Linden", "linden")

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "units": ("1", "2", "3", "5"),
    "years": ("f-6", "7-9", "f-9", "gy"),
    "above": ("", "/Skolor", "/BoU/GR", "/Utbildning"),
    "tree": ("role-school", "school-role", "school role", "flat-groups", "flat-attributes"),
    "spelled": ("name", "short", "slug", "code"),
    "classes": ("ou", "year-ou", "group", "attribute"),
    "named": ("7A", "7a", "Klass 7A", "7:1"),
    "group": (
        "{school}.{class}",
        "{class}.{school}",
        "klass-{class}-{school}",
        "{school}-{class}",
        "bou-{school}-{class}",
        "{school}-{class}-2526",
    ),
    "roles": ("Elever Personal", "Students Staff", "Elever Lärare"),
    "noise": ("none", "left", "devices", "fritids", "teams", "old tree", "office", "vikarier"),
    "more": ("none", "left", "devices", "functions", "guests", "everybody", "last year", "roles"),
}
"""The habits, each with what it can be."""


class Habits(NamedTuple):
    """One choice of each of `OPTIONS`."""

    units: str
    years: str
    above: str
    tree: str
    spelled: str
    classes: str
    named: str
    group: str
    roles: str
    noise: str
    more: str


class _School(NamedTuple):
    key: str
    code: str
    name: str
    short: str
    slug: str


def at_random(seed: int) -> Habits:
    """Habits drawn with a seed."""
    random = Random(seed)
    return Habits(**{name: random.choice(values) for name, values in OPTIONS.items()})


def structure_of(habits: Habits) -> Structure:
    """The structure of a domain with these habits."""
    upper = habits.years == "gy"
    names = (GYMNASIUM, *SCHOOLS) if upper else SCHOOLS
    schools = [
        _School(f"s{n}", f"{20000001 + n}", *name)
        for n, name in enumerate(names[: int(habits.units)])
    ]
    lines = [line for school in schools for line in _people(habits, school)]
    lines.extend(_noise(habits, schools))
    units = ["organisation: Mellansels kommun"] + [
        f"{s.key} | {s.code} | {s.name} | {'GY' if s.name == GYMNASIUM[0] else 'FKLASS GR'}"
        for s in schools
    ]
    groups = [line for school in schools for line in _groups(habits, school)]
    title = "-".join(part.replace(" ", "_") for part in habits)
    return parse(title, "\n".join(units), "\n".join(lines), "\n".join(dict.fromkeys(groups)))


def _years(habits: Habits, school: _School) -> list[tuple[str, int]]:
    """What classes begin with, and their school year."""
    if school.name == GYMNASIUM[0]:
        return [("NA25", 1), ("NA24", 2), ("NA23", 3), ("EK25", 1), ("EK24", 2), ("EK23", 3)]
    first, last = {"f-6": (0, 6), "7-9": (7, 9), "f-9": (0, 9), "gy": (1, 9)}[habits.years]
    return [(str(year) if year else "F", year) for year in range(first, last + 1)]


def _classes(habits: Habits, school: _School) -> Iterator[tuple[str, str, int]]:
    """The name of each class, as addresses have it, and its school year."""
    for start, year in _years(habits, school):
        for letter in "AB":
            name = start + letter
            address = name.lower()
            if habits.named == "7:1" and start.isdigit() and habits.classes in ("ou", "year-ou"):
                name = f"{start}:{'AB'.index(letter) + 1}"
            elif habits.named == "7a" and habits.classes in ("ou", "year-ou"):
                name = name.lower()
            yield name, address, year


def _spelled(habits: Habits, school: _School) -> str:
    return {
        "name": school.name,
        "short": school.short,
        "slug": school.slug,
        "code": school.code,
    }[habits.spelled]


def _place(habits: Habits, school: _School, role: str) -> str:
    said = _spelled(habits, school)
    match habits.tree:
        case "role-school":
            return f"{habits.above}/{role}/{said}"
        case "school-role":
            return f"{habits.above}/{said}/{role}"
        case "school role":
            return f"{habits.above}/{said} {role.lower()}"
    return f"{habits.above}/{role}"


def _address(habits: Habits, school: _School, name: str) -> str:
    said = school.code if habits.spelled == "code" else school.slug
    return habits.group.replace("{school}", said).replace("{class}", name) + "@"


def _people(habits: Habits, school: _School) -> Iterator[str]:
    pupils, staff = habits.roles.split()
    place = _place(habits, school, pupils)
    by_group = habits.tree == "flat-groups" or (
        habits.classes == "group" and habits.tree != "flat-attributes"
    )
    said = _spelled(habits, school)
    for name, address, year in _classes(habits, school):
        account, path, called = "", place, name
        if by_group:
            account, called = f"in {_address(habits, school, address)}", address.upper()
        elif habits.tree == "flat-attributes":
            called = address.upper()
            account = f"organizations.department={said}; organizations.title={called}"
        elif habits.classes == "attribute":
            called = address.upper()
            account = f"customSchemas.Skola.klass={called}"
        elif habits.classes == "year-ou" and school.name != GYMNASIUM[0]:
            path = f"{place}/{f'Åk {year}' if year else 'Förskoleklass'}/{name}"
        else:
            path = f"{place}/{'Klass ' if habits.named == 'Klass 7A' else ''}{name}"
        if habits.noise == "fritids" and year < 4:
            account += f"{'; ' if account else ''}in {school.slug}-fritids-solen@"
        if habits.more == "everybody":
            account += f"{'; ' if account else ''}in {school.slug}-alla@"
        if habits.more == "last year" and by_group and habits.group.endswith("-2526"):
            account += f" {_address(habits, school, address).replace('2526', '2425')}"
        yield f"17-26 {path} | {account} | student {school.key}; class {called}; year {year}"
    account = ""
    if habits.tree == "flat-groups":
        account = f"in personal.{school.code if habits.spelled == 'code' else school.slug}@"
    elif habits.tree == "flat-attributes":
        account = f"organizations.department={said}; organizations.title=Lärare"
    if habits.noise == "teams":
        account += f"{'; ' if account else ''}in {school.slug}-arbetslag1@"
    place = _place(habits, school, staff)
    if habits.more == "roles" and habits.tree in ("role-school", "school-role"):
        for part in ("Lärare", "Fritidshem", "Skolledning"):
            above, _, own = place.rpartition("/")
            at = f"{above}/{part}/{own}" if habits.tree == "role-school" else f"{place}/{part}"
            yield f"4-9 {at} | {account} | staff {school.key}"
        return
    yield f"16-40 {place} | {account} | staff {school.key}"


def _noise(habits: Habits, schools: list[_School]) -> Iterator[str]:
    pupils, staff = habits.roles.split()
    school = schools[0]
    at, beside = _place(habits, school, pupils), _place(habits, school, staff)
    flat = habits.tree.startswith("flat")
    for noise in (habits.noise, habits.more):
        match noise:
            case "last year" if habits.tree == "school-role":
                yield f"9 {at} 2024-2025/5A | | nobody"
            case "left":
                yield f"23 {at}/Slutat 2025 | | nobody"
            case "devices":
                yield f"7 {at} | mail ipad-#@ | nobody"
            case "vikarier" if not flat:
                yield f"5 {beside} | mail vikarie#@ | nobody"
            case "functions" if not flat:
                yield f"1 {beside} | mail expedition.{school.slug}@ | nobody"
            case "old tree":
                yield f"31 /Gamla elever/{school.name}/9A | | nobody"
            case "office":
                yield "17 /Barn- och utbildningsförvaltningen | | nobody"


def _groups(habits: Habits, school: _School) -> Iterator[str]:
    if habits.tree == "flat-groups" or habits.classes == "group":
        for _name, address, _year in _classes(habits, school):
            called = f"Klass {address.upper()} {school.name}"
            yield f"{_address(habits, school, address)} | {called}"

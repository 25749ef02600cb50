"""A class that is missing from one reading keeps its pupils, and they keep what comes from it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from tests.support.generated_tenant import TENANT, Spot, State, held_at
from tests.trust.odd_directory import HONEST, OddReading

MATHS, SWEDISH = "kurs-a-ma", "kurs-a-sv"
PUPILS = range(12)


def edit(school, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the first school unit of the document; its classes are the course groups."""
    document = json.loads(school.store.tenant(TENANT))
    unit = document["schoolUnits"][0]
    unit.pop("teachingGroups", None)
    unit["classes"] = {"from": "group", "pattern": "^kurs-a-"}
    change(unit)
    school.store.save_tenant(TENANT, json.dumps(document).encode())


def classes(school) -> dict[str, int]:
    """How many students each class has at the vendor."""
    groups = held_at(school.server)["StudentGroup"].values()
    return {g["displayName"]: len(g["studentMemberships"]) for g in groups}


@pytest.fixture
def one_class(school):
    """All are in two classes, and six in the first by name only in that; the vendor takes one."""
    context = school.context

    def of_one_class():
        found = context()
        vendor = structs.replace(found.settings.vendors["v"], placements="one", groups="classes")
        return structs.replace(found, settings=replace(found.settings, vendors={"v": vendor}))

    school.context = of_one_class
    both = frozenset({MATHS, SWEDISH})
    groups = {n: both if n < 6 else frozenset({SWEDISH}) for n in PUPILS}
    school.change_to(State({n: Spot("/Elever/A/7A", groups=groups[n]) for n in PUPILS}))
    edit(school, lambda unit: None)
    school.hourly(), school.hourly()
    assert classes(school) == {MATHS: 6, SWEDISH: 6}
    return school


@pytest.mark.parametrize("missing", [MATHS, SWEDISH])
@pytest.mark.parametrize("how", ["groups", "without_members"])
def test_a_class_that_is_missing_once_takes_nobody_out_of_another_where_one_is_taken(
    one_class, missing, how
):
    one_class.reading = OddReading(answered=frozenset())._replace(**{how: frozenset({missing})})
    one_class.hourly()
    assert classes(one_class) == {MATHS: 6, SWEDISH: 6}
    one_class.reading = HONEST
    assert one_class.hourly().status == "unchanged"


def years(school) -> list[int | None]:
    """The school years of all enrolments at the vendor."""
    user = "urn:scim:schemas:extension:sis:school:1.0:User"
    people = held_at(school.server)["User"].values()
    return sorted((e.get("schoolYear") for p in people for e in p[user]["enrolments"]), key=str)


def named(name: str, source_id: str, snapshot):
    """The snapshot with another name of a group."""
    return structs.replace(
        snapshot,
        groups=tuple(
            structs.replace(group, name=name) if group.id == source_id else group
            for group in snapshot.groups
        ),
    )


@pytest.fixture
def with_years(school):
    """Six pupils in class 7a and six in 8b, which are groups and give the school years."""
    school.change = lambda snapshot: named(
        "7a", f"g-{MATHS}", named("8b", f"g-{SWEDISH}", snapshot)
    )
    groups = {n: frozenset({MATHS if n < 6 else SWEDISH}) for n in PUPILS}
    school.change_to(State({n: Spot("/Elever/A/7A", groups=groups[n]) for n in PUPILS}))
    year = {"from": "class", "pattern": "^(?P<year>[0-9]+)"}
    edit(school, lambda unit: unit.update(schoolYear=year))
    school.hourly(), school.hourly()
    assert years(school) == [7] * 6 + [8] * 6
    return school


@pytest.mark.parametrize(
    "lacks",
    [
        {"groups": frozenset({MATHS})},
        {"without_members": frozenset({MATHS})},
        {"members": frozenset((MATHS, n) for n in range(3))},
    ],
    ids=["the class", "all its members", "some of its members"],
)
def test_school_years_stay_while_the_class_that_they_come_from_is_unconfirmed(with_years, lacks):
    with_years.reading = OddReading(answered=frozenset(), **lacks)
    assert with_years.hourly().status == "unchanged"
    assert with_years.after(300).status == "unchanged"  # too early to agree, but known still
    assert years(with_years) == [7] * 6 + [8] * 6
    with_years.reading = HONEST
    assert with_years.hourly().status == "unchanged"


def test_a_school_year_ends_with_the_class_when_two_readings_agree(with_years):
    with_years.reading = OddReading(
        members=frozenset((MATHS, n) for n in range(3)), answered=frozenset()
    )
    with_years.hourly(), with_years.hourly()
    assert years(with_years) == [7] * 3 + [8] * 6 + [None] * 3


def test_who_falls_to_the_next_rule_while_the_class_is_missing_keeps_the_school_year(with_years):
    rules = [
        {"from": "group", "pattern": "^kurs-a-"},
        {"from": "orgUnit", "pattern": "^/Elever/A/(?P<name>[^/]+)"},
    ]
    edit(with_years, lambda unit: unit.update(classes=rules))
    with_years.state = State(
        {n: replace(spot, place="/Elever/A/8B") for n, spot in with_years.state.spots.items()}
    )
    with_years.hourly(), with_years.hourly()
    assert years(with_years) == [7] * 6 + [8] * 6
    with_years.reading = OddReading(groups=frozenset({MATHS}), answered=frozenset())
    with_years.hourly()
    assert years(with_years) == [7] * 6 + [8] * 6


def test_school_years_stay_while_the_ou_of_the_class_is_not_listed(school):
    edit(
        school,
        lambda unit: unit.update(
            classes={"from": "orgUnit", "pattern": "^/Elever/A/(?P<name>[^/]+)"},
            schoolYear={"from": "class", "pattern": "^(?P<year>[0-9]+)"},
        ),
    )
    school.hourly(), school.hourly()
    assert years(school) == [7] * 12
    school.reading = OddReading(org_units=frozenset({"/Elever/A/7A"}), answered=frozenset())
    for _ in range(3):
        school.hourly()
        assert years(school) == [7] * 12

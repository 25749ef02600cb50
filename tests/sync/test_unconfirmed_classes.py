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

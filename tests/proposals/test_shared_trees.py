"""An OU that several units share: in which ways it can be split, and whom each part chooses."""

import pytest

from addon.proposals.tree_splits import TreePart, selector_of_parts
from addon.roster.filters import choose
from addon.tenants.model import Clause
from tests.proposals.domains import Registered, domain, ids, members, people, proposed

UNITS = (
    Registered("10000001", "Bergaskolan F-3"),
    Registered("10000002", "Bergaskolan 4-6"),
    Registered("10000003", "Bergaskolan"),
)
GYMNASIUMS = (
    Registered("10000001", "Ljungstads gymnasium 1", ("GY",)),
    Registered("10000002", "Ljungstads gymnasium 2", ("GY",)),
)
TOP = "/Elever/Bergaskolan"


def split(index, by, units=UNITS):
    (tree,) = proposed(index, *units).shared_trees
    assert tree.answer is None
    return next((each for each in tree.splits if each.by == by), None)


def chosen(index, *parts):
    return choose(selector_of_parts(parts), index).chosen


def test_school_years_in_org_units_are_parts_that_choose_exactly_their_students():
    index = domain({f"{TOP}/{year}{letter}": 10 + year for year in (4, 5, 6) for letter in "AB"})
    found = split(index, "years")
    assert [(part.name, part.people) for part in found.parts] == [("4", 28), ("5", 30), ("6", 32)]
    assert chosen(index, found.parts[0]) == {*ids(f"{TOP}/4A", 14), *ids(f"{TOP}/4B", 14)}
    assert len(chosen(index, *found.parts)) == 90


def test_school_years_in_an_attribute_are_parts_of_its_values():
    pupils = [
        each
        for year in (4, 5, 6)
        for each in people(TOP, 36, attributes={"organizations.department": (str(year),)})[
            12 * (year - 4) : 12 * (year - 3)
        ]
    ]
    index = domain({f"{TOP}/Alla": 0}, more=tuple(pupils))
    found = split(index, "years")
    assert [(part.name, part.people) for part in found.parts] == [("4", 12), ("5", 12), ("6", 12)]
    assert chosen(index, found.parts[1]) == set(ids(TOP, 24)[12:])
    assert len(chosen(index, *found.parts[:2])) == 24


def test_classes_of_an_upper_secondary_school_are_parts_by_programme():
    top = "/Elever/Gymnasiet"
    classes = [f"{programme}{year}" for programme in ("NA", "TE") for year in (23, 24, 25)]
    index = domain({f"{top}/{name}": 20 for name in classes})
    found = split(index, "programme", GYMNASIUMS)
    assert [(part.name, part.people) for part in found.parts] == [("NA", 60), ("TE", 60)]
    assert chosen(index, found.parts[0]) == {
        id for year in (23, 24, 25) for id in ids(f"{top}/NA{year}", 20)
    }


def test_org_units_below_are_parts_and_each_chooses_its_own():
    index = domain({f"{TOP}/{name}": 12 for name in ("Norra huset", "Södra huset")})
    found = split(index, "orgUnit")
    assert [part.name for part in found.parts] == ["Norra huset", "Södra huset"]
    assert chosen(index, found.parts[1]) == set(ids(f"{TOP}/Södra huset", 12))


def splits(index, units=UNITS):
    (tree,) = proposed(index, *units).shared_trees
    return {each.by: [part.name for part in each.parts] for each in tree.splits}


def test_three_units_can_split_an_org_unit_by_years_by_buildings_and_by_classes():
    buildings = {"Norra huset": "F1", "Södra huset": "23", "Västra huset": "45"}
    above = {f"{TOP}/Elever": 0, **{f"{TOP}/Elever/{building}": 0 for building in buildings}}
    at = {f"{name}A": building for building, names in buildings.items() for name in names}
    classes = {f"{TOP}/Elever/{at[name]}/{name}": 14 for name in at}
    index = domain({**above, **classes, f"{TOP}/Elever/Västra huset/5B": 14})
    assert splits(index) == {
        "years": ["0", "1", "2", "3", "4", "5"],
        "orgUnit": ["Norra huset", "Södra huset", "Västra huset"],
        "class": ["1A", "FA", "2A", "3A", "4A", "5A", "5B"],
    }


def test_org_units_of_school_years_are_split_by_years_or_classes_and_not_once_more():
    above = {f"{TOP}/Åk {y}": 0 for y in (4, 5, 6)}
    classes = {f"{path}/{path[-1]}{letter}": 14 for path in above for letter in "AB"}
    index = domain({**above, **classes})
    assert splits(index) == {
        "years": ["4", "5", "6"],
        "class": ["4A", "4B", "5A", "5B", "6A", "6B"],
    }


def test_class_groups_are_parts_beside_org_units_that_are_no_classes():
    buildings = {"Norra huset": 20, "Södra huset": 20}
    groups = [
        members(f"{y}{letter}-berga@x.se", *ids(f"{TOP}/{building}", 20)[start : start + 10])
        for letter, building in zip("ab", buildings, strict=True)
        for y, start in ((4, 0), (5, 10))
    ]
    index = domain({f"{TOP}/{building}": n for building, n in buildings.items()}, *groups)
    found = splits(index)
    assert found["orgUnit"] == ["Norra huset", "Södra huset"]
    assert len(found["class"]) == 4


def test_classes_of_one_name_in_two_buildings_are_parts_of_their_own():
    index = domain({f"{TOP}/{building}/4A": 20 for building in ("Norra huset", "Södra huset")})
    names = [f"{TOP}/Norra huset/4A", f"{TOP}/Södra huset/4A"]
    assert splits(index)["class"] == names


def test_class_groups_are_parts_where_there_are_no_org_units_below():
    pupils = ids(TOP, 30)
    index = domain(
        {TOP: 30},
        members("7a-berga@x.se", *pupils[:15], name="Klass 7A"),
        members("7b-berga@x.se", *pupils[15:], name="Klass 7B"),
        members("fotboll@x.se", *pupils[:9], name="Fotboll"),
    )
    found = split(index, "class")
    assert [part.name for part in found.parts] == ["Klass 7A", "Klass 7B"]
    assert chosen(index, found.parts[0]) == set(pupils[:15])


@pytest.mark.parametrize("taken", [1, 2])
def test_values_of_several_parts_are_chosen_by_one_clause(taken):
    def part(value):
        clause = Clause(attribute="organizations.title", operator="in", value=(value,))
        return TreePart(value, 3, org_units=(TOP,), clause=clause)

    selector = selector_of_parts([part("4"), part("5")][:taken])
    assert selector.org_units == (TOP,)
    assert [clause.value for (clause,) in selector.filters] == [("4", "5")[:taken]]

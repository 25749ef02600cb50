"""What of the directory a document asks for."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.directory.scope import is_within, keys_above, scope_of, topmost
from addon.tenants.model import Tenant
from tests.directory.school import AT, tenant


def with_clause(attribute: str, operator: str, value: Any = None) -> Tenant:
    clause = {"attribute": attribute, "operator": operator, "value": value}
    return tenant({"students": {"orgUnits": ["/Elever"], "filters": [[clause]]}})


def test_an_ou_below_another_is_not_read_twice():
    document = tenant(
        {
            "students": {"orgUnits": ["/Elever/Norra/7A", "/Elever/Norra", "/elever/norra/"]},
            "staff": {"orgUnits": ["/Elever/Norra skolan"]},
        }
    )

    assert scope_of(document).org_units == ("/Elever/Norra skolan", "/elever/norra")


def test_a_slash_at_the_end_of_an_ou_is_no_other_ou():
    document = tenant(
        {"students": {"orgUnits": ["/Elever/"]}}, protected={"orgUnits": ["/Skyddade/"]}
    )

    assert scope_of(document).org_units == ("/Elever",)
    assert scope_of(document).protected_org_units == ("/Skyddade",)


def test_the_root_holds_every_ou():
    assert scope_of(tenant({"students": {"orgUnits": ["/Elever", "/"]}})).org_units == ("/",)


def calls(work: Callable[[], object]) -> int:
    """How many functions of Python are called while some work is done."""
    count = 0

    def profile(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def many(number: int) -> Tenant:
    paths = [f"/Elever/Skola {n % 97}/Klass {n}" for n in range(number)]
    return tenant({"students": {"orgUnits": paths}}, protected={"orgUnits": paths})


def test_the_work_grows_with_the_number_of_selected_ous_and_not_with_its_square():
    few, lots = many(300), many(1200)

    assert calls(lambda: scope_of(lots)) < 5 * calls(lambda: scope_of(few))
    assert len(scope_of(lots).org_units) == 1200


@given(st.lists(st.text("/ab", min_size=1).map(lambda t: "/" + t.strip("/")), max_size=12))
def test_the_topmost_are_those_within_no_other(paths: list[str]):
    distinct = {path.rstrip("/") for path in paths}
    expected = {p for p in distinct if not any(is_within(p, o) for o in distinct - {p})}

    assert {p.rstrip("/") for p in topmost(paths)} == expected
    assert all(is_within(p, above or "/") for p in paths for above in keys_above(p))


@pytest.mark.parametrize(
    ("path", "org_unit", "within"),
    [
        ("/Elever", "/Elever", True),
        ("/elever/7a", "/Elever", True),
        ("/Elever/7A", "/", True),
        ("/Elever2", "/Elever", False),
        ("/", "/Elever", False),
        ("/A\u030angs", "/Ångs", True),
    ],
)
def test_an_ou_is_within_itself_and_those_above(path: str, org_unit: str, within: bool):
    assert is_within(path, org_unit) is within


def test_a_selectors_group_is_named_and_its_people_are_selected():
    wanted = scope_of(tenant({"staff": {"groups": [f"larare{AT}", f"LARARE{AT}"]}}))

    assert [group.lower() for group in wanted.groups] == [f"larare{AT}"]
    assert wanted.selected_groups == wanted.groups
    assert not wanted.list_groups


@pytest.mark.parametrize("operator", ["equals", "notEquals"])
def test_a_group_in_a_filter_is_named_but_its_people_are_not_selected(operator: str):
    wanted = scope_of(with_clause("groups", operator, f"alla{AT}"))

    assert wanted.groups == (f"alla{AT}",)
    assert wanted.selected_groups == ()
    assert not wanted.list_groups


@pytest.mark.parametrize("operator", ["in", "notIn"])
def test_all_groups_in_a_list_are_named(operator: str):
    wanted = scope_of(with_clause("groups", operator, [f"a{AT}", f"b{AT}"]))

    assert wanted.groups == (f"a{AT}", f"b{AT}")


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("startsWith", "7A-"),
        ("endsWith", "ma@edu.storkoping.se"),
        ("contains", "a-M"),
        ("notContains", "a-M"),
        ("matches", r"^7a-\w+@"),
        ("notMatches", r"^7a-\w+@"),
    ],
)
def test_a_pattern_on_groups_wants_the_groups_whose_address_it_touches(operator: str, value: str):
    wanted = scope_of(with_clause("groups", operator, value))

    assert wanted.list_groups
    assert wanted.wanted(f"7a-ma{AT}")
    assert not wanted.wanted(f"kör{AT}")


@pytest.mark.parametrize("operator", ["isEmpty", "isNotEmpty"])
def test_whether_somebody_is_in_any_group_needs_all_groups(operator: str):
    assert scope_of(with_clause("groups", operator)).wanted(f"any{AT}")


@pytest.mark.parametrize("rule", ["classes", "teachingGroups"])
def test_a_rule_on_groups_wants_the_groups_whose_address_its_pattern_finds(rule: str):
    wanted = scope_of(tenant({rule: {"from": "group", "pattern": r"^7a-(?P<name>.+)@"}}))

    assert wanted.list_groups
    assert wanted.wanted(f"7a-ma{AT}")
    assert not wanted.wanted(f"8a-ma{AT}")


@pytest.mark.parametrize(
    ("rule", "part"), [("classes", "name"), ("teachingGroups", "name"), ("schoolYear", "year")]
)
def test_a_rule_on_the_attribute_groups_wants_them_too(rule: str, part: str):
    pattern = rf"^ak(?P<{part}>\d)@"
    wanted = scope_of(
        tenant({rule: {"from": "attribute", "attribute": "groups", "pattern": pattern}})
    )

    assert wanted.list_groups
    assert wanted.wanted(f"ak7{AT}")
    assert not wanted.wanted(f"lag7{AT}")
    assert wanted.attributes == ()


def test_no_group_matters_unless_something_asks():
    wanted = scope_of(tenant())

    assert not wanted.list_groups
    assert not wanted.wanted(f"7a-ma{AT}")
    assert wanted.groups == ()


def test_attributes_of_filters_and_rules_are_read_and_no_others():
    document = tenant(
        {
            "students": {
                "orgUnits": ["/Elever"],
                "filters": [
                    [
                        {"attribute": "organizations.title", "operator": "isNotEmpty"},
                        {"attribute": "primaryEmail", "operator": "isNotEmpty"},
                    ]
                ],
            },
            "classes": {
                "from": "attribute",
                "attribute": "customSchemas.Skola.klass",
                "pattern": "(?P<name>.+)",
            },
            "schoolYear": {"from": "class", "pattern": r"(?P<year>\d)"},
        }
    )

    assert scope_of(document).attributes == ("customSchemas.Skola.klass", "organizations.title")

"""A unit's rule at another: the other's OUs in place of the first one's, or no rule."""

import pytest

from addon.proposals.moved_rules import moved
from addon.tenants.model import GroupRule, SchoolUnit, Selector

END = "/(?P<name>[^/]+)$"


def unit(*paths):
    return SchoolUnit(code="1", name="A", students=Selector(org_units=paths))


@pytest.mark.parametrize(
    ("pattern", "own", "other", "expected"),
    [
        ("^/E/Norra" + END, ["/E/Norra"], ["/E/S.t Olof"], r"^/E/S\.t Olof" + END),
        (r"^/E/S:t\.1" + END, ["/E/S:t.1"], ["/E/Norra"], "^/E/Norra" + END),
        (r"^/E/Norra\ skolan" + END, ["/E/Norra skolan"], ["/F"], "^/F" + END),
        ("^/E/Norra" + END, ["/E/Norra"], ["/A", "/B"], "^(?:/A|/B)" + END),
        ("^(?:/A|/B)" + END, ["/A", "/B"], ["/E/Norra"], "^/E/Norra" + END),
        ("^/E/[^/]+" + END, ["/E/Norra"], ["/F"], "^/E/[^/]+" + END),
        ("^/E/Norra strand" + END, ["/E/Norra"], ["/F"], "^/E/Norra strand" + END),
        ("^/E/Norra" + END, ["/E/Norra"], [], None),
        ("^/A" + END + "|^/B" + END, ["/A", "/B"], ["/C"], None),
        (END, ["/"], ["/C"], END),
    ],
)
def test_the_others_org_units_take_the_place_of_the_own(pattern, own, other, expected):
    found = moved(GroupRule(source="orgUnit", pattern=pattern), unit(*own), unit(*other))
    assert (None if found is None else found.pattern) == expected


def test_a_rule_for_groups_is_the_same_everywhere():
    rule = GroupRule(source="group", pattern="^/A")
    assert moved(rule, unit("/A"), unit("/B")) == rule

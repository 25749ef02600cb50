from addon.web.presenters.filter_suggestions import (
    AttributeUse,
    Suggestion,
    attributes_in_use,
    suggested_values,
)
from tests.proposals.domains import domain, members
from tests.roster.builders import user

TITLE, CLASS = "organizations.title", "customSchemas.Skola.klass"
INDEX = domain(
    {},
    members("alla", "a", "b"),
    more=(
        user("a", "/E", attributes={TITLE: ("Elev",), CLASS: ("7A", "7B")}),
        user("b", "/E", attributes={TITLE: ("Elev",)}),
        user("c", "/P", attributes={TITLE: ("Lärare",)}),
        user("d", "/P", suspended=True, attributes={"organizations.costCenter": ("1",)}),
    ),
)


def test_the_most_common_values_come_first():
    assert suggested_values(INDEX, TITLE, "abc") == (Suggestion("Elev", 2), Suggestion("Lärare", 1))
    assert suggested_values(INDEX, TITLE, "abc", limit=1) == (Suggestion("Elev", 2),)
    assert suggested_values(INDEX, TITLE, ["c", "gone"]) == (Suggestion("Lärare", 1),)


def test_built_in_attributes_and_groups_are_suggested_too():
    assert suggested_values(INDEX, "orgUnitPath", "abc")[0] == Suggestion("/E", 2)
    assert suggested_values(INDEX, "groups", "abc") == (Suggestion("alla@edu.storkoping.se", 2),)


def test_attributes_in_use_are_those_that_active_people_have():
    assert attributes_in_use(INDEX) == (AttributeUse(CLASS, 1, 2), AttributeUse(TITLE, 3, 2))
    assert attributes_in_use(INDEX, "c") == (AttributeUse(TITLE, 1, 1),)

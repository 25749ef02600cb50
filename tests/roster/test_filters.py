import pytest

from addon.roster.filters import choose, compile_filters, values_of
from addon.roster.index import DirectoryIndex
from addon.tenants.model import Protected
from tests.roster.builders import NORRA, STAFF, group, ids, people_in, snapshot, user, where


def index(*things):
    return DirectoryIndex(Protected(), snapshot(*things))


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("id", ["1"]),
        ("primaryEmail", ["1@edu.storkoping.se"]),
        ("orgUnitPath", [NORRA]),
        ("name.familyName", ["D'Årc"]),
        ("name.givenName", [""]),
        ("suspended", ["false"]),
        ("archived", ["true"]),
        ("organizations.department", ["7A", "7B"]),
        ("customSchemas.Skola.klass", []),
    ],
)
def test_attributes_have_the_directorys_own_names(attribute, expected):
    someone = user(
        "1",
        given_name="",
        family_name="D'Årc",
        archived=True,
        attributes={"organizations.department": ("7A", "7B")},
    )
    assert list(values_of(attribute, index(someone))(someone)) == expected


def test_groups_are_the_addresses_and_aliases_of_the_users_groups():
    someone = user("1")
    found = index(
        someone,
        group("a", "1", aliases=("gamla@edu.storkoping.se",)),
        group("b", "2"),
        group("alla", everyone=True),
    )
    assert set(values_of("groups", found)(someone)) == {
        "a@edu.storkoping.se",
        "gamla@edu.storkoping.se",
        "alla@edu.storkoping.se",
    }
    assert values_of("groups", index(someone))(someone) == ()


def test_clauses_of_a_filter_must_all_hold_and_one_filter_is_enough():
    in_7 = where("organizations.department", "startsWith", "7")
    not_a = where("organizations.department", "notEquals", "7A")
    named = where("name.familyName", "equals", "öberg")
    found = index()
    assert compile_filters([], found)(user("1"))
    both = compile_filters([[in_7, not_a]], found)
    assert both(user("1", attributes={"organizations.department": ("7B",)}))
    assert not both(user("1", attributes={"organizations.department": ("7A",)}))
    assert not both(user("1"))
    either = compile_filters([[in_7], [named]], found)
    assert either(user("1"))
    assert either(user("1", family_name="Ek", attributes={"organizations.department": ("7B",)}))
    assert not either(user("1", family_name="Ek"))


def test_org_units_and_groups_of_a_selector_add_up():
    found = index(
        user("1", NORRA),
        user("2", NORRA + "/7A"),
        user("3", STAFF),
        user("4", STAFF),
        user("5", "/Elever/Norra"),
        group("g", "3", "1"),
    )
    assert ids(choose(people_in(NORRA, "G@edu.storkoping.se"), found)) == {"1", "2", "3"}


def test_a_selector_that_names_nothing_chooses_nobody():
    everyone = where("suspended", "equals", "false")
    assert ids(choose(people_in(filters=((everyone,),)), index(user("1")))) == set()


def test_who_is_stopped_by_the_filters_is_told_apart():
    found = index(user("1"), user("2", NORRA + "/Slutat"), user("3", STAFF))
    stays = where("orgUnitPath", "notContains", "/Slutat")
    choice = choose(people_in(NORRA, filters=((stays,),)), found)
    assert (choice.chosen, choice.filtered) == ({"1"}, {"2"})


def test_a_filter_can_ask_for_groups():
    found = index(user("1"), user("2"), group("vikarier", "2"))
    stays = where("groups", "notIn", ("Vikarier@edu.storkoping.se",))
    assert ids(choose(people_in(NORRA, filters=((stays,),)), found)) == {"1"}

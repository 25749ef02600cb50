import pytest

from addon.roster.index import DirectoryIndex, within
from addon.tenants.model import Protected
from addon.text import fold
from tests.roster.builders import UNPROTECTED, group, snapshot, user


@pytest.mark.parametrize(
    ("org_unit", "path", "expected"),
    [
        ("/Elever/Norra", "/Elever/Norra", True),
        ("/Elever/Norra", "/Elever/Norra/7A", True),
        ("/Elever/Norra", "/Elever/Norra skolan", False),
        ("/Elever/Norra", "/Elever", False),
        ("/Elever/Norra", "/Gamla/Elever/Norra", False),
        ("/elever/NORRA", "/Elever/Norra/7A", True),
        ("/Elever/Norra/", "/Elever/Norra", True),
        ("/A\u030angermanland", "/Ångermanland/7A", True),
        ("/", "/Elever", True),
        ("/", "/", True),
        ("", "/Elever", False),
        ("Elever", "/Elever", False),
    ],
)
def test_an_org_unit_holds_itself_and_what_is_below_it(org_unit, path, expected):
    assert within(org_unit)(fold(path)) is expected


def index(*things, protected=UNPROTECTED, **fields):
    return DirectoryIndex(protected, snapshot(*things, **fields))


def test_of_two_readings_of_a_user_the_first_counts():
    found = index(user("1", "/A"), user("1", "/B"), user("2", "/A", suspended=True), user("2"))
    assert found.users["1"].org_unit_path == "/A"
    assert found.inactive == {"2": "suspended"}
    assert found.in_org_unit("/B") == set()


def test_a_user_is_protected_when_any_reading_says_so():
    found = index(
        user("1", "/A"), user("1", "/Skyddade"), protected=Protected(org_units=("/skyddade",))
    )
    assert found.protected == {"1"}
    assert not found.users


def test_of_two_readings_of_a_group_the_first_counts():
    found = index(group("g", "1", id="g"), group("g", "2", id="g"), user("1"), user("2"))
    assert found.in_group("g@edu.storkoping.se") == {"1"}


def test_a_group_is_found_by_address_and_alias_without_regard_to_case():
    found = index(group("g", "1", aliases=("Gamla@edu.storkoping.se",)), user("1"))
    assert found.in_group("G@EDU.storkoping.se") == {"1"}
    assert found.in_group("gamla@edu.storkoping.se") == {"1"}
    assert found.in_group("ny@edu.storkoping.se") == set()


def test_members_who_were_not_read_are_in_no_group():
    assert index(group("g", "1", "elsewhere"), user("1")).in_group("g@edu.storkoping.se") == {"1"}


def test_the_group_of_everyone_holds_every_active_user():
    found = index(group("alla", everyone=True), user("1"), user("2"), user("3", suspended=True))
    assert found.in_group("alla@edu.storkoping.se") == {"1", "2"}


def test_a_group_whose_members_were_not_read_has_none():
    unread = group("g")
    found = index(type(unread)(id="g", email=unread.email, name=""), user("1"))
    assert found.in_group(unread.email) == set()
    assert found.members["g"] == frozenset()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"suspended": True}, "suspended"),
        ({"archived": True}, "archived"),
        ({"deleted": True}, "deleted"),
        ({"suspended": True, "archived": True}, "archived"),
        ({"suspended": True, "archived": True, "deleted": True}, "deleted"),
    ],
)
def test_an_inactive_user_is_told_why(fields, why):
    assert index(user("1", **fields)).inactive == {"1": why}

"""The API's answers as values."""

import re
from typing import Any, cast

import pytest

from addon.directory.errors import DirectoryError
from addon.directory.google.responses import (
    GroupAnswer,
    OrgUnitAnswer,
    UserAnswer,
    group,
    items,
    next_page,
    org_unit,
    single,
    user,
    values,
)

WHAT = "users.list in /Elever"
ADA = {
    "id": "1",
    "primaryEmail": "ada@edu.storkoping.se",
    "name": {"givenName": "Ada", "familyName": "Ek"},
    "orgUnitPath": "/Elever/7A",
    "organizations": [
        {"department": "8A", "title": ""},
        {"department": "7A", "title": "Elev", "primary": True},
    ],
    "externalIds": [
        {"type": "organization", "value": "100"},
        {"type": "custom", "customType": "lms", "value": "200"},
    ],
    "phones": [{"type": "work", "value": "0123"}],
    "emails": [{"address": "ada@edu.storkoping.se", "primary": True}],
    "customSchemas": {"Skola": {"klass": "7A", "år": 7, "val": [{"value": "Tyska"}], "ny": True}},
    "isAdmin": False,
    "recoveryEmail": "",
}


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("organizations.department", ("7A", "8A")),
        ("organizations.title", ("Elev",)),
        ("organizations.costCenter", ()),
        ("externalIds.organization", ("100",)),
        ("externalIds.lms", ("200",)),
        ("externalIds.value", ("100", "200")),
        ("phones.work", ("0123",)),
        ("emails.address", ("ada@edu.storkoping.se",)),
        ("customSchemas.Skola.klass", ("7A",)),
        ("customSchemas.Skola.år", ("7",)),
        ("customSchemas.Skola.val", ("Tyska",)),
        ("customSchemas.Skola.ny", ("true",)),
        ("customSchemas.Annat.klass", ()),
        ("isAdmin", ("false",)),
        ("isDelegatedAdmin", ("false",)),
        ("recoveryEmail", ()),
        ("relations.manager", ()),
    ],
)
def test_an_attribute_is_read_by_its_dotted_name(attribute: str, expected: tuple[str, ...]):
    assert values(ADA, attribute) == expected


def made(raw: dict[str, Any], *attributes: str, place: str = "/") -> Any:
    return user(single(WHAT, raw, UserAnswer), raw, attributes, place)


def test_a_user_holds_the_attributes_asked_for_and_no_others():
    ada = made(ADA, "organizations.department", "relations.manager")

    assert (ada.id, ada.given_name, ada.family_name) == ("1", "Ada", "Ek")
    assert ada.attributes == {"organizations.department": ("7A", "8A")}
    assert (ada.suspended, ada.archived, ada.deleted) == (False, False, False)


def test_a_user_with_nothing_but_an_id_is_a_user():
    bare = made({"id": "1"})

    assert (bare.primary_email, bare.given_name, bare.family_name) == ("", "", "")
    assert bare.org_unit_path == "/"


def test_a_user_whose_ou_is_not_told_is_where_the_question_was_about():
    assert made({"id": "1"}, place="/Elever").org_unit_path == "/Elever"


def test_null_is_as_good_as_absent():
    assert made({"id": "1", "name": None, "suspended": None, "orgUnitPath": None}).given_name == ""


def test_text_is_composed():
    raw = {"id": "1", "orgUnitPath": "/A\u030angs", "name": {"familyName": "O\u0308berg"}}

    assert made(raw).org_unit_path == "/Ångs"
    assert made(raw).family_name == "Öberg"


@pytest.mark.parametrize("description", ["Norra, kod 12345678, ring Eva 0701234567", 5, None])
def test_of_a_description_only_numbers_that_may_be_unit_codes_are_kept(description: object):
    unit = OrgUnitAnswer(org_unit_id="id:1", org_unit_path="/N", description=description)
    choir = GroupAnswer(id="1", email="kor@x.se", description=description)
    expected = ("12345678",) if isinstance(description, str) else ()
    assert org_unit(unit).described_codes == group(choir).described_codes == expected


def test_groups_and_ous_are_composed():
    unit = OrgUnitAnswer(org_unit_id="id:1", org_unit_path="/O\u0308stra", name="O\u0308stra")
    choir = GroupAnswer(id="1", email="kor@x.se", name="Ko\u0308r", aliases=("ko\u0308r@x.se",))

    assert (org_unit(unit).path, org_unit(unit).name) == ("/Östra", "Östra")
    assert (group(choir).name, group(choir).aliases) == ("Kör", ("kör@x.se",))


@pytest.mark.parametrize(
    ("flag", "value"),
    [("suspended", True), ("archived", True), ("deletionTime", "2025-10-01T12:00:00.000Z")],
)
def test_who_is_gone_is_marked(flag: str, value: object):
    gone = made({"id": "1", flag: value})

    assert [gone.suspended, gone.archived, gone.deleted].count(True) == 1


def test_a_list_without_results_has_no_key():
    assert items(WHAT, {}, "users", UserAnswer) == []
    assert items(WHAT, {"users": None}, "users", UserAnswer) == []


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "users",
        {"users": {}},
        {"error": {"message": "Ada"}},
    ],
)
def test_an_answer_of_another_shape_is_an_error_that_names_the_query_and_nobody(answer: object):
    with pytest.raises(DirectoryError, match=f"^{re.escape(WHAT)}") as raised:
        items(WHAT, answer, "users", UserAnswer)

    assert "Nothing was sent to anyone" in str(raised.value)
    assert "ada" not in str(raised.value).lower()


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        (None, ""),
        ("1", ""),
        ([], ""),
        ({}, ""),
        ({"primaryEmail": "ada@edu.storkoping.se"}, "ada@edu.storkoping.se"),
        ({"id": "", "primaryEmail": ["ada"]}, ""),
        ({"id": 1}, "1"),
        ({"id": True}, ""),
        ({"id": "1", "name": "Ada"}, "1"),
        ({"id": "1", "suspended": "ja, Ada"}, "1"),
        ({"id": "1", "primaryEmail": {"ada": 1}}, "1"),
    ],
)
def test_an_entry_of_another_shape_stops_no_other_and_tells_whose_it_is(entry: object, key: str):
    (good, _), odd, last = cast(Any, items(WHAT, {"users": [ADA, entry, ADA]}, "users", UserAnswer))

    assert (good.id, last[0].id) == ("1", "1")
    assert odd.key == key
    assert odd.error.startswith(f"{WHAT}: users[1]: not what the Directory API promises")
    assert "ada" not in odd.error.lower()


@pytest.mark.parametrize(("answer", "token"), [({}, None), ({"nextPageToken": ""}, None)])
def test_the_last_page_has_no_token_or_an_empty_one(answer: object, token: None):
    assert next_page(WHAT, answer) is token


def test_a_token_that_is_no_text_is_an_error():
    with pytest.raises(DirectoryError, match="nextPageToken is not a text"):
        next_page(WHAT, {"nextPageToken": 2})


def test_every_field_of_every_custom_schema_can_be_asked_for():
    raw = {"id": "1", "customSchemas": {"Skola": {"klass": "7A", "arskurs": "7"}, "X": {"y": True}}}

    assert made(raw, "customSchemas.*").attributes == {
        "customSchemas.Skola.klass": ("7A",),
        "customSchemas.Skola.arskurs": ("7",),
        "customSchemas.X.y": ("true",),
    }


def test_a_value_nested_too_deep_is_no_value():
    deep: Any = "7A"
    for _ in range(5_000):
        deep = [deep]

    assert values({"organizations": [{"department": deep}]}, "organizations.department") == ()
    assert values({"organizations": deep}, "organizations.department") == ()

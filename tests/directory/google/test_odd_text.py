"""Text that nobody can see or send: cleaned where it comes in, for every kind of thing."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from addon.directory.snapshot import Snapshot
from addon.roster.select import select
from tests.directory.school import AT, OtherServer, id_of, other_server, reading, school, tenant

HALF = "\ud83d"
UNSEEN = ["\x00", "\x1b[2J", "\x7f", "\x9b", "\u200b", "\u2060", "\ufeff", "\u00ad", "\u202e", HALF]
NOTHING = [
    "\u200b",
    "\u2060\u2060",
    HALF,
    "\x00\x01",
    "\u200d",
    "\u2800",
    "\u3164",
    "\ufffd",
    "\u0301",
]


def spoiled(junk: str) -> Any:
    """All texts of the API's answers with junk in them, ids aside."""

    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        return json.dumps(spoil(answer, "")).encode()

    def spoil(value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {k: spoil(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [spoil(each, key) for each in value]
        kept = not isinstance(value, str) or key in ("id", "orgUnitId", "type") or "Token" in key
        return value if kept else value[:2] + junk + value[2:]

    return alter


DOCUMENT = tenant(
    {
        "students": {
            "orgUnits": ["/Elever"],
            "filters": [
                [{"attribute": "name.familyName", "operator": "isNotEmpty"}],
                [{"attribute": "groups", "operator": "contains", "value": "7a"}],
            ],
        },
        "staff": {"groups": [f"larare{AT}"]},
        "classes": {"from": "orgUnit", "pattern": "/(?P<name>[^/]+)$"},
        "teachingGroups": {"from": "group", "pattern": "^7a-(?P<name>.+)@"},
    }
)


def read_with(alter: Any) -> Snapshot:
    with other_server(alter) as server:
        return reading(server, DOCUMENT)


@pytest.mark.parametrize("junk", UNSEEN)
def test_text_that_nobody_can_see_is_cleaned_wherever_it_comes_in(junk: str):
    class Spoiled(OtherServer):
        def answer(self, path: str, query: Mapping[str, str]) -> bytes:
            return super().answer(path, {k: v.replace(letter, "") for k, v in query.items()})

    letter = junk[0]
    clean = select(DOCUMENT, read_with(lambda path, query, answer: answer))
    with Spoiled(school(), spoiled(letter)) as server:
        snapshot = reading(server, DOCUMENT)

    msgspec.json.encode(snapshot)
    assert select(DOCUMENT, snapshot) == clean


@pytest.mark.parametrize("name", ["givenName", "familyName"])
@pytest.mark.parametrize("nothing", NOTHING)
def test_a_name_of_nothing_visible_is_found_and_stops_nobody_else(nothing: str, name: str):
    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        for user in answer.get("users", ()):
            if user["id"] == id_of("ada"):
                user["name"][name] = nothing
        return answer

    roster = select(DOCUMENT, read_with(alter))

    about = [f.code for f in roster.findings if f.subject == id_of("ada")]
    assert about == ["name-unusable"]
    assert roster.left_out[id_of("ada")] == "name-unusable"
    assert {id_of("bo"), id_of("cy"), id_of("di")} <= roster.people.keys()


@pytest.mark.parametrize("name", ["", " ", "\t"])
def test_a_blank_name_is_missing(name: str):
    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        for user in answer.get("users", ()):
            user["name"]["givenName"] = name
        return answer

    assert {f.code for f in select(DOCUMENT, read_with(alter)).findings} == {"missing-given-name"}


@pytest.mark.parametrize("identity", ["1\x00", HALF, "1 2", "\n", "a\u0085"])
def test_an_id_that_is_none_stops_nobody_else(identity: str):
    def alter(path: str, query: Mapping[str, str], answer: Any) -> Any:
        for user in answer.get("users", ()):
            if user["id"] == id_of("ada"):
                user["id"] = identity
        return answer

    snapshot = read_with(alter)

    assert {id_of("bo"), id_of("cy"), id_of("di")} == {user.id for user in snapshot.users}
    msgspec.json.encode(snapshot)
    assert snapshot.unread or snapshot.doubts.org_units

"""What the pages say is sent about people is what is sent, whatever is chosen."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from addon.settings import ROOT
from addon.web.labels import FIELDS as FIELD_NAMES
from tests.ss12000.rosters import (
    FIELDS,
    GLEERUPS,
    SODRA,
    connection,
    group,
    outgoing,
    roster,
    student,
    teacher,
)

PEOPLE = ("User", "Employment", "StudentGroup", "Activity")
SAID = {
    "userName": "inloggningsnamn (e-postadressen)",
    "displayName": "namn",
    "name.familyName": "namn",
    "name.givenName": "namn",
    "externalId": "ett id",
    "employmentRole": "roll (elev eller personal)",
    "enrolments": "skola",
    "employedAt": "skola",
    "owner": "skola",
    "user": "namn",
    "studentGroupType": "grupper",
    "studentMemberships": "grupper",
    "groups": "grupper",
    "teachers": "grupper",
}
"""The word for each value that is sent to everybody. References are to what is sent anyway."""
CHOSEN = {
    "email": {"emails.value", "emails.type"},
    "schoolYear": {"enrolments.schoolYear"},
    "cloudId": {"provider", "providerUserId"},
    "schoolType": {"enrolments.schoolType", "schoolType"},
}
"""The values of each field that an administrator can choose."""
SENTENCE = re.compile(r"_\(\"(Namn, inloggningsnamn[^\"]*)\"")


def leaves(value: Any, place: str = "") -> Iterator[str]:
    """The names of the values in a resource; extensions are transparent, and so are references."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key not in ("schemas", "$ref"):
                named = place if key.startswith("urn:") else f"{place}.{key}".strip(".")
                yield from leaves(part, named)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, place)
    else:
        yield place


def sent(*fields: str) -> set[str]:
    everybody = roster(
        student("a", (SODRA.code, 10)),
        teacher("t", SODRA.code),
        group("7A", "a", "t", SODRA.code),
        group("Slöjd", "a", "t", SODRA.code, kind="teaching"),
    )
    resources = outgoing(everybody, GLEERUPS, connection(SODRA, fields=fields))
    found = {
        name
        for each in resources
        if each.resource_type in PEOPLE and each.body is not None
        for name in leaves(json.loads(each.body))
    }
    return {name.removesuffix(".value") if name.split(".")[0] in SAID else name for name in found}


def sentences() -> list[str]:
    texts = [path.read_text("utf-8") for path in (ROOT / "templates").rglob("*.html")]
    return [said for text in texts for said in SENTENCE.findall(text)]


def test_what_is_sent_to_everybody_is_in_every_sentence_about_it() -> None:
    assert sent() == SAID.keys()
    assert len(sentences()) == 4
    for said in sentences():
        for word in set(SAID.values()):
            assert word in said.lower(), (word, said)


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_sends_what_it_is_called_after_and_nothing_else(field: str) -> None:
    assert sent(field) - sent() == CHOSEN[field]
    assert field in FIELD_NAMES


def test_all_that_can_be_sent_is_said() -> None:
    assert sent(*FIELDS) == SAID.keys() | set().union(*CHOSEN.values())

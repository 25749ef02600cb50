"""What is too much for a document is refused, and the largest is checked in time."""

import json
import time
from typing import Any

import pytest

from addon.tenants import bounds
from addon.tenants.document import DocumentError, decode_tenant
from addon.validation import MOST_VALUES
from addon.web.security.headers import LARGEST

JSON = dict[str, Any]
SECONDS = 3.0


def document(**more: Any) -> JSON:
    return {"customerId": "C01abcdef", "organisation": {"name": "Storköping"}, **more}


def unit(**more: Any) -> JSON:
    return {"code": "12345678", "name": "Norra skolan", **more}


def faults_of(data: bytes) -> dict[str, str]:
    try:
        decode_tenant(data, {})
    except DocumentError as error:
        return {fault.place: fault.message for fault in error.faults}
    return {}


def faults(**more: Any) -> dict[str, str]:
    return faults_of(json.dumps(document(**more)).encode())


@pytest.mark.parametrize("good", ["C01abcdef", "C0storkoping", "C4"])
def test_a_customer_id_has_googles_form(good: str):
    assert faults_of(json.dumps(document(customerId=good)).encode()) == {}


@pytest.mark.parametrize(
    "bad", ["x", "c01abcdef", "C", "C0å", "my_customer", "C0" + "a" * 40, "C0-1"]
)
def test_what_has_not_googles_form_is_no_customer_id(bad: str):
    assert "customerId" in faults_of(json.dumps(document(customerId=bad)).encode())


@pytest.mark.parametrize(
    ("more", "place", "most"),
    [
        ({"organisation": {"name": "x" * 1_000_000}}, "organisation.name", 10_000),
        ({"organisation": {"name": "x" * 201}}, "organisation.name", bounds.LONGEST_NAME),
        ({"notices": {"email": ["a@b.se"] * 100_000}}, "notices.email", bounds.MOST_NOTICED),
        ({"administrators": ["a@b.se"] * 201}, "administrators", bounds.MOST_ADMINISTRATORS),
        ({"schoolUnits": [unit(name="x" * 201)]}, "schoolUnits[0].name", bounds.LONGEST_NAME),
        ({"schoolUnits": [unit()] * 1_001}, "schoolUnits", bounds.MOST_UNITS),
        (
            {"schoolUnits": [unit(students={"groups": ["a@b.se"] * 15_001})]},
            "schoolUnits[0].students.groups",
            bounds.MOST_PLACES,
        ),
        (
            {"schoolUnits": [unit(classes={"from": "group", "pattern": "x" * 1_001})]},
            "schoolUnits[0].classes.pattern",
            bounds.LONGEST_PATTERN,
        ),
        ({"administrators": ["a@b.se"] * (MOST_VALUES + 1)}, "", MOST_VALUES),
    ],
)
def test_lists_and_texts_have_bounds(more: JSON, place: str, most: int):
    assert f"more than {most} " in faults(**more)[place].replace("longer than", "more than")


def test_a_document_of_the_largest_city_is_within_the_bounds():
    excepted = {"users": [f"1{n:020}" for n in range(100)]}
    rules = [{"from": "group", "pattern": f"^klass{n}(?P<name>.*)$"} for n in range(5)]
    selector = {"orgUnits": [f"/Elever/{n}" for n in range(50)], "except": excepted}
    units = [
        unit(code=f"{n:08}", students=selector, staff=selector, classes=rules) for n in range(500)
    ]
    assert faults(schoolUnits=units) == {}


def test_somebody_who_has_ticked_every_class_is_within_the_bounds():
    places = [f"/Elever/Skola {n // 40}/{n}" for n in range(12_000)]
    assert faults(schoolUnits=[unit(students={"orgUnits": places})]) == {}


def filled(before: str, item: str, after: str) -> bytes:
    """A document of the largest size, with as many items as fit."""
    frame = json.dumps(document(X=0))[:-1].replace('"X": 0', before)
    count = (LARGEST - len(frame) - len(after) - 1) // (len(item) + 1)
    return f"{frame}{','.join([item] * count)}{after}}}".encode()


def numbered(before: str, item: str, after: str) -> bytes:
    """The same with a number in each item, in the place of #."""
    frame = json.dumps(document(X=0))[:-1].replace('"X": 0', before)
    count = (LARGEST - len(frame)) // (len(item) + 6)
    return (
        f"{frame}{','.join(item.replace('#', f'{n:06}') for n in range(count))}{after}}}".encode()
    )


RULE = '{"from":"group","pattern":"#(?P<name>a)"}'
LARGE = {
    "objects": filled('"schoolUnits":[', "{}", "]"),
    "numbers": filled('"schoolUnits":[', "1", "]"),
    "empty texts": filled('"administrators":[', '""', "]"),
    "addresses": filled('"administrators":[', '"a@b"', "]"),
    "empty filters": filled(
        '"schoolUnits":[{"code":"12345678","name":"A","students":{"orgUnits":["/"],"filters":[',
        "[{}]",
        "]}}]",
    ),
    "unknown keys": numbered('"x":0,', '"k#":0', ""),
    "the same key": filled('"x":0,', '"a":0', ""),
    "a long key": f'{{"{"a" * (LARGEST - 10)}":0}}'.encode(),
    "units": numbered('"schoolUnits":[', '{"code":"12#","name":"A","classes":[]}', "]"),
    "rules": numbered('"schoolUnits":[{"code":"12345678","name":"A","classes":[', RULE, "]}]"),
    "rules of units": numbered(
        '"schoolUnits":[',
        '{"code":"12#","name":"A","classes":['
        + ",".join([RULE.replace("#", f"{n}#") for n in range(20)])
        + "]}",
        "]",
    ),
    "depth": b"[" * LARGEST,
    "long texts": filled('"administrators":[', json.dumps("a@" + "b" * 9_000), "]"),
    "commas": json.dumps(document(organisation={"name": "," * (LARGEST - 100)})).encode(),
}


@pytest.mark.parametrize("shape", LARGE)
def test_the_largest_document_is_checked_in_time(shape: str):
    began = time.process_time()
    assert faults_of(LARGE[shape])
    assert time.process_time() - began < SECONDS

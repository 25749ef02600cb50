"""Every fault at once, each with its place, and nothing that could be about a person."""

import json
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.validation import Faults, did_you_mean, read, read_json


class Leaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something with one required key."""

    colour: Literal["red", "green"]
    note: str | None = None


class Tree(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Something with a key of each sort."""

    tree_name: str
    leaves: tuple[Leaf, ...] = ()
    marks: dict[str, Leaf] = {}
    height: float = 1
    rings: int = 0
    felled: bool = False
    tags: str | tuple[str, ...] | None = None
    grid: tuple[tuple[int, ...], ...] = ()


def told(value: object, kind: type = Tree) -> list[str]:
    faults = Faults()
    read(value, kind, faults)
    return [str(fault) for fault in faults.found()]


def told_json(text: str | bytes) -> list[str]:
    faults = Faults()
    read(read_json(text.encode() if isinstance(text, str) else text, faults), Tree, faults)
    return [str(fault) for fault in faults.found()]


def test_a_right_value_becomes_its_type() -> None:
    faults = Faults()
    value = {"treeName": "Oak", "leaves": [{"colour": "red"}], "height": 3, "tags": ["a"]}
    tree = read(value, Tree, faults)
    assert faults.found() == []
    assert tree == Tree(tree_name="Oak", leaves=(Leaf("red"),), height=3.0, tags=("a",))


def test_all_faults_are_reported_at_once_each_with_its_place() -> None:
    value = {
        "leaves": [{"colour": "red"}, {"colour": "blue", "note": 5}, {}],
        "height": "tall",
        "grid": [[1], [2, "x"]],
        "marks": {"one": {"colour": 1}},
    }
    assert told(value) == [
        "grid[1][1]: must be a whole number, not text",
        "height: must be a number, not text",
        "leaves[1].colour: must be one of green, red",
        "leaves[1].note: must be text or null, not a number",
        "leaves[2].colour: missing",
        "marks.one.colour: must be one of green, red, not a number",
        "treeName: missing",
    ]


def test_faults_in_a_list_come_in_the_lists_order() -> None:
    places = [fault.split(".")[0] for fault in told({"treeName": "", "leaves": [{}] * 12})]
    assert places == [f"leaves[{n}]" for n in range(12)]


@pytest.mark.parametrize(
    ("key", "hint"),
    [("leafs", "; did you mean leaves?"), ("HEIGHT", "; did you mean height?"), ("zzz", "")],
)
def test_an_unknown_key_is_reported_with_the_one_that_was_meant(key: str, hint: str) -> None:
    assert told({"treeName": "", key: []}) == [f"{key}: unknown key{hint}"]


def test_a_key_that_is_there_already_is_not_what_was_meant() -> None:
    assert told({"treeName": "", "treeNames": ""}) == ["treeNames: unknown key"]


def test_a_value_that_is_not_possible_is_reported_with_the_possible_ones() -> None:
    fault = "leaves[0].colour: must be one of green, red; did you mean green?"
    assert told({"treeName": "", "leaves": [{"colour": "Greene"}]}) == [fault]


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("felled", 1, "true or false, not a number"),
        ("rings", True, "a whole number, not true"),
        ("rings", 1.5, "a whole number, not a number"),
        ("height", False, "a number, not false"),
        ("leaves", {}, "a list, not an object"),
        ("marks", [], "an object, not a list"),
        ("treeName", None, "text, not null"),
        ("tags", 5, "text or a list of text or null, not a number"),
    ],
)
def test_a_wrong_type_is_reported_in_plain_words(key: str, value: object, wanted: str) -> None:
    assert told({"treeName": "", key: value}) == [f"{key}: must be {wanted}"]


def test_what_is_not_an_object_is_a_fault_of_the_whole() -> None:
    assert told([]) == ["must be an object, not a list"]
    assert told(None) == ["must be an object, not null"]


def test_no_message_repeats_a_value() -> None:
    secret = "anna.andersson@edu.storkoping.se"
    value = {
        "treeName": [secret],
        "leaves": [{"colour": secret, "note": {secret: 1}}, secret],
        "height": secret,
        "tags": [secret, 5],
    }
    faults = told(value)
    assert len(faults) == 6
    assert not any("anna" in fault for fault in faults)


def test_a_consequence_of_a_fault_is_not_told() -> None:
    faults = Faults()
    tree = read({"leaves": [5], "treeName": 5}, Tree, faults)
    assert faults.is_stand_in("leaves[0].colour")
    assert not faults.is_stand_in("leaves")
    if not tree.tree_name:
        faults.add("treeName", "is empty")
    faults.add("leaves[0].colour", "is no colour")
    faults.add("leaves[1]", "is told")
    assert [f.place for f in faults.found()] == ["leaves[0]", "leaves[1]", "treeName"]
    assert "is empty" not in str(faults.found())


def test_a_key_given_twice_is_told_wherever_it_is() -> None:
    text = '{"treeName": "a", "treeName": "b", "leaves": [{"colour": "red", "colour": "red"}]}'
    assert told_json(text) == [
        "leaves[0].colour: given more than once",
        "treeName: given more than once",
    ]
    twice_marked = '{"treeName": "", "marks": {"a": {"colour": "red"}, "a": {"colour": "red"}}}'
    assert told_json(twice_marked) == ["marks.a: given more than once"]


def test_broken_json_is_reported_with_its_line_and_column() -> None:
    assert told_json('{"treeName":\n  }') == ["line 2, column 3: not JSON: Expecting value"]
    assert told_json("")[0].startswith("line 1, column 1: not JSON")


def test_what_is_not_utf8_is_reported_with_its_line_and_column() -> None:
    place = "line 2, column 3"
    assert told_json(b'{"treeName":\n "\xe5"}') == [f"{place}: not UTF-8; save the file as UTF-8"]
    assert "UTF-16" in told_json('{"treeName": "Ek"}'.encode("utf-16"))[0]


def test_a_byte_order_mark_is_tolerated() -> None:
    assert told_json(b'\xef\xbb\xbf{"treeName": "Ek"}') == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1" * 5000])
def test_what_no_json_number_is_is_a_fault(number: str) -> None:
    (fault,) = told_json(f'{{"treeName": "", "height": {number}}}')
    assert "not JSON" in fault


def test_a_number_too_large_to_hold_is_a_fault() -> None:
    assert told({"treeName": "", "height": 10**400}) == ["height: is too large a number"]


def test_a_document_nested_too_deep_is_a_fault_and_no_crash() -> None:
    assert told_json("[" * 200_000) == ["not a document: nested too deep"]


def test_half_a_surrogate_pair_is_a_fault() -> None:
    assert told_json(r'{"treeName": "\ud800"}') == [
        "treeName: holds half of a surrogate pair, which is no character"
    ]


def test_odd_keys_are_quoted_so_that_a_place_stays_on_its_line() -> None:
    assert told({"treeName": "", "a.b\n": 1}) == ['["a.b\\n"]: unknown key']


def test_did_you_mean_is_silent_when_nothing_is_near() -> None:
    assert did_you_mean("orgunit", ["orgUnit", "group"]) == "; did you mean orgUnit?"
    assert did_you_mean("x", ["orgUnit", "group"]) == ""
    assert did_you_mean("x", []) == ""


text = st.text(max_size=3)
leaf_like = st.dictionaries(
    st.sampled_from(["colour", "note", "x"]), st.sampled_from(["red", "green", "blue", None, 5])
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
tree_like = st.fixed_dictionaries(
    {"treeName": text | anything},
    optional={
        "leaves": st.lists(leaf_like | anything, max_size=3) | anything,
        "marks": st.dictionaries(text, leaf_like, max_size=2) | anything,
        "height": st.floats(allow_nan=False) | anything,
        "rings": st.integers() | anything,
        "felled": st.booleans() | anything,
        "tags": st.lists(text) | text | anything,
        "grid": st.lists(st.lists(st.integers(), max_size=2), max_size=2) | anything,
    },
)


@given(tree_like | anything)
def test_it_accepts_what_msgspec_accepts_and_gives_the_same(value: Any) -> None:
    faults = Faults()
    tree = read(value, Tree, faults)
    try:
        expected = msgspec.convert(value, Tree)
    except msgspec.ValidationError:
        assert faults.found()
    else:
        assert faults.found() == []
        assert tree == expected


@given(st.binary() | anything.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_make_it_crash(data: bytes) -> None:
    faults = Faults()
    assert isinstance(read(read_json(data, faults), Tree, faults), Tree)

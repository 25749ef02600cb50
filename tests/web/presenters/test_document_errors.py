"""Every fault that a document can have is said in Swedish, from its kind and values."""

import ast
import inspect
import re
from types import ModuleType

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from addon import validation
from addon.tenants import attributes, bounds, document
from addon.validation import Fault
from addon.web import i18n
from addon.web.presenters.document_errors import SWEDISH, fault_text

NAMES = re.compile(r"{(\w+)}")
APP = Flask("faults")
i18n.init_app(APP)


def templates(module: ModuleType) -> set[str]:
    """The kinds of faults that a module gives: what its calls are given, by name or as text."""
    tree = ast.parse(inspect.getsource(module))
    named: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            texts = {c.value for c in ast.walk(node.value) if isinstance(c, ast.Constant)}
            names = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
            texts = texts.union(*(named.get(name, set()) for name in names))
            found = {text for text in texts if isinstance(text, str)}
            named.setdefault(node.targets[0].id, set()).update(found)
    kinds: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = node.func.id if isinstance(node.func, ast.Name) else called
        if called in ("add", "stand_in", "Fault"):
            given = node.args[1]
            if isinstance(given, ast.Constant):
                kinds.add(given.value)
            elif isinstance(given, ast.Name):
                kinds |= named.get(given.id, set())
    return {kind for kind in kinds if re.search(r"[a-z]{3}", kind)}


def test_every_kind_of_fault_has_its_swedish() -> None:
    kinds = set().union(*map(templates, (validation, document, attributes, bounds)))
    kinds |= {document.UNIT_OF_OTHERS, document.UNIT_TAKEN}  # given by those who ask others
    assert len(kinds) > 40
    assert kinds == SWEDISH.keys()


@pytest.mark.parametrize("template", SWEDISH)
def test_the_swedish_uses_no_value_that_the_fault_does_not_have(template: str) -> None:
    assert set(NAMES.findall(SWEDISH[template])) <= set(NAMES.findall(template))


@given(st.sampled_from(sorted(SWEDISH)), st.data())
def test_any_values_can_be_said(template: str, data: st.DataObject) -> None:
    words = st.tuples(st.sampled_from(["text", "null"]), st.tuples(st.text(), st.text()))
    value = st.text() | st.integers() | words
    values = tuple((name, data.draw(value)) for name in dict.fromkeys(NAMES.findall(template)))
    hint = data.draw(st.sampled_from(["", "code"]))
    fault = Fault("here", template, values, hint)
    with APP.test_request_context(headers={"Accept-Language": "sv"}):
        said = fault_text(fault)
    assert said.endswith("; menade du code?") or not hint
    assert str(fault).startswith("here: ")


def test_a_sentence_of_a_page_is_said_as_it_is() -> None:
    with APP.test_request_context():
        assert fault_text(Fault("", "Välj en fil {först}.")) == "Välj en fil {först}."

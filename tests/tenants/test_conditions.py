from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.tenants.conditions import PatternError, SlowPatternError, compiled, condition, touches
from addon.tenants.model import Clause
from addon.text import fold

DECOMPOSED = normalize("NFD", "Åsö")


def holds(operator: str, value: str | tuple[str, ...] | None, *values: str) -> bool:
    return condition(Clause(attribute="a", operator=operator, value=value))(values)


@pytest.mark.parametrize(
    ("operator", "value", "values", "expected"),
    [
        ("equals", "7A", ["7a"], True),
        ("equals", "7A", ["8B", "7A"], True),
        ("equals", "7A", ["7AB"], False),
        ("equals", "7A", [], False),
        ("notEquals", "7A", ["7a"], False),
        ("notEquals", "7A", ["8B", "7A"], False),
        ("notEquals", "7A", ["8B"], True),
        ("notEquals", "7A", [], True),
        ("in", ("7A", "7B"), ["7b"], True),
        ("in", ("7A", "7B"), ["8A", "7B"], True),
        ("in", ("7A", "7B"), ["8A"], False),
        ("in", (), ["8A"], False),
        ("in", "7A", ["7a"], True),
        ("notIn", ("7A", "7B"), ["8A", "7b"], False),
        ("notIn", ("7A", "7B"), ["8A"], True),
        ("notIn", ("7A", "7B"), [], True),
        ("startsWith", "/elever", ["/Elever/Norra"], True),
        ("startsWith", "Norra", ["/Elever/Norra"], False),
        ("endsWith", "NORRA", ["/Elever/Norra"], True),
        ("endsWith", "Elever", ["/Elever/Norra"], False),
        ("contains", "ever", ["/ELEVER"], True),
        ("contains", "x", ["/Elever"], False),
        ("notContains", "/slutat", ["/Elever/Slutat/2023"], False),
        ("notContains", "/slutat", ["/Elever", "/Slutat"], False),
        ("notContains", "/slutat", ["/Elever"], True),
        ("notContains", "/slutat", [], True),
        ("matches", r"^\d[A-C]$", ["7A"], True),
        ("matches", r"\d[A-C]", ["Klass 7A i Norra"], True),
        ("matches", r"^\d[A-C]$", ["7D", "7C"], True),
        ("matches", r"^\d[A-C]$", [], False),
        ("notMatches", r"^\d[A-C]$", ["7D", "7C"], False),
        ("notMatches", r"^\d[A-C]$", ["7D"], True),
        ("notMatches", r"^\d[A-C]$", [], True),
        ("isEmpty", None, [], True),
        ("isEmpty", None, ["", ""], True),
        ("isEmpty", None, ["", "7A"], False),
        ("isNotEmpty", None, [], False),
        ("isNotEmpty", None, [""], False),
        ("isNotEmpty", None, ["", "7A"], True),
    ],
)
def test_each_operator_means_what_the_document_says(operator, value, values, expected):
    assert holds(operator, value, *values) is expected


@pytest.mark.parametrize("operator", ["equals", "in", "startsWith", "endsWith", "contains"])
def test_text_compares_without_regard_to_case_and_composition(operator):
    assert holds(operator, "ÅSÖ", DECOMPOSED)
    assert holds(operator, DECOMPOSED, "åsö")


@pytest.mark.parametrize("operator", ["equals", "in", "startsWith", "endsWith", "contains"])
def test_an_a_is_not_an_a_with_a_ring(operator):
    assert not holds(operator, "A", normalize("NFD", "Å"))


def test_a_regular_expression_is_case_sensitive():
    assert not holds("matches", "norra", "Norra")
    assert holds("matches", "(?i)norra", "Norra")


def test_a_regular_expression_sees_composed_text():
    assert holds("matches", "^[ÅÄÖ]s.$", DECOMPOSED)
    assert holds("matches", normalize("NFD", "^[ÅÄÖ]s.$"), "Åsö")


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("equals", "7A"),
        ("notEquals", "7A"),
        ("in", ("7A",)),
        ("notIn", ("7A",)),
        ("startsWith", "7"),
        ("endsWith", "A"),
        ("contains", "7"),
        ("notContains", "7"),
        ("matches", "^7A$"),
        ("notMatches", "^7A$"),
    ],
)
def test_a_value_touches_a_clause_when_its_positive_form_holds(operator, value):
    touching = touches(Clause(attribute="a", operator=operator, value=value))
    assert touching("7A")
    assert not touching("8B")


@pytest.mark.parametrize("operator", ["isEmpty", "isNotEmpty"])
def test_every_value_touches_a_clause_about_emptiness(operator):
    assert touches(Clause(attribute="a", operator=operator))("anything")


@pytest.mark.parametrize("operator", ["equals", "in", "notContains", "matches"])
def test_a_clause_without_its_value_is_refused(operator):
    with pytest.raises(ValueError, match=f"operator {operator} needs a text"):
        condition(Clause(attribute="a", operator=operator))


def test_a_list_is_refused_where_one_text_is_needed():
    with pytest.raises(ValueError, match="needs a text"):
        condition(Clause(attribute="a", operator="equals", value=("7A", "7B")))


def test_an_unknown_operator_is_refused():
    with pytest.raises(ValueError, match="unknown operator 'like'"):
        condition(Clause(attribute="a", operator="like", value="x"))


def test_a_bad_pattern_is_refused_when_compiled():
    with pytest.raises(PatternError):
        condition(Clause(attribute="a", operator="matches", value="("))


@given(st.text())
def test_fold_gives_one_form_for_all_spellings(text):
    assert fold(fold(text)) == fold(text)
    assert fold(normalize("NFD", text)) == fold(text)


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        ("equals", "notEquals"),
        ("in", "notIn"),
        ("contains", "notContains"),
        ("matches", "notMatches"),
    ],
)
@given(values=st.lists(st.sampled_from(["7A", "7a", "8B", "", "Å"])))
def test_a_not_form_is_the_opposite_of_its_positive_form(positive, negative, values):
    assert holds(negative, "7A", *values) is not holds(positive, "7A", *values)


SLOW = r"^(?:(?:a|b|ab)*(?:ba|aab|b)*)*(?:c|(?:ab|ba)+c)+\d$"
"""Takes for ever where it does not match: what repeats can be taken apart in many ways."""


def test_a_pattern_that_would_search_for_ever_gives_up_with_the_remedy(monkeypatch):
    monkeypatch.setattr("addon.tenants.conditions.SLOWEST", 0.02)
    with pytest.raises(SlowPatternError, match="without a repetition inside a repetition") as told:
        compiled(SLOW).search("abab" * 40 + "x")
    assert "aab" not in str(told.value)


def test_a_search_that_had_to_wait_for_the_processor_is_made_again(monkeypatch):
    """A busy machine makes no pattern slow: what counts is the time that the search has worked."""
    pattern, waited = compiled("(?P<name>7A)"), iter([True, True, False])
    search = pattern._regex.search

    class Busy:
        def search(self, text, timeout):
            if next(waited):
                raise TimeoutError
            return search(text, timeout=timeout)

    monkeypatch.setattr(pattern, "_regex", Busy())
    assert pattern.search("klass-7A")["name"] == "7A"


def test_a_pattern_that_is_slow_with_every_text_gives_up_after_its_budget(monkeypatch):
    monkeypatch.setattr("addon.tenants.conditions.BUDGET", 0.0)
    with pytest.raises(SlowPatternError):
        compiled(SLOW).search("abab" * 40 + "x")

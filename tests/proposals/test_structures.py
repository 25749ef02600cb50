"""What the measure says of the library of structures, and of habits combined at random."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.proposals.reasons import CODES
from tests.proposals.habits import OPTIONS, Habits, structure_of
from tests.proposals.library import structures
from tests.proposals.score import score, total

GOAL = 0.9
HABITS = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in OPTIONS.items()})


@pytest.fixture(scope="module")
def scores():
    return [each for structure in structures() for each in score(structure)]


def test_of_what_is_said_to_be_sure_nothing_is_wrong(scores):
    wrong = [each for each in scores if each.misled and each.confidence == "sure"]
    assert wrong == []


def test_nine_units_of_ten_are_wholly_right_and_none_that_cannot_be_known_is_guessed(scores):
    found = total(scores)
    assert found.share >= GOAL
    assert found.asked_and_asks == found.asked


@settings(max_examples=25, derandomize=True, deadline=None)
@given(HABITS)
def test_habits_in_any_combination_give_nothing_wrong_that_is_said_to_be_sure(chosen):
    found = score(structure_of(Habits(**chosen)))
    assert [each for each in found if each.misled and each.confidence == "sure"] == []


def test_every_reason_that_is_given_has_the_values_of_its_code(scores):
    for each in scores:
        for reason in each.reasons:
            assert tuple(name for name, _ in reason.values) == CODES[reason.code]

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from addon.proposals.assign import assign


def total(scores, chosen) -> float:
    return sum(scores[row][column] for row, column in chosen.items())


def test_the_greatest_total_wins_over_the_first_come():
    scores = {"a": {1: 0.9, 2: 0.8}, "b": {1: 0.85}}
    assert assign(scores) == {"a": 2, "b": 1}


def test_a_row_without_a_score_goes_without():
    assert assign({"a": {}, "b": {1: 0.5}}) == {"b": 1}


def test_the_row_that_fits_worse_goes_without_when_there_is_one_column():
    assert assign({"a": {1: 0.5}, "b": {1: 0.9}}) == {"b": 1}


tables = st.dictionaries(
    st.integers(0, 3),
    st.dictionaries(st.integers(10, 13), st.integers(1, 100).map(lambda n: n / 100)),
    max_size=4,
)


@given(tables)
def test_no_other_assignment_has_a_greater_total(scores):
    chosen = assign(scores)
    assert len(set(chosen.values())) == len(chosen)
    columns = [*range(10, 14), *[None] * 4]
    best = max(
        sum(scores[row].get(column, 0) for row, column in zip(scores, order, strict=False))
        for order in set(permutations(columns, len(scores)))
    )
    assert abs(total(scores, chosen) - best) < 1e-9

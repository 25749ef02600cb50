"""Each regular expression that proposals write can be put in words, and no other is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.proposals.pattern_words import (
    PatternWords,
    class_groups_pattern,
    numbered_pattern,
    pattern_words,
    programmes_pattern,
)
from addon.proposals.propose import propose
from addon.roster.index import DirectoryIndex
from addon.tenants.model import Clause, Protected
from tests.proposals.library import structures

TEXT = st.text(st.sampled_from("abå.+-_()|7 "), min_size=1, max_size=8)
FEW = settings(max_examples=50, derandomize=True, deadline=None)


def words(pattern, operator="matches"):
    return pattern_words(Clause(attribute="primaryEmail", operator=operator, value=pattern))


@FEW
@given(st.lists(TEXT, min_size=1, max_size=3))
def test_stems_of_numbered_addresses_are_found_again(stems):
    found = words(numbered_pattern(stems), "notMatches")
    assert found == PatternWords("numbered", tuple(stems))


@FEW
@given(TEXT, TEXT)
def test_class_groups_are_found_again_by_what_is_around_the_class(before, after):
    found = words(class_groups_pattern(before, after))
    assert found == PatternWords("classGroups", (before, after))


@FEW
@given(st.lists(TEXT, min_size=1, max_size=2))
def test_programmes_are_found_again_with_the_org_units_above(above):
    found = words(programmes_pattern(tuple(f"/{each}" for each in above), ["NA", "TE"]))
    assert found == PatternWords("programmes", ("NA", "TE"), tuple(f"/{a}" for a in above))


@pytest.mark.parametrize("pattern", [r"^7[ab]$", r"^(?:ipad|vik)x\d+@", "", r"(?i)^x"])
def test_an_expression_of_ones_own_has_no_words(pattern):
    assert words(pattern) is None


def test_every_expression_in_the_filters_of_the_library_has_words():
    for structure in structures():
        index = DirectoryIndex(Protected(), structure.snapshot)
        for unit in propose(index, structure.units, structure.tenant).proposals:
            for selector in (unit.students, unit.staff):
                for clause in (c for clauses in selector.filters for c in clauses):
                    if clause.operator in ("matches", "notMatches"):
                        assert pattern_words(clause) is not None, (structure.name, clause)

import pytest

from addon.proposals.names import (
    ALIKE,
    NameSimilarity,
    ignored_words,
    read_name,
    shared_prefixes,
)
from addon.proposals.vocabulary import left_by, plain_words, term_in, without_term

IGNORED = ignored_words("Storköpings kommun")


def similarity(unit: str, place: str, *types: str) -> float:
    name = read_name(unit, IGNORED, types)
    return NameSimilarity([name]).of(name, read_name(place, IGNORED))


@pytest.mark.parametrize(
    ("unit", "place"),
    [
        ("Norra skolan", "Norra skolan"),
        ("Norra skolan", "Norra"),
        ("Norra skolan", "norra"),
        ("Norra skolan", "norraskolan"),
        ("Norra skolan", "Norraskolan elever"),
        ("Norra skolan", "Personal Norra"),
        ("Ängsskolan", "Angsskolan"),
        ("Ängsskolan", "angs"),
        ("Åskolan", "Åskolans personal"),
        ("Storköpings gymnasium", "Gymnasiet"),
        ("Storköpings gymnasium", "Storköpings gymnasium"),
        ("Storköpings gymnasium", "Gymnasiet elever"),
        ("Ekens anpassade grundskola", "Eken"),
        ("Vuxenutbildningen", "Komvux"),
        ("Vuxenutbildningen", "SFI"),
        ("Sankt Olofs skola", "S:t Olofs skola"),
        ("S:ta Ragnhilds skola", "sankta-ragnhild"),
        ("Sankt Olofs skola", "st olof"),
        ("Norra skolan", "N:a skolan"),
    ],
)
def test_the_same_school_in_other_words_is_as_good_as_the_same_name(unit, place):
    assert similarity(unit, place) > 0.8


@pytest.mark.parametrize("place", ["NS", "N-skolan", "nor", "Nora skolan"])
def test_a_shortening_is_less_like_but_like(place):
    assert ALIKE <= similarity("Norra skolan", place) < 0.9


@pytest.mark.parametrize(
    ("unit", "place"),
    [
        ("Norra skolan", "Södra skolan"),
        ("Norra skolan", "Förvaltningen"),
        ("Skola 1", "Skola 12"),
        ("Lindgymnasiet", "Åsgymnasiet"),
        ("Norra skolan", "Skolan"),
        ("Norra skolan", "Elever"),
    ],
)
def test_another_school_is_not_like(unit, place):
    assert similarity(unit, place) < ALIKE


def test_the_kind_of_school_tells_two_of_the_same_name_apart():
    assert similarity("Linds gymnasium", "Lindgymnasiet") > similarity(
        "Lindskolan", "Lindgymnasiet"
    )
    assert similarity("Eken", "Eken särskola", "GRAN") > similarity("Eken", "Eken särskola", "GR")


@pytest.mark.parametrize(
    ("place", "types"), [("Eken AGR", ("GRAN",)), ("Eken AGRS", ("GRAN",)), ("Eken AGY", ("GYAN",))]
)
def test_the_short_forms_of_adapted_schools_are_theirs_and_not_the_schools(place, types):
    assert similarity("Eken", place, *types) == 1
    assert similarity("Eken", place, "GR") < ALIKE


def test_a_place_for_sfi_is_that_of_the_unit_for_sfi_and_a_place_for_adults_the_others():
    units = [read_name(name, (), ("VUX",)) for name in ("Komvux", "Sfi")]
    likes = NameSimilarity(units)
    komvux, sfi = units
    assert likes.of(sfi, read_name("SFI")) > 0.9
    assert likes.of(sfi, read_name("Komvux")) == 0
    assert likes.of(komvux, read_name("Komvux")) > 0.9


def test_stages_tell_two_of_the_same_name_apart():
    assert similarity("Norra skolan F-6", "Norra F-6") > similarity("Norra skolan 7-9", "Norra F-6")
    assert similarity("Norra skolan 7-9", "Norra högstadiet") == 1


def test_a_word_that_every_unit_has_counts_less():
    units = [read_name(name) for name in ("Nya Alby", "Nya Berga", "Nya Cedern", "Nya Dalen")]
    likes = NameSimilarity(units)
    assert likes.of(units[0], read_name("Alby")) > likes.of(units[0], read_name("Nya"))


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("norra-7a-2526", ("2526", 2025)),
        ("7a-vt26", ("vt26", 2025)),
        ("klass-ht2025-7a", ("ht2025", 2025)),
        ("7A 24/25", ("24/25", 2024)),
        ("norra.7a.2024-2025", ("2024-2025", 2024)),
        ("na24a", None),
        ("klass-2021", None),
        ("norra-7-9", None),
        ("arskurs-11-12", None),
    ],
)
def test_a_school_year_or_term_in_an_address_is_told_from_a_class(text, term):
    assert term_in(text) == term
    assert (without_term(text) == text) is (term is None)


def test_a_word_that_several_schools_groups_begin_with_names_none_of_them():
    units = [read_name("Norra skolan"), read_name("Södra skolan")]
    texts = ["bou-norra-7a", "bou-sodra-personal", "norra-7b", "klass-norra"]
    assert shared_prefixes(texts, units) == {"bou"}
    assert shared_prefixes(["bou-norra-7a", "bou-norra-8a"], units) == frozenset()


def test_a_part_of_a_schools_name_is_no_prefix():
    units = [read_name("Björk Norra"), read_name("Björk Södra")]
    assert shared_prefixes(["bjork-norra-7a", "bjork-sodra-7a"], units) == frozenset()


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("Examen 2025", True),
        ("Avgång 2024", True),
        ("Avgång 2026", False),
        ("Examen", False),
        ("Slutat", True),
        ("NA 2023", False),
    ],
)
def test_the_year_of_leaving_says_whether_they_have_left_in_the_autumn_of_2025(name, left):
    assert left_by(plain_words(name), 2025) is left

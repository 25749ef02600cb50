import pytest

from addon.proposals.names import ALIKE, Likeness, read_name, town_words

TOWN = town_words("Storköpings kommun")


def likeness(unit: str, place: str, *types: str) -> float:
    name = read_name(unit, TOWN, types)
    return Likeness([name]).of(name, read_name(place, TOWN))


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
    ],
)
def test_the_same_school_in_other_words_is_as_good_as_the_same_name(unit, place):
    assert likeness(unit, place) > 0.8


@pytest.mark.parametrize("place", ["NS", "N-skolan", "nor", "Nora skolan"])
def test_a_shortening_is_less_like_but_like(place):
    assert ALIKE <= likeness("Norra skolan", place) < 0.9


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
    assert likeness(unit, place) < ALIKE


def test_the_kind_of_school_tells_two_of_the_same_name_apart():
    assert likeness("Linds gymnasium", "Lindgymnasiet") > likeness("Lindskolan", "Lindgymnasiet")
    assert likeness("Eken", "Eken särskola", "GRAN") > likeness("Eken", "Eken särskola", "GR")


def test_stages_tell_two_of_the_same_name_apart():
    assert likeness("Norra skolan F-6", "Norra F-6") > likeness("Norra skolan 7-9", "Norra F-6")
    assert likeness("Norra skolan 7-9", "Norra högstadiet") == 1


def test_a_word_that_every_unit_has_counts_less():
    units = [read_name(name) for name in ("Nya Alby", "Nya Berga", "Nya Cedern", "Nya Dalen")]
    likes = Likeness(units)
    assert likes.of(units[0], read_name("Alby")) > likes.of(units[0], read_name("Nya"))

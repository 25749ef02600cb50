"""What a search for a school's name finds among names as Workspace has them."""

import pytest

from addon.web.presenters.name_search import ENOUGH, likeness_to, searched_name


@pytest.mark.parametrize(
    ("search", "name"),
    [
        ("Bergaskolan", "Bergaskolans personal"),
        ("bergaskolans", "Bergaskolan"),
        ("Skogsängens skola", "skogsangen"),
        ("Skogsängen", "Skogsängsskolan"),
        ("Norra skolan", "norra"),
        ("Berg", "Bergaskolan"),
        ("7a", "Klass 7A Norra"),
        ("Åkerö", "akero-personal"),
    ],
)
def test_genitives_definite_forms_and_parts_of_names_are_found(search, name):
    assert likeness_to(search)(searched_name((name,))) >= ENOUGH


@pytest.mark.parametrize(
    ("search", "name"),
    [("Norra skolan", "Södra skolan"), ("Bergaskolan", "Personal"), ("7a", "7B"), ("x", "Norra")],
)
def test_other_names_are_not(search, name):
    assert likeness_to(search)(searched_name((name,))) < ENOUGH


def test_words_of_the_path_narrow_a_search_and_alone_find_nothing_below():
    seven = searched_name(("7A",), "/Elever/Norra skolan/7A")
    assert likeness_to("norra 7a")(seven) >= ENOUGH
    assert likeness_to("södra 7a")(seven) < ENOUGH
    assert likeness_to("elever norra")(seven) < ENOUGH

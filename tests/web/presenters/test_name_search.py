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


@pytest.mark.parametrize(
    ("search", "path"),
    [
        ("Norra skolans 4a", "/Elever/Norra skolan/4A"),
        ("norra skolans klass 4a", "/Elever/Norra skolan/4A"),
        ("Bergaskolans 4a", "/Bergaskolan/Elever/4A"),
        ("Ekens skolas 4a", "/Ekens skola/Åk 4/4A"),
        ("Norra gymnasiets NA24A", "/Norra gymnasiet/NA24A"),
    ],
)
def test_a_class_is_found_by_its_school_in_the_genitive(search, path):
    assert likeness_to(search)(searched_name((path.rpartition("/")[2],), path)) >= ENOUGH


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("Norra skolan 4A", "n4a"),
        ("Klass 4A", "klass-4a-norra"),
        ("4A", "norra.4a"),
        ("", "4a.norra"),
    ],
)
def test_a_class_group_is_found_by_its_school_in_the_genitive(name, address):
    group = searched_name((name, address, f"{address}@edu.storvik.se"))
    assert likeness_to("Norra skolans 4a")(group) >= ENOUGH
    assert likeness_to("Södra skolans 4a")(group) < ENOUGH
    assert likeness_to("Norra skolans 4b")(group) < ENOUGH


def test_a_class_by_its_school_in_the_genitive_is_not_found_in_the_name_of_another():
    assert likeness_to("Norra skolans 4a")(searched_name(("14A",), "/Norra skolan/14A")) < ENOUGH

import pytest

from addon.text import cleaned, combined_key, fold, is_visible, path_key, sort_key


def test_aring_and_umlauts_come_last_and_case_is_set_aside():
    names = ["Örby", "Zeta", "ängen", "Åby", "alfa", "Éva", "Ek"]
    assert sorted(names, key=sort_key) == ["alfa", "Ek", "Éva", "Zeta", "Åby", "ängen", "Örby"]


def test_numbers_are_ordered_as_numbers():
    assert sorted(["10A", "9B", "1C", "9A"], key=sort_key) == ["1C", "9A", "9B", "10A"]


def test_numbers_come_before_text_and_alike_ones_as_they_are_written():
    names = ["7", "klass", "0", "00", "1a", "07", "a", "A 10", "A 9", "A", "A9", ""]
    wanted = ["", "0", "00", "1a", "07", "7", "a", "A", "A9", "A 9", "A 10", "klass"]
    assert sorted(names, key=sort_key) == wanted


def test_of_several_keys_the_first_counts_most():
    people = [("Ek", "Örjan"), ("Ekdal", "Anna"), ("Ek", "Anna")]
    found = sorted(people, key=lambda names: combined_key(*map(sort_key, names)))
    assert found == [("Ek", "Anna"), ("Ek", "Örjan"), ("Ekdal", "Anna")]


def test_an_aring_of_two_characters_is_the_same_letter():
    assert sort_key("A\u030aby") == sort_key("Åby")


def test_an_org_unit_comes_right_before_what_is_below_it():
    paths = ["/A B", "/A/Z", "/A"]
    assert sorted(paths, key=path_key) == ["/A", "/A/Z", "/A B"]


@pytest.mark.parametrize(
    "unseen",
    ["\x00", "\x1b", "\x7f", "\x85", "\u00ad", "\u200b", "\u2060", "\ufeff", "\u202e", "\ud83d"],
)
def test_what_nobody_can_see_or_send_is_cleaned_and_not_compared(unseen: str):
    assert cleaned(f"An{unseen}na Öberg{unseen}") == "Anna Öberg"
    assert fold(f"{unseen}7A") == "7a"


def test_what_can_be_seen_stays():
    texts = ["Åsa-Lo O'Neil", "می\u200cخواهم", "7A\u00a0Ma", "☕", "Đặng", "\ue000", "李"]
    assert list(map(cleaned, texts)) == texts
    assert cleaned("A\u030asa\tEk\n") == "Åsa Ek "


@pytest.mark.parametrize(
    ("text", "seen"),
    [("Å", True), ("7", True), ("-", True), ("☕", True), ("", False), (" \u00a0", False)]
    + [(blank, False) for blank in "\u200b\u200d\u2060\u2800\u3164\uffa0\ufffd\u0301\x00\ud83d"],
)
def test_text_is_visible_if_there_is_anything_to_see(text: str, seen: bool):
    assert is_visible(text) == seen

from unicodedata import normalize

from addon.roster.patterns import PatternMatch, finder


def test_the_named_part_is_found_anywhere_and_stripped():
    assert finder("klass (?P<name>[^,]+)", "name")("I klass 7A , Norra") == PatternMatch(
        "7A", 11, "klass 7A"
    )


def test_a_pattern_without_the_part_gives_the_whole_match():
    assert finder(r"\d", "year")("Åk 7") == PatternMatch(None, 4, "7")


def test_a_part_that_took_no_part_is_empty():
    assert finder("x(?P<name>y)?", "name")("ax") == PatternMatch("", 2, "x")


def test_no_match_is_none_also_the_second_time():
    find = finder("7", "name")
    assert (find("8"), find("8")) == (None, None)


def test_patterns_see_composed_text():
    hit = finder("(?P<name>Å.)$", "name")(normalize("NFD", "/Åk/Åö"))
    assert hit == PatternMatch("Åö", 6, "Åö")

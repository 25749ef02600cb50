from datetime import date

import pytest
from msgspec import structs

from addon.roster.index import DirectoryIndex
from addon.roster.years import NoYearError, autumn_of, has_no_year, year_of
from addon.tenants.model import Protected, YearRule
from tests.roster.builders import NORRA, snapshot, user

NUMBER = r"(?P<year>\d+)"


def year(rule, classes=(), autumn=2026, **fields):
    someone = user("1", **fields)
    read = structs.replace(snapshot(someone), autumn=autumn)
    return year_of(rule, DirectoryIndex(Protected(), read))(someone, classes)


def of_class(pattern, form="number", **more):
    return YearRule(source="class", pattern=pattern, form=form, **more)


def test_without_a_rule_there_is_no_school_year():
    assert year(None, ["7A"]) is None


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("7", 7), ("07", 7), ("13", 13), ("000", 0)]
)
def test_a_school_year_is_an_integer_from_0_to_13(text, expected):
    assert year(YearRule(source="class", pattern="^(?P<year>.*)$"), [text]) == expected


@pytest.mark.parametrize("text", ["14", "-1", "Fritids", "G", "7A", "1_0", "7.5", "²", "9" * 5000])
def test_anything_else_is_misread(text):
    with pytest.raises(NoYearError):
        year(YearRule(source="class", pattern="^(?P<year>.*)$"), [text])


def test_the_first_class_that_gives_a_year_decides():
    rule = YearRule(source="class", pattern=NUMBER)
    assert year(rule, ["Kör", "2024 intro", "6B", "7A"]) == 6


def test_a_pattern_found_nowhere_gives_none():
    rule = YearRule(source="class", pattern=NUMBER)
    assert year(rule, ["Kör"]) is None
    assert year(rule, []) is None
    assert year(YearRule(source="class", pattern="Kör(?P<year>\\d)?"), ["Kör"]) is None


def test_the_org_unit_can_tell_the_year():
    rule = YearRule(source="orgUnit", pattern=r"/åk (?P<year>\d)(/|$)")
    assert year(rule, path=NORRA + "/åk 4/4B") == 4


def test_an_attribute_can_tell_the_year():
    rule = YearRule(source="attribute", pattern=r"^(?P<year>\d+)$", attribute="customSchemas.S.ar")
    assert year(rule, attributes={"customSchemas.S.ar": ("nio", "9")}) == 9
    assert year(rule) is None


def test_a_pattern_without_the_part_year_gives_the_whole_match():
    assert year(YearRule(source="class", pattern=r"^\d+"), ["7A"]) == 7


@pytest.mark.parametrize(
    "text",
    ["F", "FA", "f-klass", "FK", "Förskoleklass", "FÖRSKOLEKLASS B", "F-klass A", "0A", "Fb", "0"],
)
def test_a_forskoleklass_is_year_0_however_it_is_called(text):
    assert year(of_class("^(?P<year>.*)$"), [text]) == 0


@pytest.mark.parametrize("text", ["Åk 4", "åk4", "ÅK. 4", "Årskurs 4", "Year 4", "Grade 4"])
def test_a_year_may_be_written_with_its_word(text):
    assert year(of_class("^(?P<year>.*)$"), [text]) == 4


@pytest.mark.parametrize(
    ("day", "autumn"),
    [((2026, 6, 30), 2025), ((2026, 7, 1), 2026), ((2026, 12, 31), 2026), ((2027, 1, 1), 2026)],
)
def test_a_school_year_begins_on_the_first_of_july(day, autumn):
    assert autumn_of(date(*day)) == autumn


@pytest.mark.parametrize(
    ("name", "first", "expected"),
    [
        ("NA26A", None, 1),
        ("TE24", None, 3),
        ("SA2025", None, 2),
        ("Start2013", 0, 13),
        ("B22", 4, 8),
    ],
)
def test_a_start_year_counts_from_the_year_that_one_begins_in(name, first, expected):
    assert year(of_class(r"(?P<year>\d{4}|\d\d)", "startYear", first=first), [name]) == expected


def test_a_school_year_goes_on_to_the_end_of_june():
    rule = of_class(r"(?P<year>\d\d)", "startYear")
    on = {day: year(rule, ["TE24"], autumn=autumn_of(date(*day))) for day in [(2027, 6, 30)]}
    assert on == {(2027, 6, 30): 3}
    assert year(rule, ["TE24"], autumn=autumn_of(date(2027, 7, 1))) == 4


@pytest.mark.parametrize(("born", "expected"), [("2020", 0), ("2016", 4), ("11", 9), ("2007", 13)])
def test_a_birth_year_is_year_0_when_one_turns_six(born, expected):
    rule = YearRule(source="orgUnit", pattern=r"/(?P<year>\d+)$", form="birthYear")
    assert year(rule, path=f"{NORRA}/{born}") == expected


@pytest.mark.parametrize(
    ("leaves", "last", "expected"), [("2027", None, 9), ("2030", None, 6), ("29", 3, 1)]
)
def test_a_leaving_year_counts_back_from_the_last_school_year(leaves, last, expected):
    assert year(of_class(r"(?P<year>\d+)", "leavingYear", last=last), [leaves]) == expected


@pytest.mark.parametrize("form", ["startYear", "birthYear", "leavingYear"])
@pytest.mark.parametrize("text", ["9999", "1900", "123", "7"])
def test_a_calendar_year_that_gives_no_school_year_is_misread(form, text):
    with pytest.raises(NoYearError):
        year(of_class(r"(?P<year>\d+)", form), [text])


def test_a_calendar_year_of_a_reading_without_a_date_is_misread():
    with pytest.raises(NoYearError):
        year(of_class(r"(?P<year>\d+)", "startYear"), ["26"], autumn=None)


def test_a_class_without_a_year_is_no_error():
    rule = of_class(r"(?P<year>\d\d)", "startYear", none=("IM",))
    assert year(rule, ["IM26"]) is None
    assert year(rule, ["imspr99", "TE25"]) == 2
    assert has_no_year(rule, ["IMA25"])
    assert not has_no_year(rule, ["TE25"])
    assert not has_no_year(of_class(r"\d"), ["TE25"])
    in_ou = YearRule(source="orgUnit", pattern=r"/(?P<year>\d+)", none=("IM",))
    assert year(in_ou, path="/Gymnasiet/IM 99") is None

import pytest

from addon.roster.index import DirectoryIndex
from addon.roster.years import NoYearError, year_of
from addon.tenants.model import Protected, YearRule
from tests.roster.builders import NORRA, snapshot, user

NUMBER = r"(?P<year>\d+)"


def year(rule, classes=(), **fields):
    someone = user("1", **fields)
    return year_of(rule, DirectoryIndex(Protected(), snapshot(someone)))(someone, classes)


def test_without_a_rule_there_is_no_school_year():
    assert year(None, ["7A"]) is None


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("7", 7), ("07", 7), ("13", 13), ("000", 0)]
)
def test_a_school_year_is_an_integer_from_0_to_13(text, expected):
    assert year(YearRule(source="class", pattern="^(?P<year>.*)$"), [text]) == expected


@pytest.mark.parametrize("text", ["14", "-1", "F", "7A", "1_0", "7.5", "²", "9" * 5000])
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

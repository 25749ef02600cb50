"""The municipalities and their codes."""

import re

import pytest

from addon.school_register.municipalities import MUNICIPALITIES, municipality_named


def test_there_are_290_each_with_a_name_and_a_code_of_its_own():
    assert len(MUNICIPALITIES) == len(set(MUNICIPALITIES.values())) == 290
    assert all(re.fullmatch("[0-9]{4}", code) for code in MUNICIPALITIES)
    assert all(name == name.strip() and name for name in MUNICIPALITIES.values())
    assert list(MUNICIPALITIES) == sorted(MUNICIPALITIES)


def test_the_counties_have_as_many_as_they_have():
    counties = {}
    for code in MUNICIPALITIES:
        counties[code[:2]] = counties.get(code[:2], 0) + 1
    assert counties == {
        **{"01": 26, "03": 8, "04": 9, "05": 13, "06": 13, "07": 8, "08": 12, "09": 1, "10": 5},
        **{"12": 33, "13": 6, "14": 49, "17": 16, "18": 12, "19": 10, "20": 15, "21": 10},
        **{"22": 7, "23": 8, "24": 15, "25": 14},
    }


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Lund", "1281"),
        ("LUNDS KOMMUN", "1281"),
        ("Malmö stad", "1280"),
        ("Borås", "1490"),
        ("Upplands  Väsby", "0114"),
        ("Håbo", "0305"),
        ("Habo kommun", "0643"),
        ("Storköping", None),
        ("", None),
    ],
)
def test_a_municipality_is_known_by_its_name(name, code):
    assert municipality_named(name) == code

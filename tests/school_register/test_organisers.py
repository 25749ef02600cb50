"""Whose a domain is."""

import pytest

from addon.school_register.model import Organiser
from addon.school_register.organisers import Organisers, tidy


def kommun(number, name):
    return Organiser(f"{number:010}", name, "KOMMUN")


def enskild(number, name):
    return Organiser(f"{number:010}", name, "ENSKILD")


STORKOPING = kommun(1, "Storköpings kommun")
BORAS = kommun(2, "Borås kommun")
HABO, HABO_AT_THE_LAKE = kommun(3, "Habo kommun"), kommun(4, "Håbo kommun")
VASBY = kommun(5, "Upplands Väsby kommun")
GOTEBORG = kommun(6, "Göteborgs Stad")
GOTLAND = kommun(7, "Region Gotland")
DALS_ED = kommun(8, "Dals-Eds kommun")
MANY = Organisers(
    [
        *(STORKOPING, BORAS, HABO, HABO_AT_THE_LAKE, VASBY, GOTEBORG, GOTLAND, DALS_ED),
        enskild(11, "Edu AB"),
        enskild(12, "Storköping AB"),
        enskild(13, "Kunskapsbacken AB"),
        enskild(14, "Lyktan ekonomisk förening"),
        enskild(15, "Lyktan AB"),
        Organiser("0000000016", "Region Gotland", "REGION"),
    ]
)


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("edu.storkoping.se", STORKOPING),
        ("storkoping.se", STORKOPING),
        ("skola.storkoping.se", STORKOPING),
        ("Edu.Storkoping.SE", STORKOPING),
        ("storkopingskommun.se", STORKOPING),
        ("storkopingskolor.se", STORKOPING),
        ("storkoping-edu.se", STORKOPING),
        ("edu.boras.se", BORAS),
        ("upplandsvasby.se", VASBY),
        ("upplands-vasby.se", VASBY),
        ("utb.goteborg.se", GOTEBORG),
        ("gotland.se", GOTLAND),
        ("dalsed.se", DALS_ED),
        ("storkoping.skola.se", STORKOPING),
        ("elev.kunskapsbacken.se", enskild(13, "Kunskapsbacken AB")),
    ],
)
def test_a_domain_is_of_the_organiser_that_it_spells(domain, expected):
    assert MANY.plausible(domain, "") == expected


@pytest.mark.parametrize(
    "domain", ["habo.se", "edu.okand.se", "lyktan.se", "edu.se", "se", "", "skolan.se", "-.se"]
)
def test_a_domain_that_says_too_little_is_of_nobody(domain):
    assert MANY.plausible(domain, "") is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Storköping", STORKOPING),
        ("storköpings kommun", STORKOPING),
        ("Storköpings stad", STORKOPING),
        ("Borås", BORAS),
        ("Håbo", HABO_AT_THE_LAKE),
        ("Habo kommun", HABO),
        ("Goteborg", GOTEBORG),
        ("Kunskapsbacken", enskild(13, "Kunskapsbacken AB")),
    ],
)
def test_a_name_tells_which_organiser_it_is(name, expected):
    assert MANY.plausible("example.se", name) == expected


def test_a_name_goes_before_a_domain():
    assert MANY.plausible("habo.se", "Håbo kommun") == HABO_AT_THE_LAKE


def test_a_name_that_says_nothing_leaves_it_to_the_domain():
    assert MANY.plausible("edu.storkoping.se", "Vår organisation") == STORKOPING


def test_organisers_are_found_by_all_words_of_their_names():
    assert MANY.with_words(["lyktan", "förening"]) == [enskild(14, "Lyktan ekonomisk förening")]
    assert MANY.with_words([]) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("EKERÖ KOMMUN", "Ekerö kommun"),
        ("DALS-EDS KOMMUN", "Dals-Eds kommun"),
        ("GÖTEBORGS  STAD", "Göteborgs stad"),
        ("Lunds kommun", "Lunds kommun"),
    ],
)
def test_a_municipality_has_its_name_as_people_write_it(given, expected):
    assert tidy(kommun(1, given)).name == expected


def test_a_company_keeps_its_capitals():
    assert tidy(enskild(1, "IES SVERIGE AB")).name == "IES SVERIGE AB"

"""Selectors and filters in words, without regular expressions."""

import pytest

from addon.proposals.pattern_words import class_groups_pattern, numbered_pattern
from addon.tenants.model import Clause, Selector
from addon.web.presenters.filter_words import clause_text, places_text, selector_text
from tests.support.small_school import small_school_pages

HERE = Clause(attribute="organizations.department", operator="equals", value="Norra skolan")
CLASSES = Clause(attribute="groups", operator="matches", value=class_groups_pattern("norra-", ""))
DEVICES = Clause(attribute="primaryEmail", operator="notMatches", value=numbered_pattern(["ipad"]))
OWN = Clause(attribute="primaryEmail", operator="matches", value="^[a-c]")


@pytest.fixture
def in_swedish(tmp_path):
    with small_school_pages(tmp_path) as world, world.app.test_request_context():
        yield


@pytest.mark.usefixtures("in_swedish")
def test_clauses_are_said_in_words():
    assert clause_text(HERE) == "Avdelning är Norra skolan"
    assert clause_text(DEVICES) == "adressen börjar inte med ipad och ett nummer"
    assert clause_text(OWN) == "E-postadress stämmer med ett eget uttryck"
    empty = Clause(attribute="organizations.title", operator="isEmpty")
    assert clause_text(empty) == "Titel är tomt"
    many = Clause(attribute="groups", operator="in", value=tuple("abcdef"))
    assert clause_text(many) == "Grupper är någon av a, b, c, d …"


@pytest.mark.usefixtures("in_swedish")
def test_a_selector_is_its_places_and_who_of_those_there_it_chooses():
    selector = Selector(org_units=("/Elever", "/Annex"), filters=((CLASSES, DEVICES), (HERE,)))
    said = "med i en klassgrupp som norra-…@ eller Avdelning är Norra skolan"
    assert selector_text(selector) == f"/Elever, /Annex · {said}"
    assert places_text(selector) == said
    plain = Selector(org_units=("/A", "/B", "/C"), filters=((DEVICES,),))
    assert selector_text(plain) == "/A, /B, /C"
    assert places_text(plain) == "/A, /B …"


@pytest.mark.usefixtures("in_swedish")
def test_class_groups_are_said_by_one_that_there_is():
    there = ("alla@x.se", "sodra-7a@x.se", "norra-f@x.se", "norra-9c@x.se")
    assert clause_text(CLASSES, there) == "med i en klassgrupp som norra-f@"
    assert clause_text(CLASSES, there[:2]) == "med i en klassgrupp som norra-…@"


@pytest.mark.usefixtures("in_swedish")
def test_people_in_class_groups_are_in_the_whole_organisation():
    selector = Selector(org_units=("/Elever", "/Fridhem/Elever"), filters=((CLASSES, DEVICES),))
    said = "klassgrupper som norra-9c@"
    assert selector_text(selector, ["norra-9c@x.se"]) == f"{said}, i hela organisationen"
    assert places_text(selector, ["norra-9c@x.se"]) == said

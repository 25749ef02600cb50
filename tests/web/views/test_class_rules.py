"""Where classes, groups and years come from: what is proposed, what each gives, what is kept."""

import html
import json
import re

import pytest

from tests.support.page_content import form_of
from tests.support.small_school import (
    DOMAIN,
    PUPILS,
    address,
    deliver,
    person,
    set_live,
    small_school_pages,
)

UNIT = "/skolenheter/12345678"
CLASSES, GROUPS, YEARS = f"{UNIT}/klasser", f"{UNIT}/grupper", f"{UNIT}/arskurser"
FROM_OU = {"from": "orgUnit", "pattern": "^/Elever/(?P<name>[^/]+)$"}


@pytest.fixture
def world(tmp_path):
    """The small school, with a subject group of each class."""
    with small_school_pages(tmp_path) as world:
        domain = world.domain
        for name, members in (
            ("7a", ("bo.ek", "ylva.o-leary")),
            ("7b", ("li.xu", "oyvind.brandt")),
        ):
            addresses = [f"{each}@{DOMAIN}" for each in (*members, "gunnel.parlbat")]
            domain.add_group(
                {"email": f"norra-{name}-ma@{DOMAIN}", "name": f"{name.upper()} Ma"}, addresses
            )
        yield world


def show(world, client, page, path, **values):
    form = {**form_of(page, path), "do": "show", **values}
    answer = client.post(path, data=form, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    return world.text(answer)


def unit(world):
    return world.stored_document()["schoolUnits"][0]


def test_the_ways_found_are_reported_with_examples_and_what_is_saved_is_chosen(world):
    page = world.ready(world.sign_in(), CLASSES)
    said = world.text(page)
    assert "2 klasser från organisationsenheterna" in said
    assert "7A, 7B" in said
    assert json.loads(form_of(page, CLASSES)["rule"]) == FROM_OU


def test_the_same_outcome_is_not_offered_twice(world):
    page = world.ready(world.sign_in(), CLASSES)
    assert world.text(page).count("2 klasser från organisationsenheterna") == 1


def test_the_outcome_of_a_choice_is_shown_with_who_gets_no_class(world):
    client = world.sign_in()
    page = world.ready(client, CLASSES)
    own = {"rule": "own", "source": "orgUnit", "pattern": "^/Elever/(?P<name>7A)$"}
    said = show(world, client, page, CLASSES, **own)
    assert "1 klass, 1 organisationsenhet stämmer inte" in said
    assert "1 färre än nu." in said
    assert "6 elever får ingen klass" in said
    assert "Hjördis Vängbo" in said
    assert "/Elever/7B 6 elever" in said


def test_a_rule_of_ones_own_is_saved_as_it_was_written(world):
    client = world.sign_in()
    own = {"rule": "own", "source": "orgUnit", "pattern": "/(?P<name>7[^/]*)$"}
    answer = world.send(client, world.ready(client, CLASSES), CLASSES, **own)
    assert answer.location == UNIT
    assert unit(world)["classes"] == {"from": "orgUnit", "pattern": "/(?P<name>7[^/]*)$"}


def test_no_classes_can_be_chosen(world):
    client = world.sign_in()
    page = world.ready(client, CLASSES)
    assert "Inga klasser skickas." in show(world, client, page, CLASSES, rule="")
    world.send(client, page, CLASSES, rule="")
    assert "classes" not in unit(world)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"rule": "own", "pattern": ""}, "Skriv ett reguljärt uttryck."),
        ({"rule": "own", "pattern": "(?P<name>"}, "Det reguljära uttrycket går inte att läsa"),
        ({"rule": "own", "source": "orgUnit", "pattern": "7."}, "en del med namnet name"),
        (
            {"rule": "own", "source": "nowhere", "pattern": "(?P<name>.)"},
            "Välj var det ska hämtas.",
        ),
        (
            {"rule": "own", "source": "attribute", "attribute": "shoe", "pattern": "(?P<name>.)"},
            "Välj en uppgift i listan.",
        ),
        ({"rule": "{"}, "Välj ett av förslagen."),
        ({"rule": '{"from": "group", "pattern": "("}'}, "Välj ett av förslagen."),
        ({"rule": '{"from": "class", "pattern": "(?P<year>.)"}'}, "Välj ett av förslagen."),
    ],
)
def test_a_wrong_rule_is_reported_and_nothing_is_saved(world, values, told):
    client = world.sign_in()
    before = world.stored_document()
    answer = world.send(client, world.ready(client, CLASSES), CLASSES, **values)
    assert answer.status_code == 400
    assert told in world.text(answer)
    assert world.stored_document() == before


def test_teaching_groups_are_found_among_the_groups_and_saved(world):
    client = world.sign_in()
    page = world.ready(client, GROUPS)
    assert "Inga undervisningsgrupper skickas." in world.text(page)
    own = {"rule": "own", "source": "group", "pattern": "^norra-(?P<name>[^@]+)@"}
    said = show(world, client, page, GROUPS, **own)
    assert "2 undervisningsgrupper" in said
    assert "7a-ma 2" in said
    world.send(client, page, GROUPS, **own)
    assert unit(world)["teachingGroups"] == {"from": "group", "pattern": "^norra-(?P<name>[^@]+)@"}


def test_years_are_reported_with_those_that_are_no_years(world):
    world.domain.add_org_unit("/Elever/99X")
    world.domain.add_user(person("Nia", "Nittonio", "/Elever/99X"))
    client = world.sign_in()
    page = world.ready(client, YEARS)
    said = world.text(page)
    assert "åk 7 12" in said
    assert "1 elev får ett tal som inte är en årskurs från 0 till 13 Nia Nittonio" in said


def test_a_year_rule_needs_its_part(world):
    client = world.sign_in()
    own = {"rule": "own", "source": "class", "pattern": "(?P<name>7)"}
    answer = world.send(client, world.ready(client, YEARS), YEARS, **own)
    assert answer.status_code == 400
    assert "en del med namnet year" in world.text(answer)


def test_who_was_slower_is_reported_and_the_choice_stays(world):
    client, other = world.sign_in(), world.sign_in()
    page, theirs = world.ready(client, CLASSES), world.ready(other, CLASSES)
    world.send(other, theirs, CLASSES, rule="")
    own = {"rule": "own", "source": "orgUnit", "pattern": "/(?P<name>7A)$"}
    answer = world.send(client, page, CLASSES, **own)
    assert answer.status_code == 409
    assert "Du har sparat i en annan flik" in world.text(answer)
    assert form_of(answer, CLASSES)["pattern"] == "/(?P<name>7A)$"
    assert "classes" not in unit(world)


def test_classes_and_years_are_different_parts_that_two_may_save_at_once(world):
    client, other = world.sign_in(), world.sign_in()
    page, theirs = world.ready(client, CLASSES), world.ready(other, YEARS)
    assert world.send(other, theirs, YEARS, rule="").status_code == 302
    assert world.send(client, page, CLASSES, rule="").status_code == 302
    assert "classes" not in unit(world)
    assert "schoolYear" not in unit(world)


def test_another_page_of_a_unit_is_none(world):
    assert world.sign_in().get(f"{UNIT}/betyg").status_code == 404


SLOW = r"/(?:(?:a|b|ab)*(?:ba|aab|b)*)*(?:c|(?:ab|ba)+c)+(?P<name>\d)$"


def test_a_pattern_that_takes_too_long_is_reported_and_not_saved(world, monkeypatch):
    monkeypatch.setattr("addon.tenants.conditions.SLOWEST", 0.02)
    place = "/Elever/" + "ab" * 80 + "x"
    world.domain.add_org_unit(place)
    world.domain.add_user(person("Lång", "Väg", place))
    client = world.sign_in()
    before = world.stored_document()
    page = world.ready(client, CLASSES)
    own = {"rule": "own", "source": "orgUnit", "pattern": SLOW}
    form = {**form_of(page, CLASSES), **own}
    answer = client.post(CLASSES, data=form)
    assert answer.status_code == 400
    assert "Ett reguljärt uttryck tar för lång tid" in world.text(answer)
    told = client.post(CLASSES, data={**form, "do": "show"}, headers={"HX-Request": "true"})
    assert told.status_code == 200
    assert "tar för lång tid att söka med" in world.text(told)
    assert world.stored_document() == before


FROM_GROUPS = {"rule": "own", "source": "group", "pattern": "^klass-(?P<name>[^@]+)@"}


@pytest.fixture
def delivered(world):
    """The school's classes, which are Google groups as well, at one vendor."""
    for name, pupils in PUPILS.items():
        world.domain.add_group(
            {"email": f"klass-{name.lower()}@{DOMAIN}", "name": name},
            [address(*each) for each in pupils],
        )
    set_live(world, "all")
    deliver(world)
    return world


def test_classes_that_are_found_elsewhere_are_other_classes_to_the_vendor(delivered):
    client = delivered.sign_in()
    page = delivered.ready(client, CLASSES)
    assert "tas bort hos" not in delivered.text(page)
    said = show(delivered, client, page, CLASSES, **FROM_GROUPS)
    assert "2 klasser tas bort hos All vid nästa körning. 2 nya klasser skapas." in said
    assert "Some" not in said
    refused = delivered.send(client, page, CLASSES, **FROM_GROUPS)
    assert refused.status_code == 400
    assert "Kryssa för att du har sett vad som tas bort." in delivered.text(refused)
    assert unit(delivered)["classes"] == FROM_OU
    seen = html.unescape(
        re.search('name="accepted" id="accepted" value="([^"]+)"', refused.text)[1]
    )
    answer = delivered.send(client, refused, CLASSES, accepted=seen)
    assert answer.location == UNIT
    assert unit(delivered)["classes"]["from"] == "group"


def test_to_send_no_classes_any_more_is_reported_and_accepted_for_that_choice_alone(delivered):
    client = delivered.sign_in()
    page = delivered.ready(client, CLASSES)
    said = show(delivered, client, page, CLASSES, rule="")
    assert "2 klasser tas bort hos All vid nästa körning. Vad som händer" in said
    assert delivered.send(client, page, CLASSES, rule="", accepted="1").status_code == 400
    assert delivered.send(client, page, CLASSES, rule="", accepted="none").status_code == 302
    assert "classes" not in unit(delivered)


def test_classes_that_the_vendor_does_not_have_yet_are_not_said_to_be_removed(world):
    set_live(world, "all")
    client = world.sign_in()
    page = world.ready(client, CLASSES)
    assert "tas bort" not in show(world, client, page, CLASSES, rule="")
    assert world.send(client, page, CLASSES, rule="").status_code == 302


def test_years_can_be_changed_without_a_class_being_removed(delivered):
    client = delivered.sign_in()
    answer = delivered.send(client, delivered.ready(client, YEARS), YEARS, rule="")
    assert answer.status_code == 302


def test_what_does_not_fit_a_proposed_rule_is_called_what_it_is(world):
    world.domain.add_user(person("Ny", "Elev", "/Elever"))
    world.document["schoolUnits"][0]["classes"] = {
        "from": "attribute",
        "attribute": "organizations.department",
        "pattern": "(?P<name>.+)",
    }
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, CLASSES)
    said = show(world, client, page, CLASSES, rule=json.dumps(FROM_OU))
    assert "2 klasser, 1 organisationsenhet stämmer inte" in said


def test_the_rule_in_use_is_marked_and_one_of_ones_own_is_not_said_to_be_found(world):
    client = world.sign_in()
    said = world.text(world.ready(client, CLASSES))
    assert re.search("2 klasser från organisationsenheterna . Troligast . Används nu", said)
    assert "Ett mönster passar era namn." in said
    own = {"rule": "own", "source": "orgUnit", "pattern": "/(?P<name>7A)$"}
    world.send(client, world.ready(client, CLASSES), CLASSES, **own)
    said = world.text(world.ready(client, CLASSES))
    assert "1 klass från organisationsenheterna ● Används nu" in said
    assert "Ett mönster passar era namn." in said


def test_groups_by_their_names_and_by_their_addresses_are_told_apart(world):
    client = world.sign_in()
    said = world.text(world.ready(client, GROUPS))
    assert "2 grupper från gruppernas namn" in said
    assert "2 grupper från gruppernas adresser" in said


def test_a_start_year_in_the_class_name_gives_the_school_year(world):
    client = world.sign_in()
    own = {"rule": "own", "source": "class", "pattern": r"(?P<year>\d)", "as": "startYear"}
    own |= {"year": "0", "none": "IM, SPR"}
    answer = world.send(client, world.ready(client, YEARS), YEARS, **own)
    assert answer.status_code == 302
    saved = unit(world)["schoolYear"]
    assert saved == {
        "from": "class",
        "pattern": r"(?P<year>\d)",
        "as": "startYear",
        "first": 0,
        "none": ["IM", "SPR"],
    }
    form = form_of(world.ready(client, YEARS), YEARS)
    assert (form["as"], form["year"], form["none"]) == ("startYear", "0", "IM, SPR")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"as": "shoeSize"}, "Välj vad texten säger."),
        ({"as": "leavingYear", "year": "14"}, "Skriv en årskurs från 0 till 13."),
        ({"as": "startYear", "year": "ett"}, "Skriv en årskurs från 0 till 13."),
    ],
)
def test_what_is_wrong_about_a_year_is_reported_at_its_field(world, given, told):
    client = world.sign_in()
    before = unit(world)
    own = {"rule": "own", "source": "class", "pattern": r"(?P<year>\d)", **given}
    answer = world.send(client, world.ready(client, YEARS), YEARS, **own)
    assert answer.status_code == 400
    assert told in answer.text
    assert unit(world) == before


def test_another_rule_leaves_out_the_names_that_the_saved_one_does(world):
    world.document["schoolUnits"][0]["classes"]["except"] = ["7b"]
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, CLASSES)
    assert "1 klass från organisationsenheterna" in world.text(page)
    own = {"rule": "own", "source": "orgUnit", "pattern": "/(?P<name>7[^/]*)$"}
    world.send(client, page, CLASSES, **own)
    assert unit(world)["classes"]["except"] == ["7b"]


def test_a_class_is_left_out_with_a_tick_and_the_outcome_says_so(world):
    client = world.sign_in()
    page = world.ready(client, CLASSES)
    said = show(world, client, page, CLASSES, **{"except": "7B"})
    assert "1 klass undantagen: 7B 6" in said
    assert "6 elever får ingen klass" in said
    world.send(client, page, CLASSES, **{"except": "7B"})
    assert unit(world)["classes"] == {**FROM_OU, "except": ["7B"]}


def test_an_excepted_class_is_shown_where_it_works_and_is_undone_there(world):
    world.document["schoolUnits"][0]["classes"]["except"] = ["7b", "fritids"]
    world.import_document()
    client = world.sign_in()
    said = world.text(world.ready(client, UNIT))
    assert "2 klasser undantagna: 7b, fritids" in said
    page = world.ready(client, CLASSES)
    assert "2 klasser undantagna: 7b 6 fritids finns inte nu" in world.text(page)
    assert form_of(page, CLASSES)["except"] == ["7b", "fritids"]
    world.send(client, page, CLASSES, **{"except": []})
    assert unit(world)["classes"] == FROM_OU


def test_exceptions_are_kept_while_another_choice_is_looked_at(world):
    world.document["schoolUnits"][0]["classes"]["except"] = ["7b"]
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, CLASSES)
    form = {**form_of(page, CLASSES), "do": "show", "rule": ""}
    answer = client.post(CLASSES, data=form, headers={"HX-Request": "true"})
    assert '<input type="hidden" name="except" value="7b">' in answer.text


def test_an_exception_that_takes_a_class_away_at_a_vendor_asks_first(world):
    set_live(world, "all")
    deliver(world)
    client = world.sign_in()
    page = world.ready(client, CLASSES)
    answer = world.send(client, page, CLASSES, **{"except": "7B"})
    assert answer.status_code == 400
    assert "1 klass tas bort hos All vid nästa körning." in world.text(answer)
    accepted = re.search(r'name="accepted"[^>]*value="([^"]+)"', answer.text)[1]
    world.send(client, answer, CLASSES, **{"except": "7B", "accepted": accepted})
    assert unit(world)["classes"]["except"] == ["7B"]


def test_a_list_of_rules_is_shown_in_order_and_kept_when_it_is_chosen(world):
    rules = [
        {"from": "group", "pattern": "^norra-(?P<name>7a)-ma@"},
        {"from": "orgUnit", "pattern": "^/Elever/(?P<name>[^/]+)$"},
    ]
    world.document["schoolUnits"][0]["classes"] = rules
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, CLASSES)
    said = world.text(page)
    assert "från gruppernas adresser och annars från organisationsenheterna" in said
    assert json.loads(form_of(page, CLASSES)["rule"]) == rules
    world.send(client, page, CLASSES)
    assert unit(world)["classes"] == rules


def test_who_has_saved_in_another_tab_is_told_so_in_words(world):
    client = world.sign_in()
    world.clock.ahead += 60
    page, tab = world.ready(client, YEARS), world.ready(client, YEARS)
    began = {
        "rule": "own",
        "source": "class",
        "pattern": r"(?P<year>\d+)",
        "as": "startYear",
        "none": "IM",
    }
    assert world.send(client, tab, YEARS, **began).status_code == 302
    answer = world.send(client, page, YEARS, rule="")
    assert answer.status_code == 409
    said = world.text(answer)
    assert "Du har sparat i en annan flik" in said
    assert "Någon annan" not in said
    assert "efter startåret i klassens namn" in said
    assert "startYear" not in said.partition("Det du har fyllt i")[0]

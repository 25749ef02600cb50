"""Where classes, groups and years come from: what is proposed, what each gives, what is kept."""

import html
import json
import re

import pytest

from tests.support.installation import DOMAIN, PUPILS, address, person
from tests.support.site import Site, form_of
from tests.web.views.school import deliver, turn_on

UNIT = "/skolenheter/12345678"
CLASSES, GROUPS, YEARS = f"{UNIT}/klasser", f"{UNIT}/grupper", f"{UNIT}/arskurser"
FROM_OU = {"from": "orgUnit", "pattern": "^/Elever/(?P<name>[^/]+)$"}


@pytest.fixture
def site(tmp_path):
    """The small school, with a subject group of each class."""
    with Site(tmp_path) as site:
        domain = site.installation.domain
        for name, members in (
            ("7a", ("bo.ek", "ylva.o-leary")),
            ("7b", ("li.xu", "oyvind.brandt")),
        ):
            addresses = [f"{each}@{DOMAIN}" for each in (*members, "gunnel.parlbat")]
            domain.add_group(
                {"email": f"norra-{name}-ma@{DOMAIN}", "name": f"{name.upper()} Ma"}, addresses
            )
        yield site


def show(site, client, page, path, **values):
    form = {**form_of(page, path), "do": "show", **values}
    answer = client.post(path, data=form, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    return site.read(answer)


def unit(site):
    return site.document()["schoolUnits"][0]


def test_the_ways_found_are_told_with_examples_and_what_is_saved_is_chosen(site):
    page = site.ready(site.sign_in(), CLASSES)
    said = site.read(page)
    assert "2 klasser från organisationsenheterna" in said
    assert "7A, 7B" in said
    assert json.loads(form_of(page, CLASSES)["rule"]) == FROM_OU


def test_the_same_outcome_is_not_offered_twice(site):
    page = site.ready(site.sign_in(), CLASSES)
    assert site.read(page).count("2 klasser från organisationsenheterna") == 1


def test_the_outcome_of_a_choice_is_shown_with_who_gets_no_class(site):
    client = site.sign_in()
    page = site.ready(client, CLASSES)
    own = {"rule": "own", "source": "orgUnit", "pattern": "^/Elever/(?P<name>7A)$"}
    said = show(site, client, page, CLASSES, **own)
    assert "1 klass, 1 organisationsenhet stämmer inte" in said
    assert "1 färre än nu." in said
    assert "6 elever blir utan" in said
    assert "Hjördis Vängbo" in said
    assert "/Elever/7B 6 elever" in said


def test_a_rule_of_ones_own_is_saved_as_it_was_written(site):
    client = site.sign_in()
    own = {"rule": "own", "source": "orgUnit", "pattern": "/(?P<name>7[^/]*)$"}
    answer = site.send(client, site.ready(client, CLASSES), CLASSES, **own)
    assert answer.location == UNIT
    assert unit(site)["classes"] == {"from": "orgUnit", "pattern": "/(?P<name>7[^/]*)$"}


def test_no_classes_can_be_chosen(site):
    client = site.sign_in()
    page = site.ready(client, CLASSES)
    assert "Inga klasser skickas." in show(site, client, page, CLASSES, rule="")
    site.send(client, page, CLASSES, rule="")
    assert "classes" not in unit(site)


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
def test_a_wrong_rule_is_told_and_nothing_is_saved(site, values, told):
    client = site.sign_in()
    before = site.document()
    answer = site.send(client, site.ready(client, CLASSES), CLASSES, **values)
    assert answer.status_code == 400
    assert told in site.read(answer)
    assert site.document() == before


def test_teaching_groups_are_found_among_the_groups_and_saved(site):
    client = site.sign_in()
    page = site.ready(client, GROUPS)
    assert "Inga undervisningsgrupper skickas." in site.read(page)
    own = {"rule": "own", "source": "group", "pattern": "^norra-(?P<name>[^@]+)@"}
    said = show(site, client, page, GROUPS, **own)
    assert "2 undervisningsgrupper" in said
    assert "7a-ma 2" in said
    site.send(client, page, GROUPS, **own)
    assert unit(site)["teachingGroups"] == {"from": "group", "pattern": "^norra-(?P<name>[^@]+)@"}


def test_years_are_told_with_those_that_are_no_years(site):
    site.installation.domain.add_org_unit("/Elever/99X")
    site.installation.domain.add_user(person("Nia", "Nittonio", "/Elever/99X"))
    client = site.sign_in()
    page = site.ready(client, YEARS)
    said = site.read(page)
    assert "åk 7 12" in said
    assert "1 elev får ett tal som inte är en årskurs från 0 till 13 Nia Nittonio" in said


def test_a_year_rule_needs_its_part(site):
    client = site.sign_in()
    own = {"rule": "own", "source": "class", "pattern": "(?P<name>7)"}
    answer = site.send(client, site.ready(client, YEARS), YEARS, **own)
    assert answer.status_code == 400
    assert "en del med namnet year" in site.read(answer)


def test_who_was_slower_is_told_and_the_choice_stays(site):
    client, other = site.sign_in(), site.sign_in()
    page, theirs = site.ready(client, CLASSES), site.ready(other, CLASSES)
    site.send(other, theirs, CLASSES, rule="")
    own = {"rule": "own", "source": "orgUnit", "pattern": "/(?P<name>7A)$"}
    answer = site.send(client, page, CLASSES, **own)
    assert answer.status_code == 409
    assert "Någon annan har sparat under tiden" in site.read(answer)
    assert form_of(answer, CLASSES)["pattern"] == "/(?P<name>7A)$"
    assert "classes" not in unit(site)


def test_classes_and_years_are_different_parts_that_two_may_save_at_once(site):
    client, other = site.sign_in(), site.sign_in()
    page, theirs = site.ready(client, CLASSES), site.ready(other, YEARS)
    assert site.send(other, theirs, YEARS, rule="").status_code == 302
    assert site.send(client, page, CLASSES, rule="").status_code == 302
    assert "classes" not in unit(site)
    assert "schoolYear" not in unit(site)


def test_another_page_of_a_unit_is_none(site):
    assert site.sign_in().get(f"{UNIT}/betyg").status_code == 404


SLOW = r"/(?:(?:a|b|ab)*(?:ba|aab|b)*)*(?:c|(?:ab|ba)+c)+(?P<name>\d)$"


def test_a_pattern_that_takes_too_long_is_told_and_not_saved(site, monkeypatch):
    monkeypatch.setattr("addon.tenants.conditions.SLOWEST", 0.02)
    place = "/Elever/" + "ab" * 80 + "x"
    site.installation.domain.add_org_unit(place)
    site.installation.domain.add_user(person("Lång", "Väg", place))
    client = site.sign_in()
    before = site.document()
    page = site.ready(client, CLASSES)
    own = {"rule": "own", "source": "orgUnit", "pattern": SLOW}
    form = {**form_of(page, CLASSES), **own}
    answer = client.post(CLASSES, data=form)
    assert answer.status_code == 400
    assert "Ett reguljärt uttryck tar för lång tid" in site.read(answer)
    told = client.post(CLASSES, data={**form, "do": "show"}, headers={"HX-Request": "true"})
    assert told.status_code == 200
    assert "tar för lång tid att söka med" in site.read(told)
    assert site.document() == before


FROM_GROUPS = {"rule": "own", "source": "group", "pattern": "^klass-(?P<name>[^@]+)@"}


@pytest.fixture
def delivered(site):
    """The school's classes, which are Google groups as well, at one vendor."""
    for name, pupils in PUPILS.items():
        site.installation.domain.add_group(
            {"email": f"klass-{name.lower()}@{DOMAIN}", "name": name},
            [address(*each) for each in pupils],
        )
    turn_on(site, "all")
    deliver(site)
    return site


def test_classes_that_are_found_elsewhere_are_other_classes_to_the_vendor(delivered):
    client = delivered.sign_in()
    page = delivered.ready(client, CLASSES)
    assert "tas bort hos" not in delivered.read(page)
    said = show(delivered, client, page, CLASSES, **FROM_GROUPS)
    assert "2 klasser tas bort hos All vid nästa körning. 2 nya klasser skapas." in said
    assert "Some" not in said
    refused = delivered.send(client, page, CLASSES, **FROM_GROUPS)
    assert refused.status_code == 400
    assert "Kryssa för att du har sett vad som tas bort." in delivered.read(refused)
    assert unit(delivered)["classes"] == FROM_OU
    seen = html.unescape(
        re.search('name="accepted" id="accepted" value="([^"]+)"', refused.text)[1]
    )
    answer = delivered.send(client, refused, CLASSES, accepted=seen)
    assert answer.location == UNIT
    assert unit(delivered)["classes"]["from"] == "group"


def test_to_send_no_classes_any_more_is_told_and_accepted_for_that_choice_alone(delivered):
    client = delivered.sign_in()
    page = delivered.ready(client, CLASSES)
    said = show(delivered, client, page, CLASSES, rule="")
    assert "2 klasser tas bort hos All vid nästa körning. Vad som händer" in said
    assert delivered.send(client, page, CLASSES, rule="", accepted="1").status_code == 400
    assert delivered.send(client, page, CLASSES, rule="", accepted="none").status_code == 302
    assert "classes" not in unit(delivered)


def test_classes_that_the_vendor_does_not_have_yet_are_not_said_to_be_removed(site):
    turn_on(site, "all")
    client = site.sign_in()
    page = site.ready(client, CLASSES)
    assert "tas bort" not in show(site, client, page, CLASSES, rule="")
    assert site.send(client, page, CLASSES, rule="").status_code == 302


def test_years_can_be_changed_without_a_class_being_removed(delivered):
    client = delivered.sign_in()
    answer = delivered.send(client, delivered.ready(client, YEARS), YEARS, rule="")
    assert answer.status_code == 302


def test_what_does_not_fit_a_proposed_rule_is_called_what_it_is(site):
    site.installation.domain.add_user(person("Ny", "Elev", "/Elever"))
    site.installation.document["schoolUnits"][0]["classes"] = {
        "from": "attribute",
        "attribute": "organizations.department",
        "pattern": "(?P<name>.+)",
    }
    site.installation.import_document()
    client = site.sign_in()
    page = site.ready(client, CLASSES)
    said = show(site, client, page, CLASSES, rule=json.dumps(FROM_OU))
    assert "2 klasser, 1 organisationsenhet stämmer inte" in said


def test_the_rule_in_use_is_marked_and_one_of_ones_own_is_not_said_to_be_found(site):
    client = site.sign_in()
    said = site.read(site.ready(client, CLASSES))
    assert re.search("2 klasser från organisationsenheterna . Troligast . Används nu", said)
    assert "Vi hittade 1 sätt i era egna namn." in said
    own = {"rule": "own", "source": "orgUnit", "pattern": "/(?P<name>7A)$"}
    site.send(client, site.ready(client, CLASSES), CLASSES, **own)
    said = site.read(site.ready(client, CLASSES))
    assert "1 klass från organisationsenheterna ● Används nu" in said
    assert "Vi hittade 1 sätt i era egna namn." in said


def test_groups_by_their_names_and_by_their_addresses_are_told_apart(site):
    client = site.sign_in()
    said = site.read(site.ready(client, GROUPS))
    assert "2 grupper från gruppernas namn" in said
    assert "2 grupper från gruppernas adresser" in said

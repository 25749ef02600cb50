"""The first visit: each step says what is done and what is left, and can be left."""

import re

import pytest

from tests.support.installation import TENANT
from tests.support.page_actions import add_unit, turn_on
from tests.support.site import ADMIN, OTHER_TENANT, STRANGER, Site, form_of

ORGANISATION = "/organisation"


def strip(page):
    """The steps at the head, in a line."""
    start = page.text.index('<nav class="steps"')
    part = page.text[start : page.text.index("</nav>", start)]
    return Site.read(type("Page", (), {"text": part}))


# Beginning


def test_the_welcome_says_what_will_happen_and_that_one_may_stop(site):
    said = site.read(site.sign_in(STRANGER).get("/"))
    assert "Du går igenom sju steg och kan avbryta när du vill: allt sparas." in said
    assert "Inget skickas till någon leverantör förrän du slår på den." in said


def test_who_has_not_begun_is_led_to_the_welcome(site):
    assert site.sign_in(STRANGER).get(ORGANISATION).location == "/"


def test_beginning_saves_a_document_and_has_the_directory_read(site):
    client = site.sign_in(STRANGER)
    answer = site.send(client, client.get("/"), "/kom-igang")
    assert answer.location == ORGANISATION
    assert site.store.tenant(OTHER_TENANT) is not None
    assert site.store.audit_entries(OTHER_TENANT, 1)[0].what == "organisation.saved"


def test_beginning_twice_changes_nothing(site, client):
    before = site.document()
    form = form_of(client.get(ORGANISATION), ORGANISATION)
    assert client.post("/kom-igang", data=form).location == ORGANISATION
    assert site.document() == before


# The steps


def test_every_step_says_what_is_done_and_what_is_left(tmp_path):
    site = Site(tmp_path)
    add_unit(site, "12345680", "Södra skolan")
    for each in site.installation.document["connections"]:
        each["schoolUnits"] = []
    with site:
        said = site.read(site.sign_in().get("/"))
        assert "Organisation Storviks kommun, 212000-9999 klart" in said
        assert "Skolenheter 2 skolenheter är tillagda. klart" in said
        assert "Urval 1 av 2 skolenheter har ett urval. 1 är kvar. nu" in said
        assert "Leverantörer Kryssa i vilka skolenheter" in said
        assert "Skarpt läge Slå på en leverantör. Sedan sköter det sig självt. kvar" in said
        assert "Du kan sluta när du vill och fortsätta en annan dag." in said


def test_the_page_of_a_step_says_which_it_is_and_how_far_it_has_come(site, client):
    page = client.get(ORGANISATION)
    assert "Steg 1 av 7. Storviks kommun, 212000-9999" in strip(page)
    assert re.search(r'aria-current="step">Organisation<', page.text)
    assert "Leverantörer (klart) Förhandsgranska (nu) Testläge (kvar)" in strip(page)


def test_an_organisation_without_a_number_is_not_done(site, client):
    site.installation.document["organisation"] = {"name": "Storviks kommun"}
    site.installation.import_document()
    page = client.get(ORGANISATION)
    assert "Organisation (nu)" in strip(page)
    assert "Organisationsnumret saknas." in strip(page)


def test_a_preview_that_was_looked_at_is_done(site, client):
    assert site.ready(client, "/forhandsgranska").status_code == 200
    page = client.get("/")
    assert "Nästa steg är testläge." in site.read(page)
    assert "Du har sett vilka som skulle skickas. klart" in site.read(page)


def test_a_mode_without_a_run_is_waited_for(site, client):
    site.installation.connection("all", mode="test")
    page = client.get("/testlage")
    assert "All väntar på att den första körningen blir klar." in strip(page)
    assert "Testläge (klart)" not in strip(page)


def test_after_the_first_run_in_test_mode_the_next_step_is_live(site, client):
    site.ready(client, "/forhandsgranska")
    page = turn_on(site, client, "all", "test")
    assert "Testläge (klart) Skarpt läge (nu)" in strip(page)
    assert "Nästa steg: skarpt läge" in site.read(page)


def test_a_run_that_failed_does_not_finish_the_step(site, client):
    site.installation.test.fail(503, times=None)
    page = turn_on(site, client, "all", "test")
    assert "Testläge (klart)" not in strip(page)


def test_after_the_first_live_delivery_the_steps_are_over(site, client):
    assert '<nav class="steps"' not in turn_on(site, client, "all").text
    path = "/leverantorer/all/lage/off"
    site.send(client, client.get(path), path)
    assert '<nav class="steps"' not in client.get("/leverantorer/all").text


def test_the_steps_can_be_put_away_and_brought_back(site, client):
    page = client.get("/")
    answer = site.send(client, page, "/guide/bort")
    page = client.get(answer.location)
    assert "Guiden är undanlagd. Du hittar den igen under Inställningar." in site.read(page)
    assert '<nav class="steps"' not in page.text
    settings = client.get("/installningar")
    site.send(client, settings, "/guide/visa")
    assert '<nav class="steps"' in client.get("/").text


# The organisation


def test_the_organisation_is_kept_and_the_walk_goes_on(site, client):
    page = client.get(ORGANISATION)
    assert form_of(page, ORGANISATION)["number"] == "212000-9999"
    answer = site.send(client, page, ORGANISATION, name="Storvik", number="2120001111")
    assert answer.location == "/skolenheter/sok"
    kept = site.document()["organisation"]
    assert kept == {"name": "Storvik", "organisationNumber": "2120001111"}


def test_once_the_walk_is_over_one_stays_on_the_page(site, client):
    turn_on(site, client, "all")
    answer = site.send(client, client.get(ORGANISATION), ORGANISATION, name="Storvik")
    assert answer.location == ORGANISATION
    assert "Organisationen är sparad." in site.read(client.get(ORGANISATION))


def test_the_number_is_not_required(site, client):
    answer = site.send(client, client.get(ORGANISATION), ORGANISATION, number="")
    assert answer.status_code == 302
    assert "organisationNumber" not in site.document()["organisation"]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"name": "  "}, "Skriv organisationens namn"),
        ({"number": "212000-99"}, "Ett organisationsnummer har tio siffror"),
        ({"number": "storvik"}, "Ett organisationsnummer har tio siffror"),
    ],
)
def test_what_is_wrong_is_said_and_stays_typed(site, client, values, fault):
    before = site.document()
    answer = site.send(client, client.get(ORGANISATION), ORGANISATION, **values)
    assert answer.status_code == 400
    assert fault in site.read(answer)
    for name, value in values.items():
        assert form_of(answer, ORGANISATION)[name] == value.strip()
    assert site.document() == before


def test_who_saves_second_is_told_and_keeps_what_was_typed(site, client):
    page, other = client.get(ORGANISATION), site.sign_in()
    site.send(other, other.get(ORGANISATION), ORGANISATION, name="Storvik")
    answer = site.send(client, page, ORGANISATION, name="Storviks stad")
    assert answer.status_code == 409
    assert "Någon annan har sparat under tiden" in site.read(answer)
    assert form_of(answer, ORGANISATION)["name"] == "Storviks stad"
    assert site.document()["organisation"]["name"] == "Storvik"
    assert site.send(client, answer, ORGANISATION).status_code == 302
    assert site.document()["organisation"]["name"] == "Storviks stad"


def test_another_administrator_lets_the_directory_be_read_in_their_name(site, client):
    said = site.read(client.get(ORGANISATION))
    assert f"i namn av {site.document()['delegatedAdmin']}" in said
    assert "Slutar den personen" in said
    answer = site.send(client, client.get(ORGANISATION), f"{ORGANISATION}/las-i-mitt-namn")
    assert answer.location == ORGANISATION
    assert site.document()["delegatedAdmin"] == ADMIN
    assert site.store.audit_entries(TENANT, 1)[0].what == "organisation.reader"
    site.tasks()
    page = client.get(ORGANISATION)
    assert "Katalogen läses i ditt namn från och med nu." in site.read(page)
    assert "/las-i-mitt-namn" not in page.text
    assert site.ready(client, "/personer").status_code == 200


# Test and live


def test_each_vendor_can_be_tried_where_it_has_a_test_environment(site, client):
    page = client.get("/testlage")
    said = site.read(page)
    assert "Slå på testläge för All" in said
    assert 'href="/leverantorer/all/lage/test"' in page.text
    assert "Leverantören har ingen testmiljö i Skolsynk." in said
    assert "/leverantorer/some/lage/test" not in page.text
    assert "Nästa steg: skarpt läge" in said


def test_how_many_each_vendor_is_about_is_told_once_the_directory_is_read(site, client):
    assert "elever och" not in site.read(client.get("/skarpt-lage")).split("Some")[1]
    site.ready(client, "/forhandsgranska")
    said = site.read(client.get("/skarpt-lage"))
    assert "1 skolenhet · 12 elever och 4 i personalen" in said
    assert "Slå på skarpt läge för Some" in said


def test_a_vendor_that_is_on_says_how_it_stands(site, client):
    turn_on(site, client, "all")
    page = client.get("/skarpt-lage")
    assert "● Aktuell" in site.read(page)
    assert "/leverantorer/all/lage/live" not in page.text
    assert "Redan i skarpt läge" in site.read(client.get("/testlage"))


def test_without_a_vendor_one_is_chosen_first(site, client):
    site.installation.document["connections"] = []
    site.installation.import_document()
    page = client.get("/skarpt-lage")
    assert "Inga leverantörer är valda ännu." in site.read(page)
    assert 'href="/leverantorer"' in page.text


def test_a_vendor_without_units_leads_to_the_table(site, client):
    site.installation.connection("all", schoolUnits=[])
    said = site.read(client.get("/testlage"))
    assert "inga skolenheter valda" in said
    assert "Slå på testläge för All" not in said


def test_what_is_saved_is_in_the_log(site, client):
    site.send(client, client.get(ORGANISATION), ORGANISATION, name="Storvik")
    assert site.store.audit_entries(TENANT, 1)[0].what == "organisation.saved"

"""The first visit: each step says what is done and what is left, and can be left."""

import re

import pytest

from addon.tenants.model import Organisation
from addon.web.views import setup
from tests.support.page_actions import add_unit, run, turn_on
from tests.support.page_content import form_of
from tests.support.small_school import ADMIN, OTHER_TENANT, STRANGER, TENANT, small_school_pages
from tests.support.world import World

ORGANISATION = "/organisation"


def strip(page):
    """The steps at the head, in a line."""
    start = page.text.index('<nav class="steps"')
    part = page.text[start : page.text.index("</nav>", start)]
    return World.text(type("Page", (), {"text": part}))


# Beginning


def test_the_welcome_says_what_will_happen_and_that_one_may_stop(world):
    said = world.text(world.sign_in(STRANGER).get("/"))
    assert "Du går igenom sju steg och kan avbryta när du vill: allt sparas." in said
    assert "Inget skickas till någon leverantör förrän du slår på den." in said


def test_who_has_not_begun_is_led_to_the_welcome(world):
    assert world.sign_in(STRANGER).get(ORGANISATION).location == "/"


def test_beginning_saves_a_document_and_has_the_directory_read(world):
    client = world.sign_in(STRANGER)
    answer = world.send(client, client.get("/"), "/kom-igang")
    assert answer.location == ORGANISATION
    assert world.store.tenant(OTHER_TENANT) is not None
    assert world.store.audit_entries(OTHER_TENANT, 1)[0].what == "organisation.saved"


def test_what_the_register_has_is_filled_in_but_not_done_before_it_is_saved(world, monkeypatch):
    found = Organisation("Annanstads kommun", "2120001234")
    monkeypatch.setattr(setup, "_in_register", lambda ctx: found)
    client = world.sign_in(STRANGER)
    world.send(client, client.get("/"), "/kom-igang")
    page = client.get(ORGANISATION)
    form = form_of(page, ORGANISATION)
    assert (form["name"], form["number"]) == ("Annanstads kommun", "212000-1234")
    assert "Ifyllt ur Skolverkets register, som har Annanstads kommun" in world.text(page)
    assert "Organisation (nu)" in strip(page)
    world.send(client, page, ORGANISATION)
    assert "Organisation (klart)" in strip(client.get(ORGANISATION))


def test_beginning_twice_changes_nothing(world, client):
    before = world.stored_document()
    form = form_of(client.get(ORGANISATION), ORGANISATION)
    assert client.post("/kom-igang", data=form).location == ORGANISATION
    assert world.stored_document() == before


# The steps


def test_every_step_says_what_is_done_and_what_is_left(tmp_path):
    world = small_school_pages(tmp_path)
    add_unit(world, "12345680", "Södra skolan")
    for each in world.document["connections"]:
        each["schoolUnits"] = []
    with world:
        said = world.text(world.sign_in().get("/"))
        assert "Organisation Storviks kommun, 212000-9999 klart" in said
        assert "Skolenheter 2 skolenheter är tillagda. klart" in said
        assert "Urval 1 av 2 skolenheter är klara. 1 är kvar. nu" in said
        assert "Leverantörer Kryssa i vilka skolenheter" in said
        assert "Skarpt läge Slå på en leverantör. Därefter sköts allt automatiskt. kvar" in said
        assert "Du kan sluta när du vill och fortsätta en annan dag." in said


def test_the_page_of_a_step_says_which_it_is_and_how_far_it_has_come(world, client):
    page = client.get(ORGANISATION)
    assert "Steg 1 av 7. Storviks kommun, 212000-9999" in strip(page)
    assert re.search(r'aria-current="step">Organisation<', page.text)
    assert "Leverantörer (klart) Förhandsgranska (nästa) Testläge (kvar)" in strip(page)


def test_an_organisation_without_a_number_is_not_done(world, client):
    world.document["organisation"] = {"name": "Storviks kommun"}
    world.import_document()
    page = client.get(ORGANISATION)
    assert "Organisation (nu)" in strip(page)
    assert "Organisationsnumret saknas." in strip(page)


def test_a_preview_that_was_looked_at_is_done(world, client):
    assert world.ready(client, "/forhandsgranska").status_code == 200
    page = client.get("/")
    assert "Nästa steg är testläge." in world.text(page)
    assert "Du har sett vilka som skulle skickas. klart" in world.text(page)


def test_a_mode_without_a_run_is_waited_for(world, client):
    world.change_connection("all", mode="test")
    page = client.get("/testlage")
    assert "All väntar på att den första körningen ska bli klar." in strip(page)
    assert "Testläge (klart)" not in strip(page)


def test_after_the_first_run_in_test_mode_the_next_step_is_live(world, client):
    world.ready(client, "/forhandsgranska")
    page = turn_on(world, client, "all", "test")
    assert "Testläge (klart) Skarpt läge (nästa)" in strip(page)
    assert "Nästa steg: skarpt läge" in world.text(page)


def test_a_run_that_failed_does_not_finish_the_step(world, client):
    world.vendor("all", "test").fail(503, times=None)
    page = turn_on(world, client, "all", "test")
    assert "Testläge (klart)" not in strip(page)
    page = client.get("/testlage")
    assert "Allt kom inte fram till All." in strip(page)
    assert "Nästa steg: skarpt läge" not in world.text(page)


def test_a_unit_that_goes_nowhere_and_what_is_changed_after_the_test_remain_to_be_tried(
    world, client
):
    everybody = {"students": {"orgUnits": ["/Elever/7B"]}}
    add_unit(world, "12345680", "Södra skolan", **everybody)
    world.import_document()
    world.ready(client, "/forhandsgranska")
    turn_on(world, client, "all", "test")
    page = client.get("/testlage")
    assert "1 skolenhet går inte till någon leverantör." in strip(page)
    assert "Testläge (klart)" not in strip(page)
    said = world.text(client.get("/"))
    assert "Fortsätt med testläge" in said
    assert "Fortsätt med skarpt läge" not in said
    world.clock.ahead += 10
    both = {"units-all": ["12345678", "12345680"]}
    asked = world.send(client, world.ready(client, "/leverantorer"), "/leverantorer", **both)
    world.send(client, asked, "/leverantorer", do="sure")
    page = client.get("/testlage")
    changed = "Urvalet är ändrat sedan det provades; nästa körning skickar det till All."
    assert changed in strip(page)
    run(world, client)
    assert "Testläge (klart) Skarpt läge (nästa)" in strip(client.get("/testlage"))
    assert "Hör med leverantören att det ser rätt ut där." in strip(client.get("/testlage"))


def test_after_the_first_live_delivery_the_steps_are_over(world, client):
    assert '<nav class="steps"' not in turn_on(world, client, "all").text
    path = "/leverantorer/all/lage/off"
    world.send(client, client.get(path), path)
    assert '<nav class="steps"' not in client.get("/leverantorer/all").text


def test_the_steps_can_be_put_away_and_brought_back(world, client):
    page = client.get("/")
    answer = world.send(client, page, "/guide/bort")
    page = client.get(answer.location)
    assert "Guiden är dold. Du hittar den igen under Inställningar." in world.text(page)
    assert '<nav class="steps"' not in page.text
    settings = client.get("/installningar")
    world.send(client, settings, "/guide/visa")
    assert '<nav class="steps"' in client.get("/").text


# The organisation


def test_the_organisation_is_kept_and_the_walk_goes_on(world, client):
    page = client.get(ORGANISATION)
    assert form_of(page, ORGANISATION)["number"] == "212000-9999"
    answer = world.send(client, page, ORGANISATION, name="Storvik", number="212000-9999")
    assert answer.location == "/skolenheter/sok"
    kept = world.stored_document()["organisation"]
    assert kept == {"name": "Storvik", "organisationNumber": "2120009999"}


def test_once_the_walk_is_over_one_stays_on_the_page(world, client):
    turn_on(world, client, "all")
    answer = world.send(client, client.get(ORGANISATION), ORGANISATION, name="Storvik")
    assert answer.location == ORGANISATION
    assert "Organisationen är sparad." in world.text(client.get(ORGANISATION))


def test_the_number_is_not_required(world, client):
    answer = world.send(client, client.get(ORGANISATION), ORGANISATION, number="")
    assert answer.status_code == 302
    assert "organisationNumber" not in world.stored_document()["organisation"]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"name": "  "}, "Skriv organisationens namn"),
        ({"number": "212000-99"}, "Ett organisationsnummer har tio siffror"),
        ({"number": "storvik"}, "Ett organisationsnummer har tio siffror"),
    ],
)
def test_what_is_wrong_is_said_and_stays_typed(world, client, values, fault):
    before = world.stored_document()
    answer = world.send(client, client.get(ORGANISATION), ORGANISATION, **values)
    assert answer.status_code == 400
    assert fault in world.text(answer)
    for name, value in values.items():
        assert form_of(answer, ORGANISATION)[name] == value.strip()
    assert world.stored_document() == before


def test_who_saves_second_is_reported_and_keeps_what_was_typed(world, client):
    page, other = client.get(ORGANISATION), world.sign_in()
    world.send(other, other.get(ORGANISATION), ORGANISATION, name="Storvik")
    answer = world.send(client, page, ORGANISATION, name="Storviks stad")
    assert answer.status_code == 409
    assert "Du har sparat i en annan flik" in world.text(answer)
    assert form_of(answer, ORGANISATION)["name"] == "Storviks stad"
    assert world.stored_document()["organisation"]["name"] == "Storvik"
    assert world.send(client, answer, ORGANISATION).status_code == 302
    assert world.stored_document()["organisation"]["name"] == "Storviks stad"


def test_another_administrator_lets_the_directory_be_read_in_their_name(world, client):
    said = world.text(client.get(ORGANISATION))
    assert f"i Google Workspace som {world.stored_document()['delegatedAdmin']}" in said
    assert "Om den personen slutar" in said
    answer = world.send(client, client.get(ORGANISATION), f"{ORGANISATION}/las-i-mitt-namn")
    assert answer.location == ORGANISATION
    assert world.stored_document()["delegatedAdmin"] == ADMIN
    assert world.store.audit_entries(TENANT, 1)[0].what == "organisation.reader"
    world.wait_for_tasks()
    page = client.get(ORGANISATION)
    assert "Katalogen läses med ditt konto från och med nu." in world.text(page)
    assert "/las-i-mitt-namn" not in page.text
    assert world.ready(client, "/personer").status_code == 200


# Test and live


def test_each_vendor_can_be_tried_where_it_has_a_test_environment(world, client):
    page = client.get("/testlage")
    said = world.text(page)
    assert "Slå på testläge för All" in said
    assert 'href="/leverantorer/all/lage/test"' in page.text
    assert "Leverantören har ingen testmiljö i Skolsynk." in said
    assert "/leverantorer/some/lage/test" not in page.text
    assert "Nästa steg: skarpt läge" not in said
    assert "Gå vidare till skarpt läge ändå" in said


def test_how_many_each_vendor_is_about_is_reported_once_the_directory_is_read(world, client):
    assert "elever och" not in world.text(client.get("/skarpt-lage")).split("Some")[1]
    world.ready(client, "/forhandsgranska")
    said = world.text(client.get("/skarpt-lage"))
    assert "1 skolenhet · 12 elever och 4 i personalen" in said
    assert "Slå på skarpt läge för Some" in said


def test_a_vendor_that_is_on_says_how_it_stands(world, client):
    turn_on(world, client, "all")
    page = client.get("/skarpt-lage")
    assert "● Uppdaterad" in world.text(page)
    assert "/leverantorer/all/lage/live" not in page.text
    assert "Redan i skarpt läge" in world.text(client.get("/testlage"))


def test_without_a_vendor_one_is_chosen_first(world, client):
    world.document["connections"] = []
    world.import_document()
    page = client.get("/skarpt-lage")
    assert "Inga leverantörer är valda ännu." in world.text(page)
    assert 'href="/leverantorer"' in page.text


def test_a_vendor_without_units_leads_to_the_table(world, client):
    world.change_connection("all", schoolUnits=[])
    said = world.text(client.get("/testlage"))
    assert "inga skolenheter valda" in said
    assert "Slå på testläge för All" not in said


def test_what_is_saved_is_in_the_log(world, client):
    world.send(client, client.get(ORGANISATION), ORGANISATION, name="Storvik")
    assert world.store.audit_entries(TENANT, 1)[0].what == "organisation.saved"

"""Leverantörer: which units go where, and what a change means where a vendor is on."""

import re

import pytest

from tests.support.page_actions import add_unit, connection, mode_of, read_directory, turn_on
from tests.support.page_content import form_of
from tests.support.small_school import TENANT, person, small_school_pages

PAGE = "/leverantorer"
NORRA, SODRA, OSTRA = "12345678", "12345680", "12345681"


@pytest.fixture
def world(tmp_path):
    """Three units: all pupils are at Norra, those of 7B also at Södra, and nobody at Östra."""
    world = small_school_pages(tmp_path)
    add_unit(world, SODRA, "Södra skolan", students={"orgUnits": ["/Elever/7B"]})
    add_unit(world, OSTRA, "Östra skolan", students={"orgUnits": ["/Elever/9C"]})
    with world:
        world.domain.add_org_unit("/Elever/9C")
        world.domain.add_user(person("Nia", "Cee", "/Elever/9C"))
        unit = world.document["schoolUnits"][0]
        unit["students"]["orgUnits"] = ["/Elever/7A", "/Elever/7B"]
        world.import_document()
        yield world


def ticks(page, vendor="all"):
    found = form_of(page, PAGE).get(f"units-{vendor}", [])
    return found if isinstance(found, list) else [found]


def rows(page):
    return re.findall(r'<th scope="row"><a[^>]*>([^<]+)</a>', page.text)


def test_the_first_sentence_says_how_many_units_go_anywhere(world, client):
    page = client.get(PAGE)
    assert "1 av 3 skolenheter går till någon leverantör." in world.text(page)
    assert rows(page) == ["Norra skolan", "Södra skolan", "Östra skolan"]
    assert ticks(page) == [NORRA]


def test_each_vendor_has_its_mode_and_count_at_the_head(world, client):
    said = world.text(client.get(PAGE))
    assert "All Av 1 av 3" in said


def test_without_units_the_page_leads_to_the_register(tmp_path):
    with small_school_pages(tmp_path) as world:
        world.document["schoolUnits"] = []
        world.document["connections"] = []
        world.import_document()
        page = world.sign_in().get(PAGE)
        assert "Lägg först till era skolenheter" in world.text(page)
        assert 'href="/skolenheter/sok"' in page.text


def test_units_for_a_vendor_that_is_off_are_kept_at_once(world, client):
    values = {"units-all": [NORRA, SODRA], "units-some": []}
    answer = world.send(client, client.get(PAGE), PAGE, **values)
    assert answer.status_code == 302
    assert connection(world, "all")["schoolUnits"] == [NORRA, SODRA]
    assert connection(world, "some").get("schoolUnits", []) == []
    said = world.text(client.get(PAGE))
    assert "Inget skickas förrän leverantören är i testläge eller skarpt läge." in said


def test_the_first_time_the_walk_goes_on_to_the_preview(world, client):
    answer = world.send(client, client.get(PAGE), PAGE, **{"units-all": [NORRA]})
    assert answer.location == "/forhandsgranska"


def test_a_vendor_that_is_new_begins_off_and_gets_no_more_than_it_must(world, client):
    world.document["connections"] = []
    world.import_document()
    world.send(client, client.get(PAGE), PAGE, **{"units-some": [SODRA]})
    assert connection(world, "some")["schoolUnits"] == [SODRA]
    assert not connection(world, "some").get("fields")
    assert mode_of(world, "some") == "off"


def test_when_nothing_is_ticked_the_walk_does_not_go_on(world, client):
    answer = world.send(client, client.get(PAGE), PAGE, **{"units-all": None, "units-some": None})
    assert answer.location == PAGE
    assert "Ingen skolenhet är kryssad, så inget skickas någonstans." in world.text(
        client.get(PAGE)
    )


def test_units_stay_in_the_documents_order_whatever_the_form_has(world, client):
    world.send(client, client.get(PAGE), PAGE, **{"units-all": [OSTRA, NORRA]})
    assert connection(world, "all")["schoolUnits"] == [NORRA, OSTRA]


def test_units_and_vendors_that_there_are_not_are_left_out(world, client):
    form = {"units-all": [NORRA, "99999999"], "units-nobody": [NORRA]}
    world.send(client, client.get(PAGE), PAGE, **form)
    assert connection(world, "all")["schoolUnits"] == [NORRA]
    assert [c["vendor"] for c in world.stored_document()["connections"]] == ["all", "some"]


def test_all_units_are_ticked_for_a_vendor_at_once_and_nothing_is_saved_yet(world, client):
    before = world.stored_document()
    page = world.send(client, client.get(PAGE), PAGE, do="all-all")
    assert page.status_code == 200
    assert ticks(page) == [NORRA, SODRA, OSTRA]
    assert ticks(page, "some") == [NORRA]
    assert "Kryssen är ändrade men inte sparade." in world.text(page)
    assert world.stored_document() == before
    none = world.send(client, page, PAGE, do="none-all")
    assert ticks(none) == []
    assert world.send(client, page, PAGE).status_code == 302
    assert connection(world, "all")["schoolUnits"] == [NORRA, SODRA, OSTRA]


def test_a_search_has_an_address_of_its_own(world, client):
    answer = world.send(client, client.get(PAGE), PAGE, do="show", q="södra")
    assert answer.status_code == 302
    page = client.get(answer.location)
    assert rows(page) == ["Södra skolan"]
    assert "1 av 3 skolenheter visas." in world.text(page)
    assert rows(client.get(f"{PAGE}?q=12345681")) == ["Östra skolan"]
    assert rows(client.get(f"{PAGE}?visa=ingen")) == ["Södra skolan", "Östra skolan"]


def test_a_search_that_finds_nothing_says_so(world, client):
    said = world.text(client.get(f"{PAGE}?q=västra"))
    assert "Ingen skolenhet stämmer med sökningen." in said


def test_what_is_ticked_but_not_shown_is_saved_all_the_same(world, client):
    page = client.get(f"{PAGE}?q=södra")
    assert ticks(page) == [NORRA]
    world.send(client, page, PAGE, **{"units-all": [NORRA, SODRA]})
    assert connection(world, "all")["schoolUnits"] == [NORRA, SODRA]


def test_a_search_loses_no_ticks_that_are_not_saved(world, client):
    form = {"units-all": [NORRA, OSTRA], "do": "show", "q": "södra"}
    page = world.send(client, client.get(PAGE), PAGE, **form)
    assert page.status_code == 200
    assert rows(page) == ["Södra skolan"]
    assert sorted(ticks(page)) == [NORRA, OSTRA]
    assert "Kryssen är ändrade men inte sparade." in world.text(page)


def test_all_is_all_that_are_shown(world, client):
    page = world.send(client, client.get(f"{PAGE}?q=södra"), PAGE, do="all-all")
    assert sorted(ticks(page)) == [NORRA, SODRA]


def test_who_saves_second_is_reported_and_keeps_the_ticks(world, client):
    page, other = client.get(PAGE), world.sign_in()
    world.send(other, other.get(PAGE), PAGE, **{"units-some": [SODRA]})
    answer = world.send(client, page, PAGE, **{"units-all": [NORRA, OSTRA]})
    assert answer.status_code == 409
    assert "Du har sparat i en annan flik" in world.text(answer)
    assert ticks(answer) == [NORRA, OSTRA]
    assert connection(world, "all")["schoolUnits"] == [NORRA]
    assert world.send(client, answer, PAGE).status_code == 302
    assert connection(world, "all")["schoolUnits"] == [NORRA, OSTRA]


def test_a_unit_that_another_removed_is_not_in_the_table_that_is_shown_again(world, client):
    page = client.get(PAGE)
    world.document["schoolUnits"].pop()
    world.change_connection("some", schoolUnits=[SODRA])
    answer = world.send(client, page, PAGE, **{"units-all": [NORRA, OSTRA]})
    assert answer.status_code == 409
    assert rows(answer) == ["Norra skolan", "Södra skolan"]


# Where a vendor is on, it is asked first


def test_a_unit_taken_from_a_vendor_that_is_on_is_asked_about_with_who_would_go(world, client):
    world.send(client, client.get(PAGE), PAGE, **{"units-all": [NORRA, OSTRA]})
    turn_on(world, client, "all")
    page = world.send(client, client.get(PAGE), PAGE, **{"units-all": [NORRA]})
    assert page.status_code == 200
    said = world.text(page)
    assert "1 elev och 0 i personalen tas bort hos All" in said
    assert "Östra skolan" in said
    assert connection(world, "all")["schoolUnits"] == [NORRA, OSTRA]
    answer = world.send(client, page, PAGE, do="sure")
    assert answer.status_code == 302
    assert connection(world, "all")["schoolUnits"] == [NORRA]
    assert "Nästa körning skickar ändringen." in world.text(client.get(PAGE))


def test_nobody_goes_who_has_another_unit_there(world, client):
    world.send(client, client.get(PAGE), PAGE, **{"units-all": [NORRA, SODRA]})
    turn_on(world, client, "all")
    said = world.text(world.send(client, client.get(PAGE), PAGE, **{"units-all": [NORRA]}))
    assert "Ingen person tas bort hos All" in said
    assert "Södra skolan" in said


def test_a_unit_given_to_a_vendor_that_is_on_is_asked_about_with_who_would_come(world, client):
    turn_on(world, client, "all")
    page = world.send(client, client.get(PAGE), PAGE, **{"units-all": [NORRA, OSTRA]})
    assert "Konton skapas för 1 elev och 0 i personalen hos All." in world.text(page)
    assert world.send(client, page, PAGE, do="sure").status_code == 302
    assert connection(world, "all")["schoolUnits"] == [NORRA, OSTRA]


def test_more_than_the_limit_is_said_to_stop_and_ask(world, client):
    turn_on(world, client, "all")
    page = world.send(client, client.get(PAGE), PAGE, **{"units-all": []})
    said = world.text(page)
    assert "12 elever och 4 i personalen tas bort hos All" in said
    assert "körningen stannar och frågar dig innan något tas bort" in said


def test_from_the_question_one_comes_back_to_the_ticks(world, client):
    turn_on(world, client, "all")
    page = world.send(client, client.get(PAGE), PAGE, **{"units-all": []})
    again = world.send(client, page, PAGE, do="show")
    assert ticks(again) == []
    assert connection(world, "all")["schoolUnits"] == [NORRA]
    assert "Kryssen är ändrade men inte sparade." in world.text(again)


def test_another_vendor_that_is_off_is_not_asked_about(world, client):
    turn_on(world, client, "all")
    answer = world.send(client, client.get(PAGE), PAGE, **{"units-some": [SODRA]})
    assert answer.status_code == 302
    assert connection(world, "some")["schoolUnits"] == [SODRA]


def test_without_the_directory_the_units_are_named_and_the_numbers_counted_again(world, client):
    turn_on(world, client, "all")
    with world.later(25 * 3600):
        page = world.send(client, client.get(PAGE), PAGE, **{"units-all": []})
        said = world.text(page)
        assert "De som bara hör till de här skolenheterna tas bort hos All: Norra skolan" in said
        assert "katalogen i Google Workspace läses. Räkna igen om en stund." in said
        world.wait_for_tasks()
        for _ in range(50):
            page = world.send(client, page, PAGE, do="count")
            if "12 elever och 4 i personalen tas bort hos All" in world.text(page):
                break
        else:
            raise AssertionError(world.text(page))
    assert connection(world, "all")["schoolUnits"] == [NORRA]


def test_who_says_yes_second_is_reported(world, client):
    turn_on(world, client, "all")
    page, other = client.get(PAGE), world.sign_in()
    asked = world.send(client, page, PAGE, **{"units-all": []})
    world.send(other, other.get(PAGE), PAGE, **{"units-some": [SODRA]})
    answer = world.send(client, asked, PAGE, do="sure")
    assert answer.status_code == 409
    assert connection(world, "all")["schoolUnits"] == [NORRA]


def test_every_change_is_in_the_log(world, client):
    world.send(client, client.get(PAGE), PAGE, **{"units-all": [SODRA]})
    assert world.store.audit_entries(TENANT, 1)[0].what == "vendors.saved"


def test_the_table_is_whole_with_300_units(world, client):
    read_directory(world, client)
    for n in range(297):
        add_unit(world, f"{20000000 + n}", f"Skola {n}")
    world.import_document()
    page = client.get(PAGE)
    assert len(rows(page)) == 300
    assert len(ticks(world.send(client, page, PAGE, do="all-some"), "some")) == 300

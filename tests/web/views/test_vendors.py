"""Leverantörer: which units go where, and what a change means where a vendor is on."""

import re

import pytest

from tests.support.installation import TENANT, person
from tests.support.page_actions import add_unit, connection, mode_of, read_directory, turn_on
from tests.support.site import Site, form_of

PAGE = "/leverantorer"
NORRA, SODRA, OSTRA = "12345678", "12345680", "12345681"


@pytest.fixture
def site(tmp_path):
    """Three units: all pupils are at Norra, those of 7B also at Södra, and nobody at Östra."""
    site = Site(tmp_path)
    add_unit(site, SODRA, "Södra skolan", students={"orgUnits": ["/Elever/7B"]})
    add_unit(site, OSTRA, "Östra skolan", students={"orgUnits": ["/Elever/9C"]})
    with site:
        site.installation.domain.add_org_unit("/Elever/9C")
        site.installation.domain.add_user(person("Nia", "Cee", "/Elever/9C"))
        unit = site.installation.document["schoolUnits"][0]
        unit["students"]["orgUnits"] = ["/Elever/7A", "/Elever/7B"]
        site.installation.import_document()
        yield site


def ticks(page, vendor="all"):
    found = form_of(page, PAGE).get(f"units-{vendor}", [])
    return found if isinstance(found, list) else [found]


def rows(page):
    return re.findall(r'<th scope="row"><a[^>]*>([^<]+)</a>', page.text)


def test_the_first_sentence_says_how_many_units_go_anywhere(site, client):
    page = client.get(PAGE)
    assert "1 av 3 skolenheter går till någon leverantör." in site.read(page)
    assert rows(page) == ["Norra skolan", "Södra skolan", "Östra skolan"]
    assert ticks(page) == [NORRA]


def test_each_vendor_has_its_mode_and_count_at_the_head(site, client):
    said = site.read(client.get(PAGE))
    assert "All Av 1 av 3" in said


def test_without_units_the_page_leads_to_the_register(tmp_path):
    with Site(tmp_path) as site:
        site.installation.document["schoolUnits"] = []
        site.installation.document["connections"] = []
        site.installation.import_document()
        page = site.sign_in().get(PAGE)
        assert "Lägg först till era skolenheter" in site.read(page)
        assert 'href="/skolenheter/sok"' in page.text


def test_units_for_a_vendor_that_is_off_are_kept_at_once(site, client):
    values = {"units-all": [NORRA, SODRA], "units-some": []}
    answer = site.send(client, client.get(PAGE), PAGE, **values)
    assert answer.status_code == 302
    assert connection(site, "all")["schoolUnits"] == [NORRA, SODRA]
    assert connection(site, "some").get("schoolUnits", []) == []
    said = site.read(client.get(PAGE))
    assert "Inget skickas förrän leverantören är i testläge eller skarpt läge." in said


def test_the_first_time_the_walk_goes_on_to_the_preview(site, client):
    answer = site.send(client, client.get(PAGE), PAGE, **{"units-all": [NORRA]})
    assert answer.location == "/forhandsgranska"


def test_a_vendor_that_is_new_begins_off_and_gets_no_more_than_it_must(site, client):
    site.installation.document["connections"] = []
    site.installation.import_document()
    site.send(client, client.get(PAGE), PAGE, **{"units-some": [SODRA]})
    assert connection(site, "some")["schoolUnits"] == [SODRA]
    assert not connection(site, "some").get("fields")
    assert mode_of(site, "some") == "off"


def test_when_nothing_is_ticked_the_walk_does_not_go_on(site, client):
    answer = site.send(client, client.get(PAGE), PAGE, **{"units-all": None, "units-some": None})
    assert answer.location == PAGE
    assert "Ingen skolenhet är kryssad, så inget skickas någonstans." in site.read(client.get(PAGE))


def test_units_stay_in_the_documents_order_whatever_the_form_has(site, client):
    site.send(client, client.get(PAGE), PAGE, **{"units-all": [OSTRA, NORRA]})
    assert connection(site, "all")["schoolUnits"] == [NORRA, OSTRA]


def test_units_and_vendors_that_there_are_not_are_left_out(site, client):
    form = {"units-all": [NORRA, "99999999"], "units-nobody": [NORRA]}
    site.send(client, client.get(PAGE), PAGE, **form)
    assert connection(site, "all")["schoolUnits"] == [NORRA]
    assert [c["vendor"] for c in site.document()["connections"]] == ["all", "some"]


def test_all_units_are_ticked_for_a_vendor_at_once_and_nothing_is_saved_yet(site, client):
    before = site.document()
    page = site.send(client, client.get(PAGE), PAGE, do="all-all")
    assert page.status_code == 200
    assert ticks(page) == [NORRA, SODRA, OSTRA]
    assert ticks(page, "some") == [NORRA]
    assert "Kryssen är ändrade men inte sparade." in site.read(page)
    assert site.document() == before
    none = site.send(client, page, PAGE, do="none-all")
    assert ticks(none) == []
    assert site.send(client, page, PAGE).status_code == 302
    assert connection(site, "all")["schoolUnits"] == [NORRA, SODRA, OSTRA]


def test_a_search_has_an_address_of_its_own(site, client):
    answer = site.send(client, client.get(PAGE), PAGE, do="show", q="södra")
    assert answer.status_code == 302
    page = client.get(answer.location)
    assert rows(page) == ["Södra skolan"]
    assert "1 av 3 skolenheter visas." in site.read(page)
    assert rows(client.get(f"{PAGE}?q=12345681")) == ["Östra skolan"]
    assert rows(client.get(f"{PAGE}?visa=ingen")) == ["Södra skolan", "Östra skolan"]


def test_a_search_that_finds_nothing_says_so(site, client):
    said = site.read(client.get(f"{PAGE}?q=västra"))
    assert "Ingen skolenhet stämmer med sökningen." in said


def test_what_is_ticked_but_not_shown_is_saved_all_the_same(site, client):
    page = client.get(f"{PAGE}?q=södra")
    assert ticks(page) == [NORRA]
    site.send(client, page, PAGE, **{"units-all": [NORRA, SODRA]})
    assert connection(site, "all")["schoolUnits"] == [NORRA, SODRA]


def test_a_search_loses_no_ticks_that_are_not_saved(site, client):
    form = {"units-all": [NORRA, OSTRA], "do": "show", "q": "södra"}
    page = site.send(client, client.get(PAGE), PAGE, **form)
    assert page.status_code == 200
    assert rows(page) == ["Södra skolan"]
    assert sorted(ticks(page)) == [NORRA, OSTRA]
    assert "Kryssen är ändrade men inte sparade." in site.read(page)


def test_all_is_all_that_are_shown(site, client):
    page = site.send(client, client.get(f"{PAGE}?q=södra"), PAGE, do="all-all")
    assert sorted(ticks(page)) == [NORRA, SODRA]


def test_who_saves_second_is_told_and_keeps_the_ticks(site, client):
    page, other = client.get(PAGE), site.sign_in()
    site.send(other, other.get(PAGE), PAGE, **{"units-some": [SODRA]})
    answer = site.send(client, page, PAGE, **{"units-all": [NORRA, OSTRA]})
    assert answer.status_code == 409
    assert "Någon annan har sparat under tiden" in site.read(answer)
    assert ticks(answer) == [NORRA, OSTRA]
    assert connection(site, "all")["schoolUnits"] == [NORRA]
    assert site.send(client, answer, PAGE).status_code == 302
    assert connection(site, "all")["schoolUnits"] == [NORRA, OSTRA]


def test_a_unit_that_another_removed_is_not_in_the_table_that_is_shown_again(site, client):
    page = client.get(PAGE)
    site.installation.document["schoolUnits"].pop()
    site.installation.connection("some", schoolUnits=[SODRA])
    answer = site.send(client, page, PAGE, **{"units-all": [NORRA, OSTRA]})
    assert answer.status_code == 409
    assert rows(answer) == ["Norra skolan", "Södra skolan"]


# Where a vendor is on, it is asked first


def test_a_unit_taken_from_a_vendor_that_is_on_is_asked_about_with_who_would_go(site, client):
    site.send(client, client.get(PAGE), PAGE, **{"units-all": [NORRA, OSTRA]})
    turn_on(site, client, "all")
    page = site.send(client, client.get(PAGE), PAGE, **{"units-all": [NORRA]})
    assert page.status_code == 200
    said = site.read(page)
    assert "1 elev och 0 i personalen tas bort hos All" in said
    assert "Östra skolan" in said
    assert connection(site, "all")["schoolUnits"] == [NORRA, OSTRA]
    answer = site.send(client, page, PAGE, do="sure")
    assert answer.status_code == 302
    assert connection(site, "all")["schoolUnits"] == [NORRA]
    assert "Nästa körning skickar ändringen." in site.read(client.get(PAGE))


def test_nobody_goes_who_has_another_unit_there(site, client):
    site.send(client, client.get(PAGE), PAGE, **{"units-all": [NORRA, SODRA]})
    turn_on(site, client, "all")
    said = site.read(site.send(client, client.get(PAGE), PAGE, **{"units-all": [NORRA]}))
    assert "Ingen person tas bort hos All" in said
    assert "Södra skolan" in said


def test_a_unit_given_to_a_vendor_that_is_on_is_asked_about_with_who_would_come(site, client):
    turn_on(site, client, "all")
    page = site.send(client, client.get(PAGE), PAGE, **{"units-all": [NORRA, OSTRA]})
    assert "Konton skapas för 1 elev och 0 i personalen hos All." in site.read(page)
    assert site.send(client, page, PAGE, do="sure").status_code == 302
    assert connection(site, "all")["schoolUnits"] == [NORRA, OSTRA]


def test_more_than_the_limit_is_said_to_stop_and_ask(site, client):
    turn_on(site, client, "all")
    page = site.send(client, client.get(PAGE), PAGE, **{"units-all": []})
    said = site.read(page)
    assert "12 elever och 4 i personalen tas bort hos All" in said
    assert "körningen stannar och frågar dig innan något tas bort" in said


def test_from_the_question_one_comes_back_to_the_ticks(site, client):
    turn_on(site, client, "all")
    page = site.send(client, client.get(PAGE), PAGE, **{"units-all": []})
    again = site.send(client, page, PAGE, do="show")
    assert ticks(again) == []
    assert connection(site, "all")["schoolUnits"] == [NORRA]
    assert "Kryssen är ändrade men inte sparade." in site.read(again)


def test_another_vendor_that_is_off_is_not_asked_about(site, client):
    turn_on(site, client, "all")
    answer = site.send(client, client.get(PAGE), PAGE, **{"units-some": [SODRA]})
    assert answer.status_code == 302
    assert connection(site, "some")["schoolUnits"] == [SODRA]


def test_without_the_directory_the_units_are_named_and_the_numbers_counted_again(site, client):
    turn_on(site, client, "all")
    with site.later(25 * 3600):
        page = site.send(client, client.get(PAGE), PAGE, **{"units-all": []})
        said = site.read(page)
        assert "De som bara hör till de här skolenheterna tas bort hos All: Norra skolan" in said
        assert "katalogen i Google Workspace läses. Räkna igen om en stund." in said
        site.tasks()
        for _ in range(50):
            page = site.send(client, page, PAGE, do="count")
            if "12 elever och 4 i personalen tas bort hos All" in site.read(page):
                break
        else:
            raise AssertionError(site.read(page))
    assert connection(site, "all")["schoolUnits"] == [NORRA]


def test_who_says_yes_second_is_told(site, client):
    turn_on(site, client, "all")
    page, other = client.get(PAGE), site.sign_in()
    asked = site.send(client, page, PAGE, **{"units-all": []})
    site.send(other, other.get(PAGE), PAGE, **{"units-some": [SODRA]})
    answer = site.send(client, asked, PAGE, do="sure")
    assert answer.status_code == 409
    assert connection(site, "all")["schoolUnits"] == [NORRA]


def test_every_change_is_in_the_log(site, client):
    site.send(client, client.get(PAGE), PAGE, **{"units-all": [SODRA]})
    assert site.store.audit_entries(TENANT, 1)[0].what == "vendors.saved"


def test_the_table_is_whole_with_300_units(site, client):
    read_directory(site, client)
    for n in range(297):
        add_unit(site, f"{20000000 + n}", f"Skola {n}")
    site.installation.import_document()
    page = client.get(PAGE)
    assert len(rows(page)) == 300
    assert len(ticks(site.send(client, page, PAGE, do="all-some"), "some")) == 300

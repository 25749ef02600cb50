"""Förhandsgranska: what the next run would do, by vendor, by name, and for one person."""

import re

import pytest

from tests.support.installation import DOMAIN, HIDDEN, PUPILS, address, person
from tests.support.site import TEACHER, Site
from tests.web.views.school import deliver, hold, read_again, turn_on, user_id

PAGE, ALL = "/forhandsgranska", "/forhandsgranska/all"
TORVALD = PUPILS["7A"][0]


@pytest.fixture
def site(site):
    turn_on(site, "all")
    return site


def one(site, client, *name):
    return site.ready(client, f"{ALL}/{user_id(site, *name)}")


def row(page, name):
    """The cells of a line of the table of differences."""
    found = re.search(rf"<tr[^>]*><th[^>]*>{name}.*?</tr>", page.text, re.S)
    return [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<td.*?</td>", found[0], re.S)]


def test_a_vendor_that_is_on_is_told_by_numbers_and_nothing_is_sent(site, client):
    page = site.ready(client, PAGE)
    said = site.read(page)
    assert "Nästa körning skapar 16, ändrar 0 och tar bort 0 personer hos leverantörerna." in said
    assert "Inget skickas härifrån." in said
    assert 'href="/forhandsgranska/all?vad=create"' in page.text
    assert "2 klasser och grupper" in said
    assert site.installation.requests == []


def test_vendors_that_are_off_are_told_of_as_if_they_were_on(site, client):
    turn_on(site, "all", mode="off")
    said = site.read(site.ready(client, PAGE))
    assert "Alla leverantörer är av, så inget skickas. Så här blir det när de slås på." in said
    assert "All (av) När All slås på i skarpt läge: skapas 16 personer skapas" in said
    listed = site.read(site.ready(client, ALL))
    assert "När All slås på" in listed
    assert "Torvald Äppelqvist Skapas" in listed
    assert row(one(site, client, *TORVALD), "Förnamn") == ["Torvald"]
    assert site.installation.requests == []


def test_where_no_units_are_chosen_the_way_to_choose_them_is_shown(site, client):
    turn_on(site, mode="off", schoolUnits=[])
    page = site.ready(client, PAGE)
    assert "inga skolenheter är valda för någon leverantör" in site.read(page)
    assert 'href="/leverantorer">Välj leverantörer' in page.text
    assert site.ready(client, ALL).status_code == 404


def test_when_all_is_up_to_date_the_page_says_so(site, client):
    deliver(site)
    said = site.read(site.ready(client, PAGE))
    assert "Nästa körning skickar inget: allt är redan aktuellt." in said
    assert "Allt är aktuellt hos All, så inget skickas." in site.read(site.ready(client, ALL))


def test_what_would_be_removed_is_told_first_and_by_name(site, client):
    deliver(site)
    domain = site.installation.domain
    domain.suspend(address(*TORVALD))
    domain.rename_user(address("Li", "Xu"), given_name="Lì", family_name="Xu")
    domain.add_user(person("Ny", "Elev", "/Elever/7B"))
    said = site.read(site.ready(client, PAGE))
    assert "Nästa körning skapar 1, ändrar 1 och tar bort 1 personer" in said
    page = site.ready(client, ALL)
    listed = site.read(page)
    assert "Allt (3) Tas bort (1) Skapas (1) Ändras (1)" in listed
    assert re.findall(r'<th scope="row"><a[^>]*>([^<]+)', page.text) == [
        "Torvald Äppelqvist",
        "Ny Elev",
        "Lì Xu",
    ]
    removed = site.ready(client, ALL, query_string={"vad": "delete"})
    assert "Ny Elev" not in removed.text
    assert "Torvald Äppelqvist Tas bort" in site.read(removed)


def test_a_kind_that_there_is_none_of_shows_all(site, client):
    page = site.ready(client, ALL, query_string={"vad": "nonsense", "typ": "Nonsense"})
    assert "Torvald Äppelqvist" in page.text
    empty = site.ready(client, ALL, query_string={"vad": "delete"})
    assert "Inget av det slaget." in site.read(empty)


def test_classes_and_the_like_are_told_by_name_too(site, client):
    page = site.ready(client, ALL, query_string={"typ": "StudentGroup"})
    assert "7A Norra skolan Skapas" in site.read(page)
    assert "Norra skolan Skapas" in site.read(
        site.ready(client, ALL, query_string={"typ": "SchoolUnit"})
    )
    assert "Gunnel Pärlbåt Skapas Visa uppgifterna" in site.read(
        site.ready(client, ALL, query_string={"typ": "Employment"})
    )


def test_what_an_activity_is_is_told_where_there_are_any(tmp_path):
    site = Site(tmp_path)
    unit = site.installation.document["schoolUnits"][0]
    unit["teachingGroups"] = {"from": "group", "pattern": "^(?P<name>matte)@"}
    with site:
        turn_on(site, "all")
        told = "En aktivitet är undervisningen i en klass eller grupp"
        client, matte = site.sign_in(), f"matte@{DOMAIN}"
        assert told not in site.read(site.ready(client, PAGE))
        site.installation.domain.add_group({"email": matte, "name": "Matte"})
        for member in (address("Bo", "Ek"), TEACHER):
            site.installation.domain.add_member(matte, member)
        read_again(site, client)
        said = site.read(site.ready(client, PAGE))
        assert "1 aktivitet" in said
        assert told in said
        activities = site.ready(client, ALL, query_string={"typ": "Activity"})
        assert told in site.read(activities)


def test_a_long_list_of_names_has_pages(site, client):
    for n in range(100):
        site.installation.domain.add_user(person(f"Ny{n}", "Elev", "/Elever/7B"))
    page = site.ready(client, ALL, query_string={"vad": "create"})
    assert "Sida 1 av 2" in site.read(page)
    assert "/forhandsgranska/all?vad=create&amp;sida=2" in page.text
    second = client.get(ALL, query_string={"vad": "create", "sida": "2"})
    assert second.text.count('<th scope="row">') == 16


def test_an_account_that_is_gone_is_told_without_a_name(site, client):
    deliver(site)
    site.installation.leave(TORVALD)
    said = site.read(site.ready(client, ALL))
    assert "Konto som inte finns kvar i Workspace Tas bort" in said


def test_a_person_who_is_protected_since_is_removed_without_a_name(site, client):
    deliver(site)
    number = user_id(site, *TORVALD)
    site.installation.domain.move_user(address(*TORVALD), "/Skyddade")
    page = site.ready(client, ALL)
    assert "Person med skyddade personuppgifter Tas bort" in site.read(page)
    assert "Torvald" not in page.text
    hidden = client.get(f"{ALL}/{number}")
    unknown = client.get(f"{ALL}/000000000000000000000")
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    assert site.read(hidden) == site.read(unknown)
    assert client.get(f"{ALL}/{user_id(site, *HIDDEN)}").status_code == 404


def test_a_new_person_is_shown_with_what_would_be_sent(site, client):
    page = one(site, client, *TORVALD)
    said = site.read(page)
    assert "Torvald Äppelqvist skapas hos All med de här uppgifterna." in said
    assert row(page, "Förnamn") == ["Torvald"]
    assert row(page, "Skolenhet") == ["Norra skolan"]
    assert row(page, "Årskurs") == ["7"]


def test_staff_are_shown_with_their_employment(site, client):
    said = site.read(one(site, client, "Gunnel", "Pärlbåt"))
    assert "Anställningen: skapas" in said
    assert "Anställd vid Norra skolan" in said


def test_a_change_is_shown_as_it_is_at_the_vendor_and_as_it_will_be(site, client):
    deliver(site)
    site.installation.domain.rename_user(address(*TORVALD), given_name="Tor", family_name="Åberg")
    page = one(site, client, *TORVALD)
    assert "Tor Åberg ändras hos All." in site.read(page)
    assert row(page, "Efternamn") == ["Äppelqvist", "Åberg"]
    assert "<del>Äppelqvist</del>" in page.text
    assert "<ins>Åberg</ins>" in page.text
    assert row(page, "Skolenhet") == ["Norra skolan", "Norra skolan"]
    assert page.text.count('class="changed"') == 3


def test_a_removal_shows_what_the_vendor_has(site, client):
    deliver(site)
    site.installation.domain.suspend(address(*TORVALD))
    page = one(site, client, *TORVALD)
    assert "Torvald Äppelqvist tas bort hos All." in site.read(page)
    assert row(page, "Efternamn") == ["Äppelqvist"]


def test_somebody_of_whom_nothing_changes_is_said_to_stay(site, client):
    deliver(site)
    said = site.read(one(site, client, *TORVALD))
    assert "Inget ändras för Torvald Äppelqvist hos All." in said


def test_a_vendor_that_does_not_answer_leaves_the_new_alone(site, client):
    deliver(site)
    site.installation.domain.rename_user(address(*TORVALD), given_name="Tor", family_name="Åberg")
    site.installation.all.fail(503, times=50, method="GET")
    page = one(site, client, *TORVALD)
    assert "All svarade inte på vad den har, så bara det nya visas." in site.read(page)
    assert row(page, "Efternamn") == ["–", "Åberg"]


def test_what_is_held_is_said_to_be_stopped(site, client):
    hold(site)
    page = site.ready(client, PAGE)
    said = site.read(page)
    assert "Nästa körning skickar inget: det som ska göras är spärrat." in said
    assert "så det stoppas tills någon av er har bestämt" in said
    assert "Det stoppas av en spärr." in site.read(site.ready(client, ALL))


def test_what_a_run_has_found_since_the_reading_is_read_anew(site, client):
    deliver(site)
    site.ready(client, PAGE)
    site.installation.domain.add_user(person("Ny", "Elev", "/Elever/7B"))
    deliver(site)
    page = client.get(PAGE)
    assert page.status_code == 202
    assert "Nästa körning skickar inget" in site.read(site.ready(client, PAGE))


def test_a_run_that_found_nothing_new_leaves_the_reading_as_it_is(site, client):
    deliver(site)
    site.ready(client, PAGE)
    deliver(site)
    client.get(PAGE)
    assert site.ready(client, PAGE).status_code == 200
    with site.installation.store() as store:
        assert [t.path for t in store.tasks()] == []


def test_what_a_reconciliation_missed_is_said_to_be_sent_again(site, client):
    deliver(site)
    assert "allt är redan aktuellt" in site.read(site.ready(client, PAGE))
    for gone in list(site.installation.all.held("User"))[:4]:
        site.installation.all._state._delete("Users", gone)
    site.send(client, client.get("/leverantorer/all"), "/leverantorer/all/stam-av")
    site.tasks()
    said = site.read(site.ready(client, PAGE))
    assert "Nästa körning skapar 4, ändrar 0 och tar bort 0 personer" in said


def test_a_pause_is_said_first(site, client):
    site.installation.document["schedule"] = {
        "pause": {"from": "2020-01-01", "until": "2099-12-31"}
    }
    site.installation.import_document()
    said = site.read(site.ready(client, PAGE))
    assert "Det är paus till och med 2099-12-31, så inget körs." in said


def test_a_vendor_that_is_not_set_up_is_pointed_out(tmp_path):
    with Site(tmp_path, SKOLSYNK_ALL_LIVE_KEY="") as site:
        turn_on(site, "all")
        said = site.read(site.ready(site.sign_in(), PAGE))
        assert "All är inte färdigt uppsatt i Skolsynk, så inget kan skickas dit." in said
        assert "Nästa körning skickar inget: All är inte färdigt uppsatt i Skolsynk." in said
        assert "Nästa körning skapar" not in said


def test_only_vendors_that_can_be_sent_to_are_counted(tmp_path):
    with Site(tmp_path, SKOLSYNK_ALL_LIVE_KEY="") as site:
        turn_on(site)
        said = site.read(site.ready(site.sign_in(), PAGE))
        assert "Nästa körning skapar 16, ändrar 0 och tar bort 0 personer" in said


def test_a_vendor_that_there_is_none_of_is_not_found(site, client):
    assert site.ready(client, "/forhandsgranska/nobody").status_code == 404


def test_a_renamed_class_is_told_by_its_new_name(site, client):
    deliver(site)
    for name in PUPILS["7A"]:
        site.installation.domain.move_user(address(*name), "/Elever/7B")
    deliver(site, 0)
    site.installation.domain.rename_org_unit("/Elever/7B", "7B ny")
    read_again(site, client)
    page = site.ready(client, ALL, query_string={"typ": "StudentGroup"})
    assert "7B ny Norra skolan Ändras" in site.read(page)

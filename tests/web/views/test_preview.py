"""Förhandsgranska: what the next run would do, by vendor, by name, and for one person."""

import copy
import re

import pytest

from addon.sync.farewell import KEPT_ITEMS
from tests.support.page_actions import add_unit, read_again
from tests.support.small_school import (
    DOMAIN,
    HIDDEN,
    PUPILS,
    STAFF,
    TEACHER,
    TENANT,
    UNIT,
    address,
    cause_hold,
    deliver,
    leave,
    person,
    set_live,
    small_school_pages,
    user_id,
)

PAGE, ALL = "/forhandsgranska", "/forhandsgranska/all"
TORVALD = PUPILS["7A"][0]


@pytest.fixture
def world(world):
    set_live(world, "all")
    return world


def one(world, client, *name):
    return world.ready(client, f"{ALL}/{user_id(world, *name)}")


def row(page, name):
    """The cells of a line of the table of differences."""
    found = re.search(rf"<tr[^>]*><th[^>]*>{name}.*?</tr>", page.text, re.S)
    return [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<td.*?</td>", found[0], re.S)]


def test_a_vendor_that_is_on_is_told_by_numbers_and_nothing_is_sent(world, client):
    page = world.ready(client, PAGE)
    said = world.text(page)
    assert "Nästa körning skapar 16, ändrar 0 och tar bort 0 personer hos leverantörerna." in said
    assert "Inget skickas härifrån." in said
    assert 'href="/forhandsgranska/all?vad=create"' in page.text
    assert "2 klasser och grupper" in said
    assert world.requests == []


def test_the_people_are_counted_by_school_and_role_and_named_by_school(tmp_path):
    world = small_school_pages(tmp_path)
    add_unit(world, "12345680", "Södra skolan", students={"orgUnits": ["/Södra"]})
    with world:
        world.domain.add_org_unit("/Södra")
        world.domain.add_user(person("Sixten", "Söder", "/Södra"))
        both = [each["code"] for each in world.document["schoolUnits"]]
        set_live(world, "all", schoolUnits=both)
        client = world.sign_in()
        said = world.text(world.ready(client, PAGE))
        assert "Norra skolan +12 nya personer +4 nya personer Visa namnen" in said
        assert "Södra skolan +1 ny person – Visa namnen" in said
        listed = world.text(world.ready(client, f"{ALL}?enhet=12345680"))
        assert "Sixten Söder Skapas" in listed
        assert "Torvald" not in listed
        deliver(world)
        world.domain.remove_user(user_id(world, "Sixten", "Söder"))
        read_again(world, client)
        said = world.text(world.ready(client, PAGE))
        assert "Inte längre i underlaget −1 borttagen person elever eller personal" in said
        assert "Konto som inte finns kvar" in world.text(world.ready(client, f"{ALL}?enhet="))


def test_vendors_that_are_off_are_reported_as_if_they_were_on(world, client):
    set_live(world, "all", mode="off")
    said = world.text(world.ready(client, PAGE))
    assert "Alla leverantörer är av, så inget skickas. Så här blir det när de slås på." in said
    assert "All (av) När All slås på i skarpt läge: skapas 16 personer skapas" in said
    listed = world.text(world.ready(client, ALL))
    assert "När All slås på" in listed
    assert "Torvald Äppelqvist Skapas" in listed
    assert row(one(world, client, *TORVALD), "Förnamn") == ["Torvald"]
    assert world.requests == []


def test_where_no_units_are_chosen_the_way_to_choose_them_is_shown(world, client):
    set_live(world, mode="off", schoolUnits=[])
    page = world.ready(client, PAGE)
    assert "inga skolenheter är valda för någon leverantör" in world.text(page)
    assert 'href="/leverantorer">Välj leverantörer' in page.text
    assert world.ready(client, ALL).status_code == 404


def test_when_all_is_up_to_date_the_page_says_so(world, client):
    deliver(world)
    said = world.text(world.ready(client, PAGE))
    assert "Nästa körning skickar inget: allt är redan uppdaterat." in said
    assert "Allt är uppdaterat hos All, så inget skickas." in world.text(world.ready(client, ALL))


def test_what_would_be_removed_is_told_first_and_by_name(world, client):
    deliver(world)
    domain = world.domain
    domain.suspend(address(*TORVALD))
    domain.rename_user(address("Li", "Xu"), given_name="Lì", family_name="Xu")
    domain.add_user(person("Ny", "Elev", "/Elever/7B"))
    said = world.text(world.ready(client, PAGE))
    assert "Nästa körning skapar 1, ändrar 1 och tar bort 1 person" in said
    page = world.ready(client, ALL)
    listed = world.text(page)
    assert "Allt (3) Tas bort (1) Skapas (1) Ändras (1)" in listed
    assert re.findall(r'<th scope="row"><a[^>]*>([^<]+)', page.text) == [
        "Torvald Äppelqvist",
        "Ny Elev",
        "Lì Xu",
    ]
    removed = world.ready(client, ALL, query_string={"vad": "delete"})
    assert "Ny Elev" not in removed.text
    assert "Torvald Äppelqvist Tas bort" in world.text(removed)


def test_a_kind_that_there_is_none_of_shows_all(world, client):
    page = world.ready(client, ALL, query_string={"vad": "nonsense", "typ": "Nonsense"})
    assert "Torvald Äppelqvist" in page.text
    empty = world.ready(client, ALL, query_string={"vad": "delete"})
    assert "Inget av det slaget." in world.text(empty)


def test_classes_and_the_like_are_told_by_name_too(world, client):
    page = world.ready(client, ALL, query_string={"typ": "StudentGroup"})
    assert "7A Norra skolan Skapas" in world.text(page)
    assert "Norra skolan Skapas" in world.text(
        world.ready(client, ALL, query_string={"typ": "SchoolUnit"})
    )
    assert "Gunnel Pärlbåt Skapas Visa uppgifterna" in world.text(
        world.ready(client, ALL, query_string={"typ": "Employment"})
    )


def test_what_an_activity_is_is_reported_where_there_are_any(tmp_path):
    world = small_school_pages(tmp_path)
    unit = world.document["schoolUnits"][0]
    unit["teachingGroups"] = {"from": "group", "pattern": "^(?P<name>matte)@"}
    with world:
        set_live(world, "all")
        told = "En aktivitet är undervisningen i en klass eller grupp"
        client, matte = world.sign_in(), f"matte@{DOMAIN}"
        assert told not in world.text(world.ready(client, PAGE))
        world.domain.add_group({"email": matte, "name": "Matte"})
        for member in (address("Bo", "Ek"), TEACHER):
            world.domain.add_member(matte, member)
        read_again(world, client)
        said = world.text(world.ready(client, PAGE))
        assert "1 aktivitet" in said
        assert told in said
        activities = world.ready(client, ALL, query_string={"typ": "Activity"})
        assert told in world.text(activities)


def test_a_long_list_of_names_has_pages(world, client):
    for n in range(100):
        world.domain.add_user(person(f"Ny{n}", "Elev", "/Elever/7B"))
    page = world.ready(client, ALL, query_string={"vad": "create"})
    assert "Sida 1 av 2" in world.text(page)
    assert "/forhandsgranska/all?vad=create&amp;sida=2" in page.text
    second = client.get(ALL, query_string={"vad": "create", "sida": "2"})
    assert second.text.count('<th scope="row">') == 16


def test_an_account_that_is_gone_is_reported_without_a_name(world, client):
    deliver(world)
    leave(world, TORVALD)
    said = world.text(world.ready(client, ALL))
    assert "Konto som inte finns kvar i Workspace Tas bort" in said


def test_who_is_missing_and_cannot_be_asked_about_is_said_to_wait(world, client):
    deliver(world)
    number = user_id(world, *TORVALD)
    leave(world, TORVALD)
    world.directory.fail(f"users/{number}", times=None)
    said = world.text(world.ready(client, PAGE))
    assert "1 borttagning väntar." in said
    assert "Google har inte bekräftat att det är borta" in said
    assert "Allt är uppdaterat" not in said
    assert client.get("/datakvalitet/removal-unconfirmed").status_code == 200


def test_when_what_was_known_is_gone_nothing_goes_yet_and_the_finding_says_why(world, client):
    deliver(world)
    world.store.erase_items(TENANT, KEPT_ITEMS)
    leave(world, TORVALD)
    said = world.text(world.ready(client, PAGE))
    assert "1 borttagning väntar." in said
    said = world.text(world.ready(client, "/datakvalitet/not-compared"))
    assert "Ingen tidigare läsning att jämföra med" in said
    assert "skickas bara det som är nytt" in said
    assert "Storviks kommun" in said


def test_a_person_who_is_protected_since_is_removed_without_a_name(world, client):
    deliver(world)
    number = user_id(world, *TORVALD)
    world.domain.move_user(address(*TORVALD), "/Skyddade")
    page = world.ready(client, ALL)
    assert "Person med skyddade personuppgifter Tas bort" in world.text(page)
    assert "Torvald" not in page.text
    hidden = client.get(f"{ALL}/{number}")
    unknown = client.get(f"{ALL}/000000000000000000000")
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    assert world.text(hidden) == world.text(unknown)
    assert client.get(f"{ALL}/{user_id(world, *HIDDEN)}").status_code == 404


def test_an_employment_at_a_school_that_has_left_is_shown_as_removed(world, client):
    """The school is in no document any more, and its employment is the person's still."""
    south = {**copy.deepcopy(world.document["schoolUnits"][0]), "code": "12345680"}
    world.document["schoolUnits"].append({**south, "students": {"orgUnits": ["/Elever/Slutat"]}})
    set_live(world, "all", schoolUnits=[UNIT, "12345680"])
    deliver(world)
    world.document["schoolUnits"].pop()
    for connection in world.document["connections"]:
        connection["schoolUnits"] = [UNIT]
    world.import_document()
    found = one(world, client, *STAFF[0])
    assert "Anställningen ändras för Gunnel Pärlbåt hos All." in world.text(found)


def test_a_new_person_is_shown_with_what_would_be_sent(world, client):
    page = one(world, client, *TORVALD)
    said = world.text(page)
    assert "Torvald Äppelqvist skapas hos All med de här uppgifterna." in said
    assert row(page, "Förnamn") == ["Torvald"]
    assert row(page, "Skolenhet") == ["Norra skolan"]
    assert row(page, "Årskurs") == ["7"]


def test_staff_are_shown_with_their_employment(world, client):
    said = world.text(one(world, client, "Gunnel", "Pärlbåt"))
    assert "Anställningen: skapas" in said
    assert "Anställd vid Norra skolan" in said


def test_a_change_is_shown_as_it_is_at_the_vendor_and_as_it_will_be(world, client):
    deliver(world)
    world.domain.rename_user(address(*TORVALD), given_name="Tor", family_name="Åberg")
    page = one(world, client, *TORVALD)
    assert "Tor Åberg ändras hos All." in world.text(page)
    assert row(page, "Efternamn") == ["Äppelqvist", "Åberg"]
    assert "<del>Äppelqvist</del>" in page.text
    assert "<ins>Åberg</ins>" in page.text
    assert row(page, "Skolenhet") == ["Norra skolan", "Norra skolan"]
    assert page.text.count('class="changed"') == 3


def test_a_removal_shows_what_the_vendor_has(world, client):
    deliver(world)
    world.domain.suspend(address(*TORVALD))
    page = one(world, client, *TORVALD)
    assert "Torvald Äppelqvist tas bort hos All." in world.text(page)
    assert row(page, "Efternamn") == ["Äppelqvist"]


def test_somebody_of_whom_nothing_changes_is_said_to_stay(world, client):
    deliver(world)
    said = world.text(one(world, client, *TORVALD))
    assert "Inget ändras för Torvald Äppelqvist hos All." in said


def test_a_vendor_that_does_not_answer_leaves_the_new_alone(world, client):
    deliver(world)
    world.domain.rename_user(address(*TORVALD), given_name="Tor", family_name="Åberg")
    world.vendor("all").fail(503, times=50, method="GET")
    page = one(world, client, *TORVALD)
    assert "All svarade inte på vad som finns där, så bara det nya visas." in world.text(page)
    assert row(page, "Efternamn") == ["–", "Åberg"]


def test_what_is_held_is_said_to_be_stopped(world, client):
    cause_hold(world)
    page = world.ready(client, PAGE)
    said = world.text(page)
    assert "Nästa körning skickar inget: det som ska göras är spärrat." in said
    assert "så det stoppas tills någon av er har bestämt" in said
    assert "Det stoppas av en spärr." in world.text(world.ready(client, ALL))


def test_what_a_run_has_found_since_the_reading_is_read_again(world, client):
    deliver(world)
    world.ready(client, PAGE)
    world.domain.add_user(person("Ny", "Elev", "/Elever/7B"))
    deliver(world)
    page = client.get(PAGE)
    assert page.status_code == 202
    assert "Nästa körning skickar inget" in world.text(world.ready(client, PAGE))


def test_a_run_that_found_nothing_new_leaves_the_reading_as_it_is(world, client):
    deliver(world)
    world.ready(client, PAGE)
    deliver(world)
    client.get(PAGE)
    assert world.ready(client, PAGE).status_code == 200
    with world.open_store() as store:
        assert [t.path for t in store.tasks()] == []


def test_what_a_reconciliation_missed_is_said_to_be_sent_again(world, client):
    deliver(world)
    assert "allt är redan uppdaterat" in world.text(world.ready(client, PAGE))
    for gone in list(world.vendor("all").held("User"))[:2]:
        world.vendor("all")._state._delete("Users", gone)
    world.send(client, client.get("/leverantorer/all"), "/leverantorer/all/stam-av")
    world.wait_for_tasks()
    said = world.text(world.ready(client, PAGE))
    assert "Nästa körning skapar 0, ändrar 2 och tar bort 0 personer" in said


def test_a_pause_is_said_first(world, client):
    world.document["schedule"] = {"pause": {"from": "2020-01-01", "until": "2099-12-31"}}
    world.import_document()
    said = world.text(world.ready(client, PAGE))
    assert "Det är paus till och med 2099-12-31, så inget körs." in said


def test_a_vendor_that_is_not_set_up_is_pointed_out(tmp_path):
    with small_school_pages(tmp_path, SKOLSYNK_ALL_LIVE_KEY="") as world:
        set_live(world, "all")
        said = world.text(world.ready(world.sign_in(), PAGE))
        assert "Anslutningen till All är inte klar i Skolsynk, så inget kan skickas dit." in said
        assert "Nästa körning skickar inget: anslutningen till All är inte klar i Skolsynk." in said
        assert "Nästa körning skapar" not in said


def test_only_vendors_that_can_be_sent_to_are_counted(tmp_path):
    with small_school_pages(tmp_path, SKOLSYNK_ALL_LIVE_KEY="") as world:
        set_live(world)
        said = world.text(world.ready(world.sign_in(), PAGE))
        assert "Nästa körning skapar 16, ändrar 0 och tar bort 0 personer" in said


def test_a_vendor_that_there_is_none_of_is_not_found(world, client):
    assert world.ready(client, "/forhandsgranska/nobody").status_code == 404


def test_a_renamed_class_is_told_by_its_new_name(world, client):
    deliver(world)
    for name in PUPILS["7A"]:
        world.domain.move_user(address(*name), "/Elever/7B")
    deliver(world, 0)
    world.domain.rename_org_unit("/Elever/7B", "7B ny")
    read_again(world, client)
    page = world.ready(client, ALL, query_string={"typ": "StudentGroup"})
    assert "7B ny Norra skolan Ändras" in world.text(page)

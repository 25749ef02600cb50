"""Översikt: whether everything is all right, and what waits."""

import re
from datetime import timedelta
from unittest import mock

import msgspec
from msgspec import structs

from addon.planning.ledger import LedgerKey
from addon.planning.limits import Hold
from addon.store.records import RunRecord
from addon.tenants.pause import today
from addon.web.request_context import RequestContext
from tests.support.page_actions import add_unit, end_run, read_again, run, turn_on
from tests.support.page_content import form_of
from tests.support.small_school import STRANGER, TENANT, leave, person, small_school_pages
from tests.support.world import World

LEAVERS = (("Bo", "Ek"), ("Li", "Xu"), ("Zoë", "af Klercker"), ("Åsa-Märta", "Fjäll"))


def lead(page):
    text = page.text
    start = text.index('<p class="lead">')
    return World.text(type("Page", (), {"text": text[start : text.index("</p>", start)]}))


def let_pass(world, days):
    """Has all runs have been so many days earlier."""
    for each in world.store.runs(TENANT):
        began, ended = (at - days * 86400 for at in (each.started, each.finished))
        world.store.save_run(structs.replace(each, started=began, finished=ended))


def overview(client):
    page = client.get("/")
    assert page.status_code == 200
    return page


def test_when_all_is_well_the_numbers_and_the_last_run_say_so(world, client):
    turn_on(world, client, "all")
    turn_on(world, client, "some")
    said = lead(overview(client))
    assert said.startswith(
        "Allt är i ordning. 2 leverantörer hålls uppdaterade: All med 16 personer, "
        "Some med 16 personer."
    )
    assert "Senaste körningen var klar för" in said


def test_only_those_who_are_at_a_vendor_are_said_to_be_kept_up_to_date(tmp_path):
    world = small_school_pages(tmp_path)
    add_unit(world, "12345680", "Södra skolan", students={"orgUnits": ["/Södra"]})
    with world:
        world.domain.add_org_unit("/Södra")
        world.domain.add_user(person("Sixten", "Söder", "/Södra"))
        client = world.sign_in()
        turn_on(world, client, "all")
        said = lead(overview(client))
        assert "Allt är i ordning. 16 personer hålls uppdaterade hos All." in said


def test_a_vendor_that_no_run_has_reached_for_long_is_not_called_up_to_date(world, client):
    turn_on(world, client, "all")
    let_pass(world, 9)
    page = overview(client)
    said = lead(page)
    assert "Allt är i ordning" not in said
    assert "Ingen körning har nått All på länge" in said
    assert "Senaste körningen var klar för 9 dagar sedan." in said
    assert "■ Ingen körning på länge" in world.text(page)
    assert "hör av dig till Skolsynks support" in world.text(page)
    vendor = world.text(client.get("/leverantorer/all"))
    assert "Allt är uppdaterat hos All" not in vendor
    assert "Ingen körning har nått All på länge" in vendor


def test_after_a_long_pause_the_next_run_is_given_its_time(world, client):
    turn_on(world, client, "all")
    let_pass(world, 9)
    yesterday = today(world.clock()) - timedelta(1)
    world.document["connections"][0]["mode"] = "live"
    world.document["schedule"] = {"pause": {"from": "2020-01-01", "until": f"{yesterday}"}}
    world.import_document()
    assert "Allt är i ordning." in lead(overview(client))


def test_each_vendor_has_its_line(world, client):
    turn_on(world, client, "all")
    world.ready(client, "/personer")
    said = world.text(overview(client))
    assert "Leverantör Elever Personal Senaste ändring" in said
    assert "All ● Uppdaterad Skarpt läge · 1 skolenhet 12 4 +16 nya personer för" in said
    assert "Some ○ Av Av" in said


def test_a_vendor_has_its_people_in_all_while_the_directory_is_not_there(world, client):
    turn_on(world, client, "all")
    with mock.patch.object(RequestContext, "from_directory", return_value=None):
        said = world.text(overview(client))
    assert "Leverantör Personer Senaste ändring" in said
    assert "All ● Uppdaterad Skarpt läge · 1 skolenhet 16 +16 nya personer för" in said


def test_what_a_vendor_has_is_told_where_it_differs_from_the_directory(world, client):
    turn_on(world, client, "all")
    leave(world, LEAVERS[0])
    read_again(world, client)
    said = world.text(overview(client))
    assert "Skarpt läge · 1 skolenhet · 16 personer finns där nu 11 4" in said


def test_what_a_run_changed_is_told_by_school_and_else_by_vendor(world, client):
    turn_on(world, client, "all")
    leave(world, LEAVERS[0])
    run(world, client)
    read_again(world, client)
    said = world.text(overview(client))
    assert "Norra skolan : −1 borttagen person hos All" in said
    assert "Norra skolan : +16 nya personer hos All" in said
    with mock.patch.object(RequestContext, "from_directory", return_value=None):
        said = world.text(overview(client))
    assert "All : −1 borttagen person" in said
    assert "All : +16 nya personer" in said


def to_do(world, client):
    page = overview(client)
    start = page.text.index('<aside class="to-do"')
    return World.text(type("Page", (), {"text": page.text[start : page.text.index("</aside>")]}))


def test_a_finding_that_is_marked_as_known_is_no_longer_a_thing_to_do(world, client):
    world.domain.add_user(person("Utan", "Klass", "/Elever"))
    turn_on(world, client, "all")
    world.ready(client, "/personer")
    code, path = "student-without-class", "/datakvalitet/student-without-class"
    number = len(re.findall('name="finding"', client.get(path).text))
    assert number
    before = re.search(r"(\d+) anmärkning", to_do(world, client))
    keys = re.findall('name="finding"[^>]* value="([^"]+)"', client.get(path).text)
    answer = world.send(client, client.get(path), path, finding=keys, do="known")
    assert answer.status_code == 302, code
    after = re.search(r"(\d+) anmärkning", to_do(world, client))
    assert int(before[1]) - (int(after[1]) if after else 0) == number


def test_what_waits_is_listed_with_its_link(world, client):
    add_unit(world, "12345680", "Södra skolan")
    world.import_document()
    world.domain.add_user(
        {**person("Utan", "Efternamn", "/Elever/7A"), "name": {"givenName": "Utan"}}
    )
    world.vendor("all").fail(400, times=1, method="POST", endpoint="Users")
    turn_on(world, client, "all")
    said = to_do(world, client)
    assert "1 uppgift togs inte emot av All" in said
    assert "1 skolenhet saknar urval" in said
    assert "1 fel i Google Workspace Felet gör att någon inte skickas." in said


def test_after_the_trial_the_next_step_is_live_mode(world, client):
    turn_on(world, client, "all", "test")
    assert "All är i testläge" in to_do(world, client)
    assert 'href="/leverantorer/all/lage/live"' in overview(client).text


def test_a_hold_is_a_question_with_its_number(world, client):
    turn_on(world, client, "all")
    leave(world, *LEAVERS)
    run(world, client)
    said = to_do(world, client)
    assert said.startswith("Att göra Ska 4 personer tas bort hos All?")
    assert "Se vilka och bestäm (All)" in said


def test_its_other_name_leads_to_it(client):
    assert client.get("/oversikt").location == "/"


def test_one_who_begins_is_welcomed(world):
    page = world.sign_in(STRANGER).get("/")
    assert "Välkommen" in world.text(page)
    assert form_of(page, "/kom-igang")


def test_before_the_first_vendor_is_on_the_steps_are_shown(world, client):
    said = world.text(overview(client))
    assert "Inget skickas ännu. Nästa steg är förhandsgranska." in said
    assert "Storviks kommun, 212000-9999 klart" in said
    assert "1 skolenhet går till 2 leverantörer. klart" in said


def test_a_test_environment_is_not_called_live(world, client):
    turn_on(world, client, "all", "test")
    said = lead(overview(client))
    assert "Allt är i ordning. All är i testläge." in said
    assert "hålls uppdaterade" not in said
    assert "Fortsätt med" in world.text(overview(client))


def test_a_vendor_that_has_not_run_is_waited_for(world, client):
    world.change_connection("all", mode="live")
    page = overview(client)
    assert "All är på. Den första körningen är inte klar ännu." in lead(page)
    assert "Väntar på första körningen" in world.text(page)


def test_a_hold_is_reported_with_how_many_would_go_and_the_way_to_decide(world, client):
    turn_on(world, client, "all")
    leave(world, *LEAVERS)
    run(world, client)
    page = overview(client)
    assert "Nästa körning skulle ta bort 4 personer hos All. Det väntar på ditt beslut." in lead(
        page
    )
    assert "Se vilka och bestäm" in world.text(page)


def test_a_withdrawal_that_waits_is_reported_as_one(world, client):
    world.change_connection("all", mode="live")
    hold = Hold(("a", "b"), 2, "too many", {}, withdrawal=True)
    world.store.set_hold(LedgerKey(TENANT, "all", "live"), hold)
    said = lead(overview(client))
    assert "Avvecklingen av All tar bort 2 personer och väntar på ditt beslut." in said


def test_several_holds_name_their_vendors(world, client):
    for vendor in ("all", "some"):
        world.change_connection(vendor, mode="live")
        world.store.set_hold(LedgerKey(TENANT, vendor, "live"), Hold(("a",), 2, "too many", {}))
    assert "Spärrar hos All och Some väntar på ditt beslut." in lead(overview(client))


def test_a_hold_that_was_refused_is_not_said_to_wait(world, client):
    world.change_connection("all", mode="live")
    hold = Hold(("a",), 2, "too many", {}, refused=world.clock())
    world.store.set_hold(LedgerKey(TENANT, "all", "live"), hold)
    said = lead(overview(client))
    assert (
        "Spärren hos All står kvar eftersom ni har sagt nej. Det som är spärrat skickas inte."
        in said
    )
    assert "väntar" not in said


def test_a_vendor_in_trouble_is_named_with_what_it_means(world, client):
    world.vendor("all").fail(503, times=None)
    turn_on(world, client, "all")
    page = overview(client)
    assert "Den senaste körningen lyckades inte hos All." in lead(page)
    assert "Felet är leverantörens och går oftast över av sig självt." in world.text(page)
    assert "■ Misslyckades" in world.text(page)


def test_what_was_not_taken_is_counted(world, client):
    world.vendor("all").fail(400, times=1, method="POST", endpoint="Users")
    turn_on(world, client, "all")
    page = overview(client)
    assert "All tog inte emot 1 uppgift. Allt annat är uppdaterat." in lead(page)
    assert "1 togs inte emot" in world.text(page)
    assert "/leverantorer/all#nekade" in page.text


def test_a_vendor_that_is_not_set_up_is_named(tmp_path):
    with small_school_pages(tmp_path) as world:
        world.environ.pop("SKOLSYNK_ALL_LIVE_KEY")
        world.change_connection("all", mode="live")
        world.restart_application()
        page = overview(world.sign_in())
        assert "Anslutningen till All är inte klar i Skolsynk, så inget skickas dit." in lead(page)
        support = "Skolsynks support (support@skolsynk.se)"
        assert f"Det som saknas ställs in av {support}." in world.text(page)


def test_a_page_says_whom_to_write_to_where_there_is_an_address(tmp_path):
    with small_school_pages(tmp_path, SKOLSYNK_CONTACT="hjalp@skolsynk.example") as world:
        world.environ.pop("SKOLSYNK_ALL_LIVE_KEY")
        world.change_connection("all", mode="live")
        world.restart_application()
        client = world.sign_in()
        support = "Skolsynks support (hjalp@skolsynk.example)"
        assert f"Det som saknas ställs in av {support}." in world.text(overview(client))
        support = "Skolsynk support (hjalp@skolsynk.example)"
        page = client.get("/", headers={"Accept-Language": "en"})
        assert f"What is missing is set up by {support}." in world.text(page)


def test_what_waits_for_a_person_comes_before_what_will_pass(world, client):
    world.vendor("all").fail(503, times=None)
    turn_on(world, client, "all")
    world.change_connection("some", mode="live")
    world.store.set_hold(LedgerKey(TENANT, "some", "live"), Hold(("a",), 2, "too many", {}))
    assert "hos Some" in lead(overview(client))


def test_a_directory_that_could_not_be_read_is_told_first(world, client):
    turn_on(world, client, "all")
    end_run(world, "unread")
    page = overview(client)
    assert "Katalogen i Google Workspace kunde inte läsas vid den senaste körningen" in lead(page)
    assert "Allt är i ordning" not in lead(page)
    assert "Se vad som hände" in world.text(page)


def test_a_run_that_was_cut_off_is_reported(world, client):
    turn_on(world, client, "all")
    end_run(world, "cut off")
    assert "Den senaste körningen avbröts." in lead(overview(client))


def test_a_run_that_goes_on_hides_nothing_of_the_last(world, client):
    turn_on(world, client, "all")
    now = world.clock()
    world.store.save_run(RunRecord("29990101T000000Z-aaaaaa", TENANT, now, "running", holder="x"))
    said = lead(overview(client))
    assert "Allt är i ordning." in said
    assert "En körning pågår just nu." in said


def test_a_pause_is_told_first(world, client):
    turn_on(world, client, "all")
    world.document["connections"][0]["mode"] = "live"
    pause = {"from": "2020-01-01", "until": "2199-01-01"}
    world.document["schedule"] = {"pause": pause}
    world.import_document()
    said = lead(overview(client))
    assert said.startswith("Paus till och med 2199-01-01: inget körs och inget skickas.")
    assert "Allt är i ordning" not in said


def test_a_pause_does_not_hide_a_hold(world, client):
    pause = {"from": "2020-01-01", "until": "2199-01-01"}
    world.document["schedule"] = {"pause": pause}
    world.change_connection("all", mode="live")
    world.store.set_hold(LedgerKey(TENANT, "all", "live"), Hold(("a",), 2, "too many", {}))
    assert "Nästa körning skulle ta bort 1 person hos All" in lead(overview(client))


def test_when_all_are_off_again_it_is_said(world, client):
    turn_on(world, client, "all")
    path = "/leverantorer/all/lage/off"
    world.send(client, client.get(path), path)
    assert "Alla leverantörer är avstängda, så inget skickas." in lead(overview(client))


def test_findings_that_keep_people_from_being_sent_are_counted(world, client):
    world.domain.add_user(
        {**person("Utan", "Efternamn", "/Elever/7A"), "name": {"givenName": "Utan"}}
    )
    turn_on(world, client, "all")
    page = overview(client)
    assert "1 fel i Google Workspace gör att någon inte skickas." in world.text(page)
    assert "Leveranserna fungerar, men 1 fel i Google Workspace" in lead(page)
    assert "Allt är i ordning" not in world.text(page)
    assert 'href="/datakvalitet"' in page.text


def test_large_numbers_have_a_space(world, client):
    turn_on(world, client, "all")
    part = {"vendor": "all", "mode": "live", "status": "unchanged", "operations": {}}
    end_run(world, "done", msgspec.json.encode({"connections": [{**part, "people": 11204}]}))
    assert "11 204 personer hålls uppdaterade hos All." in lead(overview(client))

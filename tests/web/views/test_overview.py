"""Översikt: whether everything is all right, and what waits."""

from datetime import timedelta

import msgspec
from msgspec import structs

from addon.planning.guard import Hold
from addon.planning.ledger import LedgerKey
from addon.store.records import RunRecord
from addon.tenants.pause import today
from tests.support.installation import TENANT, person
from tests.support.page_actions import add_unit, end_run, run, turn_on
from tests.support.site import STRANGER, Site, form_of

LEAVERS = (("Bo", "Ek"), ("Li", "Xu"), ("Zoë", "af Klercker"), ("Åsa-Märta", "Fjäll"))


def lead(page):
    text = page.text
    start = text.index('<p class="lead">')
    return Site.read(type("Page", (), {"text": text[start : text.index("</p>", start)]}))


def let_pass(site, days):
    """Has all runs have been so many days earlier."""
    for each in site.store.runs(TENANT):
        began, ended = (at - days * 86400 for at in (each.started, each.finished))
        site.store.save_run(structs.replace(each, started=began, finished=ended))


def overview(client):
    page = client.get("/")
    assert page.status_code == 200
    return page


def test_when_all_is_well_the_numbers_and_the_last_run_say_so(site, client):
    turn_on(site, client, "all")
    turn_on(site, client, "some")
    said = lead(overview(client))
    assert said.startswith(
        "Allt är i ordning. 2 leverantörer hålls aktuella: All med 16 personer, "
        "Some med 16 personer."
    )
    assert "Senaste körningen var klar för" in said


def test_only_those_who_are_at_a_vendor_are_said_to_be_kept_up_to_date(tmp_path):
    site = Site(tmp_path)
    add_unit(site, "12345680", "Södra skolan", students={"orgUnits": ["/Södra"]})
    with site:
        site.installation.domain.add_org_unit("/Södra")
        site.installation.domain.add_user(person("Sixten", "Söder", "/Södra"))
        client = site.sign_in()
        turn_on(site, client, "all")
        said = lead(overview(client))
        assert "Allt är i ordning. 16 personer hålls aktuella hos All." in said


def test_a_vendor_that_no_run_has_reached_for_long_is_not_called_up_to_date(site, client):
    turn_on(site, client, "all")
    let_pass(site, 9)
    page = overview(client)
    said = lead(page)
    assert "Allt är i ordning" not in said
    assert "Ingen körning har nått All på länge" in said
    assert "Senaste körningen var klar för 9 dagar sedan." in said
    assert "■ Ingen körning på länge" in site.read(page)
    assert "hör av dig till den som driver Skolsynk" in site.read(page)
    vendor = site.read(client.get("/leverantorer/all"))
    assert "All är aktuell" not in vendor
    assert "Ingen körning har nått All på länge" in vendor


def test_after_a_long_pause_the_next_run_is_given_its_time(site, client):
    turn_on(site, client, "all")
    let_pass(site, 9)
    yesterday = today(site.clock()) - timedelta(1)
    site.installation.document["connections"][0]["mode"] = "live"
    site.installation.document["schedule"] = {
        "pause": {"from": "2020-01-01", "until": f"{yesterday}"}
    }
    site.installation.import_document()
    assert "Allt är i ordning." in lead(overview(client))


def test_each_vendor_has_its_line(site, client):
    turn_on(site, client, "all")
    said = site.read(overview(client))
    assert "All Skarpt läge · 16 personer · senast för" in said
    assert "● Aktuell" in said
    assert "Some Av" in said


def test_its_other_name_leads_to_it(client):
    assert client.get("/oversikt").location == "/"


def test_one_who_begins_is_welcomed(site):
    page = site.sign_in(STRANGER).get("/")
    assert "Välkommen" in site.read(page)
    assert form_of(page, "/kom-igang")


def test_before_the_first_vendor_is_on_the_steps_are_shown(site, client):
    said = site.read(overview(client))
    assert "Inget skickas ännu. Nästa steg är förhandsgranska." in said
    assert "Storviks kommun, 212000-9999 klart" in said
    assert "1 skolenhet går till 2 leverantörer. klart" in said


def test_a_test_environment_is_not_called_live(site, client):
    turn_on(site, client, "all", "test")
    said = lead(overview(client))
    assert "Allt är i ordning. All är i testläge." in said
    assert "hålls aktuella" not in said
    assert "Fortsätt med" in site.read(overview(client))


def test_a_vendor_that_has_not_run_is_waited_for(site, client):
    site.installation.connection("all", mode="live")
    page = overview(client)
    assert "All är på. Den första körningen är inte klar ännu." in lead(page)
    assert "Väntar på första körningen" in site.read(page)


def test_a_hold_is_told_with_how_many_would_go_and_the_way_to_decide(site, client):
    turn_on(site, client, "all")
    site.installation.leave(*LEAVERS)
    run(site, client)
    page = overview(client)
    assert "Nästa körning skulle ta bort 4 personer hos All, så inget har skickats dit." in lead(
        page
    )
    assert "Se vilka och bestäm" in site.read(page)


def test_a_withdrawal_that_waits_is_told_as_one(site, client):
    site.installation.connection("all", mode="live")
    hold = Hold(("a", "b"), 2, "too many", {}, withdrawal=True)
    site.store.set_hold(LedgerKey(TENANT, "all", "live"), hold)
    said = lead(overview(client))
    assert "Avvecklingen av All tar bort 2 personer och väntar på ditt beslut." in said


def test_several_holds_name_their_vendors(site, client):
    for vendor in ("all", "some"):
        site.installation.connection(vendor, mode="live")
        site.store.set_hold(LedgerKey(TENANT, vendor, "live"), Hold(("a",), 2, "too many", {}))
    assert "Spärrar hos All och Some väntar på ditt beslut." in lead(overview(client))


def test_a_hold_that_was_refused_is_not_said_to_wait(site, client):
    site.installation.connection("all", mode="live")
    hold = Hold(("a",), 2, "too many", {}, refused=site.clock())
    site.store.set_hold(LedgerKey(TENANT, "all", "live"), hold)
    said = lead(overview(client))
    assert "Spärren hos All står kvar eftersom ni har sagt nej. Inget skickas dit." in said
    assert "väntar" not in said


def test_a_vendor_in_trouble_is_named_with_what_it_means(site, client):
    site.installation.all.fail(503, times=None)
    turn_on(site, client, "all")
    page = overview(client)
    assert "Den senaste körningen lyckades inte hos All." in lead(page)
    assert "Felet är leverantörens och går oftast över av sig självt." in site.read(page)
    assert "■ Misslyckades" in site.read(page)


def test_what_was_not_taken_is_counted(site, client):
    site.installation.all.fail(400, times=1, method="POST", endpoint="Users")
    turn_on(site, client, "all")
    page = overview(client)
    assert "All tog inte emot 1 uppgift. Resten är aktuellt." in lead(page)
    assert "1 togs inte emot" in site.read(page)
    assert "/leverantorer/all#nekade" in page.text


def test_a_vendor_that_is_not_set_up_is_named(tmp_path):
    with Site(tmp_path) as site:
        site.installation.environ.pop("SKOLSYNK_ALL_LIVE_KEY")
        site.installation.connection("all", mode="live")
        site.restart()
        page = overview(site.sign_in())
        assert "All är inte färdigt uppsatt i Skolsynk, så inget skickas dit." in lead(page)
        assert "ställs in av den som driver Skolsynk" in site.read(page)


def test_what_waits_for_a_person_comes_before_what_will_pass(site, client):
    site.installation.all.fail(503, times=None)
    turn_on(site, client, "all")
    site.installation.connection("some", mode="live")
    site.store.set_hold(LedgerKey(TENANT, "some", "live"), Hold(("a",), 2, "too many", {}))
    assert "hos Some" in lead(overview(client))


def test_a_directory_that_could_not_be_read_is_told_first(site, client):
    turn_on(site, client, "all")
    end_run(site, "unread")
    page = overview(client)
    assert "Katalogen i Google Workspace kunde inte läsas vid den senaste körningen" in lead(page)
    assert "Allt är i ordning" not in lead(page)
    assert "Se vad som hände" in site.read(page)


def test_a_run_that_was_cut_off_is_told(site, client):
    turn_on(site, client, "all")
    end_run(site, "cut off")
    assert "Den senaste körningen avbröts." in lead(overview(client))


def test_a_run_that_goes_on_hides_nothing_of_the_last(site, client):
    turn_on(site, client, "all")
    now = site.clock()
    site.store.save_run(RunRecord("29990101T000000Z-aaaaaa", TENANT, now, "running", holder="x"))
    said = lead(overview(client))
    assert "Allt är i ordning." in said
    assert "En körning pågår just nu." in said


def test_a_pause_is_told_first(site, client):
    turn_on(site, client, "all")
    site.installation.document["connections"][0]["mode"] = "live"
    pause = {"from": "2020-01-01", "until": "2199-01-01"}
    site.installation.document["schedule"] = {"pause": pause}
    site.installation.import_document()
    said = lead(overview(client))
    assert said.startswith("Paus till och med 2199-01-01: inget körs och inget skickas.")
    assert "Allt är i ordning" not in said


def test_a_pause_does_not_hide_a_hold(site, client):
    pause = {"from": "2020-01-01", "until": "2199-01-01"}
    site.installation.document["schedule"] = {"pause": pause}
    site.installation.connection("all", mode="live")
    site.store.set_hold(LedgerKey(TENANT, "all", "live"), Hold(("a",), 2, "too many", {}))
    assert "Nästa körning skulle ta bort 1 person hos All" in lead(overview(client))


def test_when_all_are_off_again_it_is_said(site, client):
    turn_on(site, client, "all")
    path = "/leverantorer/all/lage/off"
    site.send(client, client.get(path), path)
    assert "Alla leverantörer är avstängda, så inget skickas." in lead(overview(client))


def test_findings_that_keep_people_from_being_sent_are_counted(site, client):
    site.installation.domain.add_user(
        {**person("Utan", "Efternamn", "/Elever/7A"), "name": {"givenName": "Utan"}}
    )
    turn_on(site, client, "all")
    page = overview(client)
    assert "1 fel i Google Workspace gör att någon inte skickas." in site.read(page)
    assert "Leveranserna fungerar, men 1 fel i Google Workspace" in lead(page)
    assert "Allt är i ordning" not in site.read(page)
    assert 'href="/datakvalitet"' in page.text


def test_the_people_over_time_are_drawn_when_there_is_a_time(site, client):
    turn_on(site, client, "all")
    assert "<svg viewBox" not in overview(client).text
    run(site, client)
    page = overview(client)
    assert "Personer hos leverantörerna" in site.read(page)
    assert 'class="line-1"' in page.text


def test_the_people_of_the_test_environment_are_not_drawn_as_live(site, client):
    turn_on(site, client, "all", "test")
    turn_on(site, client, "all")
    assert "<svg viewBox" not in overview(client).text


def test_large_numbers_have_a_space(site, client):
    turn_on(site, client, "all")
    part = {"vendor": "all", "mode": "live", "status": "unchanged", "operations": {}}
    end_run(site, "done", msgspec.json.encode({"connections": [{**part, "people": 11204}]}))
    assert "11 204 personer hålls aktuella hos All." in lead(overview(client))

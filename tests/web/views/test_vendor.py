"""One vendor: its page, its settings, its modes and the withdrawal from it."""

import pytest

from addon.planning.guard import Hold
from addon.planning.ledger import LedgerKey
from addon.store.records import RunRecord
from tests.support.installation import DOMAIN, HIDDEN, TENANT, address, person
from tests.support.page_actions import add_unit, connection, mode_of, read_directory, run, turn_on
from tests.support.site import Site, form_of

ALL, SOME = "/leverantorer/all", "/leverantorer/some"


# What the page says of how the vendor stands


def test_a_vendor_that_is_off_says_so_and_what_each_mode_means(site, client):
    said = site.read(client.get(ALL))
    assert "All är av. Inget skickas dit." in said
    assert "Riktiga uppgifter skickas till leverantörens testmiljö" in said
    assert "Konton skapas, ändras och tas bort hos leverantören av sig själva." in said
    assert "Ingen körning ännu." in said


def test_an_unknown_vendor_is_not_found(site, client):
    for path in ("", "/lage/live", "/avveckla"):
        assert client.get(f"/leverantorer/nobody{path}").status_code == 404
    form = form_of(client.get(ALL), ALL)
    for path in ("", "/lage/live", "/avveckla", "/stam-av"):
        assert client.post(f"/leverantorer/nobody{path}", data=form).status_code == 404


def test_an_unknown_mode_is_not_found(site, client):
    assert client.get(f"{ALL}/lage/sandbox").status_code == 404


def test_a_vendor_without_units_leads_to_the_table(tmp_path):
    with Site(tmp_path) as site:
        site.installation.document["connections"] = []
        site.installation.import_document()
        page = site.sign_in().get(ALL)
        assert "Inga skolenheter går till All ännu." in site.read(page)
        assert 'href="/leverantorer"' in page.text
        assert "/lage/live" not in page.text


def test_a_vendor_that_is_on_waits_for_its_first_run(site, client):
    site.installation.connection("all", mode="live")
    said = site.read(client.get(ALL))
    assert "All är i skarpt läge. Den första körningen är inte klar ännu." in said


def test_after_a_delivery_the_page_says_what_is_there_and_what_was_sent(site, client):
    said = site.read(turn_on(site, client, "all"))
    assert "All är aktuell. Där finns 16 personer." in said
    assert "Senast något skickades var" in said
    assert "Personer 16 0 0" in said
    assert "12 elever och 4 i personalen enligt ert underlag" in said


def test_a_run_with_nothing_new_keeps_telling_of_the_last_delivery(site, client):
    turn_on(site, client, "all")
    with site.later(3600):
        run(site, client)
        said = site.read(client.get(ALL))
    assert "inget hade ändrats" in said
    assert "Personer 16 0 0" in said


def test_what_was_delivered_in_test_mode_is_not_said_of_live_mode(site, client):
    turn_on(site, client, "all", "test")
    assert "I testmiljön finns 16 personer." in site.read(client.get(ALL))
    site.installation.connection("all", mode="live")
    said = site.read(client.get(ALL))
    assert "Den första körningen är inte klar ännu." in said
    assert "Där finns 16 personer" not in said


def test_a_vendor_that_was_turned_off_is_said_to_have_what_it_has(site, client):
    turn_on(site, client, "all")
    path = f"{ALL}/lage/off"
    site.send(client, client.get(path), path)
    said = site.read(client.get(ALL))
    assert "All är av men har kvar det som skickats tidigare." in said
    assert "Avveckla: ta bort allt ni har hos All" in said


def test_what_is_left_of_a_mode_that_it_was_in_before_is_told(site, client):
    turn_on(site, client, "all", "test")
    assert "i testmiljön hålls inte aktuella" not in site.read(client.get(ALL))
    site.installation.connection("all", mode="live")
    said = site.read(client.get(ALL))
    assert "16 konton i testmiljön hålls inte aktuella." in said
    assert "Avveckla: ta bort allt ni har hos All" in said


def test_a_vendor_without_a_connection_still_says_what_it_has_and_how_to_end_it(site, client):
    turn_on(site, client, "all")
    others = [c for c in site.installation.document["connections"] if c["vendor"] != "all"]
    site.installation.document["connections"] = others
    site.installation.import_document()
    said = site.read(client.get(ALL))
    assert "All är av men har kvar det som skickats tidigare." in said
    assert "16 konton i skarpt läge hålls inte aktuella." in said
    assert "Avveckla: ta bort allt ni har hos All" in said
    assert "All Av · 16 personer" in site.read(client.get("/"))
    path = f"{ALL}/avveckla"
    site.send(client, client.get(path), path, name="All")
    site.tasks()
    assert site.installation.all.held("User") == {}
    assert "Avveckla" not in site.read(client.get(ALL))


def test_the_units_that_go_there_are_named(site, client):
    page = client.get(ALL)
    assert "1 skolenhet går till All." in site.read(page)
    assert 'href="/skolenheter/12345678"' in page.text


def test_a_vendor_that_is_not_set_up_says_who_can_mend_it_and_what_is_missing(tmp_path):
    with Site(tmp_path) as site:
        site.installation.environ.pop("SKOLSYNK_ALL_LIVE_KEY")
        site.installation.connection("all", mode="live")
        site.restart()
        client = site.sign_in()
        said = site.read(client.get(ALL))
        assert "All är inte färdigt uppsatt i Skolsynk, så inget skickas dit." in said
        assert "Det gör den som driver Skolsynk, inte du." in said
        assert "SKOLSYNK_ALL_LIVE_KEY" in said


def test_a_hold_is_told_first_with_the_way_to_it(site, client):
    turn_on(site, client, "all")
    site.installation.leave(
        ("Bo", "Ek"), ("Li", "Xu"), ("Zoë", "af Klercker"), ("Åsa-Märta", "Fjäll")
    )
    run(site, client)
    page = client.get(ALL)
    assert "En spärr väntar på ditt beslut, så inget skickas till All." in site.read(page)
    assert 'href="/sparrar"' in page.text


def test_a_hold_that_was_refused_is_said_to_stand(site, client):
    site.installation.connection("all", mode="live")
    hold = Hold(("someone",), 14, "too many", {}, refused=site.clock())
    site.store.set_hold(LedgerKey(TENANT, "all", "live"), hold)
    said = site.read(client.get(ALL))
    assert "Spärren hos All står kvar eftersom ni har sagt nej." in said


# What the vendor does not take, and what fails


def test_a_refusal_is_told_by_name_with_the_vendors_words_and_what_to_do(site, client):
    body = b'{"detail": "Invalid value for emails of Bo Ek"}'
    who = site.installation.all.fail
    who(400, times=1, method="POST", endpoint="Users", body=body)
    page = turn_on(site, client, "all")
    said = site.read(page)
    assert "All tog inte emot 1 person. Resten är aktuellt." in said
    assert "Invalid value for emails of […]" in said
    assert "(400)" in said
    assert "Rätta e-postadressen i Google Workspace" in said
    assert "Misslyckades" not in said


def test_something_that_is_there_already_is_for_the_vendors_support(site, client):
    site.installation.all.fail(409, times=None, method="POST", endpoint="Users", body=b"taken")
    said = site.read(turn_on(site, client, "all"))
    assert "All tog inte emot 16 personer. Resten är aktuellt." in said
    assert "Bo Ek taken (409)" in said
    assert "ofta ett konto som lagts upp för hand" in said


def test_a_class_that_is_not_taken_is_told_by_its_name(site, client):
    site.installation.all.fail(400, times=1, method="POST", endpoint="StudentGroups", body=b"{}")
    said = site.read(turn_on(site, client, "all"))
    assert "7A" in said[said.index("All inte tog emot") :]
    assert "klassens eller gruppens namn" in said


def test_the_refused_are_counted_where_their_names_are_not_to_be_had(site, client):
    site.installation.all.fail(400, times=1, method="POST", endpoint="Users")
    turn_on(site, client, "all")
    with site.later(24 * 3600 + 60):
        page = client.get(ALL)
    assert "All tog inte emot" in site.read(page)
    assert "Namnen visas när katalogen har lästs." in site.read(page)
    assert form_of(page, "/katalog/las")["back"] in (ALL, "/leverantorer/all")


def test_a_vendor_in_trouble_is_told_with_what_to_do_and_its_own_answer(site, client):
    site.installation.all.fail(503, times=None)
    said = site.read(turn_on(site, client, "all"))
    assert "Den senaste körningen lyckades inte hos All. Nästa körning försöker igen." in said
    assert "Felet är leverantörens och går oftast över av sig självt." in said
    assert "503" in said


def test_a_key_that_is_not_accepted_is_for_the_operator(site, client):
    site.installation.all.fail(401, times=None)
    said = site.read(turn_on(site, client, "all"))
    assert "Leverantören godtar inte Skolsynks nyckel." in said


# What the vendor cannot take


def test_whom_one_placement_a_person_concerns_is_told_by_name(tmp_path):
    site = Site(tmp_path)
    add_unit(site, "12345680", "Södra skolan", students={"orgUnits": ["/Elever/7B"]})
    for each in site.installation.document["connections"]:
        each["schoolUnits"] = ["12345678", "12345680"]
    with site:
        client = site.sign_in()
        read_directory(site, client)
        page = site.ready(client, SOME)
        said = site.read(page)
        assert "En placering per person." in said
        assert "6 personer har fler placeringar än Some kan ta emot" in said
        assert "Hjördis Vängbo" in said
        assert "Flera skolor och klasser för samma person." in site.read(site.ready(client, ALL))


def test_teaching_groups_that_are_not_taken_are_named_with_their_pupils(tmp_path):
    site = Site(tmp_path)
    unit = site.installation.document["schoolUnits"][0]
    unit["teachingGroups"] = {"from": "group", "pattern": "^(?P<name>matte)@"}
    with site:
        site.installation.domain.add_group({"email": f"matte@{DOMAIN}", "name": "Matte"})
        site.installation.domain.add_member(f"matte@{DOMAIN}", address("Bo", "Ek"))
        client = site.sign_in()
        read_directory(site, client)
        said = site.read(site.ready(client, SOME))
        assert "1 undervisningsgrupp skickas inte till Some" in said
        assert "matte, Norra skolan: 1 elev" in said
        assert "undervisningsgrupp skickas inte" not in site.read(site.ready(client, ALL))


def test_whom_it_concerns_can_be_asked_for_where_the_directory_is_not_read(site, client):
    page = client.get(SOME)
    assert "visas när katalogen har lästs" in site.read(page)
    assert form_of(page, "/katalog/las")["back"] == SOME


def test_a_field_that_the_vendor_cannot_use_is_said_and_not_offered(site, client):
    page = client.get(SOME)
    assert "Inte: Kontots id i Google" in site.read(page)
    assert "field-cloudId" not in page.text


# The optional fields and the limits


def test_fields_and_limits_are_kept(site, client):
    page = client.get(ALL)
    values = {"fields": ["email", "cloudId"], "deletions": "1 000", "percent": "12,5 %"}
    answer = site.send(client, page, ALL, **values)
    assert answer.status_code == 302
    kept = connection(site, "all")
    assert kept["fields"] == ["email", "cloudId"]
    assert kept["limits"] == {"deletions": 1000, "deletionsPercent": 12.5}
    assert "Sparat." in site.read(client.get(ALL))
    assert site.store.audit_entries(TENANT, 1)[0].what == "vendor.saved"


def test_limits_by_change_in_number_stay_as_the_document_has_them(site, client):
    changes = {"StudentGroup": {"number": 20}}
    site.installation.connection("all", limits={"deletions": 3, "changes": changes})
    site.send(client, client.get(ALL), ALL, deletions="7")
    assert connection(site, "all")["limits"] == {
        "deletions": 7,
        "deletionsPercent": 10.0,
        "changes": changes,
    }


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("deletions", "många", "Skriv ett helt antal personer"),
        ("deletions", "-1", "Skriv ett helt antal personer"),
        ("deletions", "", "Skriv ett helt antal personer"),
        ("deletions", "9" * 5000, "Skriv ett helt antal personer"),
        ("percent", "101", "Skriv en procentsats från 0 till 100"),
        ("percent", "nan", "Skriv en procentsats från 0 till 100"),
    ],
)
def test_a_wrong_limit_is_said_beside_its_field_and_stays_typed(site, client, name, value, fault):
    before = site.document()
    answer = site.send(client, client.get(ALL), ALL, **{name: value, "fields": ["email"]})
    assert answer.status_code == 400
    assert "Inget är sparat ännu" in site.read(answer)
    assert fault in site.read(answer)
    assert form_of(answer, ALL)[name] == value
    assert form_of(answer, ALL)["fields"] == "email"
    assert site.document() == before


def test_who_saves_second_is_told_and_keeps_what_was_typed(site, client):
    page, other = client.get(ALL), site.sign_in()
    site.send(other, other.get(ALL), ALL, deletions="9")
    answer = site.send(client, page, ALL, deletions="44", fields=["email"])
    assert answer.status_code == 409
    assert "Någon annan har sparat under tiden" in site.read(answer)
    assert form_of(answer, ALL)["deletions"] == "44"
    assert connection(site, "all")["limits"]["deletions"] == 9
    assert site.send(client, answer, ALL).status_code == 302
    assert connection(site, "all")["limits"]["deletions"] == 44


def test_settings_of_another_vendor_are_in_nobodys_way(site, client):
    page, other = client.get(ALL), site.sign_in()
    site.send(other, other.get(SOME), SOME, deletions="9")
    assert site.send(client, page, ALL, deletions="44").status_code == 302
    assert connection(site, "some")["limits"]["deletions"] == 9


def test_settings_can_be_kept_before_any_unit_goes_there(tmp_path):
    with Site(tmp_path) as site:
        site.installation.document["connections"] = []
        site.installation.import_document()
        client = site.sign_in()
        assert site.send(client, client.get(ALL), ALL, fields=["email"]).status_code == 302
        assert connection(site, "all")["fields"] == ["email"]
        assert mode_of(site, "all") == "off"


def test_the_page_says_whom_a_change_of_fields_concerns(site, client):
    page = turn_on(site, client, "all")
    assert "En ändring gäller 16 personer hos All från nästa körning." in site.read(page)
    answer = site.send(client, page, ALL, fields=["email"])
    assert "Nästa körning ändrar uppgifterna om alla hos All." in site.read(
        client.get(answer.location)
    )


def test_the_limits_are_told_in_people(site, client):
    said = site.read(turn_on(site, client, "all"))
    assert "stannar en körning som skulle ta bort fler än 3 av de 16 personer" in said


def test_limits_that_stop_nothing_are_warned_of(site, client):
    page = turn_on(site, client, "all")
    site.send(client, page, ALL, deletions="1000", percent="100")
    said = site.read(client.get(ALL))
    assert "alla 16 personer hos All kan tas bort utan att du tillfrågas" in said


# Modes


def test_turning_on_is_asked_with_the_numbers_of_pupils_and_teachers(site, client):
    said = site.read(site.ready(client, f"{ALL}/lage/live"))
    assert "I skarpt läge skapas konton för 12 elever och 4 i personalen hos All." in said
    assert "Det gäller 1 skolenhet." in said
    assert "E-postadress; Årskurs" in said
    assert site.installation.requests == []


def test_yes_turns_it_on_and_the_vendor_has_everyone_but_the_protected(site, client):
    path = f"{ALL}/lage/live"
    answer = site.send(client, site.ready(client, path), path)
    assert answer.location.startswith(f"{ALL}?begard=")
    assert "All är i skarpt läge. Den första körningen har börjat." in site.read(client.get(ALL))
    site.tasks()
    assert connection(site, "all")["mode"] == "live"
    held = site.installation.all.held("User")
    assert len(held) == 16
    assert HIDDEN[1] not in str(held)
    assert [e.what for e in site.store.audit_entries(TENANT, 2)] == ["run.asked", "vendor.mode"]


def test_the_page_follows_the_first_run_and_leads_to_its_story(site, client, monkeypatch):
    queue, waiting = site.services.queue(), []
    enqueue, path = queue.enqueue, f"{ALL}/lage/test"
    site.ready(client, "/forhandsgranska")
    asking = site.ready(client, path)
    monkeypatch.setattr(queue, "enqueue", lambda task: waiting.append(task) is None)
    there = site.send(client, asking, path).location
    page = client.get(there)
    said = site.read(page)
    assert "All är i testläge. Den första körningen har börjat." in said
    assert "All är i testläge. Den första körningen är inte klar ännu." in said
    assert "Körningen är beställd och börjar strax." in said
    assert "Nästa steg: testläge" not in said
    assert f'hx-get="{there}"' in page.text
    assert '<noscript><meta http-equiv="refresh" content="4"></noscript>' in page.text
    monkeypatch.undo()
    for task in waiting:
        enqueue(task)
    site.tasks()
    page = client.get(there, headers={"HX-Request": "true"})
    said = site.read(page)
    assert "All är aktuell. I testmiljön finns 16 personer." in said
    assert "Körningen är klar. Se vad som hände" in said
    assert "Nästa steg: skarpt läge" in said
    assert 'href="/korningar/2' in page.text
    assert "hx-get" not in page.text
    assert 'http-equiv="refresh"' not in page.text
    for part in ("pagar", "stand", "leverans", "vidare"):
        assert page.text.count(f'id="{part}"') == 1


def test_a_run_that_is_under_way_is_followed_for_a_while(site, client):
    site.installation.connection("all", mode="live")
    at = site.clock()
    site.store.save_run(RunRecord("20990101T000000Z-aaaaaa", TENANT, at, "running", holder="x"))
    page = client.get(ALL)
    assert "En körning pågår. Följ den" in site.read(page)
    assert 'href="/korningar/20990101T000000Z-aaaaaa"' in page.text
    assert 'hx-select="#pagar"' in page.text
    with site.later(3600):
        page = client.get(ALL)
    assert "En körning pågår. Följ den" in site.read(page)
    assert 'hx-select="#pagar"' not in page.text


def test_a_run_that_never_begins_is_not_waited_for_for_ever(site, client):
    site.installation.connection("all", mode="live")
    there = f"{ALL}?begard={int(site.clock())}"
    assert "beställd" in site.read(client.get(there))
    with site.later(600):
        page = client.get(there)
    assert "beställd" not in site.read(page)
    assert 'http-equiv="refresh"' not in page.text


def test_trying_sends_to_the_test_environment_alone(site, client):
    said = site.read(site.ready(client, f"{ALL}/lage/test"))
    assert "I testläge skapas konton för 12 elever och 4 i personalen i testmiljön hos All." in said
    assert "Uppgifterna som skickas är riktiga, även i testläge." in said
    turn_on(site, client, "all", "test")
    assert len(site.installation.test.held("User")) == 16
    assert site.installation.all.requests == []


def test_from_live_to_test_it_is_told_what_becomes_of_the_accounts(site, client):
    turn_on(site, client, "all")
    said = site.read(site.ready(client, f"{ALL}/lage/test"))
    assert "16 riktiga konton hos All ligger kvar men hålls inte aktuella" in said
    assert "den som får skyddade personuppgifter tas bort." in said


def test_turning_off_is_asked_with_how_many_accounts_stay(site, client):
    turn_on(site, client, "all")
    page = client.get(f"{ALL}/lage/off")
    said = site.read(page)
    assert "Inget mer skickas till All. 16 konton ligger kvar där och hålls inte aktuella." in said
    assert "får skyddade personuppgifter ändras inte hos All" in said
    assert f'href="{ALL}/avveckla"' in page.text
    answer = site.send(client, page, f"{ALL}/lage/off")
    assert "All är av. Inget mer skickas dit." in site.read(client.get(answer.location))
    assert mode_of(site, "all") == "off"
    assert len(site.installation.all.held("User")) == 16


def test_turning_on_again_tells_what_has_changed_meanwhile(site, client):
    turn_on(site, client, "all")
    off = f"{ALL}/lage/off"
    site.send(client, client.get(off), off)
    site.installation.domain.add_user(person("Ny", "Elev", "/Elever/7A"))
    site.installation.leave(("Bo", "Ek"))
    with site.later(60):
        client.post("/katalog/las", data=form_of(client.get(ALL), "/katalog/las"))
        site.tasks()
        said = site.read(site.ready(client, f"{ALL}/lage/live"))
    assert "I skarpt läge hålls 12 elever och 4 i personalen aktuella hos All." in said
    assert "1 konto skapas" in said
    assert "1 konto tas bort" in said


def test_a_first_run_that_would_be_held_is_said_to_be(site, client):
    turn_on(site, client, "all")
    off = f"{ALL}/lage/off"
    site.send(client, client.get(off), off)
    site.installation.leave(
        ("Bo", "Ek"), ("Li", "Xu"), ("Zoë", "af Klercker"), ("Åsa-Märta", "Fjäll")
    )
    with site.later(60):
        client.post("/katalog/las", data=form_of(client.get(ALL), "/katalog/las"))
        site.tasks()
        said = site.read(site.ready(client, f"{ALL}/lage/live"))
    assert "4 konton tas bort" in said
    assert "körningen stannar och frågar dig först" in said


def test_a_mode_that_it_is_in_already_is_not_asked_about(site, client):
    turn_on(site, client, "all")
    page = client.get(f"{ALL}/lage/live")
    assert "All är redan i skarpt läge." in site.read(page)
    assert '<form method="post" action="/leverantorer' not in page.text


def test_nothing_is_turned_on_that_no_unit_goes_to(site, client):
    form = form_of(client.get(f"{ALL}/lage/off"), "/sprak")
    site.installation.connection("all", schoolUnits=[])
    page = client.get(f"{ALL}/lage/live")
    assert "Inga skolenheter går till All ännu." in site.read(page)
    assert client.post(f"{ALL}/lage/live", data=form).status_code == 400
    assert mode_of(site, "all") == "off"


def test_a_vendor_without_a_test_environment_cannot_be_tried(site, client):
    assert "Leverantören har ingen testmiljö i Skolsynk." in site.read(client.get(SOME))
    page = client.get(f"{SOME}/lage/test")
    assert "Det går inte ännu: Some är inte färdigt uppsatt i Skolsynk." in site.read(page)
    form = form_of(page, "/sprak")
    assert client.post(f"{SOME}/lage/test", data=form).status_code == 400


def test_who_was_shown_other_numbers_is_asked_again(site, client):
    path = f"{ALL}/lage/live"
    page, other = site.ready(client, path), site.sign_in()
    site.send(other, other.get(ALL), ALL, fields=[])
    answer = site.send(client, page, path)
    assert answer.status_code in (302, 409)
    again = site.ready(client, path)
    assert mode_of(site, "all") == "off"
    if answer.status_code == 409:
        assert "Någon annan har sparat under tiden" in site.read(answer)
        assert "Läget är inte ändrat." in site.read(answer)
    assert "Inget skickas utöver namn, skola och grupper." in site.read(again)
    assert site.send(client, again, path).status_code == 302


def test_in_a_pause_the_first_run_is_said_to_wait(site, client):
    site.installation.document["schedule"] = {
        "pause": {"from": "2020-01-01", "until": "2199-01-01"}
    }
    site.installation.import_document()
    path = f"{ALL}/lage/live"
    page = site.ready(client, path)
    assert "Det är paus till och med 2199-01-01." in site.read(page)
    answer = site.send(client, page, path)
    assert "Körningen börjar när pausen är över." in site.read(client.get(answer.location))
    site.tasks()
    assert site.installation.all.requests == []


# Withdrawal


def test_withdrawing_is_asked_with_how_many_lose_their_accounts(site, client):
    turn_on(site, client, "all", "test")
    site.installation.connection("all", mode="live")
    run(site, client)
    said = site.read(client.get(f"{ALL}/avveckla"))
    assert "32 personers konton tas bort hos All, och leverantören slås av." in said
    assert "16 konton i skarpt läge" in said
    assert "16 konton i testmiljön" in said
    assert "Det går inte att ångra" in said


def test_the_vendors_name_removes_everything_and_turns_it_off(site, client):
    turn_on(site, client, "all")
    path = f"{ALL}/avveckla"
    answer = site.send(client, client.get(path), path, name=" all ")
    assert answer.location == "/korningar"
    site.tasks()
    assert site.installation.all.held("User") == {}
    assert mode_of(site, "all") == "off"
    assert "Ni har inget hos All." in site.read(client.get(path))
    assert "vendor.withdrawn" in [e.what for e in site.store.audit_entries(TENANT, 9)]


def test_another_name_removes_nothing_and_stays_typed(site, client):
    turn_on(site, client, "all")
    path = f"{ALL}/avveckla"
    answer = site.send(client, client.get(path), path, name="Gleerups")
    assert answer.status_code == 400
    assert "Skriv leverantörens namn, All, för att bekräfta." in site.read(answer)
    assert form_of(answer, path)["name"] == "Gleerups"
    site.tasks()
    assert len(site.installation.all.held("User")) == 16


def test_where_there_is_nothing_there_is_nothing_to_withdraw(site, client):
    page = client.get(f"{ALL}/avveckla")
    assert "Ni har inget hos All." in site.read(page)
    form = {**form_of(page, "/sprak"), "name": "All"}
    assert client.post(f"{ALL}/avveckla", data=form).status_code == 400


# Reconciling


def test_the_vendor_can_be_asked_for_what_it_has(site, client):
    page = turn_on(site, client, "all")
    answer = site.send(client, page, f"{ALL}/stam-av")
    assert "All tillfrågas nu om vad den har." in site.read(client.get(answer.location))
    site.tasks()
    assert site.store.audit_entries(TENANT, 1)[0].what == "vendor.reconciled"


def test_a_vendor_that_is_off_is_not_asked(site, client):
    page = client.get(ALL)
    assert "/stam-av" not in page.text
    answer = client.post(f"{ALL}/stam-av", data=form_of(page, ALL))
    assert "All är av. Slå på den först." in site.read(client.get(answer.location))


def test_what_a_reconciliation_found_is_told(site, client):
    turn_on(site, client, "all")
    gone = next(iter(site.installation.all.held("User")))
    site.installation.all._state._delete("Users", gone)
    site.send(client, site.ready(client, "/leverantorer/all"), "/leverantorer/all/stam-av")
    site.tasks()
    said = site.read(site.ready(client, "/leverantorer/all"))
    assert "Senast avstämt" in said
    assert "1 objekt saknades där och skickas på nytt vid nästa körning." in said

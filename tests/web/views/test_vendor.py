"""One vendor: its page, its settings, its modes and the withdrawal from it."""

import pytest

from addon.planning.ledger import LedgerKey
from addon.planning.limits import Hold
from addon.store.records import RunRecord
from addon.tasks.handlers import PROTECT
from addon.web.directory.cache import StillComputing, TenantDirectory
from tests.support.page_actions import add_unit, connection, mode_of, read_directory, run, turn_on
from tests.support.page_content import form_of
from tests.support.small_school import (
    DOMAIN,
    HIDDEN,
    PUPILS,
    TENANT,
    address,
    leave,
    person,
    set_live,
    small_school_pages,
    user_id,
)

ALL, SOME = "/leverantorer/all", "/leverantorer/some"


# What the page says of how the vendor stands


def test_a_vendor_that_is_off_says_so_and_what_each_mode_means(world, client):
    said = world.text(client.get(ALL))
    assert "All är av. Inget skickas dit." in said
    assert "Riktiga uppgifter skickas till leverantörens testmiljö" in said
    assert "Konton skapas, ändras och tas bort automatiskt hos leverantören." in said
    assert "Ingen körning ännu." in said


def test_an_unknown_vendor_is_not_found(world, client):
    for path in ("", "/lage/live", "/avveckla"):
        assert client.get(f"/leverantorer/nobody{path}").status_code == 404
    form = form_of(client.get(ALL), ALL)
    for path in ("", "/lage/live", "/avveckla", "/stam-av"):
        assert client.post(f"/leverantorer/nobody{path}", data=form).status_code == 404


def test_an_unknown_mode_is_not_found(world, client):
    assert client.get(f"{ALL}/lage/sandbox").status_code == 404


def test_a_vendor_without_units_leads_to_the_table(tmp_path):
    with small_school_pages(tmp_path) as world:
        world.document["connections"] = []
        world.import_document()
        page = world.sign_in().get(ALL)
        assert "Inga skolenheter går till All ännu." in world.text(page)
        assert 'href="/leverantorer"' in page.text
        assert "/lage/live" not in page.text


def test_a_vendor_that_is_on_waits_for_its_first_run(world, client):
    world.change_connection("all", mode="live")
    said = world.text(client.get(ALL))
    assert "All är i skarpt läge. Den första körningen är inte klar ännu." in said


@pytest.mark.parametrize("listing", ["none", "paged"])
def test_what_cannot_be_known_at_a_vendor_is_on_its_page(world, client, listing):
    """Only of one that cannot be asked what it has, and as long as nothing else was sent."""
    world.vendor("all").knobs.listing = listing
    turn_on(world, client, "all")
    run(world, client)
    said = "går inte att veta om något finns kvar eller finns dubbelt"
    assert (said in world.text(client.get(ALL))) is (listing == "none")


def test_after_a_delivery_the_page_says_what_is_there_and_what_was_sent(world, client):
    said = world.text(turn_on(world, client, "all"))
    assert "Allt är uppdaterat hos All. Där finns 16 personer." in said
    assert "Senast något skickades var" in said
    assert "Personer 16 0 0" in said
    assert "12 elever och 4 i personalen enligt ert underlag" in said


def test_a_run_with_nothing_new_keeps_telling_of_the_last_delivery(world, client):
    turn_on(world, client, "all")
    with world.later(3600):
        run(world, client)
        said = world.text(client.get(ALL))
    assert "inget hade ändrats" in said
    assert "Personer 16 0 0" in said


def test_what_was_delivered_in_test_mode_is_not_said_of_live_mode(world, client):
    turn_on(world, client, "all", "test")
    assert "I testmiljön finns 16 personer." in world.text(client.get(ALL))
    world.change_connection("all", mode="live")
    said = world.text(client.get(ALL))
    assert "Den första körningen är inte klar ännu." in said
    assert "Där finns 16 personer" not in said


def test_a_vendor_that_was_turned_off_is_said_to_have_what_it_has(world, client):
    turn_on(world, client, "all")
    path = f"{ALL}/lage/off"
    world.send(client, client.get(path), path)
    said = world.text(client.get(ALL))
    assert "All är av men har kvar det som skickats tidigare." in said
    assert "Avveckla: ta bort allt ni har hos All" in said


def test_what_is_left_of_a_mode_that_it_was_in_before_is_reported(world, client):
    turn_on(world, client, "all", "test")
    assert "i testmiljön uppdateras inte" not in world.text(client.get(ALL))
    world.change_connection("all", mode="live")
    said = world.text(client.get(ALL))
    assert "16 konton i testmiljön uppdateras inte." in said
    assert "Avveckla: ta bort allt ni har hos All" in said


def test_a_vendor_without_a_connection_still_says_what_it_has_and_how_to_end_it(world, client):
    turn_on(world, client, "all")
    others = [c for c in world.document["connections"] if c["vendor"] != "all"]
    world.document["connections"] = others
    world.import_document()
    said = world.text(client.get(ALL))
    assert "All är av men har kvar det som skickats tidigare." in said
    assert "16 konton i skarpt läge uppdateras inte." in said
    assert "Avveckla: ta bort allt ni har hos All" in said
    assert "All ○ Av Av · 16 personer finns kvar där" in world.text(client.get("/"))
    path = f"{ALL}/avveckla"
    world.send(client, client.get(path), path, name="All")
    world.wait_for_tasks()
    assert world.vendor("all").held("User") == {}
    assert "Avveckla" not in world.text(client.get(ALL))


def test_the_units_that_go_there_are_named(world, client):
    page = client.get(ALL)
    assert "1 skolenhet går till All." in world.text(page)
    assert 'href="/skolenheter/12345678"' in page.text


def test_a_vendor_that_is_not_set_up_says_who_can_set_it_up_and_what_is_missing(tmp_path):
    with small_school_pages(tmp_path) as world:
        world.environ.pop("SKOLSYNK_ALL_LIVE_KEY")
        world.change_connection("all", mode="live")
        world.restart_application()
        client = world.sign_in()
        said = world.text(client.get(ALL))
        assert "Anslutningen till All är inte klar i Skolsynk, så inget skickas dit." in said
        assert "Det ordnar Skolsynks support (support@skolsynk.se)." in said
        assert "SKOLSYNK_ALL_LIVE_KEY" in said


def test_the_limits_of_classes_are_shown_with_those_of_people(world, client):
    said = world.text(client.get("/leverantorer/all"))
    assert "Det räknas för ett dygn, hur många körningar det än är" in said
    assert "om antalet klasser och grupper som skulle tas bort är större än 10" in said
    assert "om antalet aktiviteter som skulle tas bort är större än 10" in said
    limits = {"deletions": 3, "changes": {"StudentGroup": {"number": 4, "percent": 50}}}
    set_live(world, "all", limits=limits)
    said = world.text(client.get("/leverantorer/all"))
    assert "klasser och grupper som skulle tas bort" not in said
    assert "antalet klasser och grupper får ändras: högst 4, högst 50 procent." in said


def test_a_hold_is_told_first_with_the_way_to_it(world, client):
    turn_on(world, client, "all")
    leave(world, ("Bo", "Ek"), ("Li", "Xu"), ("Zoë", "af Klercker"), ("Åsa-Märta", "Fjäll"))
    run(world, client)
    page = client.get(ALL)
    said = world.text(page)
    assert "En spärr väntar på ditt beslut. Det som är spärrat skickas inte till All." in said
    assert 'href="/sparrar"' in page.text


def test_a_hold_that_was_refused_is_said_to_stand(world, client):
    world.change_connection("all", mode="live")
    hold = Hold(("someone",), 14, "too many", {}, refused=world.clock())
    world.store.set_hold(LedgerKey(TENANT, "all", "live"), hold)
    said = world.text(client.get(ALL))
    assert "Spärren hos All står kvar eftersom ni har sagt nej." in said


# What the vendor does not take, and what fails


def test_a_refusal_is_told_by_name_with_the_vendors_words_and_what_to_do(world, client):
    body = b'{"detail": "Invalid value for emails of Bo Ek"}'
    who = world.vendor("all").fail
    who(400, times=1, method="POST", endpoint="Users", body=body)
    page = turn_on(world, client, "all")
    said = world.text(page)
    assert "All tog inte emot 1 person. Allt annat är uppdaterat." in said
    assert "Invalid value for emails of […]" in said
    assert "(400)" in said
    assert "Rätta e-postadressen i Google Workspace" in said
    assert "Misslyckades" not in said


def test_something_that_is_there_already_is_for_the_vendors_support(world, client):
    world.vendor("all").fail(409, times=None, method="POST", endpoint="Users", body=b"taken")
    said = world.text(turn_on(world, client, "all"))
    assert "All tog inte emot 16 personer. Allt annat är uppdaterat." in said
    assert "Bo Ek taken (409)" in said
    assert "ofta ett konto som lagts upp för hand" in said


def test_a_class_that_is_not_taken_is_told_by_its_name(world, client):
    world.vendor("all").fail(400, times=1, method="POST", endpoint="StudentGroups", body=b"{}")
    said = world.text(turn_on(world, client, "all"))
    assert "7A" in said[said.index("All inte tog emot") :]
    assert "klassens eller gruppens namn" in said


def test_the_refused_are_counted_where_their_names_are_not_to_be_had(world, client):
    world.vendor("all").fail(400, times=1, method="POST", endpoint="Users")
    turn_on(world, client, "all")
    with world.later(24 * 3600 + 60):
        page = client.get(ALL)
    assert "All tog inte emot" in world.text(page)
    assert "Namnen visas när katalogen har lästs." in world.text(page)
    assert form_of(page, "/katalog/las")["back"] in (ALL, "/leverantorer/all")


def test_a_vendor_in_trouble_is_reported_with_what_to_do_and_its_own_answer(world, client):
    world.vendor("all").fail(503, times=None)
    said = world.text(turn_on(world, client, "all"))
    assert "Den senaste körningen lyckades inte hos All. Nästa körning försöker igen." in said
    assert "Felet är leverantörens och går oftast över av sig självt." in said
    assert "503" in said


def test_a_key_that_is_not_accepted_is_for_the_operator(world, client):
    world.vendor("all").fail(401, times=None)
    said = world.text(turn_on(world, client, "all"))
    assert "Leverantören godtog inte Skolsynks nyckel. Skolsynks support" in said


# What the vendor cannot take


def test_whom_one_placement_a_person_concerns_is_told_by_name(tmp_path):
    world = small_school_pages(tmp_path)
    add_unit(world, "12345680", "Södra skolan", students={"orgUnits": ["/Elever/7B"]})
    for each in world.document["connections"]:
        each["schoolUnits"] = ["12345678", "12345680"]
    with world:
        client = world.sign_in()
        read_directory(world, client)
        page = world.ready(client, SOME)
        said = world.text(page)
        assert "En placering per person." in said
        assert "6 personer har fler placeringar än Some kan ta emot" in said
        assert "Hjördis Vängbo" in said
        assert "Flera skolor och klasser för samma person." in world.text(world.ready(client, ALL))


def test_teaching_groups_that_are_not_taken_are_named_with_their_pupils(tmp_path):
    world = small_school_pages(tmp_path)
    unit = world.document["schoolUnits"][0]
    unit["teachingGroups"] = {"from": "group", "pattern": "^(?P<name>matte)@"}
    with world:
        world.domain.add_group({"email": f"matte@{DOMAIN}", "name": "Matte"})
        world.domain.add_member(f"matte@{DOMAIN}", address("Bo", "Ek"))
        client = world.sign_in()
        read_directory(world, client)
        said = world.text(world.ready(client, SOME))
        assert "1 undervisningsgrupp skickas inte till Some" in said
        assert "matte, Norra skolan: 1 elev" in said
        assert "undervisningsgrupp skickas inte" not in world.text(world.ready(client, ALL))


def test_whom_it_concerns_can_be_asked_for_where_the_directory_is_not_read(world, client):
    page = client.get(SOME)
    assert "visas när katalogen har lästs" in world.text(page)
    assert form_of(page, "/katalog/las")["back"] == SOME


def test_a_field_that_the_vendor_cannot_use_is_said_and_not_offered(world, client):
    page = client.get(SOME)
    assert "Inte: Kontots id i Google" in world.text(page)
    assert "field-cloudId" not in page.text


# The optional fields and the limits


def test_fields_and_limits_are_kept(world, client):
    page = client.get(ALL)
    values = {"fields": ["email", "cloudId"], "deletions": "1 000", "percent": "12,5 %"}
    answer = world.send(client, page, ALL, **values)
    assert answer.status_code == 302
    kept = connection(world, "all")
    assert kept["fields"] == ["email", "cloudId"]
    assert kept["limits"] == {"deletions": 1000, "deletionsPercent": 12.5}
    assert "Sparat." in world.text(client.get(ALL))
    assert world.store.audit_entries(TENANT, 1)[0].what == "vendor.saved"


def test_limits_by_change_in_number_stay_as_the_document_has_them(world, client):
    changes = {"StudentGroup": {"number": 20}}
    own = {"changes": changes, "protected": {"number": 7}}
    world.change_connection("all", limits={"deletions": 3, **own})
    world.send(client, client.get(ALL), ALL, deletions="7")
    assert connection(world, "all")["limits"] == {
        "deletions": 7,
        "deletionsPercent": 10.0,
        **own,
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
def test_a_wrong_limit_is_said_beside_its_field_and_stays_typed(world, client, name, value, fault):
    before = world.stored_document()
    answer = world.send(client, client.get(ALL), ALL, **{name: value, "fields": ["email"]})
    assert answer.status_code == 400
    assert "Inget är sparat ännu" in world.text(answer)
    assert fault in world.text(answer)
    assert form_of(answer, ALL)[name] == value
    assert form_of(answer, ALL)["fields"] == "email"
    assert world.stored_document() == before


def test_who_saves_second_is_reported_and_keeps_what_was_typed(world, client):
    page, other = client.get(ALL), world.sign_in()
    world.send(other, other.get(ALL), ALL, deletions="9")
    answer = world.send(client, page, ALL, deletions="44", fields=["email"])
    assert answer.status_code == 409
    assert "Du har sparat i en annan flik" in world.text(answer)
    assert form_of(answer, ALL)["deletions"] == "44"
    assert connection(world, "all")["limits"]["deletions"] == 9
    assert world.send(client, answer, ALL).status_code == 302
    assert connection(world, "all")["limits"]["deletions"] == 44


def test_settings_of_another_vendor_are_in_nobodys_way(world, client):
    page, other = client.get(ALL), world.sign_in()
    world.send(other, other.get(SOME), SOME, deletions="9")
    assert world.send(client, page, ALL, deletions="44").status_code == 302
    assert connection(world, "some")["limits"]["deletions"] == 9


def test_settings_can_be_kept_before_any_unit_goes_there(tmp_path):
    with small_school_pages(tmp_path) as world:
        world.document["connections"] = []
        world.import_document()
        client = world.sign_in()
        assert world.send(client, client.get(ALL), ALL, fields=["email"]).status_code == 302
        assert connection(world, "all")["fields"] == ["email"]
        assert mode_of(world, "all") == "off"


def test_the_page_says_whom_a_change_of_fields_concerns(world, client):
    page = turn_on(world, client, "all")
    assert "En ändring gäller 16 personer hos All från nästa körning." in world.text(page)
    answer = world.send(client, page, ALL, fields=["email"])
    assert "Nästa körning ändrar uppgifterna om alla hos All." in world.text(
        client.get(answer.location)
    )


def test_the_limits_are_reported_in_people(world, client):
    said = world.text(turn_on(world, client, "all"))
    assert "stannar en körning som skulle ta bort fler än 3 av 16 personer" in said


def test_limits_that_stop_nothing_are_warned_of(world, client):
    page = turn_on(world, client, "all")
    world.send(client, page, ALL, deletions="1000", percent="100")
    said = world.text(client.get(ALL))
    assert "alla 16 personer hos All kan tas bort utan att du tillfrågas" in said


# Modes


def test_turning_on_is_asked_with_the_numbers_of_pupils_and_teachers(world, client):
    said = world.text(world.ready(client, f"{ALL}/lage/live"))
    assert "I skarpt läge skapas konton för 12 elever och 4 i personalen hos All." in said
    assert "Det gäller 1 skolenhet." in said
    assert "E-postadress som kontaktuppgift; Årskurs" in said
    assert world.requests == []


def test_yes_turns_it_on_and_the_vendor_has_everyone_but_the_protected(world, client):
    path = f"{ALL}/lage/live"
    answer = world.send(client, world.ready(client, path), path)
    assert answer.location.startswith(f"{ALL}?begard=")
    said = world.text(client.get(ALL))
    assert "All är i skarpt läge. Här ser du hur den första körningen går." in said
    world.wait_for_tasks()
    assert connection(world, "all")["mode"] == "live"
    held = world.vendor("all").held("User")
    assert len(held) == 16
    assert HIDDEN[1] not in str(held)
    assert [e.what for e in world.store.audit_entries(TENANT, 2)] == ["run.asked", "vendor.mode"]


def test_the_page_follows_the_first_run_and_leads_to_its_story(world, client, monkeypatch):
    queue, waiting = world.services.queue(), []
    enqueue, path = queue.enqueue, f"{ALL}/lage/test"
    world.ready(client, "/forhandsgranska")
    asking = world.ready(client, path)
    monkeypatch.setattr(queue, "enqueue", lambda task: waiting.append(task) is None)
    there = world.send(client, asking, path).location
    page = client.get(there)
    said = world.text(page)
    assert "All är i testläge. Här ser du hur den första körningen går." in said
    assert "All är i testläge. Den första körningen är inte klar ännu." in said
    assert "Körningen är beställd och börjar strax." in said
    assert "Nästa steg: testläge" not in said
    assert f'hx-get="{there}"' in page.text
    assert '<noscript><meta http-equiv="refresh" content="4"></noscript>' in page.text
    monkeypatch.undo()
    for task in waiting:
        enqueue(task)
    world.wait_for_tasks()
    page = client.get(there, headers={"HX-Request": "true"})
    said = world.text(page)
    assert "Allt är uppdaterat hos All. I testmiljön finns 16 personer." in said
    assert "Körningen är klar. Se vad som hände" in said
    assert "Nästa steg: skarpt läge" in said
    assert 'href="/korningar/2' in page.text
    assert "hx-get" not in page.text
    assert 'http-equiv="refresh"' not in page.text
    for part in ("pagar", "stand", "leverans", "vidare"):
        assert page.text.count(f'id="{part}"') == 1


def test_a_run_that_is_under_way_is_followed_for_a_while(world, client):
    world.change_connection("all", mode="live")
    at = world.clock()
    world.store.save_run(RunRecord("20990101T000000Z-aaaaaa", TENANT, at, "running", holder="x"))
    page = client.get(ALL)
    assert "En körning pågår. Följ den" in world.text(page)
    assert 'href="/korningar/20990101T000000Z-aaaaaa"' in page.text
    assert 'hx-select="#pagar"' in page.text
    with world.later(3600):
        page = client.get(ALL)
    assert "En körning pågår. Följ den" in world.text(page)
    assert 'hx-select="#pagar"' not in page.text


def test_a_run_that_never_begins_is_not_waited_for_for_ever(world, client):
    world.change_connection("all", mode="live")
    there = f"{ALL}?begard={int(world.clock())}"
    assert "beställd" in world.text(client.get(there))
    with world.later(600):
        page = client.get(there)
    assert "beställd" not in world.text(page)
    assert 'http-equiv="refresh"' not in page.text


def test_trying_sends_to_the_test_environment_alone(world, client):
    said = world.text(world.ready(client, f"{ALL}/lage/test"))
    assert "I testläge skapas konton för 12 elever och 4 i personalen i testmiljön hos All." in said
    assert "Uppgifterna som skickas är riktiga, även i testläge." in said
    turn_on(world, client, "all", "test")
    assert len(world.vendor("all", "test").held("User")) == 16
    assert world.vendor("all").requests == []


def test_from_live_to_test_it_is_told_what_becomes_of_the_accounts(world, client):
    turn_on(world, client, "all")
    said = world.text(world.ready(client, f"{ALL}/lage/test"))
    assert "16 riktiga konton hos All ligger kvar men uppdateras inte" in said
    assert "den som får skyddade personuppgifter tas bort." in said


def test_turning_off_is_asked_with_how_many_accounts_stay(world, client):
    turn_on(world, client, "all")
    page = client.get(f"{ALL}/lage/off")
    said = world.text(page)
    assert "Inget mer skickas till All. 16 konton ligger kvar där och uppdateras inte." in said
    assert "Den som får skyddade personuppgifter tas ändå bort där." in said
    assert f'href="{ALL}/avveckla"' in page.text
    answer = world.send(client, page, f"{ALL}/lage/off")
    assert "All är av. Inget mer skickas dit." in world.text(client.get(answer.location))
    assert mode_of(world, "all") == "off"
    assert len(world.vendor("all").held("User")) == 16
    leave(world, PUPILS["7A"][0])
    world.domain.move_user(user_id(world, *PUPILS["7A"][1]), "/Skyddade")
    assert world.services.task_handler.handle(PROTECT, {"tenant": TENANT}).done
    assert len(world.vendor("all").held("User")) == 15


def test_turning_on_again_tells_what_has_changed_meanwhile(world, client):
    turn_on(world, client, "all")
    off = f"{ALL}/lage/off"
    world.send(client, client.get(off), off)
    world.domain.add_user(person("Ny", "Elev", "/Elever/7A"))
    leave(world, ("Bo", "Ek"))
    with world.later(60):
        client.post("/katalog/las", data=form_of(client.get(ALL), "/katalog/las"))
        world.wait_for_tasks()
        said = world.text(world.ready(client, f"{ALL}/lage/live"))
    assert "I skarpt läge hålls 12 elever och 4 i personalen uppdaterade hos All." in said
    assert "1 konto skapas" in said
    assert "1 konto tas bort" in said


def test_a_first_run_that_would_be_held_is_said_to_be(world, client):
    turn_on(world, client, "all")
    off = f"{ALL}/lage/off"
    world.send(client, client.get(off), off)
    leave(world, ("Bo", "Ek"), ("Li", "Xu"), ("Zoë", "af Klercker"), ("Åsa-Märta", "Fjäll"))
    with world.later(60):
        client.post("/katalog/las", data=form_of(client.get(ALL), "/katalog/las"))
        world.wait_for_tasks()
        said = world.text(world.ready(client, f"{ALL}/lage/live"))
    assert "4 konton tas bort" in said
    assert "körningen stannar och frågar dig först" in said


def test_a_mode_that_it_is_in_already_is_not_asked_about(world, client):
    turn_on(world, client, "all")
    page = client.get(f"{ALL}/lage/live")
    assert "All är redan i skarpt läge." in world.text(page)
    assert '<form method="post" action="/leverantorer' not in page.text


def test_nothing_is_turned_on_that_no_unit_goes_to(world, client):
    form = form_of(client.get(f"{ALL}/lage/off"), "/sprak")
    world.change_connection("all", schoolUnits=[])
    page = client.get(f"{ALL}/lage/live")
    assert "Inga skolenheter går till All ännu." in world.text(page)
    assert client.post(f"{ALL}/lage/live", data=form).status_code == 400
    assert mode_of(world, "all") == "off"


def test_a_vendor_without_a_test_environment_cannot_be_tried(world, client):
    assert "Leverantören har ingen testmiljö i Skolsynk." in world.text(client.get(SOME))
    page = client.get(f"{SOME}/lage/test")
    assert "Det går inte ännu: anslutningen till Some är inte klar i Skolsynk." in world.text(page)
    form = form_of(page, "/sprak")
    assert client.post(f"{SOME}/lage/test", data=form).status_code == 400


def test_who_was_shown_other_numbers_is_asked_again(world, client):
    path = f"{ALL}/lage/live"
    page, other = world.ready(client, path), world.sign_in()
    world.send(other, other.get(ALL), ALL, fields=[])
    answer = world.send(client, page, path)
    assert answer.status_code in (302, 409)
    again = world.ready(client, path)
    assert mode_of(world, "all") == "off"
    if answer.status_code == 409:
        assert "Du har sparat i en annan flik" in world.text(answer)
        assert "Läget är inte ändrat." in world.text(answer)
    always = (
        "Namn, inloggningsnamn (e-postadressen), roll (elev eller personal), skola, grupper och "
        "ett id från Skolsynk skickas, inget mer."
    )
    assert always in world.text(again)
    assert world.send(client, again, path).status_code == 302


def test_in_a_pause_the_first_run_is_said_to_wait(world, client):
    world.document["schedule"] = {"pause": {"from": "2020-01-01", "until": "2199-01-01"}}
    world.import_document()
    path = f"{ALL}/lage/live"
    page = world.ready(client, path)
    assert "Det är paus till och med 2199-01-01." in world.text(page)
    answer = world.send(client, page, path)
    assert "Körningen börjar när pausen är över." in world.text(client.get(answer.location))
    world.wait_for_tasks()
    assert world.vendor("all").requests == []


# Withdrawal


def test_withdrawing_is_asked_with_how_many_lose_their_accounts(world, client):
    turn_on(world, client, "all", "test")
    world.change_connection("all", mode="live")
    run(world, client)
    said = world.text(client.get(f"{ALL}/avveckla"))
    assert "32 personers konton tas bort hos All, och leverantören slås av." in said
    assert "16 konton i skarpt läge" in said
    assert "16 konton i testmiljön" in said
    assert "Det går inte att ångra" in said


def test_the_vendors_name_removes_everything_and_turns_it_off(world, client):
    turn_on(world, client, "all")
    path = f"{ALL}/avveckla"
    answer = world.send(client, client.get(path), path, name=" all ")
    assert answer.location == "/korningar"
    world.wait_for_tasks()
    assert world.vendor("all").held("User") == {}
    assert mode_of(world, "all") == "off"
    assert "Ni har inget hos All." in world.text(client.get(path))
    assert "vendor.withdrawn" in [e.what for e in world.store.audit_entries(TENANT, 9)]


def test_another_name_removes_nothing_and_stays_typed(world, client):
    turn_on(world, client, "all")
    path = f"{ALL}/avveckla"
    answer = world.send(client, client.get(path), path, name="Gleerups")
    assert answer.status_code == 400
    assert "Skriv leverantörens namn, All, för att bekräfta." in world.text(answer)
    assert form_of(answer, path)["name"] == "Gleerups"
    world.wait_for_tasks()
    assert len(world.vendor("all").held("User")) == 16


def test_where_there_is_nothing_there_is_nothing_to_withdraw(world, client):
    page = client.get(f"{ALL}/avveckla")
    assert "Ni har inget hos All." in world.text(page)
    form = {**form_of(page, "/sprak"), "name": "All"}
    assert client.post(f"{ALL}/avveckla", data=form).status_code == 400


# Reconciling


def test_the_vendor_can_be_asked_for_what_it_has(world, client):
    page = turn_on(world, client, "all")
    answer = world.send(client, page, f"{ALL}/stam-av")
    assert "Skolsynk frågar nu All vad som finns där." in world.text(client.get(answer.location))
    world.wait_for_tasks()
    assert world.store.audit_entries(TENANT, 1)[0].what == "vendor.reconciled"


def test_a_vendor_that_is_off_is_not_asked(world, client):
    page = client.get(ALL)
    assert "/stam-av" not in page.text
    answer = client.post(f"{ALL}/stam-av", data=form_of(page, ALL))
    assert "All är av. Slå på den först." in world.text(client.get(answer.location))


def test_what_a_reconciliation_found_is_reported(world, client):
    turn_on(world, client, "all")
    gone = next(iter(world.vendor("all").held("User")))
    world.vendor("all")._state._delete("Users", gone)
    world.send(client, world.ready(client, "/leverantorer/all"), "/leverantorer/all/stam-av")
    world.wait_for_tasks()
    said = world.text(world.ready(client, "/leverantorer/all"))
    assert "Senast avstämt" in said
    assert "1 objekt saknades där och skickas på nytt vid nästa körning." in said


def test_a_list_that_lacks_too_much_is_asked_about_and_a_person_may_say_that_it_is_right(
    world, client
):
    turn_on(world, client, "all")
    world.vendor("all").show(lambda endpoint, listed: [])
    world.send(client, world.ready(client, "/leverantorer/all"), "/leverantorer/all/stam-av")
    world.wait_for_tasks()
    page = world.ready(client, "/leverantorer/all")
    assert "Är det rätt adress och nyckel?" in world.text(page)
    assert form_of(page, f"{ALL}/stam-av")["confirmed"] == "yes"
    world.send(client, page, f"{ALL}/stam-av")
    world.wait_for_tasks()
    said = world.text(world.ready(client, "/leverantorer/all"))
    assert "objekt saknades där och skickas på nytt vid nästa körning." in said


def test_what_is_being_computed_comes_by_itself_and_what_is_left_there_with_the_run(
    world, client, monkeypatch
):
    """Nobody is asked to reload: the parts that change are fetched by the page."""
    page = turn_on(world, client, "all")
    assert '<div id="kvar">' in page.text

    def not_yet(*_args, **_more):
        raise StillComputing

    monkeypatch.setattr(TenantDirectory, "get_or_compute", not_yet)
    waiting = client.get(ALL).text
    assert "hx-select=\"section[aria-labelledby='formaga']\"" in waiting
    assert "<noscript><p>Ladda om sidan om några sekunder.</p></noscript>" in waiting

"""One person: what is known, which rule placed them, and what each vendor has of them."""

import json
import re

import pytest

from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey
from addon.ss12000.ids import Ids
from tests.support.page_actions import location, read_again
from tests.support.page_content import text_of, unfolded
from tests.support.small_school import (
    DOMAIN,
    HIDDEN,
    PUPILS,
    TENANT,
    address,
    cause_hold,
    deliver,
    person,
    set_live,
    user_id,
)

TORVALD = PUPILS["7A"][0]
REFUSAL = b'{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "detail": "invalid value"}'


@pytest.fixture
def world(world):
    set_live(world, "all")
    return world


def page_of(world, client, *name, **more):
    return world.ready(client, f"/personer/{user_id(world, *name)}", **more)


def test_the_first_sentence_says_what_they_are_and_where_they_go(world, client):
    set_live(world, "some")
    said = world.text(page_of(world, client, *TORVALD))
    assert "Torvald Äppelqvist är elev och skickas till All och Some." in said
    assert "Elev vid Norra skolan, årskurs 7" in said
    assert "Klass 7A, Norra skolan" in said


def test_which_rule_placed_them_is_reported(world, client):
    unit = world.document["schoolUnits"][0]
    unit["students"]["filters"] = [
        [{"attribute": "orgUnitPath", "operator": "notContains", "value": "/Slutat"}],
        [{"attribute": "primaryEmail", "operator": "in", "value": ["a@b.se", "c@d.se"]}],
    ]
    world.import_document()
    said = world.text(page_of(world, client, *TORVALD))
    assert (
        "Personen omfattas av urvalet av elever på Norra skolan genom organisationsenheten /Elever"
        in said
    )
    assert "Uppfyller filtret:" in said
    assert "Organisationsenhet innehåller inte ”/Slutat”: stämmer (/Elever/7A)" in said
    assert "E-postadress är någon av ”a@b.se, c@d.se”: stämmer inte" in said
    assert "Klassen 7A kommer från organisationsenheten som personen ligger i." in said
    assert "Årskursen kommer från klassens namn." in said


def test_staff_are_told_from_pupils(world, client):
    said = world.text(page_of(world, client, "Gunnel", "Pärlbåt"))
    assert "Gunnel Pärlbåt hör till personalen och skickas till All." in said
    assert "Personal vid Norra skolan" in said


@pytest.mark.parametrize(
    ("change", "reason", "why"),
    [
        (
            lambda d, a: d.suspend(a),
            "kontot är avstängt i workspace",
            "Avstängda konton skickas aldrig, oavsett urval.",
        ),
        (
            lambda d, a: d.archive(a),
            "kontot är arkiverat i workspace",
            "Arkiverade konton skickas aldrig, oavsett urval.",
        ),
        (
            lambda d, a: d.rename_user(a, family_name=""),
            "efternamn saknas",
            "Kontot saknar efternamn.",
        ),
        (
            lambda d, a: d.move_user(a, "/"),
            "inte med i något urval",
            "Personen ligger i / och omfattas inte av något urval.",
        ),
    ],
)
def test_why_somebody_is_not_sent_is_reported(world, client, change, reason, why):
    number = user_id(world, *TORVALD)
    change(world.domain, address(*TORVALD))
    said = world.text(world.ready(client, f"/personer/{number}"))
    assert f"skickas inte till någon. Anledning: {reason}." in said
    assert why in said


def test_somebody_without_any_name_is_called_by_their_address(world, client):
    world.domain.add_user({"primaryEmail": f"x7@{DOMAIN}", "orgUnitPath": "/Elever/7A", "name": {}})
    found = world.domain.find_user(f"x7@{DOMAIN}")
    page = world.ready(client, f"/personer/{found['id']}")
    assert f"<h1>x7@{DOMAIN}</h1>" in page.text


def test_a_pupil_without_a_class_is_shown_so_with_the_finding(world, client):
    world.domain.add_user(person("Utan", "Klass", "/Elever"))
    said = world.text(page_of(world, client, "Utan", "Klass"))
    assert "Elev utan klass : Eleven har ingen klass på Norra skolan." in said
    assert "Klass 7" not in said


def test_somebody_at_two_schools_has_both_placements(world, client):
    world.document["schoolUnits"].append(
        {"code": "12345680", "name": "Ängskolan", "students": {"orgUnits": ["/Elever/7A"]}}
    )
    world.import_document()
    said = world.text(page_of(world, client, *TORVALD))
    assert "Elev vid Norra skolan, årskurs 7 Elev vid Ängskolan" in said
    assert "Eleven är vald för flera skolenheter: Norra skolan, Ängskolan." in said


def test_names_of_all_letters_and_signs_are_shown_right(world, client):
    page = page_of(world, client, "Ylva", "O'Leary")
    assert "<h1>Ylva O&#39;Leary</h1>" in page.text
    assert "Åsa-Märta Fjäll är elev" in world.text(page_of(world, client, "Åsa-Märta", "Fjäll"))


def test_everything_that_is_known_is_shown_with_the_groups(world, client):
    domain = world.domain
    domain.update_user(
        address(*TORVALD), {"organizations": [{"department": "7A-gruppen", "primary": True}]}
    )
    domain.add_group({"email": f"schack@{DOMAIN}", "name": "Schackklubben"}, [address(*TORVALD)])
    said = world.text(page_of(world, client, *TORVALD))
    assert f"Kontots id {user_id(world, *TORVALD)}" in said
    assert "Efternamn Äppelqvist Organisationsenhet /Elever/7A" in said
    assert "Grupper Schackklubben" in said
    assert "Sparas högst ett dygn." in said


def test_a_protected_person_answers_as_nobody_does(world, client):
    world.ready(client, "/personer")
    hidden = user_id(world, *HIDDEN)
    for path in ("/personer/{}", "/personer/{}?utdrag=1", "/personer/{}/hos/all"):
        there = client.get(path.format(hidden))
        nobody = client.get(path.format("103333333333333333333"))
        assert (there.status_code, nobody.status_code) == (404, 404)
        assert re.sub(r"/personer/\d+", "", there.text) == re.sub(
            r"/personer/\d+", "", nobody.text
        ), path
        assert HIDDEN[1] not in there.text


def test_what_a_vendor_has_is_told_by_the_ledger_and_what_the_next_run_does(world, client):
    said = world.text(page_of(world, client, *TORVALD))
    assert "Personen finns inte hos All. Skapas vid nästa körning." in said
    deliver(world)
    read_again(world, client)
    said = world.text(page_of(world, client, *TORVALD))
    assert "Personen finns hos All. Fråga All vad som finns där" in said
    world.domain.suspend(address(*TORVALD))
    read_again(world, client)
    said = world.text(page_of(world, client, *TORVALD))
    assert "Personen finns hos All. Tas bort vid nästa körning." in said


def test_what_a_hold_stops_is_said_to_be_stopped(world, client):
    deliver(world)
    for name in PUPILS["7A"][:4]:
        world.domain.suspend(address(*name))
    deliver(world, 3)
    said = world.text(page_of(world, client, *TORVALD))
    assert "Nästa ändring stoppas av en spärr." in said
    assert "Tas bort vid nästa körning" not in said


def test_what_the_vendor_did_not_take_is_reported_with_its_words(world, client):
    world.vendor("all").fail(
        400, times=50, external_id=Ids(TENANT).user(user_id(world, *TORVALD)), body=REFUSAL
    )
    world.run("sync", TENANT)
    read_again(world, client)
    page = page_of(world, client, *TORVALD)
    assert "All tog inte emot uppgifterna. Rätta" in text_of(unfolded(page))
    assert "invalid value" not in text_of(unfolded(page))
    assert "Leverantörens svar 400 invalid value" in world.text(page)


def test_the_vendor_can_be_asked_what_it_has(world, client):
    deliver(world)
    page = page_of(world, client, *TORVALD)
    href = f"/personer/{user_id(world, *TORVALD)}/hos/all"
    assert f'href="{href}"' in page.text
    said = world.text(world.ready(client, href))
    assert "Det här svarade All nu." in said
    assert "Efternamn Äppelqvist" in said
    assert "Skolenhet Norra skolan" in said
    part = world.ready(client, href, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "Äppelqvist" in part.text


def test_staff_have_their_employment_at_the_vendor(world, client):
    deliver(world)
    page_of(world, client, "Gunnel", "Pärlbåt")
    said = world.text(
        world.ready(client, f"/personer/{user_id(world, 'Gunnel', 'Pärlbåt')}/hos/all")
    )
    assert "Anställningen" in said
    assert "Anställd vid Norra skolan" in said


def test_a_vendor_that_does_not_answer_is_said_not_to(world, client):
    deliver(world)
    world.vendor("all").fail(503, times=50, method="GET")
    page_of(world, client, *TORVALD)
    said = world.text(world.ready(client, f"/personer/{user_id(world, *TORVALD)}/hos/all"))
    assert "All svarade inte på frågan. Försök igen om en stund." in said


def test_a_vendor_that_has_nothing_says_so(world, client):
    deliver(world)
    set_live(world, "some")
    page_of(world, client, *TORVALD)
    said = world.text(world.ready(client, f"/personer/{user_id(world, *TORVALD)}/hos/some"))
    assert "Some har inga uppgifter om personen." in said
    assert (
        world.ready(client, f"/personer/{user_id(world, *TORVALD)}/hos/nobody").status_code == 404
    )


def test_a_copy_for_the_person_has_everything_at_once(world, client):
    set_live(world, "some")
    deliver(world)
    page = page_of(world, client, *TORVALD)
    assert "Gör ett utdrag att skriva ut" in world.text(page)
    copy = page_of(world, client, *TORVALD, query_string={"utdrag": "1"})
    said = world.text(copy)
    assert "Utdrag gjort" in said
    assert said.count("Visat namn") == 2
    assert said.count("Efternamn Äppelqvist") == 3
    assert "Fråga All" not in said


def test_what_is_left_from_another_mode_is_reported(world, client):
    set_live(world, "all", mode="test")
    deliver(world)
    set_live(world, "all", mode="live")
    said = world.text(page_of(world, client, *TORVALD))
    assert "All (testmiljön) Personen finns hos All." in said
    assert "Det är kvar sedan tidigare och uppdateras inte." in said
    set_live(world, "all", mode="off")
    said = world.text(page_of(world, client, *TORVALD))
    assert "går inte till någon leverantör som är på" in said
    assert "All (testmiljön) Personen finns hos All." in said


def test_when_no_vendor_has_anything_that_is_said(world, client):
    set_live(world, "all", mode="off")
    said = world.text(page_of(world, client, *TORVALD))
    assert "Ingen leverantör är på, och ingen har uppgifter om personen." in said


def test_a_create_whose_answer_was_lost_is_reported_as_unsure(world, client):
    deliver(world)
    key = LedgerKey(TENANT, "all", "live")
    with world.open_store() as store:
        external_id = Ids(TENANT).user(user_id(world, *TORVALD))
        store.record(key, [LedgerChange("User", external_id, LedgerEntry("", b""))])
    said = world.text(page_of(world, client, *TORVALD))
    assert "Personen finns kanske hos All: svaret gick förlorat. Nästa körning frågar." in said


def test_a_directory_that_a_run_has_overtaken_is_said_to_be_old(world, client):
    deliver(world)
    page = page_of(world, client, *TORVALD)
    assert "En körning har sedan dess läst en nyare." not in world.text(page)
    world.domain.suspend(address("Bo", "Ek"))
    deliver(world)
    page = page_of(world, client, *TORVALD)
    assert "En körning har sedan dess läst en nyare." in world.text(page)
    back = world.send(client, page, "/katalog/las", back=f"/personer/{user_id(world, *TORVALD)}")
    assert location(back) == f"/personer/{user_id(world, *TORVALD)}"
    world.wait_for_tasks()
    page = page_of(world, client, *TORVALD)
    assert "En körning har sedan dess läst en nyare." not in world.text(page)


def test_no_name_is_logged(world, client, caplog):
    cause_hold(world)
    with caplog.at_level("DEBUG"):
        page_of(world, client, "Li", "Xu", query_string={"utdrag": "1"})
        world.ready(client, f"/personer/{user_id(world, 'Li', 'Xu')}/hos/all")
    said = " ".join(r.getMessage() + json.dumps(r.__dict__, default=str) for r in caplog.records)
    assert "li.xu" not in said.lower()


def test_of_who_is_at_no_vendor_it_is_not_said_that_they_are_at_the_vendors(world, client):
    at_none = world.text(page_of(world, client, "Li", "Xu"))
    assert "Utöver det sparas bara att personen finns hos leverantörerna" not in at_none
    assert "Personen finns inte hos någon leverantör." in at_none
    set_live(world, "all")
    deliver(world)
    at_one = world.text(page_of(world, client, "Li", "Xu"))
    assert "Utöver det sparas bara att personen finns hos leverantörerna" in at_one
    assert "Personen finns inte hos någon leverantör." not in at_one

"""One person: what is known, which rule placed them, and what each vendor has of them."""

import json
import re

import pytest

from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey
from addon.ss12000.ids import Ids
from tests.support.installation import DOMAIN, HIDDEN, PUPILS, TENANT, address, person
from tests.web.views.school import deliver, hold, location, read_again, turn_on, user_id

TORVALD = PUPILS["7A"][0]
REFUSAL = b'{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "detail": "invalid value"}'


@pytest.fixture
def site(site):
    turn_on(site, "all")
    return site


def page_of(site, client, *name, **more):
    return site.ready(client, f"/personer/{user_id(site, *name)}", **more)


def test_the_first_sentence_says_what_they_are_and_where_they_go(site, client):
    turn_on(site, "some")
    said = site.read(page_of(site, client, *TORVALD))
    assert "Torvald Äppelqvist är elev och skickas till All, Some." in said
    assert "Elev vid Norra skolan, årskurs 7" in said
    assert "Klass 7A, Norra skolan" in said


def test_which_rule_placed_them_is_told(site, client):
    unit = site.installation.document["schoolUnits"][0]
    unit["students"]["filters"] = [
        [{"attribute": "orgUnitPath", "operator": "notContains", "value": "/Slutat"}],
        [{"attribute": "primaryEmail", "operator": "in", "value": ["a@b.se", "c@d.se"]}],
    ]
    site.installation.import_document()
    said = site.read(page_of(site, client, *TORVALD))
    assert (
        "Urvalet av elever på Norra skolan når personen genom organisationsenheten /Elever" in said
    )
    assert "Filtren släpper igenom:" in said
    assert "Organisationsenhet innehåller inte ”/Slutat”: stämmer (/Elever/7A)" in said
    assert "E-postadress är någon av ”a@b.se, c@d.se”: stämmer inte" in said
    assert "Klassen 7A kommer från organisationsenheten som personen ligger i." in said
    assert "Årskursen kommer från klassens namn." in said


def test_staff_are_told_from_pupils(site, client):
    said = site.read(page_of(site, client, "Gunnel", "Pärlbåt"))
    assert "Gunnel Pärlbåt hör till personalen och skickas till All." in said
    assert "Personal vid Norra skolan" in said


@pytest.mark.parametrize(
    ("change", "reason", "why"),
    [
        (
            lambda d, a: d.suspend(a),
            "kontot är avstängt i workspace",
            "Avstängda konton skickas aldrig, vad urvalen än säger.",
        ),
        (
            lambda d, a: d.archive(a),
            "kontot är arkiverat i workspace",
            "Arkiverade konton skickas aldrig, vad urvalen än säger.",
        ),
        (
            lambda d, a: d.rename_user(a, family_name=""),
            "efternamn saknas",
            "Kontot saknar efternamn.",
        ),
        (
            lambda d, a: d.move_user(a, "/"),
            "inte med i något urval",
            "Inget urval når personen, som ligger i /.",
        ),
    ],
)
def test_why_somebody_is_not_sent_is_told(site, client, change, reason, why):
    number = user_id(site, *TORVALD)
    change(site.installation.domain, address(*TORVALD))
    said = site.read(site.ready(client, f"/personer/{number}"))
    assert f"skickas inte till någon. Anledning: {reason}." in said
    assert why in said


def test_somebody_without_any_name_is_called_by_their_address(site, client):
    site.installation.domain.add_user(
        {"primaryEmail": f"x7@{DOMAIN}", "orgUnitPath": "/Elever/7A", "name": {}}
    )
    found = site.installation.domain.find_user(f"x7@{DOMAIN}")
    page = site.ready(client, f"/personer/{found['id']}")
    assert f"<h1>x7@{DOMAIN}</h1>" in page.text


def test_a_pupil_without_a_class_is_shown_so_with_the_finding(site, client):
    site.installation.domain.add_user(person("Utan", "Klass", "/Elever"))
    said = site.read(page_of(site, client, "Utan", "Klass"))
    assert "Elev utan klass : Eleven har ingen klass på Norra skolan." in said
    assert "Klass 7" not in said


def test_somebody_at_two_schools_has_both_placements(site, client):
    site.installation.document["schoolUnits"].append(
        {"code": "12345680", "name": "Ängskolan", "students": {"orgUnits": ["/Elever/7A"]}}
    )
    site.installation.import_document()
    said = site.read(page_of(site, client, *TORVALD))
    assert "Elev vid Norra skolan, årskurs 7 Elev vid Ängskolan" in said
    assert "Eleven är vald för flera skolenheter: Norra skolan, Ängskolan." in said


def test_names_of_all_letters_and_signs_are_shown_right(site, client):
    page = page_of(site, client, "Ylva", "O'Leary")
    assert "<h1>Ylva O&#39;Leary</h1>" in page.text
    assert "Åsa-Märta Fjäll är elev" in site.read(page_of(site, client, "Åsa-Märta", "Fjäll"))


def test_everything_that_is_known_is_shown_with_the_groups(site, client):
    domain = site.installation.domain
    domain.update_user(
        address(*TORVALD), {"organizations": [{"department": "7A-gruppen", "primary": True}]}
    )
    domain.add_group({"email": f"schack@{DOMAIN}", "name": "Schackklubben"}, [address(*TORVALD)])
    said = site.read(page_of(site, client, *TORVALD))
    assert f"Kontots id {user_id(site, *TORVALD)}" in said
    assert "Efternamn Äppelqvist Organisationsenhet /Elever/7A" in said
    assert "Grupper Schackklubben" in said
    assert "Sparas högst ett dygn." in said


def test_a_protected_person_answers_as_nobody_does(site, client):
    site.ready(client, "/personer")
    hidden = user_id(site, *HIDDEN)
    for path in ("/personer/{}", "/personer/{}?utdrag=1", "/personer/{}/hos/all"):
        there = client.get(path.format(hidden))
        nobody = client.get(path.format("103333333333333333333"))
        assert (there.status_code, nobody.status_code) == (404, 404)
        assert re.sub(r"/personer/\d+", "", there.text) == re.sub(
            r"/personer/\d+", "", nobody.text
        ), path
        assert HIDDEN[1] not in there.text


def test_what_a_vendor_has_is_told_by_the_ledger_and_what_the_next_run_does(site, client):
    said = site.read(page_of(site, client, *TORVALD))
    assert "Personen finns inte hos All. Skapas vid nästa körning." in said
    deliver(site)
    read_again(site, client)
    said = site.read(page_of(site, client, *TORVALD))
    assert "Personen finns hos All. Fråga All vad den har" in said
    site.installation.domain.suspend(address(*TORVALD))
    read_again(site, client)
    said = site.read(page_of(site, client, *TORVALD))
    assert "Personen finns hos All. Tas bort vid nästa körning." in said


def test_what_a_hold_stops_is_said_to_be_stopped(site, client):
    deliver(site)
    for name in PUPILS["7A"][:4]:
        site.installation.domain.suspend(address(*name))
    deliver(site, 3)
    said = site.read(page_of(site, client, *TORVALD))
    assert "Nästa ändring stoppas av en spärr." in said
    assert "Tas bort vid nästa körning" not in said


def test_what_the_vendor_did_not_take_is_told_with_its_words(site, client):
    site.installation.all.fail(
        400, times=50, external_id=Ids(TENANT).user(user_id(site, *TORVALD)), body=REFUSAL
    )
    site.installation.run("sync", TENANT)
    read_again(site, client)
    said = site.read(page_of(site, client, *TORVALD))
    assert "All tog inte emot uppgifterna. Svar: 400 invalid value" in said


def test_the_vendor_can_be_asked_what_it_has(site, client):
    deliver(site)
    page = page_of(site, client, *TORVALD)
    href = f"/personer/{user_id(site, *TORVALD)}/hos/all"
    assert f'href="{href}"' in page.text
    said = site.read(site.ready(client, href))
    assert "Det här svarade All nu." in said
    assert "Efternamn Äppelqvist" in said
    assert "Skolenhet Norra skolan" in said
    part = site.ready(client, href, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "Äppelqvist" in part.text


def test_staff_have_their_employment_at_the_vendor(site, client):
    deliver(site)
    page_of(site, client, "Gunnel", "Pärlbåt")
    said = site.read(site.ready(client, f"/personer/{user_id(site, 'Gunnel', 'Pärlbåt')}/hos/all"))
    assert "Anställningen" in said
    assert "Anställd vid Norra skolan" in said


def test_a_vendor_that_does_not_answer_is_said_not_to(site, client):
    deliver(site)
    site.installation.all.fail(503, times=50, method="GET")
    page_of(site, client, *TORVALD)
    said = site.read(site.ready(client, f"/personer/{user_id(site, *TORVALD)}/hos/all"))
    assert "All svarade inte på frågan. Försök igen om en stund." in said


def test_a_vendor_that_has_nothing_says_so(site, client):
    deliver(site)
    turn_on(site, "some")
    page_of(site, client, *TORVALD)
    said = site.read(site.ready(client, f"/personer/{user_id(site, *TORVALD)}/hos/some"))
    assert "Some har inget av personen." in said
    assert site.ready(client, f"/personer/{user_id(site, *TORVALD)}/hos/nobody").status_code == 404


def test_a_copy_for_the_person_has_everything_at_once(site, client):
    turn_on(site, "some")
    deliver(site)
    page = page_of(site, client, *TORVALD)
    assert "Gör ett utdrag att skriva ut" in site.read(page)
    copy = page_of(site, client, *TORVALD, query_string={"utdrag": "1"})
    said = site.read(copy)
    assert "Utdrag gjort" in said
    assert said.count("Visat namn") == 2
    assert said.count("Efternamn Äppelqvist") == 3
    assert "Fråga All" not in said


def test_what_is_left_from_another_mode_is_told(site, client):
    turn_on(site, "all", mode="test")
    deliver(site)
    turn_on(site, "all", mode="live")
    said = site.read(page_of(site, client, *TORVALD))
    assert "All (testmiljön) Personen finns hos All." in said
    assert "Det är kvar sedan tidigare och hålls inte aktuellt." in said
    turn_on(site, "all", mode="off")
    said = site.read(page_of(site, client, *TORVALD))
    assert "går inte till någon leverantör som är på" in said
    assert "All (testmiljön) Personen finns hos All." in said


def test_when_no_vendor_has_anything_that_is_said(site, client):
    turn_on(site, "all", mode="off")
    said = site.read(page_of(site, client, *TORVALD))
    assert "Ingen leverantör är på, och ingen har något av personen." in said


def test_a_create_whose_answer_was_lost_is_told_as_unsure(site, client):
    deliver(site)
    key = LedgerKey(TENANT, "all", "live")
    with site.installation.store() as store:
        external_id = Ids(TENANT).user(user_id(site, *TORVALD))
        store.record(key, [LedgerChange("User", external_id, LedgerEntry("", b""))])
    said = site.read(page_of(site, client, *TORVALD))
    assert "Personen finns kanske hos All: svaret gick förlorat. Nästa körning frågar." in said


def test_a_directory_that_a_run_has_overtaken_is_said_to_be_old(site, client):
    deliver(site)
    page = page_of(site, client, *TORVALD)
    assert "En körning har sedan dess läst en nyare." not in site.read(page)
    site.installation.domain.suspend(address("Bo", "Ek"))
    deliver(site)
    page = page_of(site, client, *TORVALD)
    assert "En körning har sedan dess läst en nyare." in site.read(page)
    back = site.send(client, page, "/katalog/las", back=f"/personer/{user_id(site, *TORVALD)}")
    assert location(back) == f"/personer/{user_id(site, *TORVALD)}"
    site.tasks()
    page = page_of(site, client, *TORVALD)
    assert "En körning har sedan dess läst en nyare." not in site.read(page)


def test_no_name_is_logged(site, client, caplog):
    hold(site)
    with caplog.at_level("DEBUG"):
        page_of(site, client, "Li", "Xu", query_string={"utdrag": "1"})
        site.ready(client, f"/personer/{user_id(site, 'Li', 'Xu')}/hos/all")
    said = " ".join(r.getMessage() + json.dumps(r.__dict__, default=str) for r in caplog.records)
    assert "li.xu" not in said.lower()

"""Skyddade personuppgifter: who is never sent, and what a change of that means."""

import pytest

from tests.support.installation import DOMAIN, TENANT, person
from tests.support.site import Site, form_of
from tests.web.views.school import deliver, turn_on

PAGE = "/skyddade"
GROUP = f"skyddade@{DOMAIN}"


@pytest.fixture
def site(tmp_path):
    """The small school, whose group of protected people nobody has named yet."""
    with Site(tmp_path) as site:
        site.installation.domain.add_group(
            {"email": GROUP, "name": "Skyddad identitet"}, [f"bo.ek@{DOMAIN}"]
        )
        yield site


def show(site, client, page, **values):
    form = {**form_of(page, PAGE), "do": "show", **values}
    answer = client.post(PAGE, data=form, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer


def protected(site):
    return site.document().get("protected", {})


def test_it_says_plainly_how_many_and_what_it_means(site):
    said = site.read(site.ready(site.sign_in(), PAGE))
    assert "1 person är skyddad och skickas inte till någon." in said
    assert "oavsett gränser" in said
    assert "skickas ingenting alls, till någon" in said


def test_a_place_whose_name_tells_of_it_is_ticked_and_nothing_holds_until_it_is_saved(site):
    page = site.ready(site.sign_in(), PAGE)
    assert "Förkryssat, eftersom namnet säger det: skyddade@" in site.read(page)
    form = form_of(page, PAGE)
    assert form["protected-group"] == GROUP
    assert form["protected-ou"] == "/Skyddade"
    assert protected(site) == {"orgUnits": ["/Skyddade"]}


def test_on_the_first_visit_it_is_asked_about_before_vendors_are_chosen(site):
    client = site.sign_in()
    for top in ("/Elever", "/Personal"):
        site.installation.domain.add_org_unit(f"{top}/Norra skolan")
        for n in range(12):
            who = person(f"N{n}", top.strip("/"), f"{top}/Norra skolan")
            site.installation.domain.add_user(who)
    proposals = site.ready(client, "/forslag")
    answer = site.send(client, proposals, "/forslag", accept="12345678")
    assert answer.location == PAGE
    answer = site.send(client, site.ready(client, PAGE), PAGE)
    site.tasks()
    assert answer.location != PAGE
    assert site.ready(client, answer.location).status_code == 200


def test_a_place_that_was_declined_is_not_ticked_again(site):
    client = site.sign_in()
    page = site.ready(client, PAGE)
    assert site.send(client, page, PAGE, **{"protected-group": None}).status_code == 302
    site.tasks()
    page = site.ready(client, PAGE)
    assert "protected-group" not in form_of(page, PAGE)
    assert "namnet säger det" not in site.read(page)


def test_a_place_below_one_that_is_protected_is_not_declined(site):
    site.installation.domain.add_org_unit("/Elever/Skyddad identitet")
    client = site.sign_in()
    page = site.ready(client, PAGE)
    assert "/Elever/Skyddad identitet" in form_of(page, PAGE)["protected-ou"]
    ticked = {"protected-ou": ["/Skyddade", "/Elever"]}
    assert site.send(client, page, PAGE, **ticked).status_code == 302
    site.tasks()
    page = site.ready(client, PAGE)
    again = {"protected-ou": "/Skyddade", "accepted": "1"}
    assert site.send(client, page, PAGE, **again).status_code == 302
    site.tasks()
    assert "/Elever/Skyddad identitet" in form_of(site.ready(client, PAGE), PAGE)["protected-ou"]


def test_while_the_directory_cannot_be_read_for_what_is_protected_it_can_be_put_right(site):
    client = site.sign_in()
    site.ready(client, PAGE)
    site.installation.domain.rename_org_unit("/Skyddade", "Sekretess")
    site.send(client, site.ready(client, PAGE), "/katalog/las")
    site.tasks()
    away = client.get("/personer")
    assert "finns inte, eller så är alla med i den" in site.read(away)
    assert 'href="/skyddade"' in away.text

    page = client.get(PAGE)
    assert page.status_code == 200
    assert "Katalogen kan inte läsas, så inget skickas till någon just nu." in site.read(page)
    assert form_of(page, PAGE)["protected-ou"] == "/Skyddade"
    answer = site.send(client, page, PAGE, **{"protected-ou": None, "also-ou": "Sekretess"})
    assert answer.status_code == 400
    assert "med snedstreck först" in site.read(answer)
    answer = site.send(client, answer, PAGE, **{"also-ou": "/Sekretess", "also-group": "skyddade"})
    assert answer.status_code == 400
    assert protected(site) == {"orgUnits": ["/Skyddade"]}
    wanted = {"also-ou": "/Sekretess", "also-group": f"skyddade@{DOMAIN}", "accepted": "1"}
    answer = site.send(client, answer, PAGE, **wanted)
    assert answer.status_code == 302
    assert protected(site) == {"orgUnits": ["/Sekretess"], "groups": [f"skyddade@{DOMAIN}"]}
    site.tasks()
    assert "2 personer är skyddade" in site.read(site.ready(client, PAGE))


def test_what_was_written_without_the_directory_is_kept_though_it_can_be_read_again(site):
    client = site.sign_in()
    site.ready(client, PAGE)
    site.installation.domain.rename_org_unit("/Skyddade", "Sekretess")
    site.send(client, site.ready(client, PAGE), "/katalog/las")
    site.tasks()
    page = client.get(PAGE)
    site.installation.domain.rename_org_unit("/Sekretess", "Skyddade")
    site.send(client, page, "/katalog/las")
    site.tasks()
    site.ready(client, PAGE)
    assert site.send(client, page, PAGE, **{"also-group": GROUP}).status_code == 302
    assert protected(site) == {"orgUnits": ["/Skyddade"], "groups": [GROUP]}


def test_nobody_is_released_without_a_word_while_the_directory_cannot_be_read(site):
    client = site.sign_in()
    site.ready(client, PAGE)
    site.installation.domain.rename_org_unit("/Skyddade", "Sekretess")
    site.send(client, site.ready(client, PAGE), "/katalog/las")
    site.tasks()
    answer = site.send(client, client.get(PAGE), PAGE, **{"protected-ou": None})
    assert answer.status_code == 400
    assert "De som bara är skyddade där kan skickas igen." in site.read(answer)
    assert protected(site) == {"orgUnits": ["/Skyddade"]}


def test_what_saving_means_is_told_in_numbers_and_no_name(site):
    turn_on(site, "all")
    deliver(site)
    client = site.sign_in()
    page = site.ready(client, PAGE)
    answer = show(site, client, page)
    said = site.read(answer)
    assert "2 skyddade personer" in said
    assert "1 person till skyddas när du sparar." in said
    assert "1 av dem finns hos leverantörerna i dag och tas bort där vid nästa körning." in said
    assert "Skyddsson" not in page.text + answer.text
    assert "Bo Ek" not in page.text + answer.text


def test_nobody_is_said_to_be_where_nothing_has_been_delivered(site):
    turn_on(site, "all")
    client = site.sign_in()
    said = site.read(show(site, client, site.ready(client, PAGE)))
    assert "1 person till skyddas när du sparar." in said
    assert "hos leverantörerna" not in said


def test_it_is_saved_logged_and_the_directory_is_read_anew_without_them(site):
    client = site.sign_in()
    answer = site.send(client, site.ready(client, PAGE), PAGE)
    assert answer.status_code == 302
    assert protected(site) == {"groups": [GROUP], "orgUnits": ["/Skyddade"]}
    assert site.store.audit_entries(TENANT, 1)[0].what == "protected.saved"
    assert client.get("/personer").status_code == 202
    said = site.read(site.ready(client, PAGE))
    assert "2 personer är skyddade och skickas inte till någon." in said
    assert "Ek" not in site.read(site.ready(client, "/personer"))


def test_to_protect_a_place_no_longer_must_be_confirmed(site):
    client = site.sign_in()
    page = site.ready(client, PAGE)
    values = {"protected-ou": None, "protected-group": None}
    said = site.read(show(site, client, page, **{"protected-ou": "", "protected-group": ""}))
    assert "De som finns här skyddas inte längre" in said
    answer = site.send(client, page, PAGE, **values)
    assert answer.status_code == 400
    assert "Kryssa för att du har sett vilka som kan skickas igen." in site.read(answer)
    assert protected(site) == {"orgUnits": ["/Skyddade"]}
    again = site.send(client, answer, PAGE, accepted="1")
    assert again.status_code == 302
    assert protected(site) == {}


def test_a_place_above_protects_too_and_asks_no_question(site):
    domain = site.installation.domain
    domain.add_org_unit("/Skyddade/Vuxna")
    site.installation.document["protected"] = {"orgUnits": ["/Skyddade/Vuxna"]}
    site.installation.import_document()
    client = site.sign_in()
    page = site.ready(client, PAGE)
    answer = site.send(client, page, PAGE, **{"protected-ou": ["/Skyddade", "/Skyddade/Vuxna"]})
    assert answer.status_code == 302
    assert protected(site)["orgUnits"] == ["/Skyddade"]


def test_a_place_that_was_written_otherwise_is_the_same_place(site):
    site.installation.document["protected"] = {"orgUnits": ["/skyddade/"]}
    site.installation.import_document()
    client = site.sign_in()
    page = site.ready(client, PAGE)
    assert "skyddas inte längre" not in site.read(page)
    assert site.send(client, page, PAGE).status_code == 302
    assert protected(site)["orgUnits"] == ["/Skyddade"]


def test_the_whole_organisation_cannot_be_protected(site):
    client = site.sign_in()
    page = site.ready(client, PAGE)
    assert 'value="/" data-below' not in page.text
    answer = site.send(client, page, PAGE, **{"protected-ou": ["/", "/Skyddade"]})
    assert answer.status_code == 400
    assert "Hela organisationen kan inte vara skyddad" in site.read(answer)


def test_a_place_that_is_gone_is_warned_of(site):
    client = site.sign_in()
    page = site.ready(client, PAGE)
    shown = show(site, client, page, **{"protected-group": f"borta@{DOMAIN}"})
    assert "Så länge den är angiven skickas ingenting alls." in site.read(shown)


def test_groups_are_found_by_a_search(site):
    site.installation.domain.add_group(
        {"email": f"sekretess@{DOMAIN}", "name": "Sekretessmarkerade"}
    )
    client = site.sign_in()
    page = site.ready(client, PAGE)
    found = show(site, client, page, do="groups", search="sekretess")
    assert "Sekretessmarkerade" in site.read(found)


def test_who_was_slower_is_told(site):
    client, other = site.sign_in(), site.sign_in()
    page, theirs = site.ready(client, PAGE), site.ready(other, PAGE)
    site.send(other, theirs, PAGE)
    site.ready(client, PAGE)
    answer = site.send(client, page, PAGE, **{"protected-group": None})
    assert answer.status_code == 409
    assert "Någon annan har sparat under tiden" in site.read(answer)
    assert protected(site)["groups"] == [GROUP]

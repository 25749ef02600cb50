"""Skyddade personuppgifter: who is never sent, and what a change of that means."""

import pytest

from addon.planning.protected_set import ProtectedSet, RemovalOutcome
from tests.support.page_content import form_of
from tests.support.small_school import DOMAIN, TENANT, deliver, person, set_live, small_school_pages

PAGE = "/skyddade"
GROUP = f"skyddade@{DOMAIN}"


@pytest.fixture
def world(tmp_path):
    """The small school, whose group of protected people nobody has named yet."""
    with small_school_pages(tmp_path) as world:
        world.domain.add_group({"email": GROUP, "name": "Skyddad identitet"}, [f"bo.ek@{DOMAIN}"])
        yield world


def show(world, client, page, **values):
    form = {**form_of(page, PAGE), "do": "show", **values}
    answer = client.post(PAGE, data=form, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer


def protected(world):
    return world.stored_document().get("protected", {})


def test_it_says_plainly_how_many_and_what_it_means(world):
    said = world.text(world.ready(world.sign_in(), PAGE))
    assert "1 person är skyddad och skickas inte till någon." in said
    assert "oavsett gränser" in said
    assert "skickas ingenting alls, till någon" in said


def test_it_says_where_to_put_a_person_who_is_to_be_protected(world):
    client = world.sign_in()
    assert "Välj en grupp eller organisationsenhet" not in world.text(world.ready(client, PAGE))
    world.document["protected"] = {"groups": [GROUP], "orgUnits": ["/Skyddade"]}
    world.import_document()
    page = world.ready(client, PAGE)
    section = page.text.partition('id="en-person"')[2].partition("</section>")[0]
    (group,) = (g for g in world.domain.groups.values() if g["email"] == GROUP)
    assert f'<a href="https://admin.google.com/ac/groups/{group["id"]}"' in section
    assert 'href="https://admin.google.com/ac/orgunits" rel="noreferrer">/Skyddade</a>' in section
    world.document["protected"] = {}
    world.import_document()
    assert "Välj en grupp eller organisationsenhet" in world.text(world.ready(client, PAGE))


def test_a_place_whose_name_tells_of_it_is_ticked_and_nothing_holds_until_it_is_saved(world):
    page = world.ready(world.sign_in(), PAGE)
    assert "Förkryssat, eftersom namnet tyder på det: skyddade@" in world.text(page)
    form = form_of(page, PAGE)
    assert form["protected-group"] == GROUP
    assert form["protected-ou"] == "/Skyddade"
    assert protected(world) == {"orgUnits": ["/Skyddade"]}


def test_on_the_first_visit_it_is_asked_about_before_vendors_are_chosen(world):
    client = world.sign_in()
    for top in ("/Elever", "/Personal"):
        world.domain.add_org_unit(f"{top}/Norra skolan")
        for n in range(12):
            who = person(f"N{n}", top.strip("/"), f"{top}/Norra skolan")
            world.domain.add_user(who)
    proposals = world.ready(client, "/forslag")
    answer = world.send(client, proposals, "/forslag", do="unit:12345678")
    assert answer.location == PAGE
    answer = world.send(client, world.ready(client, PAGE), PAGE)
    world.wait_for_tasks()
    assert answer.location != PAGE
    assert world.ready(client, answer.location).status_code == 200


def test_a_place_that_was_declined_is_not_ticked_again(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert world.send(client, page, PAGE, **{"protected-group": None}).status_code == 302
    world.wait_for_tasks()
    page = world.ready(client, PAGE)
    assert "protected-group" not in form_of(page, PAGE)
    assert "namnet säger det" not in world.text(page)


def test_a_place_below_one_that_is_protected_is_not_declined(world):
    world.domain.add_org_unit("/Elever/Skyddad identitet")
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert "/Elever/Skyddad identitet" in form_of(page, PAGE)["protected-ou"]
    ticked = {"protected-ou": ["/Skyddade", "/Elever"]}
    assert world.send(client, page, PAGE, **ticked).status_code == 302
    world.wait_for_tasks()
    page = world.ready(client, PAGE)
    again = {"protected-ou": "/Skyddade", "accepted": "1"}
    assert world.send(client, page, PAGE, **again).status_code == 302
    world.wait_for_tasks()
    assert "/Elever/Skyddad identitet" in form_of(world.ready(client, PAGE), PAGE)["protected-ou"]


def test_while_the_directory_cannot_be_read_for_what_is_protected_it_can_be_put_right(world):
    client = world.sign_in()
    world.ready(client, PAGE)
    world.domain.rename_org_unit("/Skyddade", "Sekretess")
    world.send(client, world.ready(client, PAGE), "/katalog/las")
    world.wait_for_tasks()
    away = client.get("/personer")
    assert "finns inte, eller så är alla med i den" in world.text(away)
    assert 'href="/skyddade"' in away.text

    page = client.get(PAGE)
    assert page.status_code == 200
    assert "Katalogen kan inte läsas, så inget skickas till någon just nu." in world.text(page)
    assert form_of(page, PAGE)["protected-ou"] == "/Skyddade"
    answer = world.send(client, page, PAGE, **{"protected-ou": None, "also-ou": "Sekretess"})
    assert answer.status_code == 400
    assert "med snedstreck först" in world.text(answer)
    answer = world.send(client, answer, PAGE, **{"also-ou": "/Sekretess", "also-group": "skyddade"})
    assert answer.status_code == 400
    assert protected(world) == {"orgUnits": ["/Skyddade"]}
    wanted = {"also-ou": "/Sekretess", "also-group": f"skyddade@{DOMAIN}", "accepted": "1"}
    answer = world.send(client, answer, PAGE, **wanted)
    assert answer.status_code == 302
    assert protected(world) == {"orgUnits": ["/Sekretess"], "groups": [f"skyddade@{DOMAIN}"]}
    world.wait_for_tasks()
    assert "2 personer är skyddade" in world.text(world.ready(client, PAGE))


def test_what_was_written_without_the_directory_is_kept_though_it_can_be_read_again(world):
    client = world.sign_in()
    world.ready(client, PAGE)
    world.domain.rename_org_unit("/Skyddade", "Sekretess")
    world.send(client, world.ready(client, PAGE), "/katalog/las")
    world.wait_for_tasks()
    page = client.get(PAGE)
    world.domain.rename_org_unit("/Sekretess", "Skyddade")
    world.send(client, page, "/katalog/las")
    world.wait_for_tasks()
    world.ready(client, PAGE)
    assert world.send(client, page, PAGE, **{"also-group": GROUP}).status_code == 302
    assert protected(world) == {"orgUnits": ["/Skyddade"], "groups": [GROUP]}


def test_nobody_is_released_without_a_word_while_the_directory_cannot_be_read(world):
    client = world.sign_in()
    world.ready(client, PAGE)
    world.domain.rename_org_unit("/Skyddade", "Sekretess")
    world.send(client, world.ready(client, PAGE), "/katalog/las")
    world.wait_for_tasks()
    answer = world.send(client, client.get(PAGE), PAGE, **{"protected-ou": None})
    assert answer.status_code == 400
    assert "De som bara är skyddade där kan skickas igen." in world.text(answer)
    assert protected(world) == {"orgUnits": ["/Skyddade"]}


def test_what_saving_means_is_reported_in_numbers_and_no_name(world):
    set_live(world, "all")
    deliver(world)
    client = world.sign_in()
    page = world.ready(client, PAGE)
    answer = show(world, client, page)
    said = world.text(answer)
    assert "2 skyddade personer" in said
    assert "1 person till skyddas när du sparar." in said
    assert "1 av dem finns hos leverantörerna i dag och tas bort där vid nästa körning." in said
    assert "Skyddsson" not in page.text + answer.text
    assert "Bo Ek" not in page.text + answer.text


def test_nobody_is_said_to_be_where_nothing_has_been_delivered(world):
    set_live(world, "all")
    client = world.sign_in()
    said = world.text(show(world, client, world.ready(client, PAGE)))
    assert "1 person till skyddas när du sparar." in said
    assert "hos leverantörerna" not in said


def test_it_is_saved_logged_and_the_directory_is_read_again_without_them(world):
    client = world.sign_in()
    answer = world.send(client, world.ready(client, PAGE), PAGE)
    assert answer.status_code == 302
    assert protected(world) == {"groups": [GROUP], "orgUnits": ["/Skyddade"]}
    assert world.store.audit_entries(TENANT, 1)[0].what == "protected.saved"
    assert client.get("/personer").status_code == 202
    said = world.text(world.ready(client, PAGE))
    assert "2 personer är skyddade och skickas inte till någon." in said
    assert "Ek" not in world.text(world.ready(client, "/personer"))


def test_to_protect_a_place_no_longer_must_be_confirmed(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    values = {"protected-ou": None, "protected-group": None}
    said = world.text(show(world, client, page, **{"protected-ou": "", "protected-group": ""}))
    assert "De som finns här skyddas inte längre" in said
    answer = world.send(client, page, PAGE, **values)
    assert answer.status_code == 400
    assert "Kryssa för att du har sett vilka som kan skickas igen." in world.text(answer)
    assert protected(world) == {"orgUnits": ["/Skyddade"]}
    again = world.send(client, answer, PAGE, accepted="1")
    assert again.status_code == 302
    assert protected(world) == {}


def test_a_place_above_protects_too_and_asks_no_question(world):
    domain = world.domain
    domain.add_org_unit("/Skyddade/Vuxna")
    world.document["protected"] = {"orgUnits": ["/Skyddade/Vuxna"]}
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, PAGE)
    answer = world.send(client, page, PAGE, **{"protected-ou": ["/Skyddade", "/Skyddade/Vuxna"]})
    assert answer.status_code == 302
    assert protected(world)["orgUnits"] == ["/Skyddade"]


def test_a_place_that_was_written_otherwise_is_the_same_place(world):
    world.document["protected"] = {"orgUnits": ["/skyddade/"]}
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert "skyddas inte längre" not in world.text(page)
    assert world.send(client, page, PAGE).status_code == 302
    assert protected(world)["orgUnits"] == ["/Skyddade"]


def test_the_whole_organisation_cannot_be_protected(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert 'value="/" data-below' not in page.text
    answer = world.send(client, page, PAGE, **{"protected-ou": ["/", "/Skyddade"]})
    assert answer.status_code == 400
    assert "Hela organisationen kan inte vara skyddad" in world.text(answer)


def test_a_place_that_is_gone_is_warned_of(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    shown = show(world, client, page, **{"protected-group": f"borta@{DOMAIN}"})
    assert "Så länge den är angiven skickas ingenting alls." in world.text(shown)


def test_groups_are_found_by_a_search(world):
    world.domain.add_group({"email": f"sekretess@{DOMAIN}", "name": "Sekretessmarkerade"})
    client = world.sign_in()
    page = world.ready(client, PAGE)
    found = show(world, client, page, do="groups", search="sekretess")
    assert "Sekretessmarkerade" in world.text(found)


def test_who_was_slower_is_reported(world):
    client, other = world.sign_in(), world.sign_in()
    page, theirs = world.ready(client, PAGE), world.ready(other, PAGE)
    world.send(other, theirs, PAGE)
    world.ready(client, PAGE)
    answer = world.send(client, page, PAGE, **{"protected-group": None})
    assert answer.status_code == 409
    assert "Du har sparat i en annan flik" in world.text(answer)
    assert protected(world)["groups"] == [GROUP]


# Protection that has ended


def ended(world, *names):
    """These people were protected, and the directory has them so no longer."""
    ids = frozenset(world.domain.find_user(f"{name}@{DOMAIN}")["id"] for name in names)
    set_to(world, ProtectedSet(ended=dict.fromkeys(ids, 1_700_000_000.0)))
    return ids


def set_to(world, protected_set):
    world.store.update_protected_set(TENANT, lambda known: protected_set)


def test_who_is_no_longer_protected_is_counted_by_id_and_shown_nowhere(world):
    client = world.sign_in()
    world.ready(client, "/personer")
    (who,) = ended(world, "bo.ek")
    page = world.ready(client, PAGE)
    said = world.text(page)
    assert "Skyddet har upphört" in said
    assert "1 person var skyddad" in said
    assert who in page.text
    for address in (PAGE, "/personer", "/personer.csv", "/personer?sok=ek", "/"):
        answer = world.ready(client, address)
        assert "bo.ek" not in answer.text
        assert "Ek" not in world.text(answer).replace("Ekonomi", "")
    assert world.ready(client, f"/personer/{who}").status_code == 404
    assert "inget skickas om personen förrän ni har bestämt" in world.text(client.get("/personer"))


def test_whoever_is_released_is_shown_and_in_the_log(world):
    client = world.sign_in()
    one, other = sorted(ended(world, "bo.ek", "li.xu"))
    page = world.ready(client, PAGE)
    action = "/skyddade/slapp"
    unseen = world.send(client, page, action, user=one, who="ticked", seen=None)
    assert unseen.status_code == 302
    assert set(world.store.protected_set(TENANT).ended) == {one, other}
    world.send(client, page, action, user=one, who="ticked", seen="1")
    assert set(world.store.protected_set(TENANT).ended) == {other}
    assert "1 person är släppt" in world.text(client.get(PAGE))
    world.ready(client, PAGE)
    world.send(client, page, action, who="all", seen="1")  # the page shows another number by now
    assert "har ändrats sedan sidan visades" in world.text(client.get(PAGE))
    world.send(client, world.ready(client, PAGE), action, who="all", seen="1")
    assert world.store.protected_set(TENANT).ended == {}
    assert world.ready(client, f"/personer/{one}").status_code == 200
    entries = world.store.audit_entries(TENANT)
    assert [entry.what for entry in entries[:2]] == ["protection.released"] * 2
    assert "@" in entries[0].who


def test_whoever_is_released_on_the_command_line_is_shown_too(world):
    """The pages read the directory again: the one that they keep was read without them."""
    client = world.sign_in()
    (one,) = ended(world, "bo.ek")
    assert world.ready(client, f"/personer/{one}").status_code == 404
    assert world.run("release", TENANT, "--all").status == 0
    assert world.ready(client, f"/personer/{one}").status_code == 200


def test_nobody_is_released_whom_the_form_makes_up(world):
    client = world.sign_in()
    set_to(world, ProtectedSet(ids=frozenset({"117"}), ended={"118": 1.0}))
    page = world.ready(client, PAGE)
    world.send(client, page, "/skyddade/slapp", user="117", who="ticked", seen="1")
    assert world.store.protected_set(TENANT).hidden >= {"117", "118"}
    assert "Kryssa för vilka som ska släppas." in world.text(world.ready(client, PAGE))


def test_many_at_once_and_those_who_are_left_at_a_vendor_are_reported(world):
    client = world.sign_in()
    removals = {"all.live": RemovalOutcome(1.0, 0, 2, "503")}
    set_to(world, ProtectedSet(pending=frozenset("abcd"), pending_limit=3, removals=removals))
    said = world.text(world.ready(client, PAGE))
    assert "4 personer har blivit skyddade på en gång" in said
    assert "2 skyddade personer finns kvar hos All" in said


def test_whom_the_page_protects_are_protected_at_once_however_many(world):
    """Saving with the number in view is looking: it is no growth that waits for a person."""
    client = world.sign_in()
    set_live(world, "all")
    deliver(world)
    page = world.ready(client, PAGE)
    answer = world.send(client, page, PAGE, **{"protected-ou": ["/Skyddade", "/Elever/7A"]})
    assert answer.status_code == 302
    known = world.store.protected_set(TENANT)
    assert len(known.ids) >= 7
    assert known.pending == frozenset()
    world.wait_for_tasks()
    deliver(world)
    assert len(world.vendor("all").held("User")) == 10


def test_a_group_that_the_kept_reading_does_not_know_has_it_read_again(world):
    client = world.sign_in()
    world.ready(client, "/personer")
    world.document["protected"]["groups"] = [GROUP]
    world.import_document()
    assert client.get("/personer").status_code == 202
    assert "bo.ek" not in world.ready(client, "/personer").text

"""A person or a class is left out from its own page, and let in again there and at the vendor."""

import re

import pytest

from addon.ss12000.ids import Ids
from tests.support.page_content import form_of
from tests.support.small_school import (
    ADMIN,
    DOMAIN,
    HELD,
    PUPILS,
    TENANT,
    deliver,
    set_live,
    small_school_pages,
    user_id,
)

CODE = "12345678"
UNIT = f"/skolenheter/{CODE}"
AT_NORRA, AT_ALL = f"students-{CODE}", "hos-all"


@pytest.fixture
def world(tmp_path):
    with small_school_pages(tmp_path) as world:
        yield world


@pytest.fixture
def bo(world):
    return user_id(world, "Bo", "Ek")


def page_of(user):
    return f"/personer/{user}/undantag"


def ticked_but(page, path, *keys):
    """What a form sends after these boxes were unticked."""
    ticks = form_of(page, path)["with"]
    return [key for key in ([ticks] if isinstance(ticks, str) else ticks) if key not in keys]


def accepting(answer):
    return re.search(r'name="accepted"[^>]*value="([^"]+)"', answer.text)[1]


def students(world):
    return world.stored_document()["schoolUnits"][0]["students"]


def connection(world, vendor="all"):
    return next(c for c in world.stored_document()["connections"] if c["vendor"] == vendor)


# A person


def test_a_person_is_left_out_of_a_unit_from_their_page(world, bo):
    client = world.sign_in()
    assert f'href="{page_of(bo)}"' in world.ready(client, f"/personer/{bo}").text
    page = world.ready(client, page_of(bo))
    assert "Elev vid Norra skolan" in world.text(page)
    kept = ticked_but(page, page_of(bo), AT_NORRA)
    answer = world.send(client, page, page_of(bo), **{"with": kept})
    assert answer.location == f"/personer/{bo}"
    assert students(world)["except"] == {"users": [bo]}


def test_the_page_of_who_is_left_out_says_why_and_where_to_undo_it(world, bo):
    world.document["schoolUnits"][0]["students"]["except"] = {"users": [bo]}
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, f"/personer/{bo}")
    said = world.text(page)
    assert "Bo Ek skickas inte till någon. Anledning: undantagen." in said
    assert "Personen är undantagen här. Ändra undantaget" in said
    assert f'href="{page_of(bo)}"' in page.text
    form = world.ready(client, page_of(bo))
    ticks = [*ticked_but(form, page_of(bo)), AT_NORRA]
    world.send(client, form, page_of(bo), **{"with": ticks})
    assert students(world) == {"orgUnits": ["/Elever"]}


def test_who_is_left_out_with_others_is_told_through_what_and_where_to_undo_it(world, bo):
    world.document["schoolUnits"][0]["students"]["except"] = {"orgUnits": ["/Elever/7A"]}
    world.import_document()
    client = world.sign_in()
    said = world.text(world.ready(client, f"/personer/{bo}"))
    assert "De som ligger i /Elever/7A är undantagna här." in said
    page = world.ready(client, page_of(bo))
    assert "Undantagen där genom organisationsenheten /Elever/7A." in world.text(page)
    assert f'href="{UNIT}/urval#undantag"' in page.text


def test_a_person_is_left_out_at_one_vendor_after_what_it_means_was_seen(world, bo):
    set_live(world)
    deliver(world)
    client = world.sign_in()
    page = world.ready(client, page_of(bo))
    kept = {"with": ticked_but(page, page_of(bo), AT_ALL)}
    answer = world.send(client, page, page_of(bo), **kept)
    assert answer.status_code == 400
    assert "1 person tas bort hos All vid nästa körning." in world.text(answer)
    assert "Kryssa för att du har sett vad som tas bort." in world.text(answer)
    world.send(client, answer, page_of(bo), **kept, accepted=accepting(answer))
    assert connection(world)["except"] == {"users": [bo]}
    assert "except" not in connection(world, "some")
    said = world.text(world.ready(client, f"/personer/{bo}"))
    assert "Personen är undantagen hos All. Ändra undantaget" in said
    assert "Bo Ek är elev och skickas till Some." in said
    assert "Elev vid Norra skolan. Skickas till Some." in world.text(
        world.ready(client, page_of(bo))
    )


def test_the_consequence_is_shown_beside_the_choice(world, bo):
    set_live(world)
    deliver(world)
    client = world.sign_in()
    page = world.ready(client, page_of(bo))
    assert "tas bort" not in world.text(page).partition("Resultat")[2].partition("Spara")[0]
    kept = ticked_but(page, page_of(bo), AT_NORRA)
    form = {**form_of(page, page_of(bo)), "do": "show", "with": kept}
    part = client.post(page_of(bo), data=form, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    said = world.text(part)
    assert "Bo Ek skickas inte till någon." in said
    assert "1 person tas bort hos All vid nästa körning." in said
    assert "1 person tas bort hos Some vid nästa körning." in said
    assert students(world) == {"orgUnits": ["/Elever"]}


def test_who_is_no_longer_staff_and_becomes_a_student_is_said(world):
    teacher = user_id(world, "Gunnel", "Pärlbåt")
    world.document["schoolUnits"][0]["students"]["orgUnits"].append("/Personal")
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, page_of(teacher))
    kept = ticked_but(page, page_of(teacher), f"staff-{CODE}")
    form = {**form_of(page, page_of(teacher)), "do": "show", "with": kept}
    part = client.post(page_of(teacher), data=form, headers={"HX-Request": "true"})
    assert "Gunnel Pärlbåt räknas då som elev i stället för personal." in world.text(part)


def test_what_the_form_did_not_offer_is_not_changed(world, bo):
    client = world.sign_in()
    page = world.ready(client, page_of(bo))
    world.send(client, page, page_of(bo), **{"offered": [AT_ALL], "with": []})
    assert connection(world)["except"] == {"users": [bo]}
    assert students(world) == {"orgUnits": ["/Elever"]}


def test_an_exception_that_another_has_made_meanwhile_is_not_overwritten(world, bo):
    client = world.sign_in()
    page = world.ready(client, page_of(bo))
    world.document["schoolUnits"][0]["students"]["except"] = {"users": [bo]}
    world.import_document()
    kept = ticked_but(page, page_of(bo), AT_ALL)
    answer = world.send(client, page, page_of(bo), **{"with": kept})
    assert answer.status_code == 409
    assert "Någon annan har sparat under tiden" in world.text(answer)
    assert "except" not in connection(world)


def test_an_exception_is_in_the_log(world, bo):
    client = world.sign_in()
    page = world.ready(client, page_of(bo))
    kept = ticked_but(page, page_of(bo), AT_NORRA)
    world.send(client, page, page_of(bo), **{"with": kept})
    said = world.text(client.get("/installningar/logg"))
    assert f"{ADMIN}: Undantag för en person ändrade" in said
    assert f"Undantaget konto: {bo}" in said


def test_nothing_is_saved_without_the_token_of_the_form(world, bo):
    client = world.sign_in()
    page = world.ready(client, page_of(bo))
    form = {**form_of(page, page_of(bo)), "csrf_token": "", "with": []}
    assert client.post(page_of(bo), data=form).status_code == 400
    assert students(world) == {"orgUnits": ["/Elever"]}


def test_who_is_protected_has_no_page_of_exceptions(world):
    hidden = user_id(world, "Hemliga", "Skyddsson")
    client = world.sign_in()
    world.ready(client, UNIT)
    assert client.get(page_of(hidden)).status_code == 404


def test_who_is_reached_by_no_selection_is_told_so(world):
    admin = next(u for u in world.domain.users.values() if u["primaryEmail"] == ADMIN)
    world.document["schoolUnits"][0]["staff"] = {"groups": [f"tom@{DOMAIN}"]}
    world.import_document()
    said = world.text(world.ready(world.sign_in(), page_of(admin["id"])))
    assert "Personen omfattas inte av något urval, så det finns inget att undanta från." in said


# A class


def class_page(world, client, name="7A"):
    page = world.ready(client, UNIT)
    return re.search(rf'href="({UNIT}/grupp/[^"]+)">{name}<', page.text)[1]


def test_a_class_is_left_out_of_its_unit_from_its_page(world):
    client = world.sign_in()
    path = class_page(world, client)
    page = world.ready(client, path)
    said = world.text(page)
    assert "6 elever, Norra skolan." in said
    assert "Bo Ek" in said
    kept = ticked_but(page, path, "alla")
    assert world.send(client, page, path, **{"with": kept}).location == UNIT
    assert world.stored_document()["schoolUnits"][0]["classes"]["except"] == ["7A"]
    assert "1 klass undantagen: 7A" in world.text(world.ready(client, UNIT))
    page = world.ready(client, path)  # it is still there to be undone
    world.send(client, page, path, **{"with": [*ticked_but(page, path), "alla"]})
    assert "except" not in world.stored_document()["schoolUnits"][0]["classes"]


def test_a_class_is_left_out_at_one_vendor_after_what_it_means_was_seen(world):
    set_live(world)
    deliver(world)
    client = world.sign_in()
    path = class_page(world, client)
    page = world.ready(client, path)
    kept = {"with": ticked_but(page, path, AT_ALL)}
    answer = world.send(client, page, path, **kept)
    assert answer.status_code == 400
    assert "1 klass tas bort hos All vid nästa körning." in world.text(answer)
    world.send(client, answer, path, **kept, accepted=accepting(answer))
    external_id = path.rpartition("/")[2]
    assert connection(world)["except"] == {"classes": [external_id]}
    assert "7A 6, inte till All" in world.text(world.ready(client, UNIT))


def test_a_class_of_another_unit_or_none_is_not_found(world):
    client = world.sign_in()
    path = class_page(world, client)
    world.ready(client, path)
    assert client.get(path).status_code == 200
    assert client.get(path.replace(CODE, "12345679")).status_code == 404
    assert client.get(f"{UNIT}/grupp/{Ids(TENANT).school_unit(CODE)}").status_code == 404


# A vendor


def test_what_a_vendor_does_not_get_is_listed_there_and_let_in_again(world, bo):
    client = world.sign_in()
    seven_a = class_page(world, client).rpartition("/")[2]
    gone = "00000000-0000-5000-8000-000000000000"
    left = {"users": [bo, "17"], "classes": [seven_a, gone]}
    world.change_connection("all", **{"except": left})
    page = world.ready(client, "/leverantorer/all")
    said = world.text(page)
    assert "2 personer skickas inte till All." in said
    assert "2 klasser eller grupper skickas inte till All." in said
    assert "Bo Ek" in said
    assert "Kontot 17, som inte finns i katalogen nu" in said
    assert "7A, Norra skolan" in said
    path = "/leverantorer/all/undantag"
    assert form_of(page, path)["except"] == [bo, "17", seven_a, gone]
    world.send(client, page, path, **{"except": [bo, "someone-else"]})
    assert connection(world)["except"] == {"users": [bo]}
    said = world.text(client.get("/installningar/logg"))
    assert "Undantag hos en leverantör ändrade (All)" in said


def test_exceptions_that_another_has_changed_meanwhile_are_not_overwritten(world, bo):
    client = world.sign_in()
    world.change_connection("all", **{"except": {"users": [bo]}})
    page = world.ready(client, "/leverantorer/all")
    world.change_connection("all", **{"except": {"users": [bo, "17"]}})
    world.send(client, page, "/leverantorer/all/undantag", **{"except": []})
    assert connection(world)["except"] == {"users": [bo, "17"]}


# Where else it is told


def test_the_table_of_people_says_that_the_person_is_an_exception_at_the_vendor(world, bo):
    set_live(world, "all")
    world.change_connection("all", **{"except": {"users": [bo]}})
    said = world.text(world.ready(world.sign_in(), "/personer?q=Bo+Ek"))
    assert "Undantagen" in said
    assert "Skolenheten går inte till någon leverantör" not in said


def test_a_hold_says_that_those_whom_it_is_about_are_exceptions(world):
    set_live(world, "all")
    deliver(world)
    users = [user_id(world, *name) for name in PUPILS["7A"]]
    world.change_connection("all", **{"except": {"users": users}})
    deliver(world, HELD)
    client = world.sign_in()
    world.ready(client, UNIT)
    said = world.text(world.ready(client, "/sparrar"))
    assert "Undantagen" in said
    assert "Inte med i något urval" not in said

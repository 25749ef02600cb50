"""An OU that has another name or place: asked on Spärrar, and answered once for everything."""

import pytest

from addon.web.directory.cache import StillComputing
from addon.web.views import holds
from tests.support.page_actions import location, read_again
from tests.support.page_content import form_of
from tests.support.small_school import (
    HELD,
    PUPILS,
    TENANT,
    address,
    deliver,
    set_live,
)

PAGE = "/sparrar"
ANSWER = "/sparrar/namn"
NEW_UNIT = {"code": "12345679", "name": "Södra skolan", "staff": {"orgUnits": ["/Elever/Slutat"]}}


@pytest.fixture
def world(world):
    world.document["schoolUnits"].append(NEW_UNIT)
    set_live(world, "all")
    return world


def rename(world):
    """Google says that the same OU has another name."""
    deliver(world)
    world.domain.rename_org_unit("/Elever", "Elever på Norra")
    deliver(world)


def replace(world, status=HELD):
    """The OU is gone, and everybody is in a new one, but for one who left."""
    deliver(world)
    world.domain.remove_user(address(*PUPILS["7A"][0]))
    world.domain.move_people("/Elever", "/Norra")
    for path in ("/Elever/7A", "/Elever/7B", "/Elever/Slutat", "/Elever"):
        world.domain.remove_org_unit(path)
    deliver(world, status)


def shown(world, client):
    read_again(world, client)
    for _ in range(100):
        page = client.get(PAGE)
        world.wait_for_tasks()
        if "Heter " in page.text:
            return page
    raise AssertionError("the question never came")


def answered(world, client, page, **values):
    return world.text(client.get(location(world.send(client, page, ANSWER, **values))))


def test_a_renamed_org_unit_is_asked_about_though_nothing_is_held(world, client):
    rename(world)
    said = world.text(shown(world, client))
    assert "1 organisationsenhet verkar ha bytt namn." in said
    assert "Heter /Elever nu /Elever på Norra?" in said
    assert "Enligt Google är det samma organisationsenhet" in said
    assert "Det gäller Norra skolan och Södra skolan." in said
    assert "Nej, ändra urvalet för Norra skolan" in said
    assert "Ja, den heter nu /Elever på Norra" in said


def test_a_yes_gives_all_units_and_rules_the_new_name_in_one_change(world, client):
    rename(world)
    said = answered(world, client, shown(world, client))
    assert "Sparat: /Elever på Norra gäller nu för Norra skolan och Södra skolan." in said
    assert "Ångra" in said
    north, south = world.stored_document()["schoolUnits"]
    assert north["students"] == {"orgUnits": ["/Elever på Norra"]}
    assert north["classes"]["pattern"] == "^/Elever på Norra/(?P<name>[^/]+)$"
    assert south["staff"] == {"orgUnits": ["/Elever på Norra/Slutat"]}
    entry = world.store.audit_entries(TENANT, 1)[0]
    assert (entry.what, entry.subject) == ("org-unit.renamed", "/Elever på Norra")
    assert len(entry.changes) == 3
    world.forget_requests()
    deliver(world)
    assert not [r for r in world.vendor("all").requests if r.method != "GET"]
    assert "Heter " not in client.get(PAGE).text


def test_an_org_unit_that_was_replaced_is_asked_about_with_how_many_are_in_the_new(world, client):
    replace(world)
    said = world.text(shown(world, client))
    assert "Heter /Elever nu /Norra?" in said
    assert "/Elever finns inte längre i Google Workspace." in said
    assert "11 av de 12 personer som hörde dit ligger nu i /Norra." in said


def test_a_yes_to_a_replaced_org_unit_ends_the_hold_and_removes_only_who_left(world, client):
    replace(world)
    said = answered(world, client, shown(world, client))
    assert "Nästa körning räknar om spärren. Du behöver inte svara på den." in said
    deliver(world)
    names = {each["userName"] for each in world.vendor("all").held("User").values()}
    assert {address(*n) for n in (*PUPILS["7A"][1:], *PUPILS["7B"])} <= names
    assert "Spärr hos" not in world.text(client.get("/installningar"))


def test_people_who_moved_to_a_place_with_many_others_are_no_renamed_org_unit(world, client):
    world.domain.add_org_unit("/Arkiv")
    for n in range(30):
        world.domain.add_user(
            {
                "primaryEmail": f"a{n}@edu.storvik.se",
                "name": {"givenName": "A", "familyName": f"B{n}"},
                "orgUnitPath": "/Arkiv",
            }
        )
    deliver(world)
    for name in (*PUPILS["7A"], *PUPILS["7B"]):
        world.domain.move_user(address(*name), "/Arkiv")
    for path in ("/Elever/7A", "/Elever/7B", "/Elever/Slutat", "/Elever"):
        world.domain.remove_org_unit(path)
    deliver(world, HELD)
    world.ready(client, "/personer")
    page = world.ready(client, PAGE)
    assert "Heter " not in page.text


def test_only_what_was_asked_is_answered(world, client):
    rename(world)
    page = shown(world, client)
    before = world.stored_document()
    for old, new in (("/Elever", "/Personal"), ("/Personal", "/Elever på Norra"), ("", "")):
        said = answered(world, client, page, old=old, new=new)
        assert "Frågan gäller inte längre. Inget är ändrat." in said
    data = form_of(page, ANSWER)
    del data["csrf_token"]
    assert client.post(ANSWER, data=data).status_code == 400
    assert world.stored_document() == before


def test_an_answer_to_rules_that_another_has_changed_is_not_saved(world, client):
    rename(world)
    page = shown(world, client)
    world.document["schoolUnits"][0]["name"] = "Nya Norra"
    world.import_document()
    said = answered(world, client, page)
    assert "Någon har ändrat urval eller regler under tiden." in said
    assert world.stored_document()["schoolUnits"][0]["students"] == {"orgUnits": ["/Elever"]}


def test_the_finding_leads_to_the_question(world, client):
    rename(world)
    read_again(world, client)
    page = world.ready(client, "/datakvalitet/org-unit-renamed")
    assert '<a href="/sparrar">Svara på om den har bytt namn</a>' in page.text


def test_while_it_is_computed_the_page_says_so_and_asks_again_by_itself(world, client, monkeypatch):
    rename(world)
    read_again(world, client)

    def computing(directory):
        raise StillComputing

    with monkeypatch.context() as patched:
        patched.setattr(holds, "questions_of", computing)
        page = client.get(PAGE)
    assert "Söker efter organisationsenheter" in world.text(page)
    assert 'hx-select="#fragor" hx-select-oob="#vantande"' in page.text
    assert '<noscript><meta http-equiv="refresh"' in page.text
    assert "Söker efter" not in shown(world, client).text

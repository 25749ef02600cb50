"""The page of a farewell: by the link of the message alone, in numbers, with one wish."""

import pytest
from msgspec import structs

from addon.tenants.licence import LicenceRecord
from tests.support.page_content import form_of
from tests.support.small_school import (
    DOMAIN,
    OTHER_TENANT,
    PUPILS,
    TENANT,
    deliver,
    set_live,
    small_school_pages,
)

TOKEN = "a-secret-of-this-farewell"
ADDRESS = f"/avsked/{TENANT}.{TOKEN}"


@pytest.fixture
def world(tmp_path):
    with small_school_pages(tmp_path, SKOLSYNK_MARKETPLACE_APP="1234") as world:
        set_live(world)
        deliver(world)
        world.directory.marketplace.uninstall()
        begin(world)
        yield world


def begin(world, **values) -> LicenceRecord:
    now = world.services.clock()
    values = {"farewell": now, "erased": True, "token": TOKEN, "state": "UNLICENSED"} | values
    return world.store.update_licence(TENANT, lambda known: structs.replace(known, **values))


def anyone(world):
    return world.app.test_client()


def test_the_link_shows_what_vendors_have_in_numbers_and_nobodys_name(world):
    page = anyone(world).get(ADDRESS)
    text = world.text(page)
    assert page.status_code == 200
    assert "Inget läses och inget skickas längre för Storviks kommun" in text
    assert "All: 16 personer" in text
    assert "Some: 16 personer" in text
    assert not any(family in text for names in PUPILS.values() for _, family in names[:5])
    assert DOMAIN not in page.text
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "code",
    [
        TENANT,
        f"{TENANT}.",
        f"{TENANT}.{TOKEN}x",
        f"{TENANT}.{TOKEN[:-1]}",
        f"{OTHER_TENANT}.{TOKEN}",
        f".{TOKEN}",
        TOKEN,
        "å.å",
        f"{TENANT}.%00",
    ],
)
def test_every_other_link_is_not_found_all_alike(world, code):
    client = anyone(world)
    unknown = client.get("/avsked/C0nobody.x")
    answer = client.get(f"/avsked/{code}")
    assert (answer.status_code, world.text(answer)) == (404, world.text(unknown))
    form = form_of(client.get(ADDRESS), ADDRESS)
    assert client.post(f"/avsked/{code}", data=form).status_code == 404
    assert world.store.licence(TENANT).wanted == 0


def test_a_link_is_dead_when_the_customer_has_come_back(world):
    begin(world, farewell=0.0, token="")
    assert anyone(world).get(ADDRESS).status_code == 404
    assert anyone(world).get(f"/avsked/{TENANT}.").status_code == 404


def test_the_wish_is_noted_once_and_prepares_the_removal_without_sending_anything(world):
    world.forget_requests()
    client = anyone(world)
    for _ in range(2):
        page = client.get(ADDRESS)
        if "Ta bort allt" in page.text:
            answer = world.send(client, page, ADDRESS)
            assert (answer.status_code, answer.location) == (302, ADDRESS)
    world.wait_for_tasks()
    assert "Ni har bett oss ta bort allt" in world.text(client.get(ADDRESS))
    wishes = [e for e in world.store.audit_entries(TENANT) if e.what == "farewell.wanted"]
    assert [entry.who for entry in wishes] == ["link"]
    holds = [world.store.hold(key) for key, _, _ in world.store.ledgers(TENANT)]
    assert [len(hold.people) for hold in holds if hold.withdrawal] == [16, 16]
    assert world.requests == []


def test_no_wish_is_taken_without_its_forms_token(world):
    assert anyone(world).post(ADDRESS).status_code == 400
    assert world.store.licence(TENANT).wanted == 0


def test_who_is_signed_in_sees_that_nothing_is_read_or_sent_and_how_to_come_back(tmp_path):
    with small_school_pages(tmp_path, SKOLSYNK_MARKETPLACE_APP="1234") as world:
        client = world.sign_in()
        assert "avinstallerat" not in world.text(client.get("/korningar"))
        begin(world)
        assert "Skolsynk är avinstallerat" in world.text(client.get("/korningar"))


def test_who_installs_it_again_and_runs_goes_on(world):
    world.directory.marketplace.install()
    client = world.sign_in()
    world.send(client, client.get("/korningar"), "/korningar/nu")
    world.wait_for_tasks()
    assert not world.store.licence(TENANT).farewell
    assert "Skolsynk är avinstallerat" not in world.text(client.get("/korningar"))
    assert [run.status for run in world.store.runs(TENANT, 1)] == ["done"]


def test_the_pages_directory_is_not_read_again_in_a_farewell(world):
    world.directory.forget_requests()
    world.services.task_handler.handle("/tasks/read", {"tenant": TENANT})
    asked = [request.path for request in world.directory.requests]
    assert all("customerLicense" in path for path in asked)

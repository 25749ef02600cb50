"""The agreement with a vendor is noted before the first live delivery; fields are recommended."""

import pytest
from msgspec import structs

from tests.support.page_actions import connection, location, mode_of, read_directory
from tests.support.page_content import form_of
from tests.support.small_school import ADMIN, deliver, set_live

LIVE, AGREEMENT = "/leverantorer/all/lage/live", "/leverantorer/all/avtal"
RECOMMENDED = "/leverantorer/all/rekommenderat"


@pytest.fixture
def world(world, monkeypatch):
    vendors = world.services.settings.vendors
    asking = structs.replace(vendors["all"], agreement=True, recommended=("email", "cloudId"))
    monkeypatch.setitem(vendors, "all", asking)
    return world


def off(world):
    world.document["connections"][0]["mode"] = "off"
    world.import_document()


def test_live_mode_waits_for_the_agreement_and_goes_on_when_it_is_noted(world, client):
    off(world)
    read_directory(world, client)
    page = world.ready(client, LIVE)
    assert "Personuppgiftsbiträdesavtalet med All är inte antecknat." in world.text(page)
    token = form_of(page, "/sok")["csrf_token"]
    refused = client.post(LIVE, data={"csrf_token": token})
    assert (refused.status_code, mode_of(world, "all")) == (400, "off")
    form = client.get(f"{AGREEMENT}?next=live")
    faulty = world.send(client, form, AGREEMENT, reference=" ", date="i går")
    assert faulty.status_code == 400
    assert form_of(faulty, AGREEMENT)["date"] == "i går"
    noted = world.send(client, form, AGREEMENT, reference="KS 2026/123", date="2026-08-01")
    assert location(noted).endswith(LIVE)
    assert connection(world, "all")["agreement"] == {
        "reference": "KS 2026/123",
        "date": "2026-08-01",
        "notedBy": ADMIN,
    }
    world.send(client, world.ready(client, LIVE), LIVE)
    assert mode_of(world, "all") == "live"
    assert f"{ADMIN}: KS 2026/123, 2026-08-01." in world.text(client.get("/leverantorer/all"))
    assert "Beteckning: KS 2026/123" in world.text(client.get("/installningar/logg"))


def test_test_mode_and_who_has_delivered_before_are_not_asked(world, client):
    set_live(world, "all")
    deliver(world)
    off(world)
    read_directory(world, client)
    for address in (LIVE, "/leverantorer/all/lage/test"):
        assert "inte antecknat" not in world.text(world.ready(client, address))
    world.send(client, world.ready(client, LIVE), LIVE)
    assert mode_of(world, "all") == "live"


def test_what_the_vendor_recommends_is_proposed_and_added_to_what_is_sent(world, client):
    off(world)
    before = connection(world, "all")["fields"]
    page = client.get("/leverantorer/all")
    assert "All rekommenderar att ni också skickar: Kontots id i Google" in world.text(page)
    assert connection(world, "all")["fields"] == before
    world.send(client, page, RECOMMENDED)
    assert set(connection(world, "all")["fields"]) == {*before, "cloudId"}
    assert "rekommenderar" not in world.text(client.get("/leverantorer/all"))

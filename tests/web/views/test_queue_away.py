"""Where nothing can be ordered just now, what was decided is kept, and the page says so."""

import pytest

from addon.tasks.base import TaskQueueError
from tests.support.small_school import TENANT, small_school_pages


@pytest.fixture
def world(tmp_path):
    """A school with a vendor that is on and delivered to; breaking its queue is each test's."""
    with small_school_pages(tmp_path) as world:
        world.change_connection("all", mode="live")
        world.run("sync", TENANT)
        yield world


@pytest.fixture
def client(world):
    client = world.sign_in()
    world.ready(client, "/personer")
    return client


def break_queue(world, monkeypatch):
    def away(task):
        raise TaskQueueError("the queue is away")

    monkeypatch.setattr(world.services.queue(), "enqueue", away)


def sent(world, client, page, action, **values):
    answer = world.send(client, page, action, **values)
    assert answer.status_code == 302
    return world.text(world.ready(client, answer.location))


def test_a_vendor_is_turned_on_all_the_same(world, client, monkeypatch):
    world.change_connection("all", mode="off")
    path = "/leverantorer/all/lage/live"
    page = world.ready(client, path)
    break_queue(world, monkeypatch)
    said = sent(world, client, page, path)
    assert "All är på, men körningen kunde inte börja nu. Nästa gör det." in said
    assert world.stored_document()["connections"][0]["mode"] == "live"


def test_nothing_is_said_to_be_withdrawn(world, client, monkeypatch):
    path = "/leverantorer/all/avveckla"
    page = world.ready(client, path)
    break_queue(world, monkeypatch)
    said = sent(world, client, page, path, name="All")
    assert "Det gick inte att börja, så inget har tagits bort." in said
    assert world.store.audit_entries(TENANT, 1)[0].what != "vendor.withdrawn"


def test_no_vendor_is_said_to_be_asked(world, client, monkeypatch):
    page = world.ready(client, "/leverantorer/all")
    break_queue(world, monkeypatch)
    said = sent(world, client, page, "/leverantorer/all/stam-av")
    assert "Det gick inte att börja just nu." in said
    assert world.store.audit_entries(TENANT, 1)[0].what != "vendor.reconciled"

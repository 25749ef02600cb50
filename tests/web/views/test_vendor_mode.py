"""Turning a vendor off while something is being sent to it."""

import time

import pytest

from addon.delivery.lease import Lease
from addon.planning.ledger import LedgerKey
from tests.support.page_actions import mode_of, read_directory, run, turn_on
from tests.support.small_school import PUPILS, TENANT, leave, small_school_pages

LIVE, OFF = "/leverantorer/all/lage/live", "/leverantorer/all/lage/off"


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Where a run asks all the time whether it is still wanted."""
    monkeypatch.setattr(Lease.__init__, "__defaults__", (time.time, 0.01))
    with small_school_pages(tmp_path) as world:
        yield world


def wait_for(what):
    """Waits until something is so, for as long as a loaded machine may need."""
    ends = time.monotonic() + 20
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.01)


def turn_off(world, client):
    """Says yes to turning it off; the page after it."""
    return client.get(world.send(client, client.get(OFF), OFF).location)


def test_what_is_being_sent_stops_and_the_run_tells_why(world, client):
    vendor = world.vendor("all")
    read_directory(world, client)
    page = world.ready(client, LIVE)
    vendor.knobs.latency = 0.3
    world.send(client, page, LIVE)
    wait_for(lambda: vendor.requests)
    said = world.text(turn_off(world, client))
    assert "All är av. Skickas något dit just nu slutar det inom en minut." in said
    world.wait_for_tasks()
    assert mode_of(world, "all") == "off"
    assert len(vendor.held("User")) < 16
    newest = world.store.runs(TENANT, 9)[-1]
    told = world.text(world.ready(client, f"/korningar/{newest.id}"))
    assert "Leverantören slogs av eller bytte läge under tiden, så resten skickades inte." in told
    assert "åtgärder återstår till nästa körning." in told
    assert "misslyckades" not in told


def test_when_nothing_is_being_sent_nothing_more_is_said_of_it(world, client):
    turn_on(world, client, "all")
    said = world.text(turn_off(world, client))
    assert "All är av. Inget mer skickas dit." in said
    assert "inom en minut" not in said


def test_what_was_approved_before_it_was_turned_off_is_asked_about_again(world, client):
    vendor = world.vendor("all")
    turn_on(world, client, "all")
    leave(world, *PUPILS["7A"])
    run(world, client)
    page = client.get("/sparrar")
    assert "Nästa körning skulle ta bort 6 personer hos All." in world.text(page)
    vendor.knobs.latency = 0.5
    vendor.clear()
    world.clock.ahead += 10
    world.send(client, page, "/sparrar/all/live", decision="approve")
    wait_for(lambda: vendor.requests)
    turn_off(world, client)
    world.wait_for_tasks()
    assert len(vendor.held("User")) > 10
    assert world.store.approval(LedgerKey(TENANT, "all", "live")) is None

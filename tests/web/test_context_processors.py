"""What every page shows of what waits, and what it does not show."""

import pytest

from tests.support.small_school import TENANT, cause_hold, deliver, set_live

ELSEWHERE = "/installningar"


@pytest.fixture
def world(world):
    set_live(world, "all")
    return world


def pause(world, first, last):
    world.document["schedule"] = {"pause": {"from": first, "until": last}}
    world.import_document()


def test_when_nothing_waits_there_is_no_band(world, client):
    assert 'class="band' not in client.get(ELSEWHERE).text


def test_a_hold_is_reported_with_its_number_and_the_way_to_it(world, client):
    cause_hold(world)
    page = client.get(ELSEWHERE)
    said = world.text(page)
    assert "Spärr hos All. 4 personer skulle tas bort. Inget av det har skickats." in said
    assert 'href="/sparrar#sparr-all"' in page.text
    assert "Se vilka och bestäm" not in client.get("/sparrar").text


def test_a_pause_is_reported_on_its_days_and_on_no_other(world, client):
    pause(world, "2020-01-01", "2099-12-31")
    said = world.text(client.get(ELSEWHERE))
    assert "Paus till och med 2099-12-31. Inget körs, inget skickas och inget tas bort." in said
    for first, last in (("2020-01-01", "2020-12-31"), ("2099-01-01", "2099-12-31")):
        pause(world, first, last)
        assert 'class="band' not in client.get(ELSEWHERE).text


@pytest.mark.parametrize("mode", ["test", "off"])
def test_a_hold_in_a_mode_that_the_vendor_is_no_more_in_waits_for_nobody(world, client, mode):
    cause_hold(world)
    set_live(world, "all", mode=mode)
    assert "Spärr hos" not in world.text(client.get(ELSEWHERE))


def test_a_withdrawal_that_is_held_is_told_though_the_vendor_is_off(world, client):
    deliver(world)
    set_live(world, "all", mode="off")
    world.run("withdraw", TENANT, "--vendor", "all")
    said = world.text(client.get(ELSEWHERE))
    assert "Spärr hos All. 16 personer skulle tas bort." in said


def test_nobody_is_reported_anything_before_they_have_signed_in(world):
    cause_hold(world)
    page = world.app.test_client().get("/logga-in")
    assert "Spärr" not in page.text
    assert TENANT not in page.text

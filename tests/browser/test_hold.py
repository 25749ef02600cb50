"""A run that would remove a whole school stops, is seen everywhere, and a person decides."""

import json
import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from addon.planning.ledger import LedgerKey
from tests.browser.chromium import visit
from tests.browser.history import ELSEWHERE, NORTH, move_north
from tests.browser.input_devices import InputDevice, Keyboard, Mouse
from tests.browser.page_steps import button, headed, sign_in, when_ready
from tests.browser.states import BAND, asked
from tests.support.municipality import document_of, held_by, read_directory, set_up, sync_now
from tests.support.world import World

DECIDE = "Se vilka och bestäm"
REFUSED = "1 spärr står kvar eftersom ni har sagt nej."


@pytest.fixture
def held_world(new_world: World) -> World:
    """A world where the organisational unit of Norra skolan has got another name."""
    set_up(new_world)
    sync_now(new_world)
    move_north(new_world)
    read_directory(new_world)
    return new_world


def test_it_stands_on_every_page_until_it_is_let_go(browser: Browser, held_world: World) -> None:
    before, going = len(held_by(held_world, "gleerups")), leavers(held_world, "gleerups")
    with visit(browser, held_world.url) as (page, _):
        page.goto("/")
        sign_in(held_world, Mouse(page))
        for address in BAND:
            when_ready(page, address)
            told = expect(band(page, "Binogi och Gleerups"))
            told.to_contain_text(f"{going} personer skulle tas bort")
        decide(Mouse(page), held_world, f"Ja, ta bort {going} personer hos Gleerups", "Gleerups")
        expect(band(page, "Binogi och Gleerups")).to_have_count(0)
        expect(band(page, "Binogi")).to_be_visible()
    assert len(held_by(held_world, "gleerups")) == before - going


def test_the_names_of_those_who_would_go_are_listed(browser: Browser, held_world: World) -> None:
    with visit(browser, held_world.url) as (page, _):
        page.goto("/sparrar")
        sign_in(held_world, Mouse(page))
        section = page.get_by_role("region", name=re.compile("Gleerups$")).last
        summary = page.locator("section.hold summary", has_text="Visa de").first
        if not summary.locator("xpath=..").get_attribute("open"):
            summary.click()
        said = page.locator("section.hold").last
        expect(section).to_be_visible()
        expect(said).to_contain_text(f"/Elever/{ELSEWHERE}")
        pupils = held_world.domain.users_in(f"/Elever/{ELSEWHERE}")
        names = {str(user["name"].get("fullName")) for user in pupils}
        listed = said.locator("details").first.locator("tbody th").all_inner_texts()
        assert listed
        assert set(listed) <= names


def test_who_says_no_keeps_everyone_and_is_reminded(browser: Browser, held_world: World) -> None:
    before = len(held_by(held_world, "gleerups"))
    with visit(browser, held_world.url) as (page, _):
        page.goto("/")
        sign_in(held_world, Mouse(page))
        decide(Mouse(page), held_world, "Nej, ta inte bort hos Gleerups", "Gleerups")
        sync_now(held_world)
        when_ready(page, "/")
        expect(page.locator(".band", has_text=REFUSED)).to_be_visible()
        expect(band(page, "Gleerups")).to_have_count(0)
    assert len(held_by(held_world, "gleerups")) == before


def test_it_is_decided_with_the_keyboard_alone(browser: Browser, held_world: World) -> None:
    before, going = len(held_by(held_world, "gleerups")), leavers(held_world, "gleerups")
    with visit(browser, held_world.url) as (page, _):
        page.goto("/")
        sign_in(held_world, Keyboard(page))
        decide(Keyboard(page), held_world, f"Ja, ta bort {going} personer hos Binogi och Gleerups")
        expect(page.locator(".band")).to_have_count(0)
    assert len(held_by(held_world, "gleerups")) == before - going
    assert held_world.store.hold(LedgerKey(held_world.tenant, "binogi", "live")) is None


def test_one_vendor_is_answered_with_the_keyboard_alone(
    browser: Browser, held_world: World
) -> None:
    with visit(browser, held_world.url) as (page, _):
        page.goto("/")
        sign_in(held_world, Keyboard(page))
        decide(Keyboard(page), held_world, "Nej, ta inte bort hos Binogi", "Binogi")
        expect(page.locator(".band", has_text=REFUSED)).to_be_visible()
        expect(band(page, "Gleerups")).to_be_visible()


def test_a_mistake_that_is_put_right_leaves_no_hold(browser: Browser, held_world: World) -> None:
    held_world.domain.move_people(f"/Elever/{ELSEWHERE}", NORTH)
    sync_now(held_world)
    with visit(browser, held_world.url) as (page, _):
        page.goto("/sparrar")
        sign_in(held_world, Mouse(page))
        expect(page.locator(".lead").first).to_have_text("Inget är spärrat.")
        expect(page.locator(".band")).to_have_count(0)


def test_a_renamed_org_unit_is_answered_and_undone_with_the_keyboard_alone(
    browser: Browser, new_world: World
) -> None:
    asked(new_world)
    with visit(browser, new_world.url) as (page, _):
        page.goto("/sparrar")
        device = Keyboard(page)
        sign_in(new_world, device)
        when_ready(page, "/sparrar")
        device.press(page.get_by_role("button", name=re.compile("^Ja, den heter nu .*Nordskolan$")))
        expect(page.locator(".alert").first).to_contain_text("Nordskolan gäller nu för")
        assert "Nordskolan" in json.dumps(document_of(new_world), ensure_ascii=False)
        device.press(page.get_by_role("link", name="Ångra"))
        headed(page, "Återställ")
        device.press(button(page, "Återställ"))
        headed(page, "Ändringslogg")
    assert "Nordskolan" not in json.dumps(document_of(new_world), ensure_ascii=False)


def decide(device: InputDevice, world: World, what: str, alone: str = "") -> None:
    """From the band to the answer, for the vendor `alone` if given, and until that is done."""
    device.press(device.page.get_by_role("link", name=DECIDE).first)
    headed(device.page, "Spärrar")
    if alone:
        device.press(device.page.locator("summary", has_text=f"Bara {alone}"))
    device.press(button(device.page, what))
    headed(device.page, "Spärrar")
    world.wait_for_tasks()
    when_ready(device.page, "/sparrar")


def band(page: Page, vendor: str) -> Locator:
    """What says on every page that something waits at a vendor."""
    return page.locator(".band", has_text=f"Spärr hos {vendor}.")


def leavers(world: World, vendor: str) -> int:
    """How many would be removed at a vendor."""
    hold = world.store.hold(LedgerKey(world.tenant, vendor, "live"))
    assert hold is not None
    return len(hold.people)

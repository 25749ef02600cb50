"""The card in Gmail's side panel: a hold is seen there and approved with two clicks."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from addon.planning.ledger import LedgerKey
from addon.sandbox.side_panel import SidePanel
from tests.browser.chromium import visit
from tests.browser.history import move_north
from tests.browser.input_devices import Keyboard, Mouse
from tests.browser.inspection import faults
from tests.support.municipality import administrator, held_by, set_up, sync_now
from tests.support.side_panel import side_panel
from tests.support.world import World

VENDOR = "Gleerups"


@pytest.fixture
def held_world(new_world: World) -> World:
    """A world where the organisational unit of Norra skolan has got another name."""
    set_up(new_world)
    sync_now(new_world)
    move_north(new_world)
    return new_world


@pytest.fixture
def panel(held_world: World) -> Iterator[SidePanel]:
    with side_panel(held_world) as panel:
        yield panel


def test_a_hold_is_approved_in_the_panel_with_two_clicks(
    browser: Browser, held_world: World, panel: SidePanel
) -> None:
    before, going = len(held_by(held_world, "gleerups")), leavers(held_world)
    assert going
    yes = f"Ja, ta bort {going} personer hos {VENDOR}"
    with visit(browser, panel.url) as (page, _):
        page.goto("/")
        expect(hold(page)).to_contain_text(f"Nästa körning skulle ta bort {going} personer")
        expect(hold(page)).to_contain_text(f"Norra skolan: {going}")
        mouse = Mouse(page)
        mouse.press(hold(page).get_by_role("button", name="Godkänn"))
        expect(card(page)).to_contain_text(f"Nästa körning skulle ta bort {going} personer")
        held_world.wait_for_tasks()
        assert len(held_by(held_world, "gleerups")) == before
        mouse.press(card(page).get_by_role("button", name=yes))
        expect(page.get_by_role("status")).to_have_text(f"Godkänt. Det skickas till {VENDOR} nu.")
        held_world.wait_for_tasks()
        mouse.press(page.get_by_role("button", name="Uppdatera"))
        expect(hold(page)).to_have_count(0)
    assert len(held_by(held_world, "gleerups")) == before - going


def test_the_panel_is_accessible_and_works_with_the_keyboard(
    browser: Browser, held_world: World, panel: SidePanel
) -> None:
    with visit(browser, panel.url, reduced_motion="reduce") as (page, _):
        page.goto("/")
        assert faults(page) == []
        Keyboard(page).press(hold(page).get_by_role("button", name="Neka"))
        expect(page.get_by_role("status")).to_contain_text("Spärren står kvar.")
        page.get_by_role("link", name="English").click()
        expect(hold(page, "Hold at")).to_contain_text("remains because you said no")


def test_the_card_leads_to_the_page_with_the_hold(
    browser: Browser, held_world: World, panel: SidePanel
) -> None:
    with visit(browser, panel.url) as (page, _):
        page.goto("/")
        with page.context.expect_page() as opened:
            hold(page).get_by_role("link", name="Visa alla").click()
        new = opened.value
        new.get_by_role("button", name="Logga in med Google").click()
        new.get_by_role("button", name=administrator(held_world)).click()
        expect(new.locator("h1")).to_have_text("Spärrar")


def card(page: Page) -> Locator:
    """The panel."""
    return page.get_by_role("main", name="Sidopanel")


def hold(page: Page, title: str = "Spärr hos") -> Locator:
    """The part of the card about what is held at the vendor."""
    return card(page).locator("section", has=page.get_by_role("heading", name=f"{title} {VENDOR}"))


def leavers(world: World) -> int:
    """How many would be removed at the vendor."""
    found = world.store.hold(LedgerKey(world.tenant, "gleerups", "live"))
    assert found is not None
    return len(found.people)

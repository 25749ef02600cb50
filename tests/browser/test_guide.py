"""The first visit can be left at any step, and waits where it was left."""

from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import visit
from tests.browser.input_devices import Mouse
from tests.browser.page_steps import button, headed, organisation, sign_in
from tests.support.world import World

STEPS = "Steg till första leveransen"


def test_who_comes_back_another_day_goes_on_where_she_was(
    browser: Browser, new_world: World
) -> None:
    with visit(browser, new_world.url) as (page, _):
        begin(page, new_world)
        page.goto("/")
        button(page, "Logga ut").click()
        headed(page, "Logga in")
    with visit(browser, new_world.url) as (page, _):
        page.goto("/")
        sign_in(new_world, Mouse(page))
        expect(page.locator("main .lead")).to_contain_text("Nästa steg är skolenheter")
        page.get_by_role("link", name="Fortsätt med skolenheter").click()
        headed(page, "Lägg till skolenheter")


def test_the_guide_can_be_put_away_and_taken_out_again(browser: Browser, new_world: World) -> None:
    with visit(browser, new_world.url) as (page, _):
        begin(page, new_world)
        steps = page.get_by_role("navigation", name=STEPS)
        expect(steps.locator(".step-done")).to_contain_text("Organisation")
        page.goto("/")
        button(page, "Dölj guiden").click()
        expect(page.get_by_text("Guiden är dold")).to_be_visible()
        expect(steps).to_have_count(0)
        page.goto("/installningar")
        button(page, "Visa guiden igen").click()
        expect(steps).to_be_visible()
        expect(steps.locator(".step-done")).to_contain_text("Organisation")


def begin(page: Page, world: World) -> None:
    """The first step."""
    page.goto("/")
    sign_in(world, Mouse(page))
    button(page, "Börja").click()
    headed(page, "Organisation")
    organisation(Mouse(page))
    headed(page, "Lägg till skolenheter")

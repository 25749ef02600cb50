"""A run's story goes on by itself while the run does."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import visit
from tests.browser.input_devices import Mouse
from tests.browser.page_steps import button, sign_in
from tests.support.municipality import held_by, set_up
from tests.support.world import World

TITLE = re.compile(r"^Körningen \d{4}-\d\d-\d\d \d\d:\d\d$")
"""What a run's page is called, which is where asking for one leads once it has begun."""


def test_the_story_goes_on_without_a_reload(browser: Browser, new_world: World) -> None:
    set_up(new_world)
    new_world.vendor("binogi").fail(503, times=4, retry_after=2)
    with visit(browser, new_world.url) as (page, _):
        ask_for_a_run(page, new_world)
        page.evaluate("window.stayed = true")
        wait_for_the_end(page)
        assert page.evaluate("window.stayed") is True
    assert len(held_by(new_world, "gleerups")) > 200


def test_without_javascript_the_story_goes_on_too(browser: Browser, new_world: World) -> None:
    set_up(new_world)
    with visit(browser, new_world.url, java_script_enabled=False) as (page, _):
        ask_for_a_run(page, new_world)
        wait_for_the_end(page)


def test_a_vendors_page_tells_by_itself_when_its_first_run_is_over(
    browser: Browser, new_world: World
) -> None:
    set_up(new_world)
    with visit(browser, new_world.url) as (page, _):
        page.goto("/leverantorer/gleerups/lage/test")
        sign_in(new_world, Mouse(page))
        button(page, "Slå på testläge och kör nu").click()
        expect(page.locator(".lead")).to_contain_text("är inte klar ännu")
        page.evaluate("window.stayed = true")
        expect(page.locator("#pagar")).to_contain_text("Körningen är klar.")
        expect(page.locator(".lead")).to_contain_text("Allt är uppdaterat hos Gleerups")
        expect(page.locator("#leverans")).to_contain_text("Senast något skickades")
        assert page.evaluate("window.stayed") is True


def ask_for_a_run(page: Page, world: World) -> None:
    page.goto("/korningar")
    sign_in(world, Mouse(page))
    button(page, "Kör nu").click()
    expect(page.locator("h1")).to_have_text(TITLE)


def wait_for_the_end(page: Page) -> None:
    story = page.locator("#report")
    expect(story).to_contain_text("Körningen var klar")
    expect(story).to_contain_text("Gleerups: skickat")

"""A run's story goes on by itself while the run does."""

import re

from playwright.sync_api import Browser, expect

from tests.browser.chromium import visit
from tests.browser.hands import Mouse
from tests.browser.town import Town
from tests.browser.way import button, headed, sign_in


def test_the_story_is_followed_to_its_end_without_a_reload(
    browser: Browser, new_town: Town
) -> None:
    new_town.set_up()
    new_town.stage.vendors["binogi"].fail(503, times=4, retry_after=1)
    with visit(browser, new_town.url) as (page, _):
        page.goto("/korningar")
        sign_in(new_town, Mouse(page))
        button(page, "Kör nu").click()
        page.get_by_role("link", name=re.compile("^(Följ den|Se vad som hände)$")).click()
        headed_by_its_time = re.compile(r"^Körningen \d{4}-\d\d-\d\d \d\d:\d\d$")
        expect(page.locator("h1")).to_have_text(headed_by_its_time)
        page.evaluate("window.stayed = true")
        story = page.locator("#story")
        expect(story).to_contain_text("Körningen var klar")
        expect(story).to_contain_text("Gleerups: levererad")
        assert page.evaluate("window.stayed") is True
    assert len(new_town.held("gleerups")) > 200


def test_without_javascript_the_story_is_followed_too(browser: Browser, new_town: Town) -> None:
    new_town.set_up()
    with visit(browser, new_town.url, java_script_enabled=False) as (page, _):
        page.goto("/korningar")
        sign_in(new_town, Mouse(page))
        button(page, "Kör nu").click()
        headed(page, "Körningar")
        new_town.tasks()
        page.goto("/korningar")
        page.locator("main tbody a").first.click()
        expect(page.locator("#story")).to_contain_text("Körningen var klar")

"""A run that would remove a whole school stops, is seen everywhere, and a person decides."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.chromium import visit
from tests.browser.hands import Hands, Keyboard, Mouse
from tests.browser.history import ELSEWHERE, move_north
from tests.browser.states import BAND
from tests.browser.way import button, headed, sign_in, when_ready
from tests.support.browser_town import Town

DECIDE = "Se vilka och bestäm"
REFUSED = "1 spärr står kvar eftersom ni har sagt nej."


@pytest.fixture
def held_town(new_town: Town) -> Town:
    """A town where the organisational unit of Norra skolan has got another name."""
    new_town.set_up()
    new_town.run()
    move_north(new_town)
    new_town.read()
    return new_town


def test_it_stands_on_every_page_until_it_is_let_go(browser: Browser, held_town: Town) -> None:
    before, going = len(held_town.held("gleerups")), leavers(held_town, "gleerups")
    with visit(browser, held_town.url) as (page, _):
        page.goto("/")
        sign_in(held_town, Mouse(page))
        for address in BAND:
            when_ready(page, address)
            expect(band(page, "Gleerups")).to_contain_text(f"{going} personer skulle tas bort")
        decide(Mouse(page), held_town, f"Ja, ta bort {going} personer hos Gleerups")
        expect(band(page, "Gleerups")).to_have_count(0)
        expect(band(page, "Binogi")).to_be_visible()
    assert len(held_town.held("gleerups")) == before - going


def test_the_names_of_those_who_would_go_are_listed(browser: Browser, held_town: Town) -> None:
    with visit(browser, held_town.url) as (page, _):
        page.goto("/sparrar")
        sign_in(held_town, Mouse(page))
        section = page.get_by_role("region", name=re.compile("Gleerups$")).last
        summary = page.locator("section.hold summary").last
        if not summary.locator("xpath=..").get_attribute("open"):
            summary.click()
        said = page.locator("section.hold").last
        expect(section).to_be_visible()
        expect(said).to_contain_text(f"/Elever/{ELSEWHERE}")
        pupils = held_town.stage.domain.users_in(f"/Elever/{ELSEWHERE}")
        names = {str(user["name"].get("fullName")) for user in pupils}
        listed = said.locator("tbody th").all_inner_texts()
        assert listed
        assert set(listed) <= names


def test_who_says_no_keeps_everyone_and_is_reminded(browser: Browser, held_town: Town) -> None:
    before = len(held_town.held("gleerups"))
    with visit(browser, held_town.url) as (page, _):
        page.goto("/")
        sign_in(held_town, Mouse(page))
        decide(Mouse(page), held_town, "Nej, ta inte bort hos Gleerups")
        held_town.run()
        when_ready(page, "/")
        expect(page.locator(".band", has_text=REFUSED)).to_be_visible()
        expect(band(page, "Gleerups")).to_have_count(0)
    assert len(held_town.held("gleerups")) == before


def test_it_is_decided_with_the_keyboard_alone(browser: Browser, held_town: Town) -> None:
    before, going = len(held_town.held("gleerups")), leavers(held_town, "gleerups")
    with visit(browser, held_town.url) as (page, _):
        page.goto("/")
        sign_in(held_town, Keyboard(page))
        decide(Keyboard(page), held_town, f"Ja, ta bort {going} personer hos Gleerups")
    assert len(held_town.held("gleerups")) == before - going


def test_a_mistake_that_is_put_right_leaves_no_hold(browser: Browser, held_town: Town) -> None:
    held_town.stage.domain.rename_org_unit(f"/Elever/{ELSEWHERE}", "Norra skolan")
    held_town.run()
    with visit(browser, held_town.url) as (page, _):
        page.goto("/sparrar")
        sign_in(held_town, Mouse(page))
        expect(page.locator(".lead").first).to_have_text("Inget är spärrat.")
        expect(page.locator(".band")).to_have_count(0)


def decide(hands: Hands, town: Town, what: str) -> None:
    """From the band to the answer, and until that is done."""
    hands.press(hands.page.get_by_role("link", name=DECIDE).first)
    headed(hands.page, "Spärrar")
    hands.press(button(hands.page, what))
    headed(hands.page, "Spärrar")
    town.tasks()
    when_ready(hands.page, "/sparrar")


def band(page: Page, vendor: str) -> Locator:
    """What says on every page that something waits at a vendor."""
    return page.locator(".band", has_text=f"Spärr hos {vendor}.")


def leavers(town: Town, vendor: str) -> int:
    """How many would be removed at a vendor."""
    hold = town.stage.store.hold(town.stage.key(vendor))
    assert hold is not None
    return len(hold.people)

"""An administrator who has never been here gets everything to a vendor, without help."""

from playwright.sync_api import Browser

from tests.browser.chromium import PHONE, visit
from tests.browser.hands import Keyboard, Mouse
from tests.browser.way import to_the_first_delivery
from tests.support.browser_town import Town


def test_from_signing_in_to_a_live_delivery(browser: Browser, new_town: Town) -> None:
    with visit(browser, new_town.url) as (page, _):
        to_the_first_delivery(new_town, Mouse(page))
    see_that_the_vendor_has_everyone(new_town)


def test_the_way_can_be_taken_without_a_mouse(browser: Browser, new_town: Town) -> None:
    with visit(browser, new_town.url) as (page, _):
        to_the_first_delivery(new_town, Keyboard(page))
    see_that_the_vendor_has_everyone(new_town)


def test_the_way_can_be_taken_without_javascript(browser: Browser, new_town: Town) -> None:
    with visit(browser, new_town.url, java_script_enabled=False) as (page, _):
        to_the_first_delivery(new_town, Mouse(page))
    see_that_the_vendor_has_everyone(new_town)


def test_the_way_can_be_taken_on_a_phone(browser: Browser, new_town: Town) -> None:
    with visit(browser, new_town.url, viewport=PHONE, is_mobile=True, has_touch=True) as (page, _):
        to_the_first_delivery(new_town, Mouse(page))
    see_that_the_vendor_has_everyone(new_town)


def see_that_the_vendor_has_everyone(town: Town) -> None:
    assert len(town.held("gleerups")) > 200

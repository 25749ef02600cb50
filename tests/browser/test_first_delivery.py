"""An administrator who has never been here gets everything to a vendor, without help."""

from playwright.sync_api import Browser

from tests.browser.chromium import PHONE, visit
from tests.browser.input_devices import Keyboard, Mouse
from tests.browser.page_steps import to_the_first_delivery
from tests.support.municipality import held_by
from tests.support.world import World


def test_from_signing_in_to_a_live_delivery(browser: Browser, new_world: World) -> None:
    with visit(browser, new_world.url) as (page, _):
        to_the_first_delivery(new_world, Mouse(page))
    assert_vendor_has_everyone(new_world)


def test_the_way_can_be_taken_without_a_mouse(browser: Browser, new_world: World) -> None:
    with visit(browser, new_world.url) as (page, _):
        to_the_first_delivery(new_world, Keyboard(page))
    assert_vendor_has_everyone(new_world)


def test_the_way_can_be_taken_without_javascript(browser: Browser, new_world: World) -> None:
    with visit(browser, new_world.url, java_script_enabled=False) as (page, _):
        to_the_first_delivery(new_world, Mouse(page))
    assert_vendor_has_everyone(new_world)


def test_the_way_can_be_taken_on_a_phone(browser: Browser, new_world: World) -> None:
    with visit(browser, new_world.url, viewport=PHONE, is_mobile=True, has_touch=True) as (page, _):
        to_the_first_delivery(new_world, Mouse(page))
    assert_vendor_has_everyone(new_world)


def assert_vendor_has_everyone(world: World) -> None:
    assert len(held_by(world, "gleerups")) > 200

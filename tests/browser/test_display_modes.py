"""Pages in dark mode, without motion, printed, on a phone, and by keyboard."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import PHONE, visit
from tests.browser.history import some_days
from tests.browser.input_devices import Keyboard, Mouse
from tests.browser.page_steps import sign_in, when_ready
from tests.browser.states import known
from tests.support.municipality import municipality
from tests.support.world import World

PAGES = ("/", "/leverantorer", "/personer", "/installningar", "/skolenheter/{unit}")
LUMINANCE = """() => {
  const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}"""
MOVES = """() => [...document.querySelectorAll("*")].filter((element) => {
  const style = getComputedStyle(element);
  const times = `${style.transitionDuration}, ${style.animationDuration}`.split(", ");
  return times.some((time) => parseFloat(time) > 0.01);
}).map((element) => element.outerHTML.slice(0, 120))"""
SHOWN_CONTROLS = """() => [...document.querySelectorAll(
  "nav :is(a, span), button, .btn, .skip, .site-foot, input:not([type=hidden]), select"
)].filter((element) => element.checkVisibility())
  .map((element) => element.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def used_world(tmp_path_factory):
    """A world after some days of use, which no test changes."""
    with municipality(tmp_path_factory.mktemp("world")) as found:
        some_days(found)
        yield found


def test_the_pages_are_dark_when_the_browser_prefers_dark(
    browser: Browser, used_world: World
) -> None:
    light = {}
    for scheme in ("light", "dark"):
        with visit(browser, used_world.url, color_scheme=scheme) as (page, _):
            page.goto("/")
            sign_in(used_world, Mouse(page))
            light[scheme] = page.evaluate(LUMINANCE)
    assert light["light"] > 0.95
    assert light["dark"] < 0.1


@pytest.mark.parametrize("address", PAGES)
def test_nothing_moves_when_the_browser_prefers_reduced_motion(browser, used_world, address):
    with visit(browser, used_world.url, reduced_motion="reduce") as (page, _):
        page.goto("/")
        sign_in(used_world, Mouse(page))
        when_ready(page, address.format(**known(used_world)))
        assert page.evaluate(MOVES) == []


def test_a_persons_page_is_readable_in_print(browser: Browser, used_world: World) -> None:
    with visit(browser, used_world.url) as (page, _):
        page.goto("/")
        sign_in(used_world, Mouse(page))
        when_ready(page, "/personer/{pupil}".format(**known(used_world)))
        pdf = page.pdf(format="A4")
        assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 3
        page.emulate_media(media="print")
        assert page.evaluate(SHOWN_CONTROLS) == []
        for said in ("Placering", "Hos leverantörerna", "Gleerups", "Vad Skolsynk vet"):
            expect(page.locator("main").get_by_text(said).first).to_be_visible()


@pytest.mark.parametrize("address", ["/", "/personer", "/datakvalitet", "/korningar"])
def test_menu_and_forms_are_not_printed(browser, used_world, address):
    with visit(browser, used_world.url) as (page, _):
        page.goto("/")
        sign_in(used_world, Mouse(page))
        when_ready(page, address)
        page.emulate_media(media="print")
        assert page.evaluate(SHOWN_CONTROLS) == []
        expect(page.locator("main h1")).to_be_visible()


def test_the_menu_opens_and_closes_on_a_phone(browser: Browser, used_world: World) -> None:
    with visit(browser, used_world.url, viewport=PHONE) as (page, _):
        page.goto("/")
        sign_in(used_world, Mouse(page))
        keys = Keyboard(page)
        people = page.get_by_role("link", name="Personer", exact=True)
        expect(people).to_be_hidden()
        keys.press(page.get_by_role("button", name="Meny"))
        expect(people).to_be_visible()
        page.keyboard.press("Escape")
        expect(people).to_be_hidden()
        keys.press(page.get_by_role("button", name="Meny"))
        keys.press(people)
        expect(page).to_have_url(re.compile("/personer$"))


def test_the_first_keyboard_stop_skips_the_menu(browser: Browser, used_world: World) -> None:
    with visit(browser, used_world.url) as (page, _):
        page.goto("/")
        sign_in(used_world, Mouse(page))
        page.goto("/installningar")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Hoppa till innehållet")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()

"""What a first visit weighs, and how the pages keep to a laptop's window."""

import gzip

from playwright.sync_api import APIResponse, Browser, Page

from tests.browser.chromium import visit
from tests.browser.input_devices import Mouse
from tests.browser.page_steps import sign_in, when_ready
from tests.support.world import World

MOST = 150_000
"""Bytes over the wire, of everything that the first page needs."""
PACKED = ("text/", "application/javascript", "image/svg")
"""What App Engine compresses on its way; fonts and other pictures are compressed already."""
LAPTOP = {"width": 1280, "height": 800}
ROWS = 25


def weights(page: Page, address: str) -> dict[str, int]:
    """The bytes of everything that the browser asks for, as it goes over the wire, by address."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="networkidle")
    return {url: _packed(page.request.get(url)) for url in dict.fromkeys(asked)}


def _packed(response: APIResponse) -> int:
    body = response.body()
    kind = response.headers.get("content-type", "")
    return len(gzip.compress(body, 6)) if kind.startswith(PACKED) else len(body)


def test_a_first_visit_weighs_little_and_asks_nobody_else(
    browser: Browser, delivered_world: World
) -> None:
    for address in ("/logga-in", "/hjalp"):
        with visit(browser, delivered_world.url) as (page, _):
            found = weights(page, address)
        assert sum(found.values()) < MOST, found
        assert all(url.startswith(f"{delivered_world.url}/") for url in found)
        assert any(url.endswith(".woff2") for url in found)


def test_the_first_page_after_signing_in_weighs_little_too(
    browser: Browser, delivered_world: World
) -> None:
    for address in ("/", "/personer", "/leverantorer/gleerups"):
        with visit(browser, delivered_world.url) as (page, _):
            page.goto("/logga-in")
            sign_in(delivered_world, Mouse(page))
            session = page.context.new_cdp_session(page)
            session.send("Network.setCacheDisabled", {"cacheDisabled": True})
            found = weights(page, address)
        assert sum(found.values()) < MOST, found


def test_the_table_of_people_shows_25_rows_on_a_laptop(
    browser: Browser, delivered_world: World
) -> None:
    with visit(browser, delivered_world.url, viewport=LAPTOP) as (page, _):
        page.goto("/logga-in")
        sign_in(delivered_world, Mouse(page))
        when_ready(page, "/personer?beslut=sent")
        head, first = page.locator("thead tr"), page.locator("tbody tr").first
        last = page.locator("tbody tr").nth(ROWS - 1)
        top, bottom = head.bounding_box(), last.bounding_box()
        row = first.bounding_box()
        assert top is not None
        assert bottom is not None
        assert row is not None
        assert bottom["y"] + bottom["height"] - top["y"] <= LAPTOP["height"]
        assert row["height"] >= 24  # WCAG 2.2, 2.5.8: target size

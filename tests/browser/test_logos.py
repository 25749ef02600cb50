"""The logos are those of the mark as it is now."""

import base64
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.logos import LOGOS, SIZES, icon

NEXT_TO_NOTHING = 3.0
"""Of 255: how much pixels may differ on average, since browsers draw edges each in its own way."""
DIFFERENCE = """async ([one, other]) => {
  const pixels = async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height).data;
  };
  const [a, b] = [await pixels(one), await pixels(other)];
  if (a.length !== b.length) return 255;
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
}"""


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.new_page()


def difference(page: Page, one: bytes, other: bytes) -> float:
    both = [base64.b64encode(png).decode() for png in (one, other)]
    found: float = page.evaluate(DIFFERENCE, both)
    return found


@pytest.mark.parametrize("pixels", SIZES)
def test_the_icon_is_the_mark(browser: Browser, page: Page, pixels: int) -> None:
    kept = Path(LOGOS / f"icon-{pixels}.png").read_bytes()
    assert difference(page, kept, icon(browser, pixels)) < NEXT_TO_NOTHING, "run make screenshots"


def test_another_mark_would_be_noticed(
    browser: Browser, page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "mark.svg"
    other.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"></svg>')
    monkeypatch.setattr("tests.browser.logos.MARK", other)
    kept = (LOGOS / "icon-128.png").read_bytes()
    assert difference(page, kept, icon(browser, 128)) > NEXT_TO_NOTHING

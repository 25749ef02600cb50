"""What no page may have: faults that axe-core finds, and anything that must be scrolled sideways.

https://github.com/dequelabs/axe-core/blob/develop/doc/rule-descriptions.md
"""

from collections.abc import Iterator
from typing import Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.page_steps import unfold

STANDARD = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")
WIDE, PHONE = (1280, 900), (390, 844)
NARROW, ZOOMED = (320, 640), (640, 450)
"""The narrowest of WCAG 1.4.10 (Reflow), and a wide window at 200 per cent."""

DISPLAY_MODES: tuple[tuple[str, tuple[int, int], Literal["light", "dark"]], ...] = (
    ("wide", WIDE, "light"),
    ("phone, dark", PHONE, "dark"),
)
"""Colours depend on the mode and the layout on the width, so each is checked once."""

RULES = {"runOnly": {"type": "tag", "values": STANDARD}, "resultTypes": ["violations"]}


def faults(page: Page) -> list[str]:
    """Every fault of the page as it is, in a wide window and on a phone, light and dark."""
    found: list[str] = []
    unfold(page)
    page.evaluate(AXE_SCRIPT)
    for mode, size, colours in DISPLAY_MODES:
        _resize(page, size)
        page.emulate_media(color_scheme=colours)
        found += (f"{mode}: {fault}" for fault in _axe(page))
    page.emulate_media(color_scheme="light")
    for size in (NARROW, PHONE, ZOOMED, WIDE):
        _resize(page, size)
        found += (f"{size[0]} px: {fault}" for fault in page.evaluate(SIDEWAYS))
    found += page.evaluate(HIDDEN_COLUMNS)
    return found


def _resize(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})


def _axe(page: Page) -> Iterator[str]:
    result = page.evaluate("options => axe.run(document, options)", RULES)
    for violation in result["violations"]:
        for node in violation["nodes"]:
            why = (node["any"] or node["all"] or node["none"] or [{"message": ""}])[0]["message"]
            yield f"{violation['id']} at {node['target']}: {why} {node['html'][:160]}"


SIDEWAYS = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const scrolls = (element) => {
    for (let up = element.parentElement; up; up = up.parentElement)
      if (getComputedStyle(up).overflowX !== "visible") return true;
    return false;
  };
  const wide = [...document.body.querySelectorAll("*")].filter((element) =>
    element.getBoundingClientRect().right > root.clientWidth + 0.5 && !scrolls(element));
  const told = wide.slice(-3).map((element) => element.outerHTML.slice(0, 160));
  return [`it is ${root.scrollWidth} wide because of ${told.join(" ")}`];
}"""
"""Whether the page is wider than its window, and what makes it so."""
HIDDEN_COLUMNS = """() => [...document.querySelectorAll(".table-region:not(.table-region-tall)")]
  .filter((region) => region.scrollWidth > region.clientWidth + 1)
  .map((region) => `the last column of ${region.ariaLabel} must be scrolled to`)"""
"""The tables that are wider than the page; that of vendors may have any number of columns."""

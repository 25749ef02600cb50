"""What no page may have: faults that axe-core finds, and anything that must be scrolled sideways.

https://github.com/dequelabs/axe-core/blob/develop/doc/rule-descriptions.md
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.page_steps import unfold

STANDARD = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")
WIDE, PHONE = (1280, 900), (390, 844)
NARROW, ZOOMED = (320, 640), (640, 450)
"""The narrowest of WCAG 1.4.10 (Reflow), and a wide window at 200 per cent."""


class Look(NamedTuple):
    """A way in which a page is looked at."""

    name: str
    size: tuple[int, int]
    colours: Literal["light", "dark"] = "light"
    forced: Literal["active", "none"] = "none"
    text: str = "100%"


TWO_LOOKS = (Look("phone, dark", PHONE, "dark"), Look("wide", WIDE))
"""Colours depend on the mode and the layout on the width, so each is checked once."""
FIVE_LOOKS = (
    *TWO_LOOKS,
    Look("320 px", NARROW),
    Look("text of 200 per cent", WIDE, text="200%"),
    Look("forced colours", WIDE, "dark", "active"),
)

RULES = {"runOnly": {"type": "tag", "values": STANDARD}, "resultTypes": ["violations"]}


def faults(page: Page, looks: Sequence[Look] = TWO_LOOKS) -> list[str]:
    """Every fault of the page as it is, in each of the looks, and at each width.

    The last of `looks` is wide, and so is the page afterwards.
    """
    found: list[str] = []
    unfold(page)
    page.evaluate(AXE_SCRIPT)
    for size in (NARROW, ZOOMED):
        _resize(page, size)
        found += (f"{size[0]} px: {fault}" for fault in page.evaluate(SIDEWAYS))
    for look in looks:
        _resize(page, look.size)
        page.emulate_media(color_scheme=look.colours, forced_colors=look.forced)
        page.evaluate(TEXT_SIZE, look.text)
        told = (*_axe(page, look.forced == "active"), *page.evaluate(SIDEWAYS))
        found += (f"{look.name}: {fault}" for fault in told)
    page.evaluate(TEXT_SIZE, "100%")
    page.emulate_media(color_scheme="light", forced_colors="active")
    found += (f"forced colours: {fault}" for fault in page.evaluate(UNSEEN_CHOICES))
    page.emulate_media(forced_colors="none")
    found += page.evaluate(HIDDEN_COLUMNS)
    return found


def _resize(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})


def _axe(page: Page, forced: bool) -> Iterator[str]:
    # Forced colours are the reader's own, and axe-core does not see them.
    rules = RULES | {"rules": {"color-contrast": {"enabled": not forced}}}
    result = page.evaluate("options => axe.run(document, options)", rules)
    for violation in result["violations"]:
        for node in violation["nodes"]:
            why = (node["any"] or node["all"] or node["none"] or [{"message": ""}])[0]["message"]
            yield f"{violation['id']} at {node['target']}: {why} {node['html'][:160]}"


TEXT_SIZE = "(size) => { document.documentElement.style.fontSize = size; }"
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

UNSEEN_CHOICES = """() => [...document.querySelectorAll("input:is([type=checkbox], [type=radio])")]
  .filter((box) => box.checked && box.checkVisibility())
  .filter((box) => {
    const style = getComputedStyle(box);
    const drawn = style.appearance !== "none" && style.appearance !== "";
    const apart = style.forcedColorAdjust === "none" && style.backgroundColor !==
      getComputedStyle(document.body).backgroundColor;
    return !drawn && !apart;
  })
  .map((box) => `a choice cannot be seen: ${box.outerHTML.slice(0, 120)}`)"""
"""The ticks and radios that a browser with forced colours does not draw."""

"""What a person uses on the pages: a mouse, or the keyboard alone."""

from typing import Protocol

from playwright.sync_api import Locator, Page, expect

MOST_TABS = 400


class InputDevice(Protocol):
    """What a person does to a page."""

    page: Page

    def press(self, where: Locator) -> None:
        """Follows a link or presses a button."""

    def tick(self, where: Locator) -> None:
        """Ticks a box that is not ticked."""

    def untick(self, where: Locator) -> None:
        """Takes away a tick."""

    def choose(self, where: Locator, text: str) -> None:
        """Chooses an option of a list by its text."""

    def write(self, where: Locator, text: str) -> None:
        """Writes something in a field in place of what is there."""


class Mouse:
    """Clicks."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, where: Locator) -> None:
        where.click()

    def tick(self, where: Locator) -> None:
        where.check()

    def untick(self, where: Locator) -> None:
        where.uncheck()

    def choose(self, where: Locator, text: str) -> None:
        where.select_option(label=text)

    def write(self, where: Locator, text: str) -> None:
        where.fill(text)


class Keyboard:
    """Tab, Enter and Space only; every stop on the way must be seen to have the focus."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.stops = 0

    def press(self, where: Locator) -> None:
        self._go_to(where)
        self.page.keyboard.press("Enter")

    def tick(self, where: Locator) -> None:
        self._go_to(where)
        if not where.is_checked():
            self.page.keyboard.press("Space")

    def untick(self, where: Locator) -> None:
        self._go_to(where)
        if where.is_checked():
            self.page.keyboard.press("Space")

    def choose(self, where: Locator, text: str) -> None:
        self._go_to(where)
        self.page.keyboard.type(text)
        expect(where.locator("option:checked")).to_have_text(text)

    def write(self, where: Locator, text: str) -> None:
        self._go_to(where)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def _go_to(self, where: Locator) -> None:
        expect(where).to_be_visible()
        wanted = where.element_handle()
        assert wanted is not None
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            self.stops += 1
            if self.page.evaluate("wanted => document.activeElement === wanted", wanted):
                assert self.page.evaluate(SHOWS_FOCUS), f"nobody sees the focus on {where}"
                return
        raise AssertionError(f"the keyboard cannot reach {where}")


SHOWS_FOCUS = """() => {
  const stop = document.activeElement;
  const shows = (element) => {
    const style = getComputedStyle(element);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return outlined || style.boxShadow !== "none";
  };
  return shows(stop) || (stop.labels && [...stop.labels].some(shows));
}"""

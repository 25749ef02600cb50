"""The whole way: from signing in to a vendor's live environment, whoever's hands take it."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.hands import Hands
from tests.support.browser_town import Town

VENDOR = "Gleerups"
MOST_TRIES = 100
MOMENT = 10.0
"""Seconds; a second wish for a run that comes sooner is taken for the first one pressed twice."""


def sign_in(town: Town, hands: Hands, email: str | None = None) -> None:
    """From wherever signing in is asked for, to the page that was asked for."""
    hands.press(button(hands.page, "Logga in med Google"))
    hands.press(hands.page.get_by_role("button", name=email or town.administrator))
    expect(hands.page.locator(".site-org")).to_be_visible()


def to_the_first_delivery(town: Town, hands: Hands) -> None:
    """Everything from the first visit to a live delivery to one vendor, saying yes throughout."""
    page = hands.page
    page.goto("/")
    sign_in(town, hands)
    headed(page, "Välkommen")
    hands.press(button(page, "Börja"))
    headed(page, "Organisation")
    organisation(hands)
    headed(page, "Lägg till skolenheter")
    hands.press(button(page, "Lägg till de valda"))
    town.tasks()
    headed(page, "Förslag")
    hands.press(button(page, "Godta de förkryssade").last)
    headed(page, "Leverantörer", "Förslag", "Skyddade personuppgifter")
    if heading(page) == "Skyddade personuppgifter":
        hands.press(button(page, "Spara"))
        town.tasks()
        headed(page, "Leverantörer", "Förslag")
    if heading(page) == "Förslag":  # something is left to say yes to, or no
        steps = page.get_by_role("navigation", name="Steg till första leveransen")
        hands.press(steps.get_by_role("link", name="Leverantörer"))
        headed(page, "Leverantörer")
    boxes = page.get_by_role("checkbox", name=f"till {VENDOR}")
    for box in boxes.all():
        hands.tick(box)
    hands.press(button(page, "Spara"))
    headed(page, "Förhandsgranska")
    hands.press(page.get_by_role("link", name="Nästa steg: testläge"))
    turn_on(town, hands, "Testläge", "testläge")
    hands.press(page.get_by_role("link", name="Skarpt läge").first)
    turn_on(town, hands, "Skarpt läge", "skarpt läge")


def organisation(hands: Hands) -> None:
    """The organisation as the register has it, or written where it does not know."""
    page = hands.page
    for label, text in (("Namn", "Storköpings kommun"), ("Organisationsnummer", "212000-9999")):
        field = page.get_by_label(label, exact=False).first
        if not field.input_value():
            hands.write(field, text)
    hands.press(button(page, "Spara"))


def turn_on(town: Town, hands: Hands, title: str, mode: str) -> None:
    """From the step's page through the question with the numbers, until all is delivered."""
    page = hands.page
    headed(page, title)
    hands.press(page.get_by_role("link", name=f"Slå på {mode} för {VENDOR}"))
    headed(page, f"{title} för {VENDOR}")
    town.later(MOMENT)
    hands.press(button(page, f"Slå på {mode} och kör nu"))
    headed(page, VENDOR)
    town.tasks()
    page.reload()
    expect(page.locator(".lead")).to_contain_text(f"{VENDOR} är aktuell")


def button(page: Page, name: str) -> Locator:
    """A button by what is on it."""
    return page.get_by_role("button", name=name)


def heading(page: Page) -> str:
    """What the page is called."""
    return page.locator("h1").inner_text()


def headed(page: Page, *titles: str) -> None:
    """Waits for a page with one of these titles, past those that say to wait."""
    any_of = re.compile("^(" + "|".join(map(re.escape, titles)) + ")$")
    expect(page.locator("h1")).to_have_text(any_of)


def when_ready(page: Page, address: str, until_gone: str = "Underlaget räknas om") -> None:
    """Goes to a page, again for as long as it says (a regular expression) that what it needs is
    being made, and stays there.
    """
    for _ in range(MOST_TRIES):
        page.goto(address)
        if not page.get_by_text(re.compile(until_gone)).count():
            page.evaluate("window.stop()")  # those that look again by themselves
            return
    raise AssertionError(f"{address} never became ready")

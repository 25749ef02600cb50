"""Steps on the pages, from signing in to a vendor's live environment, by any input device."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.input_devices import InputDevice
from tests.support.municipality import administrator
from tests.support.world import World

VENDOR = "Gleerups"
MOST_TRIES = 100
MOST_ACCEPTED = 5
"""How many times proposals are accepted at most."""
MOMENT = 10.0
"""Seconds; a second request for a run that comes sooner counts as a double press of the first."""


def sign_in(world: World, device: InputDevice, email: str | None = None) -> None:
    """From wherever signing in is asked for, to the page that was asked for."""
    device.press(button(device.page, "Logga in med Google"))
    device.press(device.page.get_by_role("button", name=email or administrator(world)))
    expect(device.page.locator(".site-org")).to_be_visible()


def to_the_first_delivery(world: World, device: InputDevice) -> None:
    """Everything from the first visit to a live delivery to one vendor, saying yes throughout."""
    page = device.page
    page.goto("/")
    sign_in(world, device)
    headed(page, "Välkommen")
    device.press(button(page, "Börja"))
    headed(page, "Organisation")
    organisation(device)
    headed(page, "Lägg till skolenheter")
    device.press(button(page, "Lägg till de valda"))
    world.wait_for_tasks()
    accept_proposals(world, device)
    boxes = page.get_by_role("checkbox", name=f"till {VENDOR}")
    for box in boxes.all():
        device.tick(box)
    device.press(button(page, "Spara"))
    headed(page, "Förhandsgranska")
    device.press(page.get_by_role("link", name="Nästa steg: testläge"))
    turn_on(world, device, "Testläge", "testläge")
    device.press(page.get_by_role("link", name="Skarpt läge").first)
    turn_on(world, device, "Skarpt läge", "skarpt läge")


def accept_proposals(world: World, device: InputDevice) -> None:
    """From the proposals to the vendors, accepting first the sure ones and then the likely ones."""
    page = device.page
    headed(page, "Förslag")
    accept = page.get_by_role("button", name=re.compile("^Godta"))
    for _ in range(MOST_ACCEPTED):
        if heading(page) != "Förslag" or not accept.count():
            break
        said = accept.first.inner_text()
        device.press(accept.first)
        expect(page.get_by_role("button", name=said)).to_have_count(0)
        headed(page, "Leverantörer", "Förslag", "Skyddade personuppgifter")
        if heading(page) == "Skyddade personuppgifter":
            device.press(button(page, "Spara"))
            world.wait_for_tasks()
            headed(page, "Leverantörer", "Förslag")
    if heading(page) == "Förslag":
        steps = page.get_by_role("navigation", name="Steg till första leveransen")
        device.press(steps.get_by_role("link", name="Leverantörer"))
        headed(page, "Leverantörer")


def organisation(device: InputDevice) -> None:
    """The organisation as the register has it, or written where it does not know."""
    page = device.page
    for label, text in (("Namn", "Storköpings kommun"), ("Organisationsnummer", "212000-9999")):
        field = page.get_by_label(label, exact=False).first
        if not field.input_value():
            device.write(field, text)
    device.press(button(page, "Spara"))


def turn_on(world: World, device: InputDevice, title: str, mode: str) -> None:
    """From the step's page through the question with the numbers, until all is delivered."""
    page = device.page
    headed(page, title)
    device.press(page.get_by_role("link", name=f"Slå på {mode} för {VENDOR}"))
    headed(page, f"{title} för {VENDOR}")
    world.clock.advance(MOMENT)
    device.press(button(page, f"Slå på {mode} och kör nu"))
    headed(page, VENDOR)
    world.wait_for_tasks()
    page.reload()
    expect(page.locator(".lead")).to_contain_text(f"Allt är uppdaterat hos {VENDOR}")


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


def unfold(page: Page) -> None:
    """Opens the sections of the page that are folded behind their headings."""
    page.evaluate(
        "for (const fold of document.querySelectorAll('.fold > details')) fold.open = true"
    )


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

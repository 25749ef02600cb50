"""Ten tasks of an administrator's year, each from the first page and from its name alone.

Each function does one task with an input device, and ends when it is seen to be done.
"""

import re
from collections.abc import Callable, Mapping

from playwright.sync_api import Locator, Page, expect

from addon.sandbox.municipality.irregularities import PROTECTED_GROUP
from tests.browser.history import DAY, ELSEWHERE, NORTH, SOUTH, move_north, refuse_two
from tests.browser.input_devices import InputDevice
from tests.browser.page_steps import button, headed
from tests.support.municipality import (
    document_of,
    read_directory,
    save_document,
    set_up,
    student,
    sync_now,
    today_in_sweden,
)
from tests.support.world import World

NEW_SCHOOLS = ("Storköpings gymnasium", "Ekens anpassade grundskola", "Vuxenutbildningen")
"""The schools that do not go to Binogi when the year begins."""
REFUSED = "Lövdahl"


class Counted:
    """An input device that counts: a press, a tick, and a field that is written in are one each."""

    def __init__(self, device: InputDevice) -> None:
        self._device = device
        self.page = device.page
        self.clicks = 0

    def press(self, where: Locator) -> None:
        self.clicks += 1
        self._device.press(where)

    def tick(self, where: Locator) -> None:
        self.clicks += 1
        self._device.tick(where)

    def untick(self, where: Locator) -> None:
        """Takes away a tick."""
        self.clicks += 1
        self._device.untick(where)

    def choose(self, where: Locator, text: str) -> None:
        """Chooses an option of a list by its text."""
        self.clicks += 1
        self._device.choose(where, text)

    def write(self, where: Locator, text: str) -> None:
        self.clicks += 1
        self._device.write(where, text)


Task = Callable[[World, Counted], None]


def summer(world: World) -> None:
    """The last day of a pause, in which a whole school has been moved to where nothing reaches."""
    world.domain.move_people(SOUTH, f"/{ELSEWHERE}")
    read_directory(world)
    today = str(today_in_sweden(world))
    save_document(
        world, {**document_of(world), "schedule": {"pause": {"from": today, "until": today}}}
    )


def autumn(world: World) -> None:
    """The pause is over and the school is back; somebody moves another one, and a run holds."""
    world.domain.move_people(f"/{ELSEWHERE}", SOUTH)
    save_document(world, {**document_of(world), "schedule": {}})
    sync_now(world)
    move_north(world)
    read_directory(world)


def begin_the_year(world: World) -> None:
    """Two vendors, of which one has two schools; two pupils refused, and a class renamed."""
    set_up(world)
    document = document_of(world)
    document["connections"][0]["schoolUnits"] = ["99991000", "99991001"]
    save_document(world, document)
    sync_now(world)
    world.clock.advance(DAY)
    refuse_two(world)
    read_directory(world)


def why_no_account(world: World, device: Counted) -> None:
    """Find why a pupil has no account."""
    search(device, "Frans")
    device.press(hit(device.page, "Frans"))
    expect(device.page.locator(".lead")).to_contain_text("skickas inte till någon. Anledning:")
    expect(device.page.get_by_role("link", name="Öppna kontot i Googles Admin")).to_be_visible()


def leave_a_class_out(world: World, device: Counted) -> None:
    """Leave one class out."""
    page = device.page
    search(device, "7A Norra")
    device.press(hit(page, "7A"))
    device.untick(page.get_by_label("Med bland klasserna på Norra skolan"))
    device.tick(page.get_by_label(re.compile("^Jag har sett")))
    device.press(button(page, "Spara"))
    expect(page.get_by_text("Undantagen för 7A är sparade.")).to_be_visible()


def add_a_vendor(world: World, device: Counted) -> None:
    """Add a vendor to three schools."""
    page = device.page
    device.press(menu(page, "Leverantörer"))
    for name in NEW_SCHOOLS:
        device.tick(page.get_by_role("checkbox", name=f"{name} till Binogi"))
    device.press(button(page, "Spara"))
    headed(page, "Innan du sparar")
    device.press(button(page, "Spara"))
    headed(page, "Leverantörer")
    assert len(document_of(world)["connections"][0]["schoolUnits"]) == 5


def answer_a_hold(world: World, device: Counted) -> None:
    """Answer a hold."""
    page = device.page
    device.press(page.get_by_role("link", name="Se vilka och bestäm").first)
    headed(page, "Spärrar")
    yes = re.compile("^Ja, ta bort .* hos Binogi och Gleerups")
    device.press(page.get_by_role("button", name=yes))
    expect(page.get_by_text(re.compile("^Godkänt")).first).to_be_visible()


def find_what_was_refused(world: World, device: Counted) -> None:
    """Find out what a vendor refused."""
    page = device.page
    device.press(page.get_by_role("link", name="Se vilka och vad du kan göra").first)
    section = page.get_by_role("region", name="Det som Gleerups inte tog emot")
    expect(section).to_contain_text(f"Sixten {REFUSED}")


def give_the_excerpt(world: World, device: Counted) -> None:
    """Give a parent the excerpt of what is kept of their child."""
    page = device.page
    pupil = student(world, f"{NORTH}/5A")["name"]
    search(device, f"{pupil['givenName']} {pupil['familyName']}")
    device.press(page.locator(".hits a").first)
    device.press(page.get_by_role("link", name="Gör ett utdrag att skriva ut"))
    expect(page.get_by_text("Utdrag gjort")).to_be_visible()


def protect_a_pupil(world: World, device: Counted) -> None:
    """Protect a pupil."""
    page, pupil = device.page, student(world, f"{NORTH}/6A")
    search(device, pupil["name"]["fullName"])
    device.press(page.locator(".hits a").first)
    device.press(page.get_by_role("link", name="Så skyddar du en person"))
    section = page.get_by_role("region", name="Skydda en person")
    group = section.get_by_role("link", name=PROTECTED_GROUP)
    expect(group).to_have_attribute("href", re.compile("^https://admin.google.com/ac/groups/"))
    device.clicks += 1  # which opens Google's page, where the account is put into the group


def approve_the_term(world: World, device: Counted) -> None:
    """Approve the start of term in advance."""
    page = device.page
    device.press(page.get_by_role("link", name=re.compile("^Se vad den första körningen")))
    headed(page, "Inför terminsstart")
    device.press(page.get_by_role("button", name=re.compile("^Godkänn att .* hos Gleerups")))
    expect(page.get_by_text("Godkänt i förväg av").first).to_be_visible()


def what_a_run_did(world: World, device: Counted) -> None:
    """Find what a run did to a school."""
    page = device.page
    device.press(menu(page, "Körningar"))
    device.press(page.get_by_role("row", name=re.compile("Delvis misslyckad")).get_by_role("link"))
    section = page.get_by_role("region", name="Vilka det gällde").first
    device.choose(section.get_by_label("Skolenhet", exact=True), "Norra skolan")
    device.press(section.get_by_role("button", name="Visa"))
    expect(section.get_by_role("row", name=re.compile(f"^Sixten {REFUSED}")).first).to_be_visible()


def teachers_letter(world: World, device: Counted) -> None:
    """Give the teachers' letter."""
    page = device.page
    device.press(page.get_by_role("main").get_by_role("link", name="Binogi").first)
    device.press(page.get_by_role("link", name="Hämta texten"))
    headed(page, "Brev till lärarna om Binogi")


TASKS: Mapping[str, Task] = {
    "find why a pupil has no account": why_no_account,
    "find out what a vendor refused": find_what_was_refused,
    "give a parent the excerpt": give_the_excerpt,
    "give the teachers' letter": teachers_letter,
    "find what a run did to a school": what_a_run_did,
    "leave one class out": leave_a_class_out,
    "add a vendor to three schools": add_a_vendor,
    "protect a pupil": protect_a_pupil,
    "approve the start of term in advance": approve_the_term,
    "answer a hold (at two vendors)": answer_a_hold,
}
"""The tasks by their names in docs/pages.md, in the order in which they are done."""
BEFORE: Mapping[str, tuple[Callable[[World], None], str]] = {
    "approve the start of term in advance": (summer, "/terminsstart"),
    "answer a hold (at two vendors)": (autumn, "/sparrar"),
}
"""What happens in the municipality before a task, and the page that is then computed anew."""


def search(device: Counted, text: str) -> None:
    """Searches in the head of the page."""
    device.write(device.page.locator("#sok-allt"), text)
    device.press(device.page.get_by_role("search").get_by_role("button", name="Sök"))
    headed(device.page, "Sök")


def hit(page: Page, name: str) -> Locator:
    """What the search found of this very name."""
    return page.locator(".hits").get_by_role("link", name=name, exact=True)


def menu(page: Page, name: str) -> Locator:
    """A link of the menu."""
    return page.get_by_role("navigation", name="Huvudmeny").get_by_role("link", name=name)

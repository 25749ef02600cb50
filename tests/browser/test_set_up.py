"""From installing to a test delivery, on domains of different habits, in few clicks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from playwright.sync_api import Browser, Locator, Page

from addon.roster.select import select
from addon.sandbox.documents import tenant_document
from addon.tenants.model import Tenant
from tests.browser.chromium import visit
from tests.browser.input_devices import Mouse
from tests.browser.page_steps import (
    VENDOR,
    accept_proposals,
    button,
    headed,
    sign_in,
    turn_on,
)
from tests.proposals.library import STRUCTURES, load
from tests.support.municipality import in_a_thread, municipality
from tests.support.structure_domain import NUMBER, structure_world
from tests.support.world import World

MOST_CLICKS = 25
SANDBOX, LAYERED, INDEPENDENT = "Storköpings kommun", "kommun_i_lager", "friskola_en_enhet"


class CountingMouse(Mouse):
    """A mouse that counts its clicks, and what is typed."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.clicks = 0
        self.typed: list[str] = []

    def press(self, where: Locator) -> None:
        self.clicks += 1
        super().press(where)

    def tick(self, where: Locator) -> None:
        self.clicks += not where.is_checked()
        super().tick(where)

    def write(self, where: Locator, text: str) -> None:
        self.clicks += 1
        self.typed.append(text)
        super().write(where, text)


class Newcomer(NamedTuple):
    """A world to set up: the organiser's name and number, and who should be sent, by address."""

    world: World
    organisation: str
    number: str
    right: set[str]


@contextmanager
def newcomer(folder: Path, name: str) -> Iterator[Newcomer]:
    """The sandbox municipality or a structure, where nobody has been."""
    if name == SANDBOX:
        with municipality(folder, others=True) as world:
            right = in_a_thread(lambda: by_the_right_document(world))
            yield Newcomer(world, SANDBOX, "212000-9999", right)
        return
    structure = load(STRUCTURES / name)
    with structure_world(folder, structure) as world:
        address = {user.id: user.primary_email for user in structure.snapshot.users}
        ids = {id for each in structure.truth.values() for id in each.students | each.staff}
        right = {address[id] for id in ids}
        number = f"{NUMBER[:6]}-{NUMBER[6:]}"
        yield Newcomer(world, structure.tenant.organisation.name, number, right)


def by_the_right_document(world: World) -> set[str]:
    """The addresses of those whom the sandbox's right document sends."""
    tenant = msgspec.convert(tenant_document(world.domain), Tenant)
    with world.sync_context() as context:
        snapshot = context.read_directory(tenant)
    sent = select(tenant, snapshot).people
    return {user.primary_email for user in snapshot.users if user.id in sent}


@pytest.mark.parametrize(("name", "units"), [(SANDBOX, 11), (LAYERED, 12), (INDEPENDENT, 1)])
def test_a_newcomer_sends_the_right_people_after_few_clicks_and_no_pattern(
    browser: Browser, tmp_path: Path, name: str, units: int
) -> None:
    with (
        newcomer(tmp_path, name) as (world, organisation, number, right),
        visit(browser, world.url) as (page, _),
    ):
        device = CountingMouse(page)
        to_a_test_delivery(world, device, organisation, number)
        assert device.clicks < MOST_CLICKS
        assert set(device.typed) <= {organisation, number}
        assert len(world.stored_document()["schoolUnits"]) == units
        assert sent_to_test(world) - set(world.accounts) == right


def to_a_test_delivery(world: World, device: CountingMouse, organisation: str, number: str) -> None:
    """From the first visit to a delivery to a vendor's test environment, saying yes throughout."""
    page = device.page
    page.goto("/")
    sign_in(world, device)
    device.press(button(page, "Börja"))
    headed(page, "Organisation")
    for label, text in (("Namn", organisation), ("Organisationsnummer", number)):
        field = page.get_by_label(label, exact=False).first
        if not field.input_value():
            device.write(field, text)
    device.press(button(page, "Spara"))
    headed(page, "Lägg till skolenheter")
    device.press(button(page, "Lägg till de valda"))
    world.wait_for_tasks()
    accept_proposals(world, device)
    device.press(button(page, f"Alla till {VENDOR}"))
    device.press(button(page, "Spara"))
    headed(page, "Förhandsgranska")
    device.press(page.get_by_role("link", name="Nästa steg: testläge"))
    turn_on(world, device, "Testläge", "testläge")


def sent_to_test(world: World) -> set[str]:
    """The addresses of the people whom the vendor's test environment holds."""
    people = world.vendor("gleerups", "test").resources()["User"]
    return {str(each["userName"]) for each in people}

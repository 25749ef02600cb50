"""What is shown when something is wrong can be read and used by everyone, too."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import visit
from tests.browser.input_devices import Mouse
from tests.browser.inspection import faults
from tests.browser.page_steps import button, sign_in, unfold, when_ready
from tests.browser.states import SIGNED_OUT
from tests.support.municipality import (
    colleague,
    municipality,
    read_directory,
    set_up,
    sync_now,
)
from tests.support.world import World


class Mistake(NamedTuple):
    """A form filled in wrong: fields by their id, the button, and what the page says to that."""

    address: str
    fields: dict[str, str]
    button: str
    said: str


MISTAKES = (
    Mistake("/organisation", {"name": "", "number": "12"}, "Spara", "tio siffror"),
    Mistake(
        "/installningar",
        {"from": "2027-08-09", "until": "2027-06-15"},
        "Spara pausen",
        "Pausen slutar innan den börjar.",
    ),
    Mistake("/installningar", {"email": "ingen"}, "Spara aviseringarna", "ingen e-postadress"),
    Mistake(
        "/installningar",
        {"administrators": "annan@edu.storkoping.se"},
        "Spara administratörerna",
        "din egen adress",
    ),
    Mistake("/leverantorer/gleerups", {"deletions": "många"}, "Spara", "Inget är sparat ännu"),
)
ERRORS = {"/finns-inte": "Sidan finns inte", "/katalog/las": "Sidan kan inte användas så här"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A municipality that is set up and delivered, where nothing that is wrong is saved."""
    with municipality(tmp_path_factory.mktemp("world")) as world:
        set_up(world)
        sync_now(world)
        read_directory(world)
        yield world


@pytest.fixture
def page(browser: Browser, world: World) -> Iterator[Page]:
    """An administrator's window, in which errors are expected."""
    with visit(browser, world.url, reduced_motion="reduce") as (found, watch):
        for status in (400, 403, 404, 405, 500):
            watch.allow(status)
        found.goto("/logga-in")
        sign_in(world, Mouse(found))
        yield found


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.button)
def test_a_form_that_is_filled_in_wrong(page, mistake):
    when_ready(page, mistake.address)
    unfold(page)
    for field, text in mistake.fields.items():
        page.locator(f"#{field}").fill(text)
    button(page, mistake.button).last.click()
    expect(page.get_by_role("alert")).to_contain_text("Inget är sparat ännu")
    expect(page.locator("main")).to_contain_text(mistake.said)
    assert_no_faults(page)


def test_what_is_wrong_leads_to_its_field(page):
    when_ready(page, "/organisation")
    page.locator("#number").fill("12")
    button(page, "Spara").click()
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.locator("#number")).to_be_focused()


def test_a_file_that_cannot_be_imported(page, tmp_path):
    file = tmp_path / "fel.json"
    file.write_text('{"customerId": 1, "schoolUnits": [{}]}')
    when_ready(page, "/installningar/dokument")
    page.locator("#file").set_input_files(file)
    button(page, "Kontrollera filen").click()
    expect(page.get_by_role("alert")).to_contain_text("Inget har ändrats.")
    assert_no_faults(page)


def test_a_register_that_cannot_be_read(page, tmp_path):
    file = tmp_path / "fel.csv"
    file.write_text("a,b\n1,2\n")
    when_ready(page, "/skolenheter/sok")
    page.get_by_text("Ladda upp registret som en fil").click()
    page.locator("#file").set_input_files(file)
    button(page, "Ladda upp").click()
    expect(page.get_by_role("alert")).to_contain_text("Filen kunde inte läsas")
    assert_no_faults(page)


@pytest.mark.parametrize("address", ERRORS)
def test_an_address_that_leads_nowhere(page, address):
    page.goto(address)
    expect(page.locator("h1")).to_have_text(ERRORS[address])
    assert_no_faults(page)


def test_a_form_that_is_too_old(page):
    page.goto("/organisation")
    page.evaluate("document.querySelectorAll('[name=csrf_token]').forEach((e) => e.remove())")
    button(page, "Spara").click()
    expect(page.locator("h1")).to_have_text("Sidan hade varit öppen för länge")
    assert_no_faults(page)


def test_a_fault_of_ours(page, world, monkeypatch):
    monkeypatch.setattr(world.services, "directories", None)
    page.goto("/personer")
    expect(page.locator("h1")).to_have_text("Något gick fel")
    assert_no_faults(page)


@pytest.mark.parametrize("address", SIGNED_OUT)
def test_those_who_have_not_signed_in(browser, world, address):
    with visit(browser, world.url, reduced_motion="reduce") as (page, watch):
        watch.allow(400)
        page.goto(address)
        assert_no_faults(page)


def test_those_who_may_not_come_in(browser, world):
    with visit(browser, world.url, reduced_motion="reduce") as (page, watch):
        watch.allow(403)
        page.goto("/logga-in")
        button(page, "Logga in med Google").click()
        page.get_by_role("button", name=colleague(world)).click()
        expect(page.locator("h1")).to_have_text("Du har inte tillgång till Skolsynk")
        assert_no_faults(page)


def assert_no_faults(page: Page) -> None:
    """Nothing that axe-core finds, and nothing too wide."""
    found = faults(page)
    assert not found, "\n".join(found)

"""Two administrators save the same form: one is told, and nothing is lost silently."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import visit
from tests.browser.input_devices import Mouse
from tests.browser.page_steps import button, sign_in
from tests.support.municipality import administrator, colleague, document_of, save_document
from tests.support.world import World

FORM = "/installningar"
FIELD = "Adresser, en på varje rad"
SAVE = "Spara aviseringarna"
HERS, HIS = "it@storkoping.se", "jour@storkoping.se"


@pytest.fixture
def shared_world(new_world: World) -> World:
    """A world with two administrators."""
    both = [administrator(new_world), colleague(new_world)]
    save_document(new_world, {**document_of(new_world), "administrators": both})
    return new_world


def test_the_slower_administrator_sees_what_happened_and_keeps_what_was_typed(
    browser: Browser, shared_world: World
) -> None:
    with (
        visit(browser, shared_world.url) as (hers, _),
        visit(browser, shared_world.url) as (his, watch),
    ):
        watch.allow(409)
        for page, who in ((hers, administrator(shared_world)), (his, colleague(shared_world))):
            page.goto(FORM)
            sign_in(shared_world, Mouse(page), who)
        save(hers, HERS)
        expect(hers.get_by_text("Aviseringarna är sparade.")).to_be_visible()
        save(his, HIS)
        told = his.get_by_role("alert")
        expect(told).to_contain_text("Någon annan har sparat under tiden")
        expect(told).to_contain_text(HERS)
        expect(his.get_by_label(FIELD)).to_have_value(HIS)
        assert addresses(shared_world) == [HERS]
        save(his, f"{HERS}\n{HIS}")
        expect(his.get_by_text("Aviseringarna är sparade.")).to_be_visible()
    assert addresses(shared_world) == [HERS, HIS]


def save(page: Page, text: str) -> None:
    page.get_by_label(FIELD).fill(text)
    button(page, SAVE).click()


def addresses(world: World) -> object:
    return document_of(world).get("notices", {}).get("email")

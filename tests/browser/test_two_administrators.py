"""Two administrators save the same form: one is told, and nothing is lost silently."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import visit
from tests.browser.hands import Mouse
from tests.browser.way import button, sign_in
from tests.support.browser_town import Town

FORM = "/installningar"
FIELD = "Adresser, en på varje rad"
SAVE = "Spara aviseringarna"
HERS, HIS = "it@storkoping.se", "jour@storkoping.se"


@pytest.fixture
def shared_town(new_town: Town) -> Town:
    """A town with two administrators."""
    both = [new_town.administrator, new_town.colleague]
    new_town.save({**new_town.document(), "administrators": both})
    return new_town


def test_who_is_slower_is_told_what_happened_and_keeps_what_was_typed(
    browser: Browser, shared_town: Town
) -> None:
    with (
        visit(browser, shared_town.url) as (hers, _),
        visit(browser, shared_town.url) as (his, watch),
    ):
        watch.allow(409)
        for page, who in ((hers, shared_town.administrator), (his, shared_town.colleague)):
            page.goto(FORM)
            sign_in(shared_town, Mouse(page), who)
        save(hers, HERS)
        expect(hers.get_by_text("Aviseringarna är sparade.")).to_be_visible()
        save(his, HIS)
        told = his.get_by_role("alert")
        expect(told).to_contain_text("Någon annan har sparat under tiden")
        expect(told).to_contain_text(HERS)
        expect(his.get_by_label(FIELD)).to_have_value(HIS)
        assert addresses(shared_town) == [HERS]
        save(his, f"{HERS}\n{HIS}")
        expect(his.get_by_text("Aviseringarna är sparade.")).to_be_visible()
    assert addresses(shared_town) == [HERS, HIS]


def save(page: Page, text: str) -> None:
    page.get_by_label(FIELD).fill(text)
    button(page, SAVE).click()


def addresses(town: Town) -> object:
    return town.document().get("notices", {}).get("email")

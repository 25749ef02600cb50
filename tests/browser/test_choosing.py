"""What a choice does is seen beside it at once, before anything is saved."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.chromium import visit
from tests.browser.input_devices import Mouse
from tests.browser.page_steps import button, headed, sign_in, when_ready
from tests.support.municipality import NORTH, read_directory, set_up
from tests.support.world import World

UNIT = "/skolenheter/99991000"
STUDENTS = f"Elever i {NORTH}"
ACTION, DANGER = "rgb(11, 93, 84)", "rgb(179, 38, 30)"
"""The colours of buttons in light mode: `--action-ground`, `--remove-ground`."""


def open_signed_in(world: World, page: Page, path: str) -> None:
    page.goto("/")
    sign_in(world, Mouse(page))
    when_ready(page, path)


def test_a_tick_shows_whom_it_reaches_and_what_the_vendors_lose(
    browser: Browser, delivered_world: World
) -> None:
    with visit(browser, delivered_world.url) as (page, _):
        open_signed_in(delivered_world, page, f"{UNIT}/urval")
        outcome = page.locator("#utfall")
        students = outcome.locator(".number").first
        before = students.inner_text()
        assert int(before) > 50
        page.get_by_label(STUDENTS, exact=True).uncheck()
        expect(students).to_have_text("0")
        expect(outcome).to_contain_text("personer tas bort hos Gleerups vid nästa körning")
        page.get_by_label(STUDENTS, exact=True).check()
        expect(students).to_have_text(before)


def test_a_save_that_removes_looks_like_danger_and_only_such_a_save(
    browser: Browser, delivered_world: World
) -> None:
    with visit(browser, delivered_world.url) as (page, _):
        open_signed_in(delivered_world, page, f"{UNIT}/urval")
        save = page.get_by_role("button", name="Spara urvalet")
        expect(save).to_have_css("background-color", ACTION)
        page.get_by_label(STUDENTS, exact=True).uncheck()
        expect(save).to_have_css("background-color", DANGER)
        page.get_by_label(STUDENTS, exact=True).check()
        expect(save).to_have_css("background-color", ACTION)


def test_what_is_below_a_ticked_place_cannot_be_ticked_too(
    browser: Browser, delivered_world: World
) -> None:
    with visit(browser, delivered_world.url) as (page, _):
        open_signed_in(delivered_world, page, f"{UNIT}/urval")
        below = page.locator(f'input[name="students-ou"][value^="{NORTH}/"]').first
        expect(below).to_be_disabled()
        page.get_by_label(STUDENTS, exact=True).uncheck()
        expect(below).to_be_enabled()


@pytest.fixture
def opened(
    browser: Browser, delivered_world: World, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Page]:
    """The selection where the tree is so large that what is closed comes when it is opened."""
    monkeypatch.setattr("addon.web.presenters.org_unit_tree.WHOLE", 0)
    with visit(browser, delivered_world.url) as (page, _):
        open_signed_in(delivered_world, page, f"{UNIT}/urval")
        yield page


def test_what_comes_when_it_is_opened_goes_by_what_is_ticked_now(opened: Page) -> None:
    students = opened.get_by_label(STUDENTS, exact=True)
    item = opened.locator("li", has=students).last
    below = item.locator('input[name="students-ou"]').nth(1)
    students.uncheck()
    item.locator("summary").first.click()
    expect(below).to_be_enabled()
    expect(item.locator(".included").first).to_be_hidden()
    students.check()
    expect(below).to_be_disabled()
    expect(item.locator(".included").first).to_be_visible()


def test_what_is_in_the_whole_organisation_cannot_be_ticked_too(opened: Page) -> None:
    whole = opened.get_by_label("Elever i /", exact=True)
    students = opened.get_by_label(STUDENTS, exact=True)
    whole.check()
    expect(students).to_be_disabled()
    whole.uncheck()
    expect(students).to_be_enabled()


def test_a_filter_is_built_and_its_outcome_follows_each_field(
    browser: Browser, new_world: World
) -> None:
    set_up(new_world)
    read_directory(new_world)
    with visit(browser, new_world.url) as (page, _):
        open_signed_in(new_world, page, f"{UNIT}/urval")
        staff = page.locator("#utfall-staff").locator("xpath=..")
        number = page.locator("#utfall .number").last
        everyone = number.inner_text()
        page.locator("#staff-filter").click()
        page.locator("#staff-f0-c0-attribute").select_option("name.familyName")
        page.locator("#staff-f0-c0-operator").select_option("isEmpty")
        expect(staff).to_contain_text(f"{everyone} uppfyller inte filtret")
        stopped = staff.locator(".matches li").first.text_content() or ""
        page.locator("#staff-f0-c0-operator").select_option("in")
        field = page.locator("#staff-f0-c0-value")
        expect(field).to_have_js_property("tagName", "TEXTAREA")
        field.fill(f"{stopped.split()[-1]}\nIngenalls")
        expect(number).to_have_text(re.compile(r"^[1-9]$"))
        page.locator("#staff-f0-c0-bort").click()
        expect(page.locator("#staff-f0-c0-value")).to_have_count(0)
        expect(number).to_have_text(everyone)
        button(page, "Spara urvalet").click()
        headed(page, "Norra skolan")


def test_what_is_typed_while_an_answer_is_on_its_way_stays(
    browser: Browser, delivered_world: World
) -> None:
    with visit(browser, delivered_world.url) as (page, _):
        open_signed_in(delivered_world, page, f"{UNIT}/urval")
        button(page, "Lägg till ett filter").first.click()
        value = page.locator("#students-f0-c0-value")
        expect(value).to_be_visible()
        waiting: list[Route] = []
        page.route(f"**{UNIT}/urval", lambda route: waiting.append(route), times=1)
        page.locator("#students-f0-c0-operator").select_option("startsWith")
        while not waiting:
            page.wait_for_timeout(50)
        value.fill("norra")
        waiting[0].continue_()
        page.wait_for_timeout(2500)
        expect(value).to_have_value("norra")
        expect(page.locator("#students-f0-c0-operator")).to_have_value("startsWith")


def test_a_pattern_that_is_written_is_chosen_and_its_outcome_shown(
    browser: Browser, delivered_world: World
) -> None:
    with visit(browser, delivered_world.url) as (page, _):
        open_signed_in(delivered_world, page, f"{UNIT}/klasser")
        page.get_by_text("Skriv ett eget reguljärt uttryck").click()
        page.get_by_label("Reguljärt uttryck", exact=True).fill("(?P<name>[0-9]A)$")
        expect(page.get_by_label("Ett eget reguljärt uttryck")).to_be_checked()
        expect(page.locator("#utfall")).to_contain_text("klasser")
        page.get_by_label("Reguljärt uttryck", exact=True).fill("(?P<name>[0-9")
        expect(page.locator("#utfall")).to_contain_text("går inte att läsa")


@pytest.mark.parametrize("script", [True, False])
def test_a_large_tree_gives_what_is_below_a_node_when_it_is_opened(
    browser: Browser, delivered_world: World, monkeypatch: pytest.MonkeyPatch, script: bool
) -> None:
    monkeypatch.setattr("addon.web.presenters.org_unit_tree.WHOLE", 0)
    with visit(browser, delivered_world.url, java_script_enabled=script) as (page, _):
        open_signed_in(delivered_world, page, f"{UNIT}/urval")
        page.get_by_label(STUDENTS, exact=True).uncheck()
        page.locator("summary", has_text="Norra skolan").first.click()
        if not script:
            button(page, "under Norra skolan").click()
            expect(page.get_by_label(STUDENTS, exact=True)).not_to_be_checked()
        below = page.locator(f'input[name="students-ou"][value^="{NORTH}/"]').first
        expect(below).to_be_visible()


def test_a_person_is_left_out_with_a_tick_and_let_in_again(
    browser: Browser, delivered_world: World
) -> None:
    with visit(browser, delivered_world.url) as (page, _):
        open_signed_in(delivered_world, page, f"{UNIT}/urval")
        outcome, students = page.locator("#utfall"), page.locator("#utfall .number").first
        before = students.inner_text()
        outcome.get_by_text("som väljs, med namn").first.click()
        boxes = outcome.locator('input[name="students-except-user"]')
        name = boxes.first.get_attribute("aria-label") or ""
        boxes.first.check()
        expect(students).to_have_text(str(int(before) - 1))
        expect(outcome).to_contain_text("1 person är undantagen")
        expect(outcome).to_contain_text("1 person tas bort hos Gleerups vid nästa körning.")
        expect(boxes.nth(1)).to_be_visible()  # the list of names is still open
        page.get_by_label(name, exact=True).uncheck()
        expect(students).to_have_text(before)
        expect(outcome).not_to_contain_text("är undantagen")


def test_a_class_is_left_out_with_a_tick_and_let_in_again(
    browser: Browser, delivered_world: World
) -> None:
    with visit(browser, delivered_world.url) as (page, _):
        open_signed_in(delivered_world, page, f"{UNIT}/klasser")
        outcome, classes = page.locator("#utfall"), page.locator("#utfall .number").first
        before = classes.inner_text()
        page.get_by_label("Undanta 7A", exact=True).check()
        expect(classes).to_have_text(str(int(before) - 1))
        expect(outcome).to_contain_text("1 klass undantagen:")
        expect(outcome).to_contain_text("1 klass tas bort hos Gleerups vid nästa körning.")
        page.get_by_label("Inga klasser", exact=True).check()
        expect(outcome).to_contain_text("Inga klasser skickas.")
        page.locator("#rule-1").check()
        expect(outcome).to_contain_text("1 klass undantagen:")
        page.get_by_label("Undanta 7A", exact=True).uncheck()
        expect(classes).to_have_text(before)

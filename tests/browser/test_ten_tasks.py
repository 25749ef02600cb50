"""Ten tasks of an administrator's year, by mouse in counted clicks and by the keyboard alone.

docs/pages.md has the numbers.
"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import visit
from tests.browser.input_devices import InputDevice, Keyboard, Mouse
from tests.browser.page_steps import sign_in, when_ready
from tests.browser.ten_tasks import BEFORE, TASKS, Counted, begin_the_year
from tests.support.world import World

PAGES = Path(__file__).resolve().parent.parent.parent / "docs" / "pages.md"
ROW = re.compile(r"^\| ([^|]+?) \| ([^|]+?) \| (\d+) \|$", re.MULTILINE)


@pytest.mark.parametrize("kind", [Mouse, Keyboard])
def test_each_is_done_from_the_first_page_in_the_documented_number_of_clicks(
    browser: Browser, new_world: World, kind: type[InputDevice]
) -> None:
    begin_the_year(new_world)
    clicks = {}
    with visit(browser, new_world.url) as (page, _):
        page.goto("/")
        sign_in(new_world, kind(page))
        for name, task in TASKS.items():
            if name in BEFORE:
                prepare, computed = BEFORE[name]
                prepare(new_world)
                when_ready(page, computed)
            when_ready(page, "/")
            device = Counted(kind(page))
            task(new_world, device)
            clicks[name] = device.clicks
    assert clicks == documented()


def documented() -> dict[str, int]:
    """The clicks of each task by the table in docs/pages.md."""
    return {name: int(clicks) for name, _before, clicks in ROW.findall(PAGES.read_text())}

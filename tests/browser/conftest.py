"""A browser for all of these tests, a town for each; without a browser they are skipped.

Playwright keeps an event loop running in the thread that began it, and where one runs no other
can be. So the browser ends with the last test of this folder, and whatever of Skolsynk's own has
a loop is done in another thread (`town.apart`).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium, is_required, missing
from tests.support.browser_town import Town, town


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium."""
    if why := missing():
        (pytest.fail if is_required() else pytest.skip)(why)
    with chromium() as found:
        yield found


@pytest.fixture
def new_town(tmp_path: Path) -> Iterator[Town]:
    """A town whose administrator has never signed in."""
    with town(tmp_path) as found:
        yield found


@pytest.fixture(scope="package")
def old_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town where everything is set up and delivered, and nothing is changed by the tests."""
    with town(tmp_path_factory.mktemp("town")) as found:
        found.set_up()
        found.run()
        found.read()
        yield found

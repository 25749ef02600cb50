"""A browser for all of these tests, a world for each; without a browser they are skipped.

Playwright keeps an event loop running in the thread that began it, and where one runs no other
can be. So the browser ends with the last test of this folder, and whatever of Skolsynk's own has
a loop is done in another thread (`municipality.in_a_thread`).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium, is_required, missing
from tests.support.municipality import municipality, read_directory, set_up, sync_now
from tests.support.world import World


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium."""
    if why := missing():
        (pytest.fail if is_required() else pytest.skip)(why)
    with chromium() as found:
        yield found


@pytest.fixture
def new_world(tmp_path: Path) -> Iterator[World]:
    """A municipality whose administrator has never signed in."""
    with municipality(tmp_path) as world:
        yield world


@pytest.fixture(scope="package")
def delivered_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A municipality that is set up and delivered; tests change nothing in it."""
    with municipality(tmp_path_factory.mktemp("world")) as world:
        set_up(world)
        sync_now(world)
        read_directory(world)
        yield world

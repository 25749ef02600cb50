"""Every page, in every state of a tenant, is accessible and has no script faults.

`make test-long` looks at each in five ways, `make test` in two of them.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from addon import create_app
from addon.settings import Settings
from tests.browser.addresses import NOT_PAGES, PAGES, rules
from tests.browser.chromium import Watch, visit
from tests.browser.input_devices import Mouse
from tests.browser.inspection import FIVE_LOOKS, TWO_LOOKS, faults
from tests.browser.page_steps import sign_in, when_ready
from tests.browser.states import STATES, known
from tests.support.municipality import municipality
from tests.support.world import World

CASES = [(name, address) for name, state in STATES.items() for address in state.addresses]


class OpenedState(NamedTuple):
    """A municipality in a state, and a page on which an administrator has signed in."""

    world: World
    page: Page
    watch: Watch


class StatePages:
    """The state that was opened last; those before it are closed."""

    def __init__(self, browser: Browser, folders: pytest.TempPathFactory) -> None:
        self._browser = browser
        self._folders = folders
        self._open = ExitStack()
        self._now: tuple[str, OpenedState] | None = None

    def open(self, state: str) -> OpenedState:
        """Return a municipality in this state, with an administrator signed in."""
        if self._now is None or self._now[0] != state:
            self.close()
            self._now = state, self._prepare(state)
        return self._now[1]

    def close(self) -> None:
        self._now = None
        self._open.close()

    def _prepare(self, state: str) -> OpenedState:
        world = self._open.enter_context(municipality(self._folders.mktemp("world")))
        STATES[state].prepare(world)
        # Without motion, since colours that are still turning dark are neither.
        seen = visit(self._browser, world.url, reduced_motion="reduce")
        page, watch = self._open.enter_context(seen)
        page.goto("/logga-in")
        sign_in(world, Mouse(page))
        return OpenedState(world, page, watch)


@pytest.fixture(scope="module")
def state_pages(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StatePages]:
    found = StatePages(browser, tmp_path_factory)
    yield found
    found.close()


def test_every_page_is_on_the_list(tmp_path):
    app = create_app(Settings.from_environ({"SKOLSYNK_STORE": f"sqlite:///{tmp_path / 'x.db'}"}))
    assert rules(app) == {*PAGES, *NOT_PAGES}


@pytest.mark.parametrize(("state", "address"), CASES)
def test_the_page_has_no_accessibility_or_script_faults(request, state_pages, state, address):
    opened = state_pages.open(state)
    when_ready(opened.page, address.format(**known(opened.world)))
    looks = FIVE_LOOKS if request.config.getoption("--hypothesis-profile") == "long" else TWO_LOOKS
    found = faults(opened.page, looks)
    assert not found, "\n".join(found)
    said, opened.watch.faults[:] = list(opened.watch.faults), []
    assert said == []

"""Takes the pictures in docs/screenshots and marketplace: `make screenshots`.

A municipality of 1,200 pupils a Monday morning in November, after two weeks of runs. Whatever the
day really is, the pictures come out the same, but for what the browser's fonts make of them.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from playwright.sync_api import Browser, FloatRect, Page

from addon.settings import ROOT
from tests.browser.chromium import chromium, missing, visit
from tests.browser.history import MORNING, move_north, since_the_run, two_weeks
from tests.browser.input_devices import Mouse
from tests.browser.logos import make
from tests.browser.page_steps import sign_in, when_ready
from tests.browser.png import smaller
from tests.browser.states import chosen, known
from tests.support.municipality import municipality, read_directory
from tests.support.side_panel import side_panel
from tests.support.world import World

FOLDER = ROOT / "docs" / "screenshots"
LISTING = ROOT / "marketplace" / "screenshots"
LISTING_SIZE = (1280, 800)
"""Pixels of a listing's pictures, as Google asks for them; five at most."""
WIDTH, HIGHEST, LOWEST = 1280, 1600, 600
PHONE = {"width": 390, "height": 844}
PANEL = {"width": 820, "height": 700}
LARGEST = 200_000
"""Bytes of a picture; of a page that takes more, less is shown."""
STUDENTS, STAFF = 1200, 160
BEING_MADE = "Underlaget räknas om|Antalen räknas fram|Katalogen läses"
"""What a page says that is not whole yet."""
A_WHILE = 12 * 60.0
"""Seconds from the last run until somebody looks."""


class Picture(NamedTuple):
    """A picture's name, and the page that it is of."""

    name: str
    address: str


PICTURES = (
    Picture("oversikt", "/"),
    Picture("skolenheter", "/skolenheter"),
    Picture("skolenhet", "/skolenheter/{unit}"),
    Picture("urval", "/skolenheter/{unit}/urval"),
    Picture("klasser", "/skolenheter/{unit}/klasser"),
    Picture("leverantorer", "/leverantorer"),
    Picture("leverantor", "/leverantorer/gleerups"),
    Picture("personer", "/personer"),
    Picture("person", "/personer/{pupil}"),
    Picture("datakvalitet", "/datakvalitet"),
    Picture("korningar", "/korningar"),
    Picture("korning", "/korningar/{run}"),
    Picture("installningar", "/installningar"),
)


def main() -> int:
    """Takes them all, and says where they are."""
    if why := missing():
        print(why, file=sys.stderr)
        return 1
    for folder in (FOLDER, LISTING):
        folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser, long_sessions():
        make(browser)
        with large_municipality() as world:
            settled(world, browser)
        with large_municipality() as world:
            proposed(world, browser)
    return 0


def settled(world: World, browser: Browser) -> None:
    """Everyday pages, what the next run would do, and a school whose OU got another name."""
    two_weeks(world)
    world.clock.advance(A_WHILE)
    read_directory(world)
    with signed_in(world, browser) as page:
        when_ready(page, "/skolenheter", BEING_MADE)  # the overview counts when the units are there
        for picture in PICTURES:
            take(world, page, picture)
        for picture in (Picture("1-oversikt", "/"), Picture("4-datakvalitet", "/datakvalitet")):
            take_for_listing(world, page, picture)
        page.emulate_media(color_scheme="dark")
        take(world, page, Picture("oversikt-mork", "/"))
    with signed_in(world, browser, viewport=PHONE, is_mobile=True, device_scale_factor=2) as page:
        take(world, page, Picture("oversikt-mobil", "/"))
    since_the_run(world)
    world.clock.advance(A_WHILE)
    read_directory(world)
    with signed_in(world, browser) as page:
        take(world, page, Picture("forhandsgranska", "/forhandsgranska"))
        take_for_listing(world, page, Picture("3-forhandsgranska", "/forhandsgranska"))
    move_north(world)
    world.clock.advance(A_WHILE)
    read_directory(world)
    with signed_in(world, browser) as page:
        take(world, page, Picture("sparrar", "/sparrar"))
        take_for_listing(world, page, Picture("5-sparrar", "/sparrar"))
    take_card(world, browser)


def proposed(world: World, browser: Browser) -> None:
    """The page of the first visit that does most of the work."""
    world.clock.set(MORNING)
    chosen(world)
    with signed_in(world, browser) as page:
        take(world, page, Picture("forslag", "/forslag"))
        take_for_listing(world, page, Picture("2-forslag", "/forslag"))


def take_card(world: World, browser: Browser) -> None:
    """Takes the picture of the card in Gmail's side panel."""
    with side_panel(world) as panel, visit(browser, panel.url, viewport=PANEL) as (page, _):
        page.goto("/")
        path = FOLDER / "kort.png"
        path.write_bytes(smaller(page.screenshot(animations="disabled")))
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1000} kB", flush=True)


def take(world: World, page: Page, picture: Picture) -> None:
    """Takes one picture."""
    when_ready(page, picture.address.format(**known(world)), BEING_MADE)
    whole = page.evaluate("document.documentElement.scrollHeight")
    path = FOLDER / f"{picture.name}.png"
    for height in range(min(whole, HIGHEST), LOWEST, -50):
        path.write_bytes(shot(page, height))
        if path.stat().st_size <= LARGEST:
            print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1000} kB", flush=True)
            return
    raise SystemExit(f"{path} is too large")


def take_for_listing(world: World, page: Page, picture: Picture) -> None:
    """Takes the uppermost part of a page, as the listing shows it."""
    when_ready(page, picture.address.format(**known(world)), BEING_MADE)
    path = LISTING / f"{picture.name}.png"
    path.write_bytes(shot(page, LISTING_SIZE[1]))
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1000} kB", flush=True)


def shot(page: Page, height: int) -> bytes:
    """The uppermost part of the page, so high."""
    width = (page.viewport_size or PHONE)["width"]
    clip: FloatRect = {"x": 0, "y": 0, "width": width, "height": height}
    return smaller(page.screenshot(full_page=True, clip=clip, animations="disabled"))


@contextmanager
def large_municipality() -> Iterator[World]:
    """A larger municipality, in a folder that is removed afterwards."""
    with (
        tempfile.TemporaryDirectory() as folder,
        municipality(Path(folder), STUDENTS, STAFF, others=True) as world,
    ):
        yield world


@contextmanager
def long_sessions() -> Iterator[None]:
    """Accept sign-ins from another day, before or after that of the pictures."""
    with mock.patch("addon.web.security.auth.age", return_value=0.0):
        yield


@contextmanager
def signed_in(world: World, browser: Browser, **options: object) -> Iterator[Page]:
    """An administrator's window; the provider signs people in at the time that it really is."""
    options = {"viewport": {"width": WIDTH, "height": 900}, "reduced_motion": "reduce", **options}
    with visit(browser, world.url, **options) as (page, _):
        with world.clock.real_time():
            page.goto("/logga-in")
            sign_in(world, Mouse(page))
        yield page


if __name__ == "__main__":
    sys.exit(main())

"""Makes the logos of the Marketplace listing and of the add-on from static/skolsynk.svg.

`make screenshots` runs it with the pictures; alone: `python -m tests.browser.logos`.
"""

import sys
from pathlib import Path

from playwright.sync_api import Browser

from addon.settings import ROOT
from tests.browser.chromium import chromium, missing
from tests.browser.png import smaller

MARK = ROOT / "static" / "skolsynk.svg"
LOGOS = ROOT / "marketplace" / "logos"
SIZES = (32, 48, 96, 128)
"""Pixels of the icons that Google asks for: 32 and 128, and for a web app 48 and 96 too."""
BANNER = (220, 140)
IN_THE_SIDE_PANEL = ROOT / "static" / "logo-128.png"
"""What deployment.json names; the same as the icon of that size."""
ICON = "<style>body{{margin:0}}svg{{display:block;width:{size}px;height:{size}px}}</style>{mark}"
CARD = """<style>
body {{ margin: 0; width: 220px; height: 140px; display: flex; align-items: center; gap: 14px;
  justify-content: center; background: #0b4a43; color: #fff; letter-spacing: -0.02em;
  font: 700 26px "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif; }}
svg {{ width: 52px; height: 52px; border-radius: 11px; box-shadow: 0 0 0 2px #fff; }}
</style>{mark}<span>Skolsynk</span>"""


def icon(browser: Browser, size: int) -> bytes:
    """The mark, so many pixels wide and high, on nothing."""
    return picture(browser, ICON.format(size=size, mark=MARK.read_text()), (size, size))


def picture(browser: Browser, markup: str, size: tuple[int, int]) -> bytes:
    """What the markup looks like in a window of that size."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    try:
        page.set_content(f"<!doctype html>{markup}")
        return smaller(page.screenshot(omit_background=True))
    finally:
        page.close()


def make(browser: Browser) -> list[Path]:
    """Write all logos, and return where they are."""
    LOGOS.mkdir(parents=True, exist_ok=True)
    made = {LOGOS / f"icon-{size}.png": icon(browser, size) for size in SIZES}
    made[IN_THE_SIDE_PANEL] = made[LOGOS / "icon-128.png"]
    made[LOGOS / "banner.png"] = picture(browser, CARD.format(mark=MARK.read_text()), BANNER)
    for path, png in made.items():
        path.write_bytes(png)
    return list(made)


def main() -> int:
    """Make them, and say where they are."""
    if why := missing():
        print(why, file=sys.stderr)
        return 1
    with chromium() as browser:
        for path in make(browser):
            print(f"{path.relative_to(ROOT)}  {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())

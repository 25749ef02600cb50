"""The system's own Chromium, driven by Playwright, and a watch on what it must never do."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

REQUIRED = "SKOLSYNK_REQUIRE_BROWSER"
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
HOW = "run tests/browser/install.sh, or on Debian `sudo apt-get install chromium-headless-shell`"
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--font-render-hinting=none",
)
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
PATIENCE = 15_000
"""Milliseconds that a test waits for something to be on a page."""
POLICY = """
document.addEventListener("securitypolicyviolation", (event) => {
  const what = `${event.blockedURI} (${event.effectiveDirective})`;
  console.error(`the content security policy refused ${what}`);
});
"""


def found() -> str | None:
    """Where the browser is, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def missing() -> str | None:
    """Why there can be no browser tests here and what to do about it, or None."""
    return None if found() else f"there is no Chromium: {HOW}"


def is_required() -> bool:
    """Whether a missing browser is a failure."""
    return bool(os.environ.get(REQUIRED))


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, until the block ends."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found(), args=list(OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


class Watch:
    """What went wrong in a context's pages. `faults` must be empty when a test ends.

    `host` is the application's host and port: the sign-in provider's pages are not ours.
    """

    def __init__(self, context: BrowserContext, host: str) -> None:
        self.faults: list[str] = []
        self._host = host
        self._allowed: set[int] = set()
        context.on("console", self._said)
        context.on("weberror", lambda error: self.faults.append(f"script: {error.error}"))
        context.on("request", self._asked)

    def allow(self, status: int) -> None:
        """Expects pages with this status, which Chromium reports as errors."""
        self._allowed.add(status)

    def _said(self, message: ConsoleMessage) -> None:
        where = message.location.get("url", "")
        if message.type not in ("error", "warning") or urlsplit(where).netloc not in (
            "",
            self._host,
        ):
            return
        if any(f"with a status of {status}" in message.text for status in self._allowed):
            return
        self.faults.append(f"console {message.type} at {where}: {message.text}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            self.faults.append(f"asked {request.url}")


@contextmanager
def visit(browser: Browser, url: str, **options: Any) -> Iterator[tuple[Page, Watch]]:
    """A page of a browser that has been nowhere yet; faults that it has by the end are raised."""
    options = {"viewport": WIDE, "locale": "sv-SE", "timezone_id": "Europe/Stockholm", **options}
    context = browser.new_context(base_url=url, **options)
    try:
        context.set_default_timeout(PATIENCE)
        context.add_init_script(POLICY)
        watch = Watch(context, urlsplit(url).netloc)
        yield context.new_page(), watch
        assert watch.faults == []
    finally:
        context.close()

"""A real browser: the Chromium of this machine, without a window and without anything it does in the background."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.waiting import eventually

MISSING = "there is no Chromium on this machine; install it: apt-get install -y chromium"
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DRAWN = """
!document.querySelector(".loading-container") &&
[...document.querySelectorAll("[data-figure]:not([data-later]) .chart")]
  .every((chart) => chart.querySelector(".main-svg") || chart.classList.contains("empty"))
"""


def executable() -> str | None:
    """The path of Chromium or Chrome; None if neither is installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser with a new, empty profile. As root, Chromium only runs without its sandbox."""
    options = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), headless=True, args=options)
        try:
            yield browser
        finally:
            browser.close()


def complaints(page: Page) -> list[str]:
    """A list that fills with the errors in the console of a page."""
    found: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def open_page(page: Page, address: str) -> None:
    """Open a page and wait until each of its charts is drawn, or says why it is not."""
    page.goto(address)
    # Playwright's own waiting for a condition evaluates text, which the policy of the pages forbids.
    eventually(lambda: page.evaluate(DRAWN), within_s=30, every_s=0.1)

"""A real browser on the real stack: Debian's chromium, driven by Playwright.

Where there is none the tests are skipped, except in CI, where they fail. Each test looks through a `Window`, which
minds what no page may do: raise an error, break the page's own policy, or ask any other machine for anything.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright

from dev.home import CHECKOUT
from tests.acceptance.browser.window import DESKTOP, Window
from tests.acceptance.stacks import Stack

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# No sandbox: tests run as root in containers. The rest keeps the browser from calling its maker.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
PICTURES = CHECKOUT / ".local" / "screenshots"
PATIENCE_MS = 20_000


def find_chromium() -> str:
    """Where the browser is; skips, or in CI fails, when there is none."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    reason = "no Chromium on this machine: apt-get install chromium"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    executable = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


NewWindow = Callable[..., Window]


@pytest.fixture
def new_window(browser: Browser, house: Stack, request: pytest.FixtureRequest) -> Iterator[NewWindow]:
    """Opens a window of its own, with no cookie and no memory; its screenshots are named after the test."""
    opened: list[tuple[Window, list[str]]] = []
    pictures = PICTURES / request.node.name.removeprefix("test_").partition("[")[0]

    def open_window(size: tuple[int, int] = DESKTOP, *, dark: bool = False, touch: bool = False) -> Window:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light",
            has_touch=touch, locale="en-GB", timezone_id="UTC", reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        faults = watch(page, house)
        opened.append((Window(page, house.url, pictures), faults))
        return opened[-1][0]

    yield open_window
    for window, faults in opened:
        window.page.context.close()
        assert [] == [fault for fault in faults if not any(word in fault for word in window.expected)]


def watch(page: Page, house: Stack) -> list[str]:
    """What goes wrong in a page, as it happens."""
    faults: list[str] = []
    settings = house.running.settings
    ours = {urlsplit(settings[name]).netloc for name in ("PUBLIC_URL", "CLERK_ISSUER", "SUPABASE_URL", "STRIPE_URL")}

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            faults.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

    def on_error(error: Error) -> None:
        faults.append(f"exception: {error}")

    def on_request(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.netloc not in ours:
            faults.append(f"request to another machine: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", on_error)
    page.on("request", on_request)
    return faults


@pytest.fixture(scope="session")
def samples() -> Path:
    """The pictures that come with the project."""
    return CHECKOUT / "samples"

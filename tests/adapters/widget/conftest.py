"""The widget in a real browser. Needs Chromium; in CI it must be there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Callable, Iterator, Optional

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.adapters.widget.chat import Chat

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@pytest.fixture(scope="module")  # and not longer: while it runs, asyncio.run() is not to be had
def launch() -> Iterator[Callable[..., Browser]]:
    """Start a browser; it ends with the module."""
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium on this machine (Debian: apt install chromium)")
    started: list[Browser] = []
    with sync_playwright() as playwright:

        def start(**options: Any) -> Browser:
            started.append(playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, **options))
            return started[-1]

        yield start
        for each in started:
            each.close()


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser]) -> Browser:
    return launch()


@pytest.fixture
def context_of(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make a context, which is a browser of its own: nothing is shared with another."""
    made: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        made.append(browser.new_context(**{"viewport": {"width": 390, "height": 844}, **options}))
        return made[-1]

    yield make
    for context in made:
        context.close()


@pytest.fixture
def chat_of(context_of, server) -> Callable[..., Chat]:
    """Make a page of the shared server, or of another address, in a context of its own or in a given one."""

    def make(context: Optional[BrowserContext] = None, address: Optional[str] = None, **options: Any) -> Chat:
        return Chat((context or context_of(**options)).new_page(), address or str(server.http.base_url).rstrip("/"))

    return make


@pytest.fixture
def chat(chat_of) -> Iterator[Chat]:
    """A page with a conversation that has begun; its scripts must not have thrown, nor asked for what the policy forbids."""
    opened = chat_of().open()
    yield opened
    assert opened.faults == []


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go, to be looked at: `SIJBOT_SCREENSHOTS`, or a temporary folder."""
    folder = Path(os.environ.get("SIJBOT_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder

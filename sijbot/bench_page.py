"""Benchmark of the page: how long a slow phone waits until one can type."""

from __future__ import annotations

import gzip
import shutil
import statistics
from importlib.util import find_spec
from pathlib import Path
from typing import Iterator

from sijbot.settings import ROOT

LOADS = 7
SLOW_NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 1.6e6 / 8}  # ms, bytes a second
CPU_SLOWER = 4
MARK = "performance.getEntriesByName('si-joint-chat')"  # made when the message box takes text


def page_figures(base: str) -> Iterator[str]:
    """Yield one line per figure of the page at an address; one that says why, where it cannot be measured."""
    yield f"widget: {sum(map(_packed_bytes, (ROOT / 'widget').iterdir()))} bytes gzip in all; page around it: {sum(map(_packed_bytes, (ROOT / 'page').iterdir()))}"
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        yield "page ready on a slow phone: not measured, no Chromium here"
        return
    if find_spec("playwright") is None:
        yield "page ready on a slow phone: not measured; `make test` installs what drives a browser"
        return
    times = sorted(_ready_times_ms(base, chromium))
    yield f"page ready at {CPU_SLOWER} times slower CPU, 1.6 Mbit/s, 150 ms, nothing cached: median {statistics.median(times):.0f} ms, worst of {LOADS} {times[-1]:.0f} ms"


def _packed_bytes(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), mtime=0))


def _ready_times_ms(base: str, chromium: str) -> list[float]:
    from playwright.sync_api import sync_playwright

    times = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(LOADS):
            context = browser.new_context(viewport={"width": 390, "height": 844})
            page = context.new_page()
            tools = context.new_cdp_session(page)
            tools.send("Network.enable")
            tools.send("Network.emulateNetworkConditions", SLOW_NETWORK)
            tools.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWER})
            page.goto(base)
            page.wait_for_function(f"() => {MARK}.length")
            times.append(page.evaluate(f"() => {MARK}[0].startTime"))
            context.close()
        browser.close()
    return times

"""The page in a real browser: what a person types, and what stands there then. Needs Chromium; in CI it must be there."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Iterator

import httpx
import pytest
import websockets

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0")
START_S, ANSWER_MS = 30.0, 8000
APPEARS = """
new Promise((found, missing) => {
  const look = () => { const node = [...document.querySelectorAll(%s)].find((each) => each.textContent.includes(%s)); if (node) found(node.outerHTML); };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
  setTimeout(() => missing(new Error("not there: " + document.body.innerText.slice(-600))), %d);
  look();
})
"""
TYPE = "document.getElementById('message').value = %s; document.getElementById('form').requestSubmit();"


class Page:
    """One page of a running Chromium, spoken to by its debugging protocol. `faults` are the errors that its scripts threw."""

    def __init__(self, socket: Any) -> None:
        self._socket, self._number, self.faults = socket, 0, []

    async def call(self, method: str, **parameters: Any) -> dict:
        self._number += 1
        await self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            said = json.loads(await asyncio.wait_for(self._socket.recv(), START_S))
            if said.get("method") == "Runtime.exceptionThrown":
                self.faults.append(said["params"]["exceptionDetails"]["exception"].get("description", "an error"))
            if said.get("id") == self._number:
                return said["result"]

    async def run(self, script: str) -> Any:
        result = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]["exception"]["description"]
        return result["result"].get("value")

    async def appears(self, selector: str, text: str = "") -> str:
        """Return the first element with the text, as soon as there is one."""
        return await self.run(APPEARS % (json.dumps(selector), json.dumps(text), ANSWER_MS))

    async def say(self, text: str) -> None:
        """Type and send, as soon as the page takes a message."""
        await self.appears('#send[aria-disabled="false"]')
        await self.run(TYPE % json.dumps(text))


@pytest.fixture(scope="module")
def debugging_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium on this machine (Debian: apt install chromium)")
    folder = tmp_path_factory.mktemp("chromium")
    process = subprocess.Popen([CHROMIUM, *FLAGS, f"--user-data-dir={folder}", "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield _port_of(folder / "DevToolsActivePort", process)
    finally:
        process.terminate()
        process.wait(10)


def _port_of(path: Path, process: subprocess.Popen) -> int:
    """Return the port that Chromium writes down when it listens."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        if path.is_file() and path.read_text().strip():
            return int(path.read_text().split()[0])
        time.sleep(0.05)
    pytest.fail("Chromium did not start")


def in_browser(port: int, address: str, dialogue) -> list[str]:
    """Run a dialogue on a new page at the address, and return what its scripts threw."""

    async def visit() -> list[str]:
        target = httpx.put(f"http://127.0.0.1:{port}/json/new?about:blank", trust_env=False).json()
        async with websockets.connect(target["webSocketDebuggerUrl"], max_size=None) as socket:
            page = Page(socket)
            await page.call("Runtime.enable")
            await page.call("Page.navigate", url=address)
            await page.appears("#log .msg")
            await dialogue(page)
            return page.faults

    return asyncio.run(visit())


def test_an_exercise_is_shown_with_its_drawing_and_then_an_emergency_stays_in_view(server, debugging_port, content):
    async def dialogue(page: Page) -> None:
        await page.say(content.exercises["clam_shell"].title)
        drawing = await page.appears("#log .msg", content.exercises["clam_shell"].steps[0])
        assert 'src="/pictures/clam_shell.svg"' in drawing and content.exercises["clam_shell"].picture in drawing
        assert await page.run("new Promise((done) => { const image = document.querySelector('#log img'); const look = () => done(image.naturalWidth > 0); image.complete ? look() : image.onload = look; })")
        await page.appears("#log .msg", content.wording["safety_net"].partition(".")[0])

        await page.say("I've lost control of my bladder")
        assert "tel:" in await page.appears("#pin-emergency .card")
        await page.say(content.answers["anatomy"].title)
        await page.appears("#log .msg", content.red_flags["ces_bladder_incontinence"].finding)
        await page.appears("#pin-emergency .card")

    assert in_browser(debugging_port, str(server.http.base_url), dialogue) == []


def test_an_answer_has_no_drawing(server, debugging_port, content):
    async def dialogue(page: Page) -> None:
        await page.say(content.answers["anatomy"].title)
        assert "<img" not in await page.appears("#log .msg", content.answers["anatomy"].title)
        await page.appears("#log .msg button", content.wording["more_hint"])

    assert in_browser(debugging_port, str(server.http.base_url), dialogue) == []

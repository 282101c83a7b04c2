"""The widget in Firefox, spoken to by WebDriver BiDi: Playwright drives Firefox only in a build of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Awaitable, Callable, Iterator

import pytest
import websockets

from tests.adapters.widget.dialogues import EMERGENCY

pytestmark = pytest.mark.slow

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
PREFERENCES = """
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("app.update.enabled", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
"""
ANSWER_S = 30.0
SETTLED = """new Promise((done, fail) => {
  const look = () => { const chat = document.querySelector("si-joint-chat"); if (chat?.isLoaded && !chat.isBusy) done(chat.shadowRoot.querySelector(%s)?.textContent ?? ""); else setTimeout(look, 50); };
  setTimeout(() => fail(new Error("not settled: " + document.body.innerText)), 15000);
  look();
})"""
SAY = "(() => { const chat = document.querySelector('si-joint-chat'); chat.input.value = %s; chat.form.requestSubmit(); })()"


class Firefox:
    """A session of WebDriver BiDi on one page."""

    def __init__(self, socket: Any) -> None:
        self._socket, self._number, self._page = socket, 0, ""

    async def call(self, method: str, **parameters: Any) -> dict:
        self._number += 1
        await self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            said = json.loads(await asyncio.wait_for(self._socket.recv(), ANSWER_S))
            if said.get("id") == self._number:
                assert said["type"] == "success", said
                return said["result"]

    async def open(self, address: str) -> None:
        await self.call("session.new", capabilities={})
        self._page = (await self.call("browsingContext.getTree"))["contexts"][0]["context"]
        await self.call("browsingContext.navigate", context=self._page, url=address, wait="complete")

    async def reload(self) -> None:
        await self.call("browsingContext.reload", context=self._page, wait="complete")

    async def run(self, script: str) -> Any:
        result = await self.call("script.evaluate", expression=script, target={"context": self._page}, awaitPromise=True)
        assert result["type"] == "success", result["exceptionDetails"]["text"]
        return result["result"].get("value")

    async def say(self, text: str, selector: str) -> str:
        """Type and send; return the text of the first element of the chat that the selector finds when the answer is there."""
        await self.run(SAY % json.dumps(text))
        return await self.settled(selector)

    async def settled(self, selector: str) -> str:
        return await self.run(SETTLED % json.dumps(selector))


@pytest.fixture(scope="module")
def debugger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address at which a running Firefox takes commands."""
    if FIREFOX is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Firefox on this machine (Debian: apt install firefox-esr)")
    folder: Path = tmp_path_factory.mktemp("firefox")
    (folder / "user.js").write_text(PREFERENCES, encoding="utf-8")
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0", "about:blank"]
    process = subprocess.Popen(command, env={**os.environ, "HOME": str(folder)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    try:
        found = next((match for line in process.stderr if (match := re.search(r"listening on (ws://\S+)", line))), None)
        assert found, "Firefox did not start"
        yield found.group(1)
    finally:
        process.terminate()
        process.wait(20)


def test_a_question_an_exercise_and_an_emergency_in_firefox(server, debugger, content):
    async def talk(firefox: Firefox) -> None:
        await firefox.open(str(server.http.base_url))
        assert content.wording["greeting"][:20] in await firefox.settled(".log .msg")
        assert content.answers["anatomy"].short[:40] in await firefox.say("what is the si joint?", ".log")
        await firefox.say(content.exercises["clam_shell"].title, ".log")
        drawing = "document.querySelector('si-joint-chat').shadowRoot.querySelector('.log img')"
        assert await firefox.run(f"{drawing}.decode().then(() => {drawing}.naturalWidth)") > 0
        assert content.red_flags["ces_bladder_incontinence"].finding in await firefox.say(EMERGENCY, ".pins .card.emergency")
        assert await firefox.run("document.querySelector('si-joint-chat').shadowRoot.querySelector('.pins a').protocol") == "tel:"
        await firefox.reload()
        assert content.red_flags["ces_bladder_incontinence"].finding in await firefox.settled(".pins .card.emergency")
        assert await firefox.run("getComputedStyle(document.querySelector('si-joint-chat').shadowRoot.querySelector('.panel')).display") in ("flex", "block")

    asyncio.run(with_firefox(debugger, talk))


async def with_firefox(address: str, talk: Callable[[Firefox], Awaitable[None]]) -> None:
    async with websockets.connect(f"{address.rstrip('/')}/session", max_size=None) as socket:
        await talk(Firefox(socket))

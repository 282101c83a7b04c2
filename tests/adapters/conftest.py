"""One real server on loopback for the tests over HTTP, and one assistant in this process for the tests of its faults."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, ContextManager, Iterator, Optional

import httpx
import pytest

from sijbot.adapters.assistant import Conversation
from sijbot.adapters.tokens import Tokens
from sijbot.adapters.training import stamp_path
from sijbot.settings import Settings

START_S = 60.0
POLL_S = 0.1
TURN = "/webhooks/web/webhook"
NO_LIMITS = {"SIJBOT_MESSAGES_PER_MINUTE": "100000", "SIJBOT_REQUESTS_PER_MINUTE": "1000000"}


@dataclass(frozen=True)
class Server:
    """A running `sijbot run`, and what a person or an attacker can do to it."""

    http: httpx.Client
    process: subprocess.Popen
    var: Path
    log: Path

    @property
    def tokens(self) -> Tokens:
        return Tokens((self.var / "secret").read_text(encoding="utf-8"))

    def start(self, region: str = "uk") -> str:
        """Return the token of a new conversation."""
        return self.http.post("/webhooks/web/conversations", json={"region": region}).json()["token"]

    def conversation(self, token: str) -> Conversation:
        return self.tokens.read(token)

    def turn(self, token: str, **body: Any) -> httpx.Response:
        return self.http.post(TURN, json=body, headers={"Authorization": f"Bearer {token}"})

    def raw(self, token: str, body: bytes) -> httpx.Response:
        return self.http.post(TURN, content=body, headers={"Authorization": f"Bearer {token}"})

    def say(self, token: str, text: str) -> list[dict]:
        """Return the replies to a typed text that must be answered."""
        response = self.turn(token, message=text)
        assert response.status_code == 200, response.text
        return response.json()["replies"]

    def kill(self) -> None:
        """End the server and whatever it started at once, as a machine that loses its power does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def is_alive(self) -> bool:
        return self.process.poll() is None and self.http.get("/live").status_code == 200


def only_sentence(response: httpx.Response) -> str:
    """Return the text of a refusal, which must be one fault reply that says something."""
    (reply,) = response.json()["replies"]
    assert reply["kind"] == "fault"
    assert len(reply["text"].split()) > 3
    return reply["text"]


@pytest.fixture(scope="session")
def sentence_of():
    return only_sentence


@pytest.fixture(scope="session")
def server(trained: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(trained, tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture
def run_server(trained: Settings, tmp_path: Path) -> Callable[..., ContextManager[Server]]:
    """Start a server on a folder of this test's own, with these settings of the environment; as often as the test likes, one after another."""
    return lambda **environment: running(trained, tmp_path, **environment)


@pytest.fixture(scope="module")
def run_module_server(trained: Settings, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ContextManager[Server]]:
    """Start a server for all tests of a module, with these settings of the environment."""
    return lambda **environment: running(trained, tmp_path_factory.mktemp("server"), **environment)


@pytest.fixture
def metrics_port() -> int:
    return _free_port()


@contextmanager
def running(trained: Settings, folder: Path, port: Optional[int] = None, is_ready: bool = True, prepare: Callable[[], object] = lambda: None, **settings: str) -> Iterator[Server]:
    """Start `sijbot run` with the trained model, on a port that is free where none is given; what it writes stays in the folder. Many tests ask from one address: its limits are high where a test sets no other.

    is_ready: False where a part is broken from the start, so that `/ready` never says yes. prepare: is called when the model is in its place.
    """
    var, log = folder / "var", folder / "log"
    (var / "model").mkdir(parents=True, exist_ok=True)
    for path in (trained.model, stamp_path(trained)):
        shutil.copy(path, var / "model")
    prepare()
    port = port or _free_port()
    environment = {**os.environ, **NO_LIMITS, "SIJBOT_VAR": str(var), "PORT": str(port), "PYTHONUNBUFFERED": "1", "RASA_TELEMETRY_ENABLED": "false", **settings}
    command = [sys.executable, "-W", "ignore", "-m", "sijbot.cli", "run"]
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=trained.root, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False)
    try:
        _wait_until_ready(http, process, log, "/ready" if is_ready else "/live")
        yield Server(http, process, var, log)
    finally:
        http.close()
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_ready(http: httpx.Client, process: subprocess.Popen, log: Path, address: str) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        if _status(http, address) == 200:
            return
        time.sleep(POLL_S)
    pytest.fail(f"the server is not ready: {log.read_text(errors='replace')[-2000:]}")


def _status(http: httpx.Client, address: str) -> Optional[int]:
    try:
        return http.get(address).status_code
    except httpx.TransportError:
        return None

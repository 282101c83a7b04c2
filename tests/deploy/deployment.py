"""The proxy of deploy/, rendered and run as it is, in front of whatever a test puts behind it; and replicas started by hand."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterator, Optional, Sequence

import httpx

from sijbot.settings import ROOT

START_S, STOP_S, POLL_S = 180.0, 15.0, 0.05  # a start takes 8 s, and up to a minute on two cores that work on other things too
WEB = "/webhooks/web"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(is_so: Callable[[], object], within_s: float = START_S) -> bool:
    """Return whether something came to be so within the time."""
    until = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(POLL_S)
    return True


def rendered(template: str, **values: object) -> str:
    """Return the template as envsubst makes it of these values: what is not named stays as it is."""
    return re.sub(r"\$\{(\w+)\}", lambda found: str(values[found[1]]) if found[1] in values else found[0], template)


@dataclass(frozen=True)
class Proxy:
    """The running proxy. http: a client that trusts its certificate."""

    http: httpx.Client
    http_port: int
    log: Path

    def replicas_asked(self) -> list[list[str]]:
        """Return, for each request that was passed on, the ports that were asked, in order."""
        lines = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
        return [[address.rpartition(":")[2] for address in line["replica"].split(", ")] for line in lines if line["replica"]]

    def asked_for(self, send: Callable[[], object]) -> list[str]:
        """Return the ports that were asked for one request, which `send` sends."""
        before = len(self.replicas_asked())
        send()
        assert eventually(lambda: len(self.replicas_asked()) > before, 5)
        return self.replicas_asked()[before]


@dataclass(frozen=True)
class Nginx:
    """Runs the template of deploy/ in front of these ports."""

    program: str
    certificate: Path
    folder: Path

    def configuration(self, ports: Sequence[int], rate: int = 1000, burst: int = 1000) -> tuple[Path, int, int]:
        """Write the configuration and return its path and the ports for HTTP and HTTPS."""
        http_port, https_port = free_port(), free_port()
        text = rendered(
            (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8").replace("/tmp/", f"{self.folder}/"), SERVER_NAME="localhost", HTTP_PORT=f"127.0.0.1:{http_port}", HTTPS_PORT=f"127.0.0.1:{https_port}",
            TLS_CERTIFICATE=self.certificate / "cert.pem", TLS_KEY=self.certificate / "key.pem", SENTENCES=ROOT / "deploy" / "sentences", RATE=rate, BURST=burst,
            REPLICAS=" ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports),
        )  # fmt: skip
        path = self.folder / "nginx.conf"
        path.write_text(text, encoding="utf-8")
        return path, http_port, https_port

    def command(self, path: Path) -> list[str]:
        user = "user root; " if os.getuid() == 0 else ""  # else its workers could not look into the folder of a test
        return [self.program, "-c", str(path), "-p", str(self.folder), "-g", f"{user}daemon off;"]

    @contextmanager
    def running(self, ports: Sequence[int], **limits: int) -> Iterator[Proxy]:
        path, http_port, https_port = self.configuration(ports, **limits)
        log = self.folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(self.command(path), stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            assert eventually(lambda: process.poll() is not None or _listens(https_port), 10) and process.poll() is None, log.read_text(encoding="utf-8")
            trust = ssl.create_default_context(cafile=str(self.certificate / "cert.pem"))
            with httpx.Client(base_url=f"https://127.0.0.1:{https_port}", verify=trust, timeout=10, trust_env=False) as http:
                yield Proxy(http, http_port, log)
        finally:
            process.terminate()
            process.wait(STOP_S)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Replica:
    """One `sijbot run` with settings of the environment, which can be ended, frozen and started again on the same port."""

    folder: Path
    settings: dict[str, str]
    port: int = field(default_factory=free_port)
    process: Optional[subprocess.Popen] = None
    root: Path = ROOT  # where it is started

    def begin(self) -> None:
        environment = {**os.environ, "SIJBOT_VAR": str(self.folder / "var"), "PORT": str(self.port), "PYTHONUNBUFFERED": "1", **self.settings}
        with (self.folder / "log").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "sijbot.cli", "run"], cwd=self.root, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/ready", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def start(self) -> None:
        """Start it, and return when it is ready."""
        self.begin()
        assert eventually(lambda: self.is_ready() or self.process.poll() is not None) and self.process.poll() is None, self.said()

    def said(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:]

    def kill(self) -> None:
        """End it as a machine does that loses its power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self) -> int:
        """Ask it to end, wait for that, and return its exit code."""
        self.process.terminate()
        return self.process.wait(STOP_S)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.thaw()
            self.kill()


@dataclass(frozen=True)
class Cluster:
    """Two replicas on one PostgreSQL behind the proxy."""

    proxy: Proxy
    replicas: tuple[Replica, Replica]

    def token(self, region: str = "uk") -> str:
        """Return the token of a new conversation."""
        return self.proxy.http.post(f"{WEB}/conversations", json={"region": region}).json()["token"]

    def send(self, token: str, text: str, message_id: str) -> httpx.Response:
        return self.proxy.http.post(f"{WEB}/webhook", json={"message": text, "message_id": message_id}, headers={"Authorization": f"Bearer {token}"})

    def history(self, token: str) -> list[dict]:
        return self.proxy.http.get(f"{WEB}/history", headers={"Authorization": f"Bearer {token}"}).json()["messages"]

    def home(self, token: str, text: str, message_id: str) -> Replica:
        """Send a message, and return the replica that took it."""
        (port,) = self.proxy.asked_for(lambda: self.send(token, text, message_id))
        return next(replica for replica in self.replicas if str(replica.port) == port)

    def make_whole(self) -> None:
        """Start what was ended."""
        for replica in self.replicas:
            if replica.process is None or replica.process.poll() is not None:
                replica.start()

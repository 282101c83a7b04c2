"""Where hand-offs are delivered to: a clinic's server, which may be broken, slow or gone."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, AsyncIterator, Mapping, Optional

from aiohttp import web

from evaluation.faults.databases import CannotBreak
from evaluation.faults.processes import free_port

SLOW_S = 4.0
ID_HEADERS = ("Idempotency-Key", "X-Sijbot-Id", "X-Event-Id", "Webhook-Id")
WELL, FAILS, SLOW = "well", "fails", "slow"


@dataclass(frozen=True)
class Request:
    """A request that came, and whether the target said that it has it."""

    id: str
    is_taken: bool
    text: str


class Target:
    """An HTTPS server with a certificate of its own, which `authority` vouches for."""

    def __init__(self) -> None:
        if not shutil.which("openssl"):
            raise CannotBreak("openssl is not installed, which makes the certificate of the server that hand-offs go to")
        self._folder = Path(tempfile.mkdtemp(prefix="sijbot-faults-target-"))
        self.authority, key = self._folder / "certificate.pem", self._folder / "key.pem"
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "7", "-keyout", str(key), "-out", str(self.authority), *subject], check=True, capture_output=True)
        self.port = free_port()
        self.url = f"https://localhost:{self.port}/hand-offs"
        self.requests: list[Request] = []
        self._how = WELL
        self._runner: Optional[web.AppRunner] = None
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(self.authority, key)

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_post("/{tail:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "localhost", self.port, ssl_context=self._tls, shutdown_timeout=0.1, reuse_address=True).start()

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def close(self) -> None:
        """Stop, and leave nothing behind."""
        await self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @asynccontextmanager
    async def doing(self, how: str) -> AsyncIterator[None]:
        """Answer every request with a fault, or slowly."""
        self._how = how
        try:
            yield
        finally:
            self._how = WELL

    @asynccontextmanager
    async def gone(self) -> AsyncIterator[None]:
        """Refuse connections."""
        await self.stop()
        try:
            yield
        finally:
            await self.start()

    async def _take(self, request: web.Request) -> web.Response:
        text = await request.text()
        if self._how == SLOW:
            await asyncio.sleep(SLOW_S)
        is_taken = self._how != FAILS
        self.requests.append(Request(_id_of(request.headers, text), is_taken, text))
        return web.json_response({}, status=200 if is_taken else 500)


def _id_of(headers: Mapping[str, str], text: str) -> str:
    """Return what a request calls itself: by a header, or by `id` of its body."""
    named = next((headers[name] for name in ID_HEADERS if name in headers), None)
    if named:
        return named
    try:
        body: Any = json.loads(text)
    except ValueError:
        return ""
    return str(body.get("id", "")) if isinstance(body, dict) else ""

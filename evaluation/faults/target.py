"""Where hand-offs are delivered to: a clinic's server, which may be broken, slow or gone."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import AsyncIterator, Optional

from aiohttp import web

from evaluation.faults.certificate import Certificate
from evaluation.faults.processes import free_port

SLOW_S = 4.0
ID_HEADER = "X-Sijbot-Id"
WELL, FAILS, SLOW = "well", "fails", "slow"


@dataclass(frozen=True)
class Request:
    """A request that came, and whether the target said that it has it."""

    id: str
    is_taken: bool
    text: str


class Target:
    """An HTTPS server."""

    def __init__(self, certificate: Certificate) -> None:
        self._certificate = certificate
        self.port = free_port()
        self.url = f"https://localhost:{self.port}/hand-offs"
        self.requests: list[Request] = []
        self._how = WELL
        self._runner: Optional[web.AppRunner] = None

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_post("/{tail:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "localhost", self.port, ssl_context=self._certificate.served(), shutdown_timeout=0.1, reuse_address=True).start()

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

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
        is_taken = self._how != FAILS
        try:
            body = await request.text()
        except ConnectionResetError:  # who sends was killed meanwhile
            return web.Response(status=400)
        self.requests.append(Request(request.headers.get(ID_HEADER, ""), is_taken, body))
        if self._how == SLOW:
            await asyncio.sleep(SLOW_S)
        return web.json_response({}, status=200 if is_taken else 500)

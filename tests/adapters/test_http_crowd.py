"""Of many who come at once nobody is overlooked."""

from __future__ import annotations

import asyncio
import os
import signal
import socket

import pytest

from sijbot import runtime
from sijbot.adapters.server import create_app
from sijbot.settings import Settings

pytestmark = pytest.mark.slow

COMERS, ROUNDS = 300, 10


def come(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=0.5)


def test_all_who_come_while_the_process_is_held_up_are_answered_afterwards(server):
    port = server.http.base_url.port
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        comers = [come(port) for _ in range(COMERS)]
    finally:
        os.kill(server.process.pid, signal.SIGCONT)

    for comer in comers:
        with comer:
            comer.settimeout(10)
            comer.sendall(b"GET /live HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            assert b" 200 " in comer.recv(1024)


def test_how_many_are_taken_does_not_depend_on_how_often_the_loop_goes_round():
    create_app(runtime.build(Settings(database_url="sqlite://")), None)
    loop, taken = asyncio.new_event_loop(), []

    class Taken(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            taken.append(transport)

    async def go_round() -> None:
        serving = await loop.create_server(Taken, "127.0.0.1", 0, backlog=COMERS)
        comers = [come(serving.sockets[0].getsockname()[1]) for _ in range(COMERS)]
        for _ in range(ROUNDS):
            await asyncio.sleep(0)
        for each in (*taken, *comers, serving):
            each.close()

    try:
        loop.run_until_complete(go_round())
    finally:
        loop.close()

    assert len(taken) == COMERS

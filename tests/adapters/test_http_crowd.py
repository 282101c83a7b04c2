"""Of many who come at once nobody is overlooked."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from sijbot import runtime
from sijbot.adapters.server import create_app
from sijbot.settings import Settings
from tests.adapters.conftest import TURN

pytestmark = pytest.mark.slow

COMERS, ROUNDS = 300, 10
CROWD, DANGER = 50, "I've lost control of my bladder"


def outcomes(metrics_port: int) -> Counter:
    """Return how many messages there were, by what became of them."""
    text = httpx.get(f"http://127.0.0.1:{metrics_port}/metrics", trust_env=False).text
    return Counter({outcome: float(number) for outcome, number in re.findall(r'^sijbot_turns_total{channel="web",outcome="(\w+)"} ([\d.]+)$', text, re.M)})


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


def test_in_a_crowd_danger_is_heard_before_those_who_came_first_are_answered(server, content):
    questions = [title for title in (content.title_of(topic) for topic in content.subject_of)][:CROWD]
    tokens = [server.start() for _ in (*questions, DANGER)]
    done = []

    def say(token: str, text: str) -> None:
        answer = server.turn(token, message=text)
        done.append((text, answer.status_code, answer.json()["replies"]))

    with ThreadPoolExecutor(CROWD + 1) as people:
        for token, question in zip(tokens, questions):
            people.submit(say, token, question)
        people.submit(say, tokens[-1], DANGER)

    assert len(done) == CROWD + 1 and {status for _, status, _ in done} <= {200, 429} and all(replies for _, _, replies in done)
    place = [text for text, _, _ in done].index(DANGER)
    assert done[place][1] == 200 and done[place][2][0]["kind"] == "care_card"
    assert place < CROWD / 2


def test_in_a_crowd_whoever_has_left_is_told_to_come_again_before_anything_of_theirs_is_read(run_server, metrics_port):
    with run_server(SIJBOT_METRICS_PORT=str(metrics_port)) as server:
        before, tokens = outcomes(metrics_port), [server.start() for _ in range(CROWD)]
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            for token in tokens:
                body = json.dumps({"message": "What is the SI joint?"})
                with come(server.http.base_url.port) as comer:
                    comer.sendall(f"POST {TURN} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        assert server.turn(server.start(), message=DANGER).json()["replies"][0]["kind"] == "care_card"
        came = outcomes(metrics_port) - before

    assert came["shed"] > CROWD - 5, came  # those at work when the others came are not among them; who waits when the connection is closed would be `refused`


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
